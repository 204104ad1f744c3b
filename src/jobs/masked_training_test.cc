// What masked sums change in a training: nothing; and what sharing the noise gains with them.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "jobs/job_privacy.h"
#include "jobs/site_records.h"
#include "jobs/testing.h"
#include "jobs/training.h"

namespace hanse::jobs {
namespace {

constexpr std::string_view kWear = R"(
name = "wear"
[data]
source = "csv"
path = "wear.csv"
[[data.column]]
name = "load"
kind = "number"
low = -1
high = 1
[[data.column]]
name = "wear"
kind = "label"
low = -1
high = 1
[[data.column]]
name = "plant"
kind = "site"
[data.split]
kind = "holdout"
by = "record"
[model]
kind = "ridge"
[training]
strategy = "adassp"
[privacy]
epsilon = 1
delta = 1e-5
placement = "shared"
unit = "record"
[aggregation]
max_records_per_site = 100
)";

constexpr double kSlope = 0.5;

class MaskedTraining : public ::testing::Test {
 protected:
  // Plants with 64 records each, all on one line: what a model errs, noise alone has done.
  static const std::vector<SiteRecords>& plants(std::size_t count, const Job& job) {
    static std::map<std::size_t, std::vector<SiteRecords>> read;
    std::vector<SiteRecords>& all = read[count];
    if (!all.empty()) return all;
    storage::Memory files;
    base::SeededSimulationRandom random(1, "wear");
    std::string csv = "load,wear,plant\n";
    for (std::size_t plant = 0; plant < count; ++plant)
      for (int i = 0; i < 64; ++i) {
        const double load = 2 * base::uniform_unit(random) - 1;
        csv += fmt::format("{},{},plant-{}\n", load, kSlope * load, plant);
      }
    HANSE_CHECK(files.write("wear.csv", base::view_of(csv)).has_value());
    base::InlineExecutor executor;
    for (std::size_t plant = 0; plant < count; ++plant) {
      const base::SiteId site = testing::site(fmt::format("plant-{}", plant));
      all.push_back({site, training_records(job, site, "", nullptr, {files, executor}).value()});
    }
    return all;
  }

  static Job job(std::vector<std::string> overrides) {
    auto parsed = parse_job(kWear, "wear.toml", testing::no_environment, std::move(overrides));
    if (!parsed) throw std::invalid_argument(parsed.error().text());
    return *std::move(parsed);
  }

  static std::vector<double> trained(const Job& job, std::size_t count) {
    base::InlineExecutor executor;
    const auto done = train(job, *schema_of(job.source), plants(count, job),
                            aggregation_of(job.aggregation, count).value(), executor,
                            [](const RoundTrace&, const SharedIterate&) { return true; });
    if (!done) throw std::invalid_argument(done.error().text());
    const auto parameters = (*done)->model.parameters();
    return {parameters.begin(), parameters.end()};
  }

  // Root of the mean squared error of the slope, over seeds.
  static double error_of(std::size_t count, std::vector<std::string> overrides) {
    constexpr std::uint64_t kSeeds = 24;
    double squares = 0;
    for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
      auto with_seed = overrides;
      with_seed.push_back(fmt::format("seed={}", seed));
      const double slope = trained(job(with_seed), count).front();
      squares += (slope - kSlope) * (slope - kSlope);
    }
    return std::sqrt(squares / kSeeds);
  }

  // Of the least squares line through log error over log plants.
  static double exponent(std::span<const std::size_t> counts,
                         const std::vector<std::string>& overrides) {
    double n = 0;
    double x = 0;
    double y = 0;
    double xx = 0;
    double xy = 0;
    for (const std::size_t count : counts) {
      std::vector<std::string> sized = overrides;
      sized.push_back(fmt::format("aggregation.min_sites={}", count));
      const double a = std::log(static_cast<double>(count));
      const double b = std::log(error_of(count, sized));
      n += 1, x += a, y += b, xx += a * a, xy += a * b;
    }
    return (n * xy - x * y) / (n * xx - x * x);
  }
};

// Masks cancel: the sums are those of a summer who is trusted with each answer, to the bit.
TEST_F(MaskedTraining, IsTheTrustedSummersToTheBit) {
  for (const std::vector<std::string>& more :
       {std::vector<std::string>{}, {"privacy.placement=site"}}) {
    std::vector<std::string> masked = more;
    std::vector<std::string> plain = more;
    for (const char* one : {"aggregation.max_colluders=0", "aggregation.min_sites=5"})
      masked.emplace_back(one);
    for (const char* one : {"aggregation.backend=plain", "aggregation.min_sites=5"})
      plain.emplace_back(one);
    EXPECT_EQ(trained(job(masked), 5), trained(job(plain), 5));
  }
}

// With one dose over all plants the error falls as 1/n; with one dose at each as 1/√n.
TEST_F(MaskedTraining, SharedNoisePaysWithEveryPlant) {
  const std::vector<std::size_t> masked_counts{4, 8, 16};
  const double masked = exponent(masked_counts, {"aggregation.max_colluders=0"});
  EXPECT_NEAR(masked, -1, 0.25);
  const std::vector<std::size_t> counts{4, 8, 16, 32, 64};
  const double shared = exponent(counts, {"aggregation.backend=plain"});
  EXPECT_NEAR(shared, -1, 0.2);
  const double site = exponent(counts, {"aggregation.backend=plain", "privacy.placement=site"});
  EXPECT_NEAR(site, -0.5, 0.2);
}

// A lattice of 1/512 of the clip, turned and rounded at random, against one of 2^−28.
TEST_F(MaskedTraining, TurnedSumsTakeFewerBytesAndLearnAsMuch) {
  const auto bytes_of = [](const Job& job) {
    base::InlineExecutor executor;
    std::uint64_t bytes = 0;
    const auto done = train(job, *schema_of(job.source), plants(5, job),
                            aggregation_of(job.aggregation, 5).value(), executor,
                            [&](const RoundTrace& round, const SharedIterate&) {
                              bytes = round.sealed_bytes;
                              return true;
                            });
    EXPECT_TRUE(done) << done.error().text();
    return bytes;
  };
  const std::vector<std::string> fine{"aggregation.min_sites=5"};
  std::vector<std::string> coarse = fine;
  coarse.insert(coarse.end(), {"aggregation.rotation=true", "aggregation.fraction_bits=9"});
  EXPECT_LT(bytes_of(job(coarse)), bytes_of(job(fine)));
  EXPECT_LT(error_of(5, coarse), 1.5 * error_of(5, fine));
  EXPECT_THROW(job({"aggregation.rotation=true"}), std::invalid_argument) << "no coarse lattice";
}

TEST_F(MaskedTraining, AColluderCostsOneShare) {
  const Job with_one = job({"aggregation.min_sites=5"});
  const Aggregation settled = aggregation_of(with_one.aggregation, 5).value();
  EXPECT_EQ(settled.protection, (federation::Protection{"masked", 4, 3, 1}));
  EXPECT_EQ(noise_shares(settled), 4U);
  const auto report = reported_privacy(with_one, *schema_of(with_one.source), 5);
  ASSERT_TRUE(report) << report.error().text();
  const ReportedGuarantee& guarantee = *report->guarantee;
  EXPECT_EQ(guarantee.max_colluders, 1U);
  ASSERT_TRUE(guarantee.coordinator_epsilon && guarantee.pld_epsilon);
  // A quarter more of variance: about 1/√1.25 of the ε.
  EXPECT_NEAR(*guarantee.coordinator_epsilon / *guarantee.pld_epsilon, std::sqrt(0.8), 0.03);
}

void expect_refused(const AggregationSpec& spec, std::size_t sites, std::string_view key) {
  const auto settled = aggregation_of(spec, sites);
  ASSERT_FALSE(settled) << key;
  EXPECT_NE(settled.error().text().find(key), std::string::npos) << settled.error().text();
}

TEST(AggregationOf, SettlesWhatTheJobLeavesOpen) {
  const Aggregation seven = aggregation_of({}, 7).value();
  EXPECT_EQ(seven.protection, (federation::Protection{"masked", 5, 3, 1}));
  EXPECT_EQ(seven.min_sites, 5U);
  EXPECT_EQ(aggregation_of({}, 4)->min_sites, 4U);
  EXPECT_EQ(aggregation_of({.max_colluders = 3}, 10)->min_sites, 7U);
  // Where many may collude, more than two thirds are not enough.
  EXPECT_EQ(aggregation_of({.min_contributors = 2, .max_colluders = 3}, 5)->protection.threshold,
            5U);
  EXPECT_EQ(aggregation_of({}, 1)->protection.backend, "plain") << "one site adds nothing up";
  EXPECT_EQ(aggregation_of({.backend = "plain"}, 2)->min_sites, 1U);
}

TEST(AggregationOf, RefusesWhatProtectsTooLittle) {
  expect_refused({}, 3, "max_colluders");
  expect_refused({.min_contributors = 6}, 6, "min_contributors");
  expect_refused({.threshold = 4}, 7, "threshold");
  expect_refused({.threshold = 5, .max_colluders = 3}, 7, "threshold");
  expect_refused({.threshold = 8}, 7, "threshold");
  expect_refused({.min_sites = 4}, 7, "min_sites");
  expect_refused({.min_sites = 8}, 7, "min_sites");
  expect_refused({.backend = "plain", .min_sites = 3}, 2, "min_sites");
}

}  // namespace
}  // namespace hanse::jobs
