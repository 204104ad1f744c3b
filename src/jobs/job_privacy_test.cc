// What [privacy] says, and the noise that follows from it.
#include "jobs/job_privacy.h"

#include <gtest/gtest.h>

#include "federation/site/obligations.h"
#include "jobs/testing.h"
#include "jobs/training.h"

namespace hanse::jobs {
namespace {

using testing::ovens;

Job private_ovens(std::vector<std::string> more = {}) {
  std::vector<std::string> overrides{"training.strategy=\"fedsgd\"", "training.rounds=8",
                                     "privacy={epsilon = 1.0, placement = \"shared\"}"};
  overrides.insert(overrides.end(), more.begin(), more.end());
  return ovens(std::move(overrides));
}

std::string refusal(std::vector<std::string> overrides) {
  std::vector<std::string> all{"training.strategy=\"fedsgd\""};
  all.insert(all.end(), overrides.begin(), overrides.end());
  const auto job = parse_job(testing::kOvens, "ovens.toml", testing::no_environment, all);
  return job ? "" : job.error().text();
}

double rho_of(const Job& job, std::uint32_t sites) {
  const data::Schema schema = schema_of(job.source).value();
  double rho = 0;
  const std::vector<privacy::Charge> charges = charges_of(job, schema, sites).value();
  for (const privacy::Charge& charge : charges) {
    const auto kind = std::get<privacy::loss::DiscreteGaussian>(charge.loss.kind());
    const double sigma2 = kind.sigma * kind.sigma * static_cast<double>(kind.shares);
    rho += static_cast<double>(charge.count) * kind.sensitivity * kind.sensitivity / (2 * sigma2);
  }
  return rho;
}

TEST(JobPrivacy, NoiseFollowsFromEpsilonAndFitsTheGate) {
  const auto gate = privacy::Gate::create(privacy::Currency::rho, base::Epsilon::create(1).value(),
                                          base::Delta::create(1e-5).value())
                        .value();
  for (const std::string placement : {"site", "shared", "coordinator"}) {
    const Job job = private_ovens({"privacy.placement=\"" + placement + "\""});
    EXPECT_EQ(job.rounds, 9U);  // with the round of moments
    const data::Schema schema = schema_of(job.source).value();
    const auto charges = charges_of(job, schema, 2).value();
    const privacy::Price price = gate.price(charges).value();
    EXPECT_TRUE(price.fits(gate.capacity()));
    EXPECT_GT(static_cast<double>(price.units), 0.999 * static_cast<double>(gate.capacity().units));
    const ReportedPrivacy report = reported_privacy(job, schema, 2).value();
    EXPECT_EQ(report.placement, placement);
    EXPECT_LE(report.guarantee->gate_epsilon, 1);
    EXPECT_GT(report.guarantee->gate_epsilon, 0.999);
    EXPECT_LT(*report.guarantee->pld_epsilon, report.guarantee->gate_epsilon);
  }
}

// What is charged does not depend on how many sites there are; the share that each adds does.
TEST(JobPrivacy, SharesAddUpToTheDose) {
  const Job job = private_ovens();
  EXPECT_NEAR(rho_of(job, 2), rho_of(job, 7), 1e-5 * rho_of(job, 2));
  const data::Schema schema = schema_of(job.source).value();
  const auto strategy = strategy_of(job, schema, 7).value();
  const auto plan = strategy->plan(first_iterate(job, schema).value(), {1, 0}).value();
  EXPECT_EQ(plan.noise.shares, 2U);  // aggregation.min_sites
  EXPECT_EQ(plan.noise.placement, privacy::Placement::shared);
}

// Of what it grants, how much the whole training takes from this site by a gate of its own.
double share_of_budget(const Job& job, double epsilon, const base::SiteId& site) {
  const auto gate =
      privacy::Gate::create(job.privacy.currency, base::Epsilon::create(epsilon).value(),
                            base::Delta::create(job.privacy.delta).value())
          .value();
  const auto charges = charges_of(job, schema_of(job.source).value(), 2, &site).value();
  const privacy::Price price = job.privacy.currency == privacy::Currency::epsilon_delta
                                   ? gate.job_price(charges, gate.delta()).value()
                                   : gate.price(charges).value();
  EXPECT_TRUE(price.fits(gate.capacity()));
  return static_cast<double>(price.units) / static_cast<double>(gate.capacity().units);
}

TEST(JobPrivacy, EachOwnerPaysWhatHeGrants) {
  for (const std::string placement : {"site", "shared", "coordinator"})
    for (const std::string more :
         {"currency=\"rho\"", "currency=\"rdp\", sampling_rate=0.25", "currency=\"epsilon_delta\"",
          "expected_units=4000.0", "clipped_share=0.5"}) {
      SCOPED_TRACE(placement + ", " + more);
      const Job job = private_ovens(
          {fmt::format("privacy={{epsilon=2.0, placement=\"{}\", {}, site_epsilon={{essen=0.5}}}}",
                       placement, more)});
      EXPECT_GT(share_of_budget(job, 2, testing::site("ulm")), 0.999);
      EXPECT_GT(share_of_budget(job, 0.5, testing::site("essen")), 0.999);
      const data::Schema schema = schema_of(job.source).value();
      const auto plan = strategy_of(job, schema, 2)
                            .value()
                            ->plan(first_iterate(job, schema).value(), {1, 0})
                            .value();
      ASSERT_EQ(plan.sites.size(), 1U);
      const privacy::SiteShare share = plan.sites.at(testing::site("essen"));
      EXPECT_LT(share.weight, 0.9);
      EXPECT_EQ(share.noise == 1, placement != "site");
      const ReportedGuarantee guarantee = *reported_privacy(job, schema, 2)->guarantee;
      EXPECT_GT(guarantee.gate_epsilon, 1.99);
      ASSERT_EQ(guarantee.site_budgets.size(), 1U);
      const ReportedSiteBudget& own = guarantee.site_budgets[0];
      EXPECT_EQ(own.site, "essen");
      EXPECT_LE(own.gate_epsilon, 0.5);
      EXPECT_GT(own.gate_epsilon, 0.499);
      EXPECT_LE(*own.pld_epsilon, own.gate_epsilon * (1 + 1e-9));
      EXPECT_EQ(own.weight, share.weight);
      // So that a policy's epsilon_cap of 0.5 is met by what its decline asks for.
      const base::SiteId essen = testing::site("essen");
      const auto charges = charges_of(job, schema, 2, &essen).value();
      EXPECT_LE(federation::least_epsilon(charges, base::Delta::create(job.privacy.delta).value()),
                0.5);
    }
}

// Known units make noise matter less: the rule is min(n, n²ρ/κ), not ρ alone.
TEST(JobPrivacy, WhatIsKnownOfUnitsWeighs) {
  const auto weight_of = [](std::string_view more) {
    const Job job =
        private_ovens({fmt::format("privacy={{epsilon=2.0, site_epsilon={{essen=0.5}}{}}}", more)});
    return reported_privacy(job, schema_of(job.source).value(), 2)
        ->guarantee->site_budgets.at(0)
        .weight;
  };
  const double unknown = weight_of("");
  EXPECT_LT(unknown, 0.1);  // about (ε/4)²
  EXPECT_GT(weight_of(", expected_units=2000.0"), 1.5 * unknown);
  EXPECT_GT(weight_of(", expected_units=1e9"), 0.99);
}

TEST(JobPrivacy, WhoGrantsAsMuchHasNoShareOfHisOwn) {
  const Job job = private_ovens({"privacy={epsilon=2.0, site_epsilon={essen=2.0}}"});
  const Job usual = private_ovens({"privacy={epsilon=2.0}"});
  const auto digest = [](const Job& of) {
    const data::Schema schema = schema_of(of.source).value();
    const auto plan =
        strategy_of(of, schema, 2).value()->plan(first_iterate(of, schema).value(), {1, 0}).value();
    return query::digest_of(plan, base::Digest::of(plan.parameters.view()));
  };
  EXPECT_EQ(digest(job), digest(usual));
}

// Noise that no sum has room for is not found out when the round of moments is paid for.
TEST(JobPrivacy, LooksAtTheNoiseOfEachKindOfRound) {
  const Job job = private_ovens({"privacy={epsilon=0.01}", "training.rounds=9000"});
  const auto checked = check_plan_of(job, 2);
  ASSERT_FALSE(checked.has_value());
  EXPECT_NE(checked.error().text().find("choose fewer fraction bits"), std::string::npos)
      << checked.error().text();
  EXPECT_TRUE(check_plan_of(private_ovens({"privacy={epsilon=0.01}", "training.rounds=9000",
                                           "aggregation.fraction_bits=16"}),
                            2)
                  .has_value());
}

TEST(JobPrivacy, RefusesBudgetsThatNobodyCouldKeep) {
  const auto says = [](std::vector<std::string> overrides, std::string_view part) {
    const std::string error = refusal(std::move(overrides));
    EXPECT_NE(error.find(part), std::string::npos) << error;
  };
  EXPECT_EQ(refusal({"privacy={epsilon=2.0, site_epsilon={essen=0.5}}"}), "");
  says({"privacy={epsilon=2.0, site_epsilon={essen=2.5}}"}, "at most privacy.epsilon, 2");
  says({"privacy={epsilon=2.0, site_epsilon={essen=0.0}}"}, "0.001");
  std::string many;
  for (int i = 0; i < 17; ++i) many += fmt::format("s{}=0.{}1,", i, 10 + i);
  says({fmt::format("privacy={{epsilon=2.0, site_epsilon={{{} z=1.0}}}}", many)},
       "at most 16 different values, found 18");
  says({"privacy={epsilon=1000.0, site_epsilon={essen=0.001}}"}, "privacy.site_epsilon");
  says({"privacy={epsilon=2.0, site_epsilon={\"e\\n\"=1.0}}"}, "site");
  says({"privacy={epsilon=2.0, site_epsilon=1.0}"}, "a table");
  says({"privacy={noise_multiplier=9.0, site_epsilon={essen=0.5}}"}, "only for epsilon");
  says({"privacy={entrance=\"in_the_clear\", site_epsilon={essen=0.5}}"}, "epsilon");
  says({"training.strategy=\"fedavg\"", "privacy={epsilon=2.0, site_epsilon={essen=0.5}}"},
       "Choose strategy = \"fedsgd\"");
  const Job job = private_ovens({"privacy={epsilon=2.0, site_epsilon={essen=0.5}}"});
  const std::vector<base::SiteId> known{testing::site("ulm"), testing::site("aachen")};
  EXPECT_NE(check_named_sites(job, known).error().text().find("ulm, aachen"), std::string::npos);
  EXPECT_TRUE(check_named_sites(job, std::vector{testing::site("essen")}).has_value());
}

TEST(JobPrivacy, AGivenNoiseIsReportedAsWhatItGuarantees) {
  const auto epsilon_at = [](std::string_view multiplier) {
    const Job job = private_ovens({fmt::format("privacy={{noise_multiplier={}}}", multiplier)});
    const auto report = reported_privacy(job, schema_of(job.source).value(), 2).value();
    return report.guarantee->gate_epsilon;
  };
  EXPECT_GT(epsilon_at("10"), epsilon_at("20"));
  EXPECT_GT(epsilon_at("20"), 0);
}

// An aborted attempt may have been answered: its noise is no other attempt's.
TEST(JobPrivacy, WhatWasAskedAgainIsReportedAgain) {
  const Job job = private_ovens();
  const data::Schema schema = schema_of(job.source).value();
  const auto guarantee = [&](std::vector<std::uint32_t> attempts) {
    return *reported_privacy(job, schema, 2, attempts)->guarantee;
  };
  const std::vector<std::uint32_t> once(9, 1);
  EXPECT_EQ(guarantee(once).gate_epsilon, guarantee({}).gate_epsilon);
  EXPECT_GT(guarantee({2}).gate_epsilon, 1);
  const ReportedGuarantee more = guarantee({3, 1, 2, 4});
  EXPECT_EQ(more.mechanisms.at(0).count, 3U);
  EXPECT_EQ(more.mechanisms.at(1).count, 8U + 4U);
  EXPECT_GT(*more.pld_epsilon, *guarantee(once).pld_epsilon);
}

// The whole stays what it was; a round more is asked, and repeated ones are told apart.
TEST(JobPrivacy, MetricsTakeTheirShare) {
  const Job plain = private_ovens();
  const Job job = private_ovens({"privacy.metrics=0.2"});
  EXPECT_EQ(job.rounds, 10U);
  EXPECT_NEAR(rho_of(job, 2), rho_of(plain, 2), 1e-5 * rho_of(plain, 2));
  const data::Schema schema = schema_of(job.source).value();
  const auto count = [&](std::vector<std::uint32_t> attempts) {
    std::vector<std::uint64_t> counts;
    const ReportedPrivacy report = reported_privacy(job, schema, 2, attempts).value();
    for (const auto& one : report.guarantee->mechanisms) counts.push_back(one.count);
    return counts;
  };
  EXPECT_EQ(count({}), (std::vector<std::uint64_t>{1, 8, 1}));
  EXPECT_EQ(count({2, 1, 1, 1, 3, 1, 1, 1, 1, 4}), (std::vector<std::uint64_t>{2, 10, 4}));
  const Job alone =
      private_ovens({"privacy.metrics=0.2", "privacy.moments=0.0", "privacy.expected_units=500.0"});
  EXPECT_EQ(alone.rounds, 9U);
  EXPECT_NE(refusal({"privacy={epsilon=1.0, metrics=0.6}"}).find("0.5"), std::string::npos);
  EXPECT_NE(refusal({"privacy={epsilon=1.0, metrics=0.2, moments=0.8}"}).find("take 1"),
            std::string::npos);
}

TEST(JobPrivacy, MomentsTakeTheirShare) {
  const Job with = private_ovens({"privacy.moments=0.5"});
  const Job without = private_ovens({"privacy.moments=0.0", "privacy.expected_units=500.0"});
  EXPECT_EQ(with.rounds, 9U);
  EXPECT_EQ(without.rounds, 8U);
}

TEST(JobPrivacy, RefusesWhatContradictsItself) {
  EXPECT_EQ(refusal({"privacy={epsilon=1.0}"}), "");
  const auto says = [](const std::string& error, std::string_view part) {
    EXPECT_NE(error.find(part), std::string::npos) << error;
  };
  says(refusal({"privacy.epsilon=1.0"}), "found two");
  says(refusal({"privacy={epsilon=1.0, noise_multiplier=3.0}"}), "epsilon says it already");
  says(refusal({"privacy={epsilon=0.0}"}), "0.001");
  says(refusal({"privacy={delta=1e-5}"}), "found none");
  says(refusal({"privacy={epsilon=1.0, unit=\"engine\"}"}), "kind \"unit\"");
  says(refusal({"privacy={epsilon=1.0, placement=\"nobody\"}"}), "shared");
  says(refusal({"privacy={epsilon=1.0, placement=\"in_the_clear\"}"}), "entrance");
  says(refusal({"privacy={entrance=\"in_the_clear\", placement=\"site\"}"}), "epsilon");
}

TEST(JobPrivacy, ALocalStrategyIsRefusedWithTheReason) {
  const std::string error = refusal({"training.strategy=\"fedadam\"", "privacy={epsilon=1.0}"});
  EXPECT_NE(error.find("fedsgd"), std::string::npos) << error;
}

}  // namespace
}  // namespace hanse::jobs
