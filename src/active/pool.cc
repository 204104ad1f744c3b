#include "active/pool.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "active/batch.h"
#include "active/committee.h"
#include "base/random.h"
#include "learning/gradient.h"

namespace hanse::active {
namespace {

using base::ErrorCode;
using base::Result;

bool is_finite(double value) { return std::isfinite(value); }

// The label is not there yet: nothing may depend on it.
data::Dataset without_labels(const data::Dataset& records, std::span<const std::size_t> rows) {
  data::Dataset out = records.select(rows);
  out.target.assign(rows.size(), 0.0);
  return out;
}

base::Digest round_name(const base::Digest& training, std::size_t cycle) {
  base::Hasher hasher;
  hasher.add(training.bytes());
  const std::uint64_t number = cycle;
  hasher.add(std::as_bytes(std::span(&number, 1)));
  return hasher.finish();
}

std::uint32_t item_of(const base::Digest& name) {
  std::uint32_t word = 0;
  std::memcpy(&word, name.bytes().data() + 8, sizeof(word));
  return word;
}

// One cycle's choice among `pool`, as places in it.
struct CycleChoice {
  const data::Dataset& records;
  const ActiveSpec& spec;
  const std::vector<base::Digest>& names;  // by row
  std::span<const std::size_t> pool;
  std::span<const Scoring::Scored> scores;  // of the pool

  Result<std::vector<Pick>> by_rule(const ReleasedRule& rule, RoundCoins& coins) const {
    std::vector<Candidate> candidates;
    for (std::size_t i = 0; i < pool.size(); ++i)
      candidates.push_back(
          {names[pool[i]], item_of(names[pool[i]]), scores[i].cell, scores[i].score});
    std::optional<Cap> cap;
    if (spec.max_labels_per_site > 0) cap = Cap{.picks = spec.max_labels_per_site, .per_unit = 1};
    HANSE_TRY(Selection selection, select(candidates, rule, coins, cap));
    return std::move(selection.picks);
  }

  // Without a ledger: by rank, distance or clusters, each site by itself.
  Result<std::vector<Pick>> by_batch(std::uint64_t batch, bool scored, RoundCoins& coins,
                                     const base::Digest& round) const {
    std::vector<std::size_t> places;
    if (!scored) {
      places = by_coin(batch, coins);
    } else {
      HANSE_TRY(places, informative(batch, round));
    }
    std::vector<Pick> picks;
    for (const std::size_t place : places) picks.push_back({place, !scored});
    return picks;
  }

 private:
  std::vector<std::size_t> by_coin(std::uint64_t batch, RoundCoins& coins) const {
    std::vector<std::pair<std::uint64_t, std::size_t>> order;
    for (std::size_t i = 0; i < pool.size(); ++i)
      order.emplace_back(coins.priority(names[pool[i]]), i);
    std::ranges::sort(order);
    order.resize(std::min<std::size_t>(order.size(), batch));
    std::vector<std::size_t> places;
    for (const auto& [priority, place] : order) places.push_back(place);
    return places;
  }

  Result<std::vector<std::size_t>> informative(std::uint64_t batch,
                                               const base::Digest& round) const {
    std::vector<double> values;
    for (const Scoring::Scored& one : scores) values.push_back(one.score);
    if (spec.rule == SelectionRule::top_k) return top_k(values, batch);
    const math::Matrix points = records.select(pool).features;
    if (spec.rule == SelectionRule::k_center) return k_center_greedy(points, batch);
    if (spec.rule == SelectionRule::density) {
      HANSE_TRY(const std::vector<double> weighed, information_density(values, points, 1));
      return top_k(weighed, batch);
    }
    constexpr std::size_t kPreselect = 10;  // Zhdanov 2019 finds 10 to 50 alike
    std::uint64_t seed = 0;
    std::memcpy(&seed, round.bytes().data(), sizeof(seed));
    base::SeededSimulationRandom random(seed, "batch");
    return diverse_batch(values, points, batch, kPreselect, random);
  }
};

}  // namespace

base::Digest name_of(const data::Dataset& records, std::size_t row) {
  base::Hasher hasher;
  hasher.add(base::view_of("hanse/active/record/1"));
  hasher.add(std::as_bytes(records.features.row(row)));
  if (!records.group.empty()) hasher.add(base::view_of(records.group_names[records.group[row]]));
  return hasher.finish();
}

namespace {

Result<std::vector<learning::Model>> members_of(const learning::Model& model,
                                                const Committee& committee) {
  const std::span<const double> released = model.parameters();
  const base::Digest name = base::Digest::of(std::as_bytes(released));
  std::uint64_t seed = 0;
  std::memcpy(&seed, name.bytes().data(), sizeof(seed));
  base::SeededSimulationRandom random(seed, "committee");
  double squares = 0;
  for (const double value : released) squares += value * value;
  const double scale = committee.spread * std::sqrt(squares / static_cast<double>(released.size()));
  std::vector<learning::Model> members{model};
  while (members.size() < committee.members) {
    std::vector<double> moved(released.begin(), released.end());
    for (double& value : moved) value += scale * base::standard_normal(random);
    HANSE_TRY(learning::Model member,
              learning::Model::create(model.architecture(), std::move(moved)));
    members.push_back(std::move(member));
  }
  return members;
}

}  // namespace

Result<Scoring> Scoring::create(const learning::Model& model, ScoringSpec spec) {
  const learning::Architecture& architecture = model.architecture();
  if (architecture.task() != learning::Task::classification)
    return base::fail(ErrorCode::invalid_argument,
                      "scores are of the probabilities of labels; the model predicts a number");
  std::vector<learning::Model> members;
  if (entry_of(spec.acquisition).opinions == Opinions::committee) {
    HANSE_TRY_VOID(check_committee(spec.committee));
    HANSE_TRY(members, members_of(model, spec.committee));
  } else {
    members = {model};
  }
  HANSE_TRY(const ScoreRange range,
            score_range(spec.acquisition, architecture.outputs(), members.size()));
  return Scoring(std::move(members), std::move(spec), std::max(range.greatest, 1e-300));
}

ScoringSpec scoring_of(const ActiveSpec& spec) {
  return {spec.acquisition, spec.committee, spec.strata, spec.classes};
}

std::uint32_t Scoring::cells() const {
  return cells_of(spec_.strata, spec_.classes, members_.front().architecture().outputs());
}

math::Matrix Scoring::probabilities(const learning::Model& model, const data::Dataset& unlabelled,
                                    std::vector<bool>& is_scored) const {
  const std::size_t labels = model.architecture().outputs();
  learning::BlockGradient block(model.architecture());
  std::vector<std::size_t> places(unlabelled.size());
  std::iota(places.begin(), places.end(), std::size_t{0});
  math::Matrix probabilities(places.size(), labels);
  for (std::size_t first = 0; first < places.size(); first += learning::kBlock) {
    const std::size_t count = std::min(learning::kBlock, places.size() - first);
    block.compute_losses(model.parameters(), unlabelled, std::span(places).subspan(first, count));
    for (std::size_t i = 0; i < count; ++i) {
      const std::span<const double> row = block.outputs().subspan(i * labels, labels);
      const std::span<double> to = probabilities.row(first + i);
      if (std::ranges::all_of(row, is_finite)) {
        std::ranges::copy(row, to.begin());
      } else {
        is_scored[first + i] = false;
        std::ranges::fill(to, 1.0 / static_cast<double>(labels));
      }
    }
  }
  return probabilities;
}

Result<std::vector<Scoring::Scored>> Scoring::of(const data::Dataset& records,
                                                 std::span<const std::size_t> rows) const {
  std::vector<std::uint32_t> cell_of_class;
  if (spec_.strata == Strata::site_class) {
    HANSE_TRY(cell_of_class, data::places_of(records, spec_.classes));
  }
  const data::Dataset unlabelled = without_labels(records, rows);
  std::vector<bool> is_scored(rows.size(), true);
  std::vector<math::Matrix> opinions;
  for (const learning::Model& member : members_)
    opinions.push_back(probabilities(member, unlabelled, is_scored));
  const auto values = members_.size() > 1 ? score_committee(spec_.acquisition, opinions)
                                          : score(spec_.acquisition, opinions.front());
  HANSE_CHECK(values.has_value());  // softmaxes of finite numbers are distributions
  std::vector<Scored> scored(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::span<const double> row = opinions.front().row(i);
    if (!cell_of_class.empty()) scored[i].cell = cell_of_class[records.site_class[rows[i]]];
    if (spec_.strata == Strata::predicted_label)
      scored[i].cell = static_cast<std::uint32_t>(std::ranges::max_element(row) - row.begin());
    scored[i].score = is_scored[i] ? std::clamp((*values)[i] / greatest_, 0.0, 1.0)
                                   : std::numeric_limits<double>::quiet_NaN();
  }
  return scored;
}

Result<Chosenness> chosen(const data::Dataset& records, const History& history,
                          const ActiveSpec& spec, const learning::Architecture& architecture,
                          const CoinKey& key, const base::Digest& training) {
  std::vector<base::Digest> names;
  std::vector<std::size_t> finite;
  Chosenness all;
  for (std::size_t row = 0; row < records.size(); ++row) {
    names.push_back(name_of(records, row));
    if (std::ranges::all_of(records.features.row(row), is_finite)) finite.push_back(row);
  }
  const bool stream = !spec.arrivals.empty();
  if (stream && records.order.size() != records.size())
    return base::fail(ErrorCode::invalid_argument,
                      "'arrivals' needs to know when each record came: give a column the kind "
                      "\"order\"");
  const auto in_block = [&](std::size_t block) {
    std::vector<std::size_t> rows;
    for (const std::size_t row : finite)
      if (block_of(spec, records.order[row]) == block) rows.push_back(row);
    return rows;
  };
  if (!stream) all.pool = finite;
  for (std::size_t cycle = 0; cycle < history.size(); ++cycle) {
    const CycleRelease& release = history[cycle];
    if (is_local(spec.rule) != (release.batch > 0))
      return base::fail(ErrorCode::permission_denied, "a selection by '{}' {}", name_of(spec.rule),
                        release.batch > 0 ? "lets sites choose alone" : "says how many each picks");
    if (stream) all.pool = in_block(cycle);
    std::vector<Scoring::Scored> scores(all.pool.size());
    const bool scored = !release.parameters.empty();
    if (scored) {
      HANSE_TRY(const learning::Model model,
                learning::Model::create(architecture, release.parameters));
      HANSE_TRY(const Scoring scoring, Scoring::create(model, scoring_of(spec)));
      HANSE_TRY(scores, scoring.of(records, all.pool));
    }
    const base::Digest round = round_name(training, cycle);
    RoundCoins coins(key, round);
    const CycleChoice choice{records, spec, names, all.pool, scores};
    HANSE_TRY(const std::vector<Pick> picks,
              release.batch > 0 ? choice.by_batch(release.batch, scored, coins, round)
                                : choice.by_rule(release.rule, coins));
    if (!stream && release.batch == 0) {
      // Whoever was chosen by score before would have been control as well.
      for (Chosen& one : all.labelled) {
        const base::Digest& name = names[one.row];
        one.control |= coins.of(name, item_of(name)).control < release.rule.control;
      }
    }
    std::vector<bool> taken(all.pool.size());
    for (const Pick& pick : picks) {
      taken[pick.candidate] = true;
      all.labelled.push_back(
          {all.pool[pick.candidate], static_cast<std::uint32_t>(cycle), pick.control});
    }
    std::vector<std::size_t> rest;
    for (std::size_t i = 0; i < all.pool.size(); ++i)
      if (!taken[i]) rest.push_back(all.pool[i]);
    all.pool = std::move(rest);
  }
  // What the next threshold is made of: the last block that is there, chosen or not.
  if (stream) all.pool = in_block(std::max<std::size_t>(history.size(), 1) - 1);
  std::ranges::sort(all.labelled, {}, &Chosen::row);
  return all;
}

}  // namespace hanse::active
