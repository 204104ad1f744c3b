// The entries of a ledger, one by one what happened to a budget (docs/formats/ledger.md).
#pragma once

#include <variant>

#include "base/units.h"
#include "privacy/accounting/gate.h"
#include "privacy/ledger/request.h"

namespace hanse::privacy {

// What one block pays. Blocks are numbered from 0 in the order in which they were opened.
struct BlockPrice {
  std::uint32_t block = 0;
  Price price;

  bool operator==(const BlockPrice&) const = default;
};

// One unit of the parent, added or changed, moves up to `stability` units of the derived asset.
// Without `blocks` all blocks of the parent are meant, and those that it will have.
struct Parent {
  AssetId asset;
  std::optional<std::vector<BlockName>> blocks;
  double stability = 1;

  bool operator==(const Parent&) const = default;
};

namespace entry {

// An asset with a budget of its own for each block, and its first block. Order and capacity are
// what the gate said when the asset was opened, so that no machine computes them otherwise later.
struct AssetOpened {
  AssetId asset;
  UnitId unit;
  Neighbours neighbours = Neighbours::add_remove;
  Currency currency = Currency::rho;
  base::Epsilon epsilon;
  base::Delta delta;
  std::uint64_t order = 0;
  Price capacity;
  BlockId block;
  bool operator==(const AssetOpened&) const = default;
};

struct BlockOpened {
  BlockName block;
  bool operator==(const BlockOpened&) const = default;
};

struct AssetDerived {
  AssetId asset;
  std::vector<Parent> parents;
  bool operator==(const AssetDerived&) const = default;
};

// Prices of exactly the blocks that the request reads, in their order; none where its job is
// prepaid.
struct Reserved {
  Request request;
  std::vector<BlockPrice> prices;
  bool operator==(const Reserved&) const = default;
};

// A whole job, all of its charges fixed beforehand, at the price of their composition.
struct Prepaid {
  base::JobId job;
  PurposeId purpose;
  base::Delta delta;
  std::vector<Use> uses;
  std::vector<BlockPrice> prices;
  bool operator==(const Prepaid&) const = default;
};

struct Committed {
  ReleaseId release;
  base::Digest payload;
  bool operator==(const Committed&) const = default;
};

struct Cancelled {
  ReleaseId release;
  bool operator==(const Cancelled&) const = default;
};

struct Receipted {
  ReleaseId release;
  bool operator==(const Receipted&) const = default;
};

struct JobClosed {
  base::JobId job;
  bool operator==(const JobClosed&) const = default;
};

}  // namespace entry

struct Entry {
  base::Milliseconds time;
  std::variant<entry::AssetOpened, entry::BlockOpened, entry::AssetDerived, entry::Reserved,
               entry::Prepaid, entry::Committed, entry::Cancelled, entry::Receipted,
               entry::JobClosed>
      body;

  bool operator==(const Entry&) const = default;
};

base::Bytes encode(const Entry& entry);

// Malformed or out of bounds: corruption.
base::Result<Entry> describe(base::ByteView bytes);

}  // namespace hanse::privacy
