// Sums that nobody reads alone: a protocol as two pure machines, one at each site and one at the
// coordinator.
//
//   site         begin ─→ exchanges … ─→ input ─→ exchanges …
//   coordinator  exchanges … ─→ inputs, slice by slice ─→ exchanges … ─→ finish
//
// The caller feeds a machine what arrived, makes `durable` durable, then sends `send`. After a
// restart a machine is made again from what was durable; what it has said it says again, and never
// anything that contradicts it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/digest.h"
#include "base/ids.h"
#include "base/random.h"
#include "crypto/sign.h"
#include "math/lattice.h"

namespace hanse::federation {
class MessageDecoder;
}

namespace hanse::aggregation {

// Coordinates side by side that no honest contribution takes beyond ±bound.
struct Stretch {
  std::size_t coordinates = 0;
  std::int64_t bound = 0;

  bool operator==(const Stretch&) const = default;
};

// Public facts of one attempt at one round, the same for every party.
struct Setup {
  // The plan, its parameters, the job, the cohort and the terms below.
  base::Digest offer;
  std::vector<Stretch> layout;
  std::vector<base::SiteId> cohort;
  // The epoch of the roster, and the keys of the cohort in it, in the same order. `plain` needs
  // none.
  base::Digest roster = {};
  std::vector<crypto::Verifier> keys = {};
  // Sites that together rebuild what another one masked with. `plain` needs none.
  std::uint32_t threshold = 0;
  // A sum of fewer contributions is not opened.
  std::uint32_t min_sites = 1;

  std::size_t coordinates() const;
};

// A protocol message between a site's machine and the coordinator's; opaque to whoever carries it.
// Made by a machine, or decoded from an envelope.
class Exchange {
 public:
  base::ByteView bytes() const { return bytes_; }
  bool operator==(const Exchange&) const = default;

 private:
  friend class MaskedSite;
  friend class MaskedCoordinator;
  friend class hanse::federation::MessageDecoder;
  explicit Exchange(base::Bytes bytes) : bytes_(std::move(bytes)) {}
  base::Bytes bytes_;
};

// A site's contribution as it leaves the site. Only a backend makes one.
class SealedVector {
 public:
  const base::Slice& bytes() const { return bytes_; }

 private:
  friend class PlainSite;
  friend class MaskedSite;
  explicit SealedVector(base::Slice bytes) : bytes_(std::move(bytes)) {}
  base::Slice bytes_;
};

// The sum over the contributions that were counted. Only a backend makes one.
class Sum {
 public:
  math::Opened open() &&;

 private:
  friend class PlainCoordinator;
  friend class MaskedCoordinator;
  Sum(std::vector<std::int64_t> values, std::size_t contributors)
      : values_(std::move(values)), contributors_(contributors) {}
  std::vector<std::int64_t> values_;
  std::size_t contributors_;
};

struct SiteStep {
  // Secrets among them: to be kept until the attempt is over, then wiped.
  std::vector<base::Bytes> durable;
  std::vector<Exchange> send;
  std::optional<SealedVector> sealed;  // once per attempt; to be durable with `durable`
  base::Digest bound = {};             // of `sealed`: names the masks that it carries
  // What the site signs here: the one set of sites whose sum it helps to open in this attempt. To
  // be durable with `durable`, and kept beyond it: a site can show later what it agreed to.
  base::Bytes agreed = {};
};

// One attempt at one site. After an error the machine is unchanged. Not thread-safe.
class SiteMachine {
 public:
  virtual ~SiteMachine() = default;
  // The first words, and whenever the coordinator asks anew, the last ones again. Draws what the
  // attempt keeps secret, once.
  virtual SiteStep begin(base::RandomSource& random) = 0;
  // What came before is ignored; what contradicts it: failed_precondition; malformed: corruption;
  // not signed by whom it should be: permission_denied.
  virtual base::Result<SiteStep> advance(base::ByteView received) = 0;
  // The exchanges before the input are done.
  virtual bool wants_input() const = 0;
  // Another size than the setup's, or beyond its bounds: invalid_argument. Too early or twice:
  // failed_precondition.
  virtual base::Result<SiteStep> advance(math::Sealable input) = 0;
  // Instead of the input, after a restart: the contribution as this attempt sealed it before, which
  // became durable elsewhere, and what it was bound to. Too early, twice, or bound to other masks
  // than the exchanges have led to since: failed_precondition; another size: corruption.
  virtual base::Result<SiteStep> resume(base::Slice sealed, const base::Digest& bound) = 0;
};

struct ToSite {
  base::SiteId site;
  Exchange exchange;
};

struct CoordinatorStep {
  std::vector<base::Bytes> durable;
  std::vector<ToSite> send;
};

// One attempt at the coordinator. Contributions are large and come in pieces, so it takes them
// slice by slice and keeps nothing but the sum. After an error the machine is unchanged. Not
// thread-safe.
class CoordinatorMachine {
 public:
  virtual ~CoordinatorMachine() = default;
  // Bytes of one sealed vector, as the setup implies.
  virtual std::size_t sealed_size() const = 0;

  // What a site said. An error is the site's fault, and it should leave.
  virtual base::Result<CoordinatorStep> advance(const base::SiteId& site,
                                                base::ByteView received) = 0;
  // This site's contribution may be taken now.
  virtual bool wants_input(const base::SiteId& site) const = 0;
  // A whole sealed vector in slices, in order, already checked against its digest. Not of the
  // cohort: permission_denied; counted before: already_exists; another size: corruption.
  virtual base::Result<CoordinatorStep> advance(const base::SiteId& site,
                                                std::span<const base::Slice> sealed) = 0;
  // The site is out of it, for whatever cause: it says and contributes nothing more. What it
  // contributed stays. Fewer are left than a sum needs: aborted.
  virtual base::Result<CoordinatorStep> leave(const base::SiteId& site) = 0;

  // The sites without which it does not go on as yet; none when it is done. When time is up, let
  // each of them leave.
  virtual std::vector<base::SiteId> waiting_for() const = 0;
  // All that the site has to have heard so far, in order: for one that may have missed it.
  virtual std::vector<Exchange> said_to(const base::SiteId& site) const = 0;

  // Whoever is in the sum, once it is known: of no later contribution it is asked.
  virtual bool is_done() const = 0;
  // When it is done: the sites' signatures under the set whose sum it is, for Backend::agreed.
  // Nothing with `plain`.
  virtual base::Bytes evidence() const = 0;
  // Not done: failed_precondition. What was opened contradicts what was promised: corruption.
  virtual base::Result<Sum> finish() && = 0;
};

// What evidence shows of an attempt.
struct Agreed {
  std::vector<base::SiteId> sites;    // whose sum it is, in the cohort's order
  base::Bytes statement;              // what each of those who signed did sign: SiteStep::agreed
  std::vector<base::SiteId> signers;  // those, of `sites`
};

// Who a site is to the others.
struct Self {
  base::SiteId site;
  const crypto::Signer* signer = nullptr;  // outlives the machine; `plain` needs none
};

// Both kinds of machine are made of what was durable before, none at first. Bytes that no such
// machine wrote for this setup: corruption. A setup that the protocol does not allow:
// invalid_argument.
class Backend {
 public:
  virtual ~Backend() = default;
  virtual std::string_view name() const = 0;
  // Among so many sites it protects from coordinators alone that follow the protocol.
  virtual bool is_semi_honest(std::size_t sites) const = 0;
  // What one of so many sites says besides its contribution when nobody drops out: the mean.
  virtual std::size_t exchanged_bytes(std::size_t sites) const = 0;
  // For whoever knows an attempt by its public facts alone (`setup` needs no layout). Malformed:
  // corruption; signed by fewer than the threshold, over another offer, or by whom it should not
  // be: permission_denied. `plain` has no evidence: unsupported.
  virtual base::Result<Agreed> agreed(base::ByteView evidence, const Setup& setup) const = 0;
  virtual base::Result<std::unique_ptr<SiteMachine>> site(
      Setup setup, Self self, std::span<const base::Bytes> durable) const = 0;
  virtual base::Result<std::unique_ptr<CoordinatorMachine>> coordinator(
      Setup setup, std::span<const base::Bytes> durable) const = 0;
};

// No protection: the coordinator could read each contribution. For simulation.
const Backend& plain();

// Masks that cancel in the sum: aggregation/masked/masked.h.
const Backend& masked();

}  // namespace hanse::aggregation
