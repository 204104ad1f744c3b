#include "service/config.h"

#include <gtest/gtest.h>

#include "service/testing.h"

namespace hanse::service {
namespace {

using base::ErrorCode;

class ConfigTest : public ::testing::Test {
 protected:
  ConfigTest() {
    for (const char* folder : {"home", "home/local"}) testing::make_folder(doors_.files, folder);
  }
  void site_file(std::string_view text) {
    testing::write(doors_.files, "home/local/site.toml", text);
  }
  void coordinator_file(std::string_view text) {
    testing::write(doors_.files, "home/local/coordinator.toml", text);
  }
  base::Result<SiteConfig> site(const Flags& flags = {}) {
    return load_site_config(doors_.files, home_, doors_.environment, flags);
  }
  base::Result<CoordinatorConfig> coordinator(const Flags& flags = {}) {
    return load_coordinator_config(doors_.files, home_, doors_.environment, flags);
  }
  template <class T>
  void expect_refused(const base::Result<T>& result, ErrorCode code, std::string_view text) {
    ASSERT_FALSE(result) << text;
    EXPECT_EQ(result.error().code(), code) << result.error().text();
    EXPECT_NE(result.error().text().find(text), std::string::npos) << result.error().text();
  }

  testing::Doors doors_;
  Home home_{"home"};
};

TEST_F(ConfigTest, WithoutAFileACoordinatorHasDefaults) {
  const auto config = coordinator();
  ASSERT_TRUE(config) << config.error().text();
  EXPECT_EQ(config->bind, "0.0.0.0:7443");
  EXPECT_EQ(config->http, "127.0.0.1:7480");
  EXPECT_FALSE(config->in_the_clear);
  EXPECT_EQ(config->insecure_test_seed, std::nullopt);
  EXPECT_EQ(config->absence_seconds, 60u);
  EXPECT_EQ(config->round_seconds, 3600u);
}

TEST_F(ConfigTest, AFlagGoesBeforeTheEnvironmentAndThatBeforeTheFile) {
  coordinator_file("bind = \"10.0.0.1:1\"\nhttp = \"10.0.0.1:2\"\nabsence_seconds = 5\n");
  EXPECT_EQ(coordinator()->bind, "10.0.0.1:1");
  EXPECT_EQ(coordinator()->absence_seconds, 5u);
  doors_.variables["HANSE_BIND"] = "10.0.0.2:1";
  doors_.variables["HANSE_HTTP"] = "";
  EXPECT_EQ(coordinator()->bind, "10.0.0.2:1");
  EXPECT_EQ(coordinator()->http, "") << "none";
  EXPECT_EQ(coordinator({.bind = "10.0.0.3:1"})->bind, "10.0.0.3:1");
  EXPECT_EQ(coordinator({.http = "[::1]:3"})->http, "[::1]:3");

  site_file("coordinator = \"hub:1\"\n[data]\npath = \"x.csv\"\n");
  EXPECT_EQ(site()->coordinator, "hub:1");
  doors_.variables["HANSE_COORDINATOR"] = "hub:2";
  EXPECT_EQ(site()->coordinator, "hub:2");
  EXPECT_EQ(site({.coordinator = "hub:3"})->coordinator, "hub:3");
}

TEST_F(ConfigTest, InTheClearIsSaidByFileEnvironmentOrFlag) {
  EXPECT_FALSE(coordinator()->in_the_clear);
  EXPECT_TRUE(coordinator({.in_the_clear = true})->in_the_clear);
  coordinator_file("in_the_clear = true\n");
  EXPECT_TRUE(coordinator()->in_the_clear);
  doors_.variables["HANSE_IN_THE_CLEAR"] = "0";
  EXPECT_FALSE(coordinator()->in_the_clear);
  EXPECT_TRUE(coordinator({.in_the_clear = true})->in_the_clear);
  doors_.variables["HANSE_IN_THE_CLEAR"] = "yes";
  expect_refused(coordinator(), ErrorCode::invalid_argument,
                 "HANSE_IN_THE_CLEAR: expected 0 or 1, found 'yes'");
}

TEST_F(ConfigTest, AddressesAreHostAndPort) {
  for (const char* good : {"hub:7443", "10.0.0.1:0", "[::1]:65535", "hub.example:1"})
    EXPECT_TRUE(coordinator({.bind = good})) << good;
  for (const char* bad :
       {"hub", "hub:", ":7443", "hub:65536", "hub:-1", "hub:7443x", "::1:80", "fe80::1", "hub:1:2"})
    expect_refused(coordinator({.bind = bad}), ErrorCode::invalid_argument,
                   std::string("bind: expected HOST:PORT, found '") + bad + "'");
  expect_refused(coordinator({.bind = ""}), ErrorCode::invalid_argument, "found nothing");
  doors_.variables["HANSE_HTTP"] = "nowhere";
  expect_refused(coordinator(), ErrorCode::invalid_argument, "http: expected HOST:PORT");
}

TEST_F(ConfigTest, AFilesMistakesAreToldTogetherWithTheirPlaces) {
  coordinator_file("bnd = \"x\"\nabsence_seconds = 0\nround_seconds = 604801\n");
  const auto config = coordinator();
  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().code(), ErrorCode::invalid_argument);
  for (const char* part : {"home/local/coordinator.toml:1", "bnd", "bind",
                           "home/local/coordinator.toml:2", "home/local/coordinator.toml:3"})
    EXPECT_NE(config.error().text().find(part), std::string::npos) << config.error().text();
  site_file("[data]\npaht = \"x\"\n[consent]\njobs = \"some\"\n[limits]\nmin_sites = 0\n");
  const auto site_config = site();
  ASSERT_FALSE(site_config);
  for (const char* part :
       {"paht", "missing", "expected 'approved' or 'any', found 'some'", "limits.min_sites"})
    EXPECT_NE(site_config.error().text().find(part), std::string::npos)
        << site_config.error().text();
}

TEST_F(ConfigTest, AQuorumCannotBeFresherThanItIsAskedFor) {
  site_file("[limits]\nwitnessed_within_seconds = 59\n");
  expect_refused(site(), ErrorCode::invalid_argument, "at least 60");
  site_file("[limits]\nwitnessed_within_seconds = 60\n");
  EXPECT_EQ(site()->witnessed_within_seconds, 60U);
}

TEST_F(ConfigTest, PathsAreRelativeToTheirFile) {
  site_file(R"([data]
path = "ovens.csv"
map = "/etc/map.toml"
joins = ["batches.csv", "postgresql://db/ovens"]
)");
  const auto config = site();
  ASSERT_TRUE(config) << config.error().text();
  EXPECT_EQ(config->data->path, "home/local/ovens.csv");
  EXPECT_EQ(config->data->map, "/etc/map.toml");
  EXPECT_EQ(config->data->joins,
            (std::vector<std::string>{"home/local/batches.csv", "postgresql://db/ovens"}));
  site_file("[data]\npath = \"postgresql://db/ovens\"\nquery = \"select 1\"\n");
  EXPECT_EQ(site()->data->path, "postgresql://db/ovens");
  EXPECT_EQ(site()->data->map, "") << "none stays none";
}

TEST_F(ConfigTest, ASitesOwnerSaysWhereRecordsLieAndWhatHeAgreesTo) {
  roster::Roster roster = roster::testing::founders({"a"});
  expect_refused(check_data(*site(), home_, roster), ErrorCode::failed_precondition,
                 "has no [data] with a path");
  roster.test = true;
  EXPECT_TRUE(check_data(*site(), home_, roster)) << "there the job may say it";
  site_file(R"([data]
path = "x.csv"
[consent]
jobs = "any"
[limits]
max_rounds = 50
min_sites = 3
)");
  const auto config = site();
  ASSERT_TRUE(config) << config.error().text();
  EXPECT_EQ(config->consent, Consent::any);
  EXPECT_EQ(config->max_rounds, 50u);
  EXPECT_EQ(config->min_sites, 3u);
  site_file("[data]\npath = \"x.csv\"\n");
  EXPECT_EQ(site()->consent, Consent::approved) << "nothing is agreed to unasked";
  EXPECT_EQ(site()->max_rounds, 10'000u);
  EXPECT_EQ(site()->min_sites, 1u);
}

TEST_F(ConfigTest, NothingLeavesInTheClearUnsaid) {
  roster::Roster roster = roster::testing::founders({"a"});
  EXPECT_TRUE(check_in_the_clear(false, roster));
  expect_refused(check_in_the_clear(true, roster), ErrorCode::permission_denied, "'ovens' is none");
  roster.test = true;
  EXPECT_TRUE(check_in_the_clear(true, roster));
  site_file("[data]\npath = \"x.csv\"\n");
  expect_refused(check_budget(*site(), home_), ErrorCode::failed_precondition, "has no [budget]");
  EXPECT_TRUE(check_budget(*site({.in_the_clear = true}), home_));
}

TEST_F(ConfigTest, ABudgetIsGivenWholeOrByName) {
  const std::string data = "[data]\npath = \"x.csv\"\n[budget]\n";
  site_file(data + "asset = \"ovens\"\n");
  ASSERT_TRUE(site()) << site().error().text();
  EXPECT_EQ(site()->budget->asset.text(), "ovens");
  EXPECT_FALSE(site()->budget->made);
  EXPECT_TRUE(check_budget(*site(), home_));
  site_file(data + "asset = \"ovens\"\nepsilon = 3\nunit = \"oven\"\n");
  ASSERT_TRUE(site()) << site().error().text();
  const SiteConfig config = *site();
  const privacy::NewAsset& made = *config.budget->made;
  EXPECT_EQ(made.unit.text(), "oven");
  EXPECT_EQ(made.gate.epsilon().value(), 3);
  EXPECT_EQ(made.gate.delta().value(), 1e-5);
  EXPECT_EQ(made.gate.currency(), privacy::Currency::rho);
  site_file(data + "asset = \"ovens\"\ndelta = 1e-6\n");
  expect_refused(site(), ErrorCode::invalid_argument, "epsilon");
  site_file(data + "epsilon = 3\n");
  expect_refused(site(), ErrorCode::invalid_argument, "asset");
  site_file(data + "asset = \"ovens\"\nepsilon = -3\n");
  expect_refused(site(), ErrorCode::invalid_argument, "[budget]");
}

TEST_F(ConfigTest, SeedsAreForConsortiaOfTests) {
  roster::Roster roster = roster::testing::founders({"a"});
  EXPECT_TRUE(check_test_seed(std::nullopt, roster));
  expect_refused(check_test_seed(7, roster), ErrorCode::permission_denied, "'ovens' is none");
  roster.test = true;
  EXPECT_TRUE(check_test_seed(7, roster));
}

}  // namespace
}  // namespace hanse::service
