// Audits whole private trainings in one run each (Steinke, Nasr, Jagielski 2023): canaries, each in
// the training by a fair coin, are guessed by an adversary who sees every released sum and knows
// all other records and the labels and features of the canaries themselves.
//
//   run_audit JOB EPSILON RUNS CANARIES [without_noise]      prints one JSON object per run

#include <fmt/format.h>

#include <Eigen/Dense>
#include <algorithm>
#include <cstdlib>
#include <random>

#include "jobs/catalog.h"
#include "jobs/consortium.h"
#include "jobs/job_privacy.h"
#include "jobs/records.h"
#include "jobs/training.h"
#include "privacy/accounting/one_run_audit.h"
#include "storage/directory.h"

namespace hanse {
namespace {

using jobs::Job;

constexpr double kError = 1e-4;

std::optional<std::string> environment(std::string_view name) {
  const char* const value = std::getenv(std::string(name).c_str());
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

template <class T>
T value_of(base::Result<T> result) {
  if (result) return *std::move(result);
  fmt::print(stderr, "run_audit: {}\n", result.error().text());
  std::exit(1);
}

// What the adversary has to work with.
struct Game {
  std::shared_ptr<const data::Dataset> trained_on;  // with the canaries that are in
  data::Dataset known;                              // all other records
  std::vector<data::Dataset> canaries;
  std::vector<bool> coins;
};

// Canaries are records with a label that is not theirs: they pull hardest.
Game game_of(const data::Dataset& records, std::size_t canaries, std::mt19937_64& random) {
  std::vector<std::size_t> rows(records.size());
  for (std::size_t row = 0; row < rows.size(); ++row) rows[row] = row;
  std::ranges::shuffle(rows, random);
  data::Dataset changed = records;
  const auto labels = static_cast<double>(records.schema->label()->values.size());
  Game game;
  std::vector<std::size_t> in(rows.begin() + static_cast<std::ptrdiff_t>(canaries), rows.end());
  game.known = records.select(in);
  for (std::size_t c = 0; c < canaries; ++c) {
    double& label = changed.target[rows[c]];
    label = labels > 0 ? std::fmod(label + 1, labels) : (label > 0 ? -1 : 1);
    game.canaries.push_back(changed.select(std::span(&rows[c], 1)));
    game.coins.push_back((random() & 1) != 0);
    if (game.coins.back()) in.push_back(rows[c]);
  }
  std::ranges::sort(in);
  game.trained_on = std::make_shared<const data::Dataset>(changed.select(in));
  return game;
}

// One site's sum before any noise, in lattice steps.
Eigen::VectorXd sum_of(const query::Query& query, const data::Dataset& records) {
  base::SeededSimulationRandom unused(1, "unused");
  base::InlineExecutor executor;
  const query::Answer answer = value_of(query.answer(records, unused, executor));
  const auto values = std::get<privacy::ClippedSum>(answer).values();
  Eigen::VectorXd sum(static_cast<Eigen::Index>(values.size()));
  for (std::size_t i = 0; i < values.size(); ++i)
    sum[static_cast<Eigen::Index>(i)] = static_cast<double>(values[i]);
  return sum;
}

// Least squares for the coins, from what each round released beyond the known records. Equations
// are weighed by their noise; canaries alike share what they cannot be told apart by.
class Adversary {
 public:
  explicit Adversary(const Game& game)
      : game_(game),
        normal_(Eigen::MatrixXd::Zero(size(), size())),
        right_(Eigen::VectorXd::Zero(size())) {}

  void look_at(const query::QueryPlan& plan, const privacy::Released& released) {
    const query::Catalog catalog = jobs::full_catalog();
    const auto query = value_of(catalog.create(plan));
    Eigen::VectorXd rest = -sum_of(*query, game_.known);
    for (Eigen::Index i = 0; i < rest.size(); ++i)
      rest[i] += static_cast<double>(released.integers()[static_cast<std::size_t>(i)]);
    Eigen::MatrixXd pulls(rest.size(), size());
    for (Eigen::Index c = 0; c < size(); ++c)
      pulls.col(c) = sum_of(*query, game_.canaries[static_cast<std::size_t>(c)]);
    Eigen::Index from = 0;
    for (std::size_t p = 0; p < plan.layout.parts.size(); ++p) {
      const auto count = static_cast<Eigen::Index>(plan.layout.parts[p].coordinates);
      const double sigma = std::max(plan.noise.parts[p].sigma, 1.0);
      pulls.middleRows(from, count) /= sigma;
      rest.segment(from, count) /= sigma;
      from += count;
    }
    normal_ += pulls.transpose() * pulls;
    right_ += pulls.transpose() * rest;
  }

  // Every coin is guessed.
  privacy::Guesses guesses() const {
    const Eigen::MatrixXd ridge =
        normal_ + 4 * Eigen::MatrixXd::Identity(size(), size());  // a coin's variance is a quarter
    const Eigen::VectorXd middle = Eigen::VectorXd::Constant(size(), 0.5);
    const Eigen::VectorXd score = ridge.ldlt().solve(right_ - normal_ * middle);
    privacy::Guesses found{game_.coins.size(), game_.coins.size(), 0};
    for (Eigen::Index c = 0; c < size(); ++c)
      if ((score[c] > 0) == game_.coins[static_cast<std::size_t>(c)]) ++found.correct;
    return found;
  }

 private:
  Eigen::Index size() const { return static_cast<Eigen::Index>(game_.canaries.size()); }
  const Game& game_;
  Eigen::MatrixXd normal_;
  Eigen::VectorXd right_;
};

privacy::Guesses audited(const Job& job, const data::Dataset& records, std::size_t canaries,
                         std::mt19937_64& random) {
  const Game game = game_of(records, canaries, random);
  const data::Schema& schema = *records.schema;
  const auto strategy = value_of(jobs::strategy_of(job, schema, 1));
  const query::Catalog catalog = jobs::full_catalog();
  base::InlineExecutor executor;
  base::SilentLog log;
  jobs::LocalConsortium consortium({{*base::SiteId::create("site"), game.trained_on}},
                                   jobs::alone(), job.seed, catalog, executor, log);
  Adversary adversary(game);
  learning::Iterate iterate = value_of(jobs::first_iterate(job, schema));
  while (iterate.steps < job.rounds) {
    const query::QueryPlan plan = value_of(strategy->plan(iterate, {iterate.steps + 1, 0}));
    const auto round = value_of(consortium.run_round(plan));
    adversary.look_at(plan, round.released);
    iterate = value_of(strategy->step(iterate, round.released));
  }
  return adversary.guesses();
}

data::Dataset all_records(const Job& job) {
  storage::Disk disk;
  base::InlineExecutor executor;
  const jobs::Records records = value_of(jobs::Records::read(job, {disk, executor}));
  const jobs::DealtRecords dealt = value_of(records.deal(job.seed));
  std::vector<data::Dataset> parts;
  for (const data::SiteData& site : *dealt.sites) parts.push_back(site.records);
  return data::concatenate(parts);
}

int run(const std::string& path, const std::string& epsilon, int runs, std::size_t canaries,
        bool without_noise) {
  const std::string noise =
      without_noise ? std::string("noise_multiplier = 1e-4") : "epsilon = " + epsilon;
  const std::vector<std::string> overrides{
      "privacy={" + noise + ", unit = \"record\", placement = \"site\"}",
      "aggregation={min_sites = 1}"};
  storage::Disk disk;
  Job job = value_of(jobs::load_job(disk, path, environment, overrides));
  const data::Dataset records = all_records(job);
  const base::Delta delta = base::Delta::create(job.privacy.delta).value();
  for (int seed = 1; seed <= runs; ++seed) {
    job.seed = static_cast<std::uint64_t>(seed);
    std::mt19937_64 random(job.seed);
    const privacy::Guesses guesses = audited(job, records, canaries, random);
    fmt::print(
        "{{\"job\": \"{}\", \"claim\": {}, \"noise\": {}, \"seed\": {}, \"canaries\": {}, "
        "\"correct\": {}, \"lower_bound\": {:.4f}}}\n",
        job.name.text(), epsilon, !without_noise, seed, guesses.guessed, guesses.correct,
        privacy::audited_epsilon(guesses, delta, kError));
    std::fflush(stdout);
  }
  return 0;
}

}  // namespace
}  // namespace hanse

int main(int argc, char** argv) {
  if (argc < 5 || argc > 6) {
    fmt::print(stderr, "usage: run_audit JOB EPSILON RUNS CANARIES [without_noise]\n");
    return 2;
  }
  return hanse::run(argv[1], argv[2], std::atoi(argv[3]),
                    static_cast<std::size_t>(std::atol(argv[4])), argc == 6);
}
