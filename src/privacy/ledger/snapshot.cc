// A ledger's state as bytes, and back.
#include <algorithm>
#include <limits>

#include "privacy/ledger/ledger.h"
#include "privacy/ledger/wire.h"

namespace hanse::privacy {
namespace {

using base::ErrorCode;
using base::fail;
using base::Result;

// A ledger at all of its bounds, with room.
constexpr std::size_t kMaxSnapshotBytes = std::size_t{512} << 20;

template <class... Args>
tl::unexpected<base::Error> torn(fmt::format_string<Args...> format, Args&&... args) {
  return fail(ErrorCode::corruption, "a ledger's state: {}",
              fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace

// Builds a ledger from its snapshot, and holds it to everything that its entries would have been
// held to. Named, so that PrivacyLedger can let it in.
class LedgerReader {
 public:
  Result<PrivacyLedger> read(const wire::Snapshot& in) {
    if (static_cast<std::size_t>(in.assets_size()) > kMaxAssets ||
        static_cast<std::size_t>(in.blocks_size()) > kMaxBlocks ||
        static_cast<std::size_t>(in.jobs_size()) > kMaxLedgerJobs)
      return torn("{} assets, {} blocks and {} jobs", in.assets_size(), in.blocks_size(),
                  in.jobs_size());
    for (const wire::Asset& asset : in.assets()) HANSE_TRY_VOID(add(asset));
    for (const wire::Block& block : in.blocks()) HANSE_TRY_VOID(add(block));
    for (PrivacyLedger::Asset& asset : out_.assets_) HANSE_TRY_VOID(finish(asset));
    for (const wire::Job& job : in.jobs()) HANSE_TRY_VOID(add(job));
    if (out_.held_ > kMaxHeld) return torn("{} prices, draws and lines", out_.held_);
    for (const PrivacyLedger::Block& block : out_.blocks_)
      if (!block.unresolved.fits(block.spent) || !block.spent.fits(block.capacity))
        return torn("block '{}' does not add up", block.name.text());
    return std::move(out_);
  }

 private:
  Result<void> add(const wire::Asset& in) {
    if (in.has_opened()) {
      HANSE_TRY(entry::AssetOpened opened, opened_from(in.opened()));
      HANSE_TRY_VOID(out_.check_new_asset(opened.asset));
      HANSE_TRY(Gate gate, Gate::create(opened.currency, opened.epsilon, opened.delta));
      out_.asset_index_.emplace(opened.asset.text(),
                                static_cast<std::uint32_t>(out_.assets_.size()));
      const AssetId name = opened.asset;
      UnitId unit = opened.unit;
      const Neighbours neighbours = opened.neighbours;
      out_.assets_.push_back(
          {name, std::move(opened), std::move(gate), std::move(unit), neighbours, 0, {}});
      return {};
    }
    HANSE_TRY(entry::AssetDerived derived, derived_from(in.derived()));
    // Complete once the blocks are there, and only then known to what is derived from it.
    const AssetId name = derived.asset;
    out_.assets_.push_back(
        {name, std::move(derived), {}, UnitId::create("none").value(), {}, 0, {}});
    return {};
  }

  Result<void> add(const wire::Block& in) {
    HANSE_TRY(BlockName name, block_from(in.name()));
    HANSE_TRY(const std::uint32_t asset, out_.asset_number(name.asset));
    if (out_.block_index_.contains(name.text())) return torn("block '{}' twice", name.text());
    out_.add_block(std::move(name), asset);
    out_.blocks_.back().spent = price_from(in.spent());
    return {};
  }

  Result<void> finish(PrivacyLedger::Asset& asset) {
    if (const auto* opened = std::get_if<entry::AssetOpened>(&asset.made)) {
      const BlockName first{asset.name, opened->block};
      if (asset.cover.empty() || out_.blocks_[asset.cover[0].block].name != first)
        return torn("asset '{}' does not begin with block '{}'", asset.name.text(), first.text());
      return {};
    }
    HANSE_TRY_VOID(out_.check_new_asset(asset.name));
    HANSE_TRY(PrivacyLedger::Asset whole,
              out_.derived_asset(std::get<entry::AssetDerived>(asset.made)));
    out_.covered_ += whole.cover.size();
    out_.asset_index_.emplace(asset.name.text(),
                              static_cast<std::uint32_t>(&asset - out_.assets_.data()));
    asset = std::move(whole);
    return {};
  }

  Result<void> add(const wire::Job& in) {
    HANSE_TRY(const base::JobId name, base::JobId::create(in.name()));
    if (out_.find_job(name) != nullptr) return torn("job '{}' twice", name.text());
    if (in.closed() && (in.has_prepaid() || in.releases_size() > 0))
      return torn("job '{}' is closed and has releases", name.text());
    if (static_cast<std::size_t>(in.releases_size()) > kMaxReleasesPerJob)
      return torn("job '{}' has {} releases", name.text(), in.releases_size());
    PrivacyLedger::Job& job = out_.job_of(name);
    job.closed = in.closed();
    if (in.has_prepaid()) {
      HANSE_TRY(job.prepaid, composition_from(in.prepaid()));
      out_.held_ += PrivacyLedger::held(job.prepaid->lines);
    }
    for (const wire::Release& release : in.releases()) HANSE_TRY_VOID(add(release, job));
    return {};
  }

  Result<PrivacyLedger::Composition> composition_from(const wire::Composition& in) const {
    HANSE_TRY(const base::Digest digest, digest_from(in.digest()));
    PrivacyLedger::Composition composition{digest, {}};
    for (const wire::Line& line : in.lines()) {
      HANSE_TRY(const PrivacyLoss loss, loss_from(line.loss()));
      const std::vector<std::uint32_t> blocks{line.blocks().begin(), line.blocks().end()};
      if (line.asset() >= out_.assets_.size() || blocks.empty() ||
          std::ranges::adjacent_find(blocks, std::ranges::greater_equal()) != blocks.end() ||
          blocks.back() >= out_.blocks_.size())
        return torn("a line of what was prepaid");
      composition.lines.push_back({line.asset(), blocks, loss, line.left()});
    }
    return composition;
  }

  Result<void> add(const wire::Release& in, PrivacyLedger::Job& job) {
    HANSE_TRY(const base::Digest id, digest_from(in.release()));
    HANSE_TRY(const base::Digest request, digest_from(in.request()));
    HANSE_TRY(const base::Digest payload, digest_from(in.payload()));
    if (in.phase() > static_cast<std::uint32_t>(ReleasePhase::cancelled))
      return torn("a release in phase {}", in.phase());
    PrivacyLedger::Release release{
        {ReleaseId::from_digest(id), request, payload, static_cast<ReleasePhase>(in.phase())},
        {},
        {}};
    if (release.phase != ReleasePhase::reserved && (in.prices_size() > 0 || in.draws_size() > 0))
      return torn("release {} holds what is over", id.hex());
    HANSE_TRY_VOID(add_prices(in, release));
    HANSE_TRY_VOID(add_draws(in, job, release));
    out_.held_ += release.prices.size() + release.draws.size();
    const PrivacyLedger::Place place{static_cast<std::uint32_t>(&job - out_.jobs_.data()),
                                     static_cast<std::uint32_t>(job.releases.size())};
    if (!out_.releases_.emplace(release.release, place).second)
      return torn("release {} twice", id.hex());
    if (out_.releases_.size() > kMaxReleases) return torn("{} releases", out_.releases_.size());
    job.releases.push_back(std::move(release));
    return {};
  }

  Result<void> add_prices(const wire::Release& in, PrivacyLedger::Release& release) {
    for (const wire::BlockPrice& one : in.prices()) {
      const BlockPrice price = price_from(one);
      if (price.block >= out_.blocks_.size()) return torn("no block {}", price.block);
      Price& unresolved = out_.blocks_[price.block].unresolved;
      unresolved = unresolved.plus(price.price);
      release.prices.push_back(price);
    }
    return {};
  }

  static Result<void> add_draws(const wire::Release& in, const PrivacyLedger::Job& job,
                                PrivacyLedger::Release& release) {
    constexpr auto kMost = std::numeric_limits<std::uint64_t>::max();
    for (const wire::Draw& draw : in.draws()) {
      if (!job.prepaid || draw.line() >= job.prepaid->lines.size() ||
          draw.count() > kMost - job.prepaid->lines[draw.line()].left)
        return torn("a draw on line {}", draw.line());
      release.draws.push_back({draw.line(), draw.count()});
    }
    return {};
  }

  PrivacyLedger out_;
};

base::Bytes PrivacyLedger::snapshot() const {
  wire::Snapshot out;
  for (const Asset& asset : assets_) {
    wire::Asset* to = out.add_assets();
    if (const auto* derived = std::get_if<entry::AssetDerived>(&asset.made))
      put(*derived, to->mutable_derived());
    else
      put(std::get<entry::AssetOpened>(asset.made), to->mutable_opened());
  }
  for (const Block& block : blocks_) {
    wire::Block* to = out.add_blocks();
    put(block.name, to->mutable_name());
    put(block.spent, to->mutable_spent());
  }
  for (const Job& job : jobs_) {
    wire::Job* to = out.add_jobs();
    to->set_name(job.name.text());
    to->set_closed(job.closed);
    if (job.prepaid) put(job.prepaid->digest, to->mutable_prepaid()->mutable_digest());
    for (const Line& line : job.prepaid ? job.prepaid->lines : std::vector<Line>{}) {
      wire::Line* const one = to->mutable_prepaid()->add_lines();
      one->set_asset(line.asset);
      for (const std::uint32_t block : line.blocks) one->add_blocks(block);
      one->set_loss(line.loss.text());
      one->set_left(line.left);
    }
    for (const Release& release : job.releases) {
      wire::Release* const one = to->add_releases();
      put(release.release.digest(), one->mutable_release());
      put(release.request, one->mutable_request());
      put(release.payload, one->mutable_payload());
      one->set_phase(static_cast<std::uint32_t>(release.phase));
      for (const BlockPrice& price : release.prices) put(price, one->add_prices());
      for (const Draw& draw : release.draws) {
        wire::Draw* const drawn = one->add_draws();
        drawn->set_line(draw.line);
        drawn->set_count(draw.count);
      }
    }
  }
  return serialised(out);
}

Result<PrivacyLedger> PrivacyLedger::restore(base::ByteView bytes) {
  wire::Snapshot in;
  if (!parsed(bytes, kMaxSnapshotBytes, &in))
    return fail(ErrorCode::corruption, "{} bytes that are no state of a ledger", bytes.size());
  auto ledger = LedgerReader().read(in);
  if (!ledger) return fail(ErrorCode::corruption, "{}", ledger.error().text());
  return ledger;
}

}  // namespace hanse::privacy
