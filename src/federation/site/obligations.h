// What policies ask of an answer, held against the offer and what the site knows: before anything
// of the offer is pulled, and by public numbers alone.
#pragma once

#include <functional>

#include "audit/record.h"
#include "federation/message/message.h"
#include "policy/obligation.h"

namespace hanse::federation {

// What a site has to fulfil obligations with.
struct SiteMeans {
  base::SiteId self;
  base::Milliseconds wall;
  // The δ at which the job is composed, and the whole job's least ε here at some δ; none where no
  // budget is kept, as then nobody knows what the job costs.
  std::optional<base::Delta> delta = {};
  std::function<base::Result<double>(base::Delta)> epsilon = {};
  // Stored answers are forgotten in time.
  bool has_clock = false;
  // Who can be told.
  std::set<std::string> can_notify = {};
};

// How each obligation that is set is met, in the order of policy::texts_of. One that cannot be, or
// that nobody here can see to: permission_denied, with what to do.
//
//   epsilon_cap, delta_cap  the whole job's ε here, at the lesser of its δ and the cap
//   clip_norm               the L2 norm over all parts that one unit can add
//   max_data_points         promised only: whoever reads the records keeps to it, see check_records
//   min_cohort              the machines open no smaller sum; of plain ones nobody can tell
//   aggregate_only          the sum is not plain
//   retention, delete_by    see forget_by
//   notify                  everybody can be told
base::Result<std::vector<audit::Fulfilment>> fulfil(const Offer& offer,
                                                    const policy::Obligations& asked,
                                                    const SiteMeans& means);

// That an answer is from no more records than it may be.
base::Result<void> check_records(std::size_t records, const policy::Obligations& asked);

// When what is stored of an answer that is given now is forgotten, wall clock. None: no obligation.
std::optional<base::Milliseconds> forget_by(const policy::Obligations& asked,
                                            base::Milliseconds wall);

// The least ε at δ that holds for all charges, over the accountants that can bound them; infinite
// where none can.
double least_epsilon(std::span<const privacy::Charge> charges, base::Delta delta);

}  // namespace hanse::federation
