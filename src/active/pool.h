// Which of a site's records the cycles of a training chose: a pure function of the records, of what
// the cycles released and of the site's secret coins, so that nothing has to be remembered and a
// restart chooses the same.
#pragma once

#include <cstdint>
#include <vector>

#include "active/coin.h"
#include "active/history.h"
#include "active/spec.h"
#include "data/dataset.h"
#include "learning/model.h"

namespace hanse::active {

// A record's name: SHA-256 of its features and of the group that it belongs to. It depends on no
// other record and not on the label. Equal records have one name, and fall alike.
base::Digest name_of(const data::Dataset& records, std::size_t row);

// What scores are made of, beside a model.
struct ScoringSpec {
  Acquisition acquisition = Acquisition::margin;
  Committee committee = {};
  Strata strata = Strata::none;
  SiteClasses classes = {};

  bool operator==(const ScoringSpec&) const = default;
};

// Scores of records in [0, 1] and their cells, by a released model; labels are not looked at. A
// record's score is the same bits in whatever pool it stands.
class Scoring {
 public:
  // A model whose scores have no meaning for the acquisition (a regression): invalid_argument.
  static base::Result<Scoring> create(const learning::Model& model, ScoringSpec spec);

  struct Scored {
    double score = 0;  // NaN: the model makes no number of the record, which passes no threshold
    std::uint32_t cell = 0;
  };
  // One for each of these rows. By site class, of a class that is none of the spec's:
  // invalid_argument.
  base::Result<std::vector<Scored>> of(const data::Dataset& records,
                                       std::span<const std::size_t> rows) const;
  std::uint32_t cells() const;

 private:
  Scoring(std::vector<learning::Model> members, ScoringSpec spec, double greatest)
      : members_(std::move(members)), spec_(std::move(spec)), greatest_(greatest) {}
  // A row that is not finite is made even and marked as not scored.
  math::Matrix probabilities(const learning::Model& model, const data::Dataset& unlabelled,
                             std::vector<bool>& is_scored) const;

  std::vector<learning::Model> members_;  // the first is the released one
  ScoringSpec spec_;
  double greatest_;
};

ScoringSpec scoring_of(const ActiveSpec& spec);

// A record that a cycle chose.
struct Chosen {
  std::size_t row = 0;
  std::uint32_t cycle = 0;
  // The coin of this cycle or, of a pool, of a later one made it control: without a cap these are a
  // uniform sample of all candidates, also of those that scores would have chosen first.
  bool control = false;
};

struct Chosenness {
  std::vector<Chosen> labelled;  // by row
  // Rows of the others, none whose features are not finite. Of a stream those of the block that
  // came last, whether chosen or not: the next block's threshold is made of their scores.
  std::vector<std::size_t> pool;
};

// All cycles of the history in turn, each choosing from what those before left. `training` names
// the coins' rounds: equal trainings have equal coins. Errors are those of a history that does not
// fit the architecture or the spec: corruption or invalid_argument, never for what a record holds.
base::Result<Chosenness> chosen(const data::Dataset& records, const History& history,
                                const ActiveSpec& spec, const learning::Architecture& architecture,
                                const CoinKey& key, const base::Digest& training);

}  // namespace hanse::active
