// What a job says of active learning, and the names of its words.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "active/acquisition.h"
#include "active/selection.h"
#include "active/threshold.h"
#include "data/site_classes.h"

namespace hanse::active {

// Which cell of the released rule a candidate belongs to: a function of it and of a released model.
enum class Strata {
  none,             // one cell
  predicted_label,  // as many cells as labels
  site_class,       // a cell for each entry of SiteClasses
};

using data::SiteClasses;

std::string_view name_of(Strata strata);
base::Result<Strata> strata_named(std::string_view name);
std::string_view name_of(Division division);
base::Result<Division> division_named(std::string_view name);
std::string_view name_of(SelectionRule rule);

// Several opinions out of one released model: itself, and copies whose parameters are moved by
// normal noise of `spread` times their root mean square. The noise follows from the parameters, so
// the members are post-processing of what was released and the same wherever they are made.
struct Committee {
  std::uint32_t members = 8;
  double spread = .2;

  bool operator==(const Committee&) const = default;
};
inline constexpr std::uint32_t kMaxMembers = 64;

// Everything that can be turned. Labels are counted over the fleet.
struct ActiveSpec {
  Acquisition acquisition = Acquisition::margin;  // of one model, or of a committee
  Committee committee = {};                       // of a committee's functions alone
  SelectionRule rule = SelectionRule::threshold;
  Strata strata = Strata::predicted_label;
  SiteClasses classes = {};  // of strata by site class alone; merged (threshold.h)
  Division division = Division::even;
  double initial = 0;        // labels before the first training, all chosen uniformly
  double quota = 0;          // labels before each further one
  std::uint32_t cycles = 4;  // trainings in all
  double control = .15;      // part of a quota that is chosen uniformly
  std::uint32_t bins = 16;   // of the histogram of scores
  // Classes of sites for which the histogram also counts how right the model is on the control: by
  // class, label and odds of the own label. A record is counted here or there, so that one charge
  // covers both. None: it does not.
  SiteClasses watched = {};
  std::uint32_t watch_bins = 8;  // of the odds
  // Labels of one site in one cycle at most, of the capped rule; 0: no cap.
  std::uint64_t max_labels_per_site = 0;
  // Of a stream: the public times at which one block of records ends and the next begins, one fewer
  // than there are cycles. A record can be chosen in the cycle of its block alone, as it arrives,
  // by a threshold from the block before. None: a pool, all of it there from the beginning.
  std::vector<double> arrivals = {};
  // How long experts have to label what a cycle chose; 0: labels lie in the sites' tables.
  std::uint32_t label_seconds = 0;
  // Shares of the budget: of all for the histograms (none: budget.h decides), and of the trainings'
  // for the last of them.
  std::optional<double> estimation = {};
  double last = .5;

  bool operator==(const ActiveSpec&) const = default;
};

inline constexpr std::uint32_t kMaxCycles = 64;

// How many cells a rule has with so many labels.
std::uint32_t cells_of(Strata strata, const SiteClasses& classes, std::size_t labels);

// Values out of range: invalid_argument.
base::Result<void> check_strata(Strata strata, const SiteClasses& classes);
base::Result<void> check_committee(const Committee& committee);

// Values out of range, an acquisition that takes more than a released model, noised scores of
// single records (noisy_top.h): invalid_argument or unsupported, naming the key.
base::Result<void> check_spec(const ActiveSpec& spec);

// The block of a record that came then, from 0.
std::uint32_t block_of(const ActiveSpec& spec, double order);

// Rules that need no histogram: each site picks its part of the quota by itself.
bool is_local(SelectionRule rule);

}  // namespace hanse::active
