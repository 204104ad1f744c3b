// Which records train and which test, so that nothing that belongs together is on both sides.
#pragma once

#include "base/random.h"
#include "data/encode.h"

namespace hanse::data {

enum class SplitKind {
  holdout,
  k_fold,
  declared,  // a column of kind partition says which records test
};
enum class SplitBy {
  group,
  record,
  time,  // holdout only: each site's last part, by the column of kind order, tests
};
enum class TestOn {
  all,
  last,  // of each group that tests only the record with the highest order
};

struct SplitSpec {
  SplitKind kind = SplitKind::holdout;
  // By record is refused where the schema declares a group, unless allow_leakage says so.
  SplitBy by = SplitBy::group;
  double test = 0.3;      // holdout: the part that tests, in (0, 1)
  std::size_t folds = 3;  // k_fold: at least 2
  bool stratify = true;   // spread labels evenly, see below
  bool shuffle = false;   // k_fold by group: a site's groups in random order, not in that of names
  TestOn test_on = TestOn::all;
  bool allow_leakage = false;
  bool operator==(const SplitSpec&) const = default;
};

// Rows of one site's dataset, ascending: see Dataset::select.
struct SiteSplit {
  std::vector<std::size_t> train;
  std::vector<std::size_t> test;
};

// One entry per site, in the order given.
struct Fold {
  std::vector<SiteSplit> sites;
};

// Decided over the whole fleet: a group that several sites have is on the same side at all of them.
// Stratified by label (a group counts with its most frequent one; a regression label does not
// stratify). By record, each site is split for itself.
//
// A hold-out spreads the test groups of a label evenly over the sites and draws within. K-fold
// deals groups label by label, site by site, in the byte order of their names, each to the fold
// that has the fewest of its label, of those the fewest of its site, of those the fewest at all, of
// those the first; so the groups of a site lie in as many folds as the labels allow, and it needs
// no randomness unless `shuffle` asks for it. By time, the earliest record that tests is later than
// all of its site that train. A site may have nothing to train on in a fold, or nothing to test.
//
// A label with fewer groups (by record: records of the whole fleet) than the split needs (two for a
// hold-out, `folds` for k-fold), or a side with no record at all: failed_precondition, with the
// numbers. So is a group on both sides, of whatever kind of split, unless allow_leakage is set.
base::Result<std::vector<Fold>> split(std::span<const SiteData> sites, const SplitSpec& spec,
                                      base::RandomSource& random);

}  // namespace hanse::data
