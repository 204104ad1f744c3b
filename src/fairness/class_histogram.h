// How well one model does on each class of sites, as one private sum: what it makes of each record,
// counted by class and label. One histogram serves losses, their gap, monitors and calibration.
//
//   part       of a record                                                             clip
//   histogram  1 at (class · labels + label) · bins + bin, 0 elsewhere                 1
//   moments    of a regression, at class · 4: (p, p², y, p y), p its prediction and y   2
//              its target, both scaled and within [−1, 1]
//
// The bin is of a score that says how right the model is: of a classification the log-odds of the
// record's own label (learning/odds_bins.h); of a regression, where there is one label, |p − y|
// from 0 to 2. Beyond the ends counts at the ends.
#pragma once

#include "data/site_classes.h"
#include "learning/model.h"
#include "learning/private_queries.h"
#include "query/query.h"

namespace hanse::fairness {

inline constexpr std::string_view kClassHistogramKind = "class_histogram";
inline constexpr std::uint32_t kMoments = 4;
// Share of the round's ρ that pays for the moments.
inline constexpr double kMomentsShare = .5;

struct ClassHistogramOptions {
  learning::Architecture architecture;
  data::SiteClasses classes;
  std::uint32_t bins = 32;

  bool is_regression() const;
  std::size_t labels() const;  // 1 of a regression
  bool operator==(const ClassHistogramOptions&) const = default;
};

std::string to_json(const ClassHistogramOptions& options);
// As learning::options_from_json.
base::Result<ClassHistogramOptions> class_histogram_options_from_json(std::string_view text);

privacy::Layout class_histogram_layout(const ClassHistogramOptions& options, math::Lattice lattice,
                                       std::uint64_t max_units);

// What a sum released. Noised counts may be negative.
struct ClassCounts {
  std::vector<std::vector<std::vector<double>>> counts;  // by class, label and bin
  std::vector<std::array<double, kMoments>> moments;     // by class; of a regression
  double count_noise = 0;                                // standard deviations of the noise
  double moment_noise = 0;

  double total(std::size_t of_class) const;
};

// Of a classification, by numbers that stand as the histogram's: checked, aborts.
ClassCounts class_counts(std::span<const double> histogram, const ClassHistogramOptions& options);

// A sum of another plan: corruption.
base::Result<ClassCounts> class_counts_in(const privacy::Released& released,
                                          const ClassHistogramOptions& options);

// The middle of a bin in the score's own units.
double middle_of(std::uint32_t bin, const ClassHistogramOptions& options);

// Options, layout and parameters must agree, the unit is the record: else invalid_argument.
base::Result<std::unique_ptr<query::Query>> create_class_histogram(const query::QueryPlan& plan);

}  // namespace hanse::fairness
