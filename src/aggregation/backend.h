// Sums that nobody reads alone: a protocol as two pure machines, one at each site and one at the
// coordinator.
//
// The caller feeds a machine what arrived, makes `durable` durable, then sends `send`.
// Contributions are large and come in pieces, so the coordinator's machine takes them slice by
// slice and keeps nothing but the sum.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/digest.h"
#include "base/ids.h"
#include "math/lattice.h"

namespace hanse::aggregation {

// Coordinates side by side that no honest contribution takes beyond ±bound.
struct Stretch {
  std::size_t coordinates = 0;
  std::int64_t bound = 0;
};

// Public facts of one attempt at one round.
struct Setup {
  base::Digest offer;  // the plan, its parameters and the cohort
  std::vector<Stretch> layout;
  std::vector<base::SiteId> cohort;

  std::size_t coordinates() const;
};

// A site's contribution as it leaves the site: 8 bytes per coordinate with `plain`. Only a backend
// makes one.
class SealedVector {
 public:
  const base::Slice& bytes() const { return bytes_; }

 private:
  friend class PlainSite;
  explicit SealedVector(base::Slice bytes) : bytes_(std::move(bytes)) {}
  base::Slice bytes_;
};

// The sum over the contributions that were counted. Only a backend makes one.
class Sum {
 public:
  math::Opened open() &&;

 private:
  friend class PlainCoordinator;
  Sum(std::vector<std::int64_t> values, std::size_t contributors)
      : values_(std::move(values)), contributors_(contributors) {}
  std::vector<std::int64_t> values_;
  std::size_t contributors_;
};

// A protocol message between a site's machine and the coordinator's; opaque to whoever carries it.
struct Exchange {
  base::SiteId site;
  base::Bytes bytes;
};

struct SiteStep {
  std::vector<base::Bytes> durable;
  std::vector<Exchange> send;
  std::vector<SealedVector> sealed;  // at most one, once per attempt
};

// One attempt at one site. After an error the machine is unchanged.
class SiteMachine {
 public:
  virtual ~SiteMachine() = default;
  virtual base::Result<SiteStep> advance(const Exchange& received) = 0;
  // Another size than the setup's: invalid_argument. Twice: failed_precondition.
  virtual base::Result<SiteStep> advance(math::Sealable input) = 0;
};

struct CoordinatorStep {
  std::vector<base::Bytes> durable;
  std::vector<Exchange> send;
};

// One attempt at the coordinator. After an error the machine is unchanged.
class CoordinatorMachine {
 public:
  virtual ~CoordinatorMachine() = default;
  // Bytes of one sealed vector, as the setup implies.
  virtual std::size_t sealed_size() const = 0;
  virtual base::Result<CoordinatorStep> advance(const Exchange& received) = 0;
  // A whole sealed vector in slices, in order, already checked against its digest. Not of the
  // cohort: permission_denied; counted before: already_exists; another size: corruption.
  virtual base::Result<CoordinatorStep> advance(const base::SiteId& site,
                                                std::span<const base::Slice> sealed) = 0;
  // The sum over the sites counted so far. None: failed_precondition.
  virtual base::Result<Sum> finish() && = 0;
};

class Backend {
 public:
  virtual ~Backend() = default;
  virtual std::string_view name() const = 0;
  virtual std::unique_ptr<SiteMachine> site(Setup setup, base::SiteId self) const = 0;
  virtual std::unique_ptr<CoordinatorMachine> coordinator(Setup setup) const = 0;
};

// No protection: the coordinator could read each contribution. For simulation.
const Backend& plain();

}  // namespace hanse::aggregation
