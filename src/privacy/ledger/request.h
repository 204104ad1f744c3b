// What somebody asks of a ledger: which assets a release reads, and by which mechanisms.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/digest.h"
#include "base/ids.h"
#include "base/units.h"
#include "privacy/accounting/loss.h"

namespace hanse::privacy {

struct AssetTag {
  static constexpr std::string_view kWhat = "asset";
};
struct BlockTag {
  static constexpr std::string_view kWhat = "block";
};
struct PurposeTag {
  static constexpr std::string_view kWhat = "purpose";
};
struct UnitTag {
  static constexpr std::string_view kWhat = "unit of privacy";
};

using AssetId = base::Name<AssetTag>;
using BlockId = base::Name<BlockTag>;
using PurposeId = base::Name<PurposeTag>;
using UnitId = base::Name<UnitTag>;

// One block by the asset that opened it. Blocks of one asset are disjoint sets of units.
struct BlockName {
  AssetId asset;
  BlockId block;

  // "ASSET/BLOCK"; a name has no slash.
  std::string text() const { return asset.text() + "/" + block.text(); }
  static base::Result<BlockName> parse(std::string_view text);
  auto operator<=>(const BlockName&) const = default;
};

// Everything that makes a release another one: a new attempt, other survivors, another plan.
struct ReleaseParts {
  base::JobId job;
  base::RoundId round;
  base::Digest roster;
  base::Digest plan;
};

// Names one release for ever.
class ReleaseId {
 public:
  static ReleaseId of(const ReleaseParts& parts);
  // A release made by hand: the same text is the same release. 1 to 200 bytes.
  static base::Result<ReleaseId> of_text(std::string_view text);
  static ReleaseId from_digest(const base::Digest& digest) { return ReleaseId(digest); }

  const base::Digest& digest() const { return digest_; }
  auto operator<=>(const ReleaseId&) const = default;

 private:
  explicit ReleaseId(const base::Digest& digest) : digest_(digest) {}
  base::Digest digest_;
};

// What a release does to one asset. Without `blocks` it reads all blocks that the asset has; a list
// is never empty. Each block is charged in full: they are disjoint, so a unit pays once.
struct Use {
  AssetId asset;
  std::optional<std::vector<BlockName>> blocks;
  std::vector<Charge> charges;

  bool operator==(const Use&) const = default;
};

struct Request {
  ReleaseId release;
  std::string label;  // for people
  base::JobId job;
  PurposeId purpose;
  std::vector<Use> uses;

  bool operator==(const Request&) const = default;
};

// A federated job has a few assets and a few parts in each answer; a prepaid one lists its whole
// composition. An entry with all of these at their longest stays within a store's bound.
inline constexpr std::size_t kMaxUses = 64;
inline constexpr std::size_t kMaxCharges = 2048;      // of all uses together
inline constexpr std::size_t kMaxNamedBlocks = 1024;  // of all uses together
inline constexpr std::size_t kMaxLabelBytes = 200;

// No use, no charge, an empty or repeated selection of blocks, a count of 0, an unbounded loss, a
// label with control characters, or something beyond the bounds: invalid_argument.
base::Result<void> check_uses(const std::vector<Use>& uses);
base::Result<void> check_request(const Request& request);

// Of all fields but the time, which is none: two requests with one digest are the same.
base::Digest digest_of(const Request& request);

// Of a whole job that is paid for beforehand.
base::Digest digest_of(const base::JobId& job, const PurposeId& purpose, base::Delta delta,
                       const std::vector<Use>& uses);

}  // namespace hanse::privacy

template <>
struct std::hash<hanse::privacy::ReleaseId> {
  std::size_t operator()(const hanse::privacy::ReleaseId& release) const noexcept;
};
