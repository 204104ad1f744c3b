#include "jobs/evaluation.h"

#include <gtest/gtest.h>

#include <cmath>

namespace hanse::jobs {
namespace {

using learning::Metric;

const data::Column kLabel{
    .name = "strength", .kind = data::ColumnKind::label, .low = -1, .high = 1};

Judged judged(std::vector<double> said, std::vector<double> targets) {
  Judged all{math::Matrix(said.size(), 1), std::move(targets)};
  for (std::size_t i = 0; i < said.size(); ++i) all.predictions.row(i)[0] = said[i];
  return all;
}

// One that errs by `local`, `federated` and `pooled` on each of `records` records.
SiteJudged site(std::optional<double> local, double federated, double pooled, std::size_t records,
                std::string_view group) {
  const std::vector<double> zeros(records);
  const auto off = [&](double error) { return judged(std::vector<double>(records, error), zeros); };
  SiteJudged one{
      {}, off(federated), off(pooled), std::vector<std::string>(records, std::string(group))};
  if (local) one.local = off(*local);
  return one;
}

FoldValues mae(const std::vector<SiteJudged>& sites, Over over) {
  std::vector<const SiteJudged*> all;
  for (const SiteJudged& one : sites) all.push_back(&one);
  const std::vector<Metric> metrics{Metric::mae};
  return evaluate_fold(metrics, kLabel, all, over);
}

double value(const MetricValues& values) { return values.front().value.value_or(NAN); }

TEST(EvaluateFold, WeighsRecordsSitesOrGroups) {
  const std::vector<SiteJudged> sites{site(.1, .1, .1, 8, "a"), site(.4, .4, .4, 2, "b"),
                                      site(.4, .4, .4, 2, "b")};
  EXPECT_NEAR(value(mae(sites, Over::records).arms.federated), .2, 1e-12);
  EXPECT_NEAR(value(mae(sites, Over::sites).arms.federated), .3, 1e-12);
  EXPECT_NEAR(value(mae(sites, Over::groups).arms.federated), .25, 1e-12);
  EXPECT_EQ(mae(sites, Over::records).judged, 1U);
  EXPECT_EQ(mae(sites, Over::sites).judged, 3U);
  EXPECT_EQ(mae(sites, Over::groups).judged, 2U);
}

// federated and pooled on all records, local and the difference where there is a local model.
TEST(EvaluateFold, ASiteThatSatOutIsJudgedByTheOthersModels) {
  const std::vector<SiteJudged> sites{site(.3, .1, .1, 5, "a"), site({}, .5, .5, 5, "b")};
  const FoldValues all = mae(sites, Over::records);
  EXPECT_NEAR(value(all.arms.federated), .3, 1e-12);
  EXPECT_NEAR(value(all.arms.local), .3, 1e-12);
  EXPECT_NEAR(value(all.arms.federated_minus_local), -.2, 1e-12);
  const FoldValues alone = mae({sites[1]}, Over::records);
  EXPECT_FALSE(alone.arms.local.front().value);
  EXPECT_FALSE(alone.arms.federated_minus_local.front().value);
  EXPECT_TRUE(alone.undefined.empty());
}

TEST(EvaluateFold, CountsWhereAMetricIsUndefined) {
  std::vector<SiteJudged> sites{site(.1, .1, .1, 3, "constant"), site(.1, .1, .1, 3, "moving")};
  for (Judged* arm : {&*sites[1].local, &sites[1].federated, &*sites[1].pooled})
    arm->targets = {0, .1, .2};
  std::vector<const SiteJudged*> all{&sites[0], &sites[1]};
  const std::vector<Metric> metrics{Metric::mae, Metric::r2};
  const FoldValues fold = evaluate_fold(metrics, kLabel, all, Over::groups);
  EXPECT_EQ(fold.judged, 2U);
  EXPECT_EQ(fold.undefined, (std::vector<MetricCount>{{"r2", 1}}));
  EXPECT_TRUE(fold.arms.federated[1].value);
}

Arms arms(std::optional<double> local, std::optional<double> federated, double pooled) {
  const auto one = [](std::optional<double> v) { return MetricValues{{"rmse", v}}; };
  const bool both = local && federated;
  return {one(local), one(federated), one(pooled),
          one(both ? std::optional(*federated - *local) : std::nullopt)};
}

TEST(Compare, PairsTheArmsFoldByFold) {
  const std::vector<Arms> folds{arms(5, 4, 3), arms(7, 5, 3), arms({}, 9, 3), arms(1, {}, 3)};
  const ComparedArms means = compare(folds, 0);
  EXPECT_NEAR(*means.federated.front().value, 6, 1e-12);
  EXPECT_NEAR(*means.pooled.front().value, 3, 1e-12);
  EXPECT_NEAR(*means.local.front().value, 6, 1e-12);
  EXPECT_NEAR(*means.federated_minus_local.front().value, -1.5, 1e-12);
  // Two differences, −1 and −2: t of one degree is 12.706, the standard error 0.5.
  EXPECT_NEAR(*means.federated_minus_local.front().high, -1.5 + 12.7062 * .5, 1e-3);
  const ComparedArms none = compare(std::vector<Arms>{arms({}, 1, 1)}, 0);
  EXPECT_FALSE(none.local.front().value);
  EXPECT_FALSE(none.federated.front().low);
}

// Seeds that train anew on the same folds do not make the folds more.
TEST(Compare, CountsAFoldOnceWhateverTheSeeds) {
  const std::vector<Arms> once{arms(5, 4, 3), arms(7, 5, 3)};
  std::vector<Arms> often;
  for (int seed = 0; seed < 10; ++seed) often.insert(often.end(), once.begin(), once.end());
  EXPECT_EQ(compare(often, .5, 2).federated, compare(once, .5).federated);
  EXPECT_LT(*compare(often, .5).federated.front().high, *compare(once, .5).federated.front().high);
  const std::vector<Arms> half{arms(5, 4, 3), arms({}, {}, 3), arms(5, 6, 3), arms(7, 8, 3)};
  EXPECT_NEAR(*compare(half, .5, 2).federated.front().value, 6.5, 1e-12);
}

TEST(HurtOf, IsSureWhereTheIntervalIs) {
  const auto row = [](std::string name, std::string metric, double gain, std::optional<double> low,
                      std::optional<double> high) {
    SiteRow site;
    site.name = std::move(name);
    site.metrics.federated_minus_local = {{std::move(metric), gain, low, high}};
    return site;
  };
  const std::vector<SiteRow> sites{
      row("sure", "rmse", 1, .5, 1.5), row("perhaps", "rmse", 1, -1, 3),
      row("once", "roc_auc", -.1, {}, {}), row("fine", "rmse", -1, {}, {}),
      row("gains", "roc_auc", .1, .05, .15)};
  EXPECT_EQ(hurt_of(sites), (std::vector<HurtSite>{{"sure", "rmse", std::string(kHurts)},
                                                   {"perhaps", "rmse", std::string(kMayHurt)},
                                                   {"once", "roc_auc", std::string(kMayHurt)}}));
}

}  // namespace
}  // namespace hanse::jobs
