// A ledger against a naive one that keeps everything in lists and adds up by hand.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <set>

#include "base/random.h"
#include "privacy/ledger/testing.h"

namespace hanse::privacy {
namespace {

using base::ErrorCode;
using testing::kNow;

// Assets and blocks by number, one gate of ε each; losses are pure, so that a price is a product.
class Naive {
 public:
  struct Way {
    std::size_t asset;
    std::optional<std::size_t> block;  // of all blocks
    unsigned stability;
  };
  struct Asset {
    std::vector<Way> parents;  // none: opened
    std::vector<std::size_t> blocks;
  };
  struct Use {
    std::size_t asset;
    std::optional<std::size_t> block;
    std::uint64_t units;
    std::uint64_t count;
    bool operator==(const Use&) const = default;
  };
  struct Release {
    std::size_t job;
    std::vector<Use> uses;
    ReleasePhase phase;
  };

  // How far a unit of each block moves the asset: all ways, one by one.
  const std::map<std::size_t, std::uint64_t>& reach(std::size_t asset) const {
    if (seen_ != assets.size() + blocks.size()) {
      seen_ = assets.size() + blocks.size();
      reaches_.clear();
    }
    const auto known = reaches_.find(asset);
    if (known != reaches_.end()) return known->second;
    std::map<std::size_t, std::uint64_t> all;
    for (const std::size_t block : assets[asset].blocks) all[block] = 1;
    for (const Way& way : assets[asset].parents)
      for (const auto& [block, stability] : reach(way.asset))
        if (!way.block || *way.block == block) all[block] += stability * way.stability;
    return reaches_[asset] = all;
  }

  std::map<std::size_t, std::uint64_t> price(const std::vector<Use>& uses) const {
    std::map<std::size_t, std::uint64_t> all;
    for (const Use& use : uses)
      for (const auto& [block, stability] : reach(use.asset))
        if (!use.block || *use.block == block) all[block] += stability * use.units * use.count;
    return all;
  }

  std::optional<ErrorCode> reserve(const std::string& id, const Release& release) {
    if (closed.contains(release.job)) return ErrorCode::failed_precondition;
    const auto known = releases.find(id);
    if (known != releases.end() &&
        (known->second.phase != ReleasePhase::cancelled || known->second.job != release.job ||
         known->second.uses != release.uses))
      return ErrorCode::already_exists;
    const auto prices = price(release.uses);
    for (const auto& [block, units] : prices)
      if (spent[block] + units > (std::uint64_t{1} << 40)) return ErrorCode::budget_exhausted;
    for (const auto& [block, units] : prices) spent[block] += units;
    releases.insert_or_assign(id, release);
    return {};
  }

  std::optional<ErrorCode> move(const std::string& id, ReleasePhase from, ReleasePhase to) {
    const auto known = releases.find(id);
    if (known == releases.end()) return ErrorCode::not_found;
    if (known->second.phase != from) return ErrorCode::failed_precondition;
    known->second.phase = to;
    if (to == ReleasePhase::cancelled)
      for (const auto& [block, units] : price_then.at(id)) spent[block] -= units;
    return {};
  }

  std::optional<ErrorCode> close(std::size_t job) {
    if (!jobs.contains(job)) return ErrorCode::not_found;
    if (!closed.insert(job).second) return ErrorCode::failed_precondition;
    std::erase_if(releases, [&](const auto& one) { return one.second.job == job; });
    return {};
  }

  std::vector<Asset> assets;
  std::vector<std::string> blocks;
  std::map<std::size_t, std::uint64_t> spent;
  std::map<std::string, Release> releases;
  std::map<std::string, std::map<std::size_t, std::uint64_t>> price_then;
  std::set<std::size_t> jobs;
  std::set<std::size_t> closed;

 private:
  mutable std::size_t seen_ = 0;
  mutable std::map<std::size_t, std::map<std::size_t, std::uint64_t>> reaches_;
};

class Play {
 public:
  explicit Play(std::uint64_t seed) : random_(seed, "ledger") { open_asset(); }

  void step() {
    const std::uint64_t die = below(1000);
    if (die < 2 && naive_.assets.size() < 12) return open_asset();
    if (die < 5 && naive_.assets.size() < 24) return derive();
    if (die < 8 && naive_.blocks.size() < 60) return open_block();
    if (die < 10) return close();
    if (die < 500) return reserve();
    const std::string id = release_name();
    if (die < 750)
      return expect(PrivacyLedger::commit_entry(testing::release(id), {}, kNow),
                    naive_.move(id, ReleasePhase::reserved, ReleasePhase::committed));
    if (die < 850)
      return expect(PrivacyLedger::cancel_entry(testing::release(id), kNow),
                    naive_.move(id, ReleasePhase::reserved, ReleasePhase::cancelled));
    if (die < 990)
      return expect(PrivacyLedger::receipt_entry(testing::release(id), kNow),
                    naive_.move(id, ReleasePhase::committed, ReleasePhase::receipted));
    garble();
  }

  void compare() {
    for (std::size_t asset = 0; asset < naive_.assets.size(); ++asset) {
      const auto standing = ledger_.standing(testing::asset(name(asset))).value();
      const auto& reach = naive_.reach(asset);
      ASSERT_EQ(standing.size(), reach.size());
      for (const BlockStanding& block : standing) {
        const std::size_t number = number_of(block.block);
        ASSERT_EQ(block.stability, static_cast<double>(reach.at(number)));
        ASSERT_EQ(block.spent.units, naive_.spent[number]);
        ASSERT_LE(block.spent.units, block.capacity.units);
      }
    }
    for (const auto& [id, release] : naive_.releases)
      ASSERT_EQ(ledger_.find(testing::release(id))->phase, release.phase);
  }

  // The same entries again give the same bits, and so does a snapshot.
  void replay() {
    PrivacyLedger again;
    for (const base::Bytes& entry : entries_) {
      ASSERT_TRUE(again.check(entry));
      again.apply(entry);
    }
    ASSERT_EQ(again, ledger_);
    ASSERT_EQ(again.snapshot(), ledger_.snapshot());
    ASSERT_EQ(PrivacyLedger::restore(ledger_.snapshot()).value(), ledger_);
  }

  // Goes on from what a snapshot brings back.
  void restart() { ledger_ = PrivacyLedger::restore(ledger_.snapshot()).value(); }

  std::size_t taken() const { return entries_.size(); }
  std::size_t refused() const { return refused_; }

 private:
  std::uint64_t below(std::uint64_t bound) { return base::uniform_below(random_, bound); }
  static std::string name(std::size_t number) { return fmt::format("a{}", number); }
  std::size_t number_of(const BlockName& block) const {
    return static_cast<std::size_t>(std::ranges::find(naive_.blocks, block.text()) -
                                    naive_.blocks.begin());
  }
  std::string release_name() {
    // Of jobs of late, and of any time.
    const std::uint64_t job = below(10) == 0 ? below(job_ + 1) : job_;
    return fmt::format("{} {}", job, below(200));
  }

  void expect(const base::Result<base::Bytes>& entry, std::optional<ErrorCode> code) {
    const auto done = testing::put(ledger_, entry);
    ASSERT_EQ(testing::code(done), code) << (done ? "" : done.error().text());
    if (done) entries_.push_back(*entry);
    refused_ += !done;
  }

  void open_asset() {
    const std::size_t number = naive_.assets.size();
    expect(
        ledger_.open_asset_entry(
            testing::new_asset(name(number), testing::gate(Currency::epsilon_delta, 1, 0)), kNow),
        {});
    naive_.assets.push_back({{}, {naive_.blocks.size()}});
    naive_.blocks.push_back(name(number) + "/first");
  }

  void open_block() {
    const std::size_t number = below(naive_.assets.size());
    const std::string text = fmt::format("{}/b{}", name(number), naive_.blocks.size());
    const bool derived = !naive_.assets[number].parents.empty();
    expect(ledger_.open_block_entry(testing::block(text), kNow),
           derived ? std::optional(ErrorCode::failed_precondition) : std::nullopt);
    if (derived) return;
    naive_.assets[number].blocks.push_back(naive_.blocks.size());
    naive_.blocks.push_back(text);
  }

  std::optional<std::size_t> some_block(std::size_t asset) {
    if (below(2) == 0) return {};
    const auto& reach = naive_.reach(asset);
    return std::next(reach.begin(), static_cast<long>(below(reach.size())))->first;
  }
  std::optional<std::vector<BlockName>> named(const std::optional<std::size_t>& block) const {
    if (!block) return {};
    return std::vector{testing::block(naive_.blocks[*block])};
  }

  void derive() {
    std::vector<Parent> parents;
    Naive::Asset asset;
    for (std::uint64_t i = 0; i <= below(3); ++i) {
      const std::size_t parent = below(std::min<std::size_t>(naive_.assets.size(), 6));
      const auto stability = static_cast<unsigned>(1 + below(3));
      const auto block = some_block(parent);
      asset.parents.push_back({parent, block, stability});
      parents.push_back({testing::asset(name(parent)), named(block), double(stability)});
    }
    expect(ledger_.derive_asset_entry(testing::asset(name(naive_.assets.size())), parents, kNow),
           {});
    naive_.assets.push_back(asset);
  }

  void close() {
    expect(PrivacyLedger::close_entry(testing::job(fmt::format("j{}", job_)), kNow),
           naive_.close(job_));
    ++job_;
  }

  void reserve() {
    const std::string id = release_name();
    Naive::Release release{below(20) == 0 ? below(job_ + 1) : job_, {}, ReleasePhase::reserved};
    const auto known = naive_.releases.find(id);
    if (known != naive_.releases.end() && below(2) == 0) release = known->second;
    release.phase = ReleasePhase::reserved;
    if (release.uses.empty())
      for (std::uint64_t i = 0; i <= below(3); ++i) {
        const std::size_t asset = below(naive_.assets.size());
        release.uses.push_back({asset, some_block(asset),
                                std::uint64_t{1} << below(below(50) == 0 ? 37 : 12), 1 + below(5)});
      }
    Request request = testing::request(id, {}, fmt::format("j{}", release.job));
    for (const Naive::Use& use : release.uses)
      request.uses.push_back({testing::asset(name(use.asset)),
                              named(use.block),
                              {testing::pure(use.units, use.count)}});
    const auto prices = naive_.price(release.uses);
    const auto code = naive_.reserve(id, release);
    if (!code) {
      naive_.price_then[id] = prices;
      naive_.jobs.insert(release.job);
    }
    expect(ledger_.reserve_entry(request, kNow), code);
  }

  // A flipped bit is refused, or means something else; it never breaks the ledger.
  void garble() {
    base::Bytes entry = entries_[below(entries_.size())];
    entry[below(entry.size())] ^= std::byte{1} << below(8);
    (void)ledger_.check(entry);
  }

  base::SeededSimulationRandom random_;
  Naive naive_;
  PrivacyLedger ledger_;
  std::vector<base::Bytes> entries_;
  std::uint64_t job_ = 0;
  std::size_t refused_ = 0;
};

// HANSE_FULL: a million operations. Else a tenth.
TEST(LedgerModel, AgreesWithANaiveLedger) {
  const std::size_t total = std::getenv("HANSE_FULL") != nullptr ? 1'000'000 : 100'000;
  Play play(5);
  for (std::size_t i = 0; i < total; ++i) {
    play.step();
    if (::testing::Test::HasFatalFailure()) FAIL() << "operation " << i;
    if (i % (total / 50) == 0) {
      play.compare();
      play.restart();
    }
    if (::testing::Test::HasFatalFailure()) FAIL() << "operation " << i;
  }
  play.compare();
  play.replay();
  EXPECT_GT(play.taken(), total / 10);
  EXPECT_GT(play.refused(), total / 20);
}

}  // namespace
}  // namespace hanse::privacy
