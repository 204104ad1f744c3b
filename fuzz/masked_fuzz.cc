// Words of a masked sum, as they come from a peer: one word of a run has another one said before
// it, by the input: the first two bytes choose which, the third whether the rest is the word itself
// or is laid over the true one. What is refused changes nothing: the run ends with the sum. No
// accepted word ever makes it end with another one.

#include <cstdlib>
#include <deque>

#include "aggregation/masked/masked.h"
#include "aggregation/masked/stand_in.h"
#include "privacy/chain.h"

using namespace hanse;

namespace {

constexpr std::size_t kSites = 3;
constexpr std::size_t kCoordinates = 3;

base::Bytes bytes_of(base::ByteView view) { return {view.begin(), view.end()}; }

template <class T>
T expect(base::Result<T> result) {
  if (!result) std::abort();
  return std::move(result).value();
}

// What all runs share.
struct Party {
  aggregation::testing::StandIn agreement;
  std::unique_ptr<aggregation::Backend> backend = aggregation::masked_over(agreement);
  base::SeededSimulationRandom random{1, "fuzz"};
  privacy::Layout layout{{{"part", kCoordinates, 10}}, expect(math::Lattice::create(0)), 1};
  std::vector<crypto::Signer> signers;
  aggregation::Setup setup;

  Party() {
    setup.layout = {{kCoordinates, layout.bound(layout.parts[0])}};
    // All of them, so that no set but the true one is ever enough.
    setup.threshold = kSites;
    for (std::size_t i = 0; i < kSites; ++i) {
      signers.push_back(crypto::Signer::create(random));
      setup.cohort.push_back(expect(base::SiteId::create(fmt::format("plant-{}", i))));
      setup.keys.push_back(signers[i].verifier());
    }
  }
  math::Sealable input() const {
    privacy::ClippedSumAccumulator sum(layout, "record");
    if (!sum.add(std::vector<double>{1, -2, 3})) std::abort();
    return privacy::Noised::in_the_clear(std::move(sum).finish(), privacy::InTheClear())
        .surrender();
  }
};

class Run {
 public:
  explicit Run(Party& party) : party_(party) {
    coordinator_ = expect(party.backend->coordinator(party.setup, {}));
    for (std::size_t i = 0; i < kSites; ++i) {
      sites_.push_back(
          expect(party.backend->site(party.setup, {party.setup.cohort[i], &party.signers[i]}, {})));
      keep(i, sites_[i]->begin(party.random));
    }
  }

  void run(std::size_t at, bool is_laid_over, base::ByteView input) {
    for (std::size_t step = 0; !words_.empty(); ++step) {
      const Word word = std::move(words_.front());
      words_.pop_front();
      if (step == at) disturb(word, is_laid_over, input);
      if (!say(word) && !is_disturbed_) std::abort();
      contribute();
    }
    auto sum = std::move(*coordinator_).finish();
    if (!sum && !is_disturbed_) std::abort();
    if (!sum) return;
    const math::Opened opened = std::move(*sum).open();
    const std::vector<std::int64_t> expected{3, -6, 9};
    if (!std::ranges::equal(opened.values(), expected)) std::abort();
  }

 private:
  struct Word {
    bool is_for_site;
    std::size_t site;
    base::Bytes bytes;
  };

  void disturb(const Word& word, bool is_laid_over, base::ByteView input) {
    Word other{word.is_for_site, word.site, bytes_of(input)};
    if (is_laid_over) {
      other.bytes = word.bytes;
      for (std::size_t i = 0; i < input.size() && i < other.bytes.size(); ++i)
        other.bytes[other.bytes.size() - 1 - i] ^= input[i];
    }
    // Shares that nobody can look into are taken, and show when they are opened.
    is_disturbed_ = say(other) && other.bytes != word.bytes;
  }

  bool say(const Word& word) {
    if (word.is_for_site) {
      auto step = sites_[word.site]->advance(word.bytes);
      if (step) keep(word.site, std::move(*step));
      return step.has_value();
    }
    auto step = coordinator_->advance(party_.setup.cohort[word.site], word.bytes);
    if (step) keep(std::move(*step));
    return step.has_value();
  }

  void contribute() {
    for (std::size_t i = 0; i < kSites; ++i) {
      if (!sites_[i]->wants_input()) continue;
      auto step = expect(sites_[i]->advance(party_.input()));
      const std::vector<base::Slice> slices{step.sealed->bytes()};
      auto taken = coordinator_->advance(party_.setup.cohort[i], slices);
      if (taken)
        keep(std::move(*taken));
      else if (!is_disturbed_)
        std::abort();
    }
  }

  void keep(std::size_t site, aggregation::SiteStep step) {
    for (const auto& word : step.send) words_.push_back({false, site, bytes_of(word.bytes())});
  }
  void keep(aggregation::CoordinatorStep step) {
    for (const auto& word : step.send) {
      const auto site =
          std::ranges::find(party_.setup.cohort, word.site) - party_.setup.cohort.begin();
      words_.push_back({true, static_cast<std::size_t>(site), bytes_of(word.exchange.bytes())});
    }
  }

  Party& party_;
  std::unique_ptr<aggregation::CoordinatorMachine> coordinator_;
  std::vector<std::unique_ptr<aggregation::SiteMachine>> sites_;
  std::deque<Word> words_;
  bool is_disturbed_ = false;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static auto& party = *new Party;
  if (size < 3 || size > 16384) return 0;
  const base::ByteView bytes = std::as_bytes(std::span(data, size));
  const std::size_t at = data[0] + std::size_t{256} * data[1];
  Run(party).run(at % 24, data[2] % 2 == 1, bytes.subspan(3));
  return 0;
}
