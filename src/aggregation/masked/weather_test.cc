// Masked sums under everything at once: sites that drop out at any step, words that come late,
// twice and out of turn, machines that crash between two writes. A sum is exactly right, with the
// noise that was promised, or there is none.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <set>

#include "aggregation/masked/testing.h"

namespace hanse::aggregation {
namespace {

using base::ErrorCode;
using testing::Fleet;
using testing::site_id;
using testing::Words;

constexpr std::int64_t kValue = 900;
constexpr std::int64_t kNoise = 100;  // a share is uniform on −100 … 100
constexpr double kShareVariance = kNoise * (kNoise + 1) / 3.0;
constexpr std::size_t kColluders = 1;

struct Climate {
  std::size_t sites = 0;
  std::uint32_t threshold = 0;
  std::uint32_t min_sites = 0;
  std::size_t coordinates = 0;
  std::size_t doomed = 0;  // sites that drop out, each at a step of its own
  bool has_real_keys = false;
  bool is_crashing = true;
};

Words uniform(base::RandomSource& random, std::int64_t bound, std::size_t size) {
  Words drawn(size);
  for (std::int64_t& one : drawn)
    one = static_cast<std::int64_t>(
              base::uniform_below(random, 2 * static_cast<std::uint64_t>(bound) + 1)) -
          bound;
  return drawn;
}

// What is over the line of a released sum: the sum less the exact sum of the values.
struct Tally {
  std::size_t released = 0;
  std::size_t aborted = 0;
  std::size_t dropouts = 0;
  std::size_t crashes = 0;
  std::size_t draws = 0;
  double of_promised = 0;  // Σ noise² / variance of the least number of shares that was promised
  double of_counted = 0;   // the same over the shares that are in it

  // Bounds that a sum of `draws` squared normals of variance 1 passes but once in 10^6 (Laurent and
  // Massart 2000, lemma 1). Sums of uniforms have lighter tails, so that they pass them yet rarer.
  double low() const { return count() - 2 * std::sqrt(count() * kOnceInAMillion); }
  double high() const {
    return count() + 2 * std::sqrt(count() * kOnceInAMillion) + 2 * kOnceInAMillion;
  }
  double count() const { return static_cast<double>(draws); }

 private:
  static constexpr double kOnceInAMillion = 13.82;  // ln 10^6
};

class Weather {
 public:
  Weather(const Climate& climate, std::uint64_t seed)
      : climate_(climate),
        fleet_(climate.sites, {{climate.coordinates, kValue + kNoise}}, climate.threshold, seed,
               climate.has_real_keys),
        draw_(seed, "weather") {
    fleet_.setup().min_sites = climate.min_sites;
    std::vector<std::size_t> order;
    for (std::size_t i = 0; i < climate.sites; ++i) {
      order.push_back(i);
      values_.push_back(uniform(draw_, kValue, climate.coordinates));
    }
    base::shuffle(draw_, order);
    for (std::size_t i = 0; i < climate.doomed; ++i) doom_[order[i]] = below(kSteps);
  }
  // Sites that leave their noise out.
  void silence(std::size_t sites) { silent_ = sites; }

  void run(Tally& tally) {
    fleet_.start();
    for (std::size_t i = 0; i < fleet_.size(); ++i)
      if (crashes(16)) revive(i, {});
    bool is_possible = true;
    for (int turn = 0; turn < 1'000'000 && is_possible && !fleet_.coordinator().is_done(); ++turn)
      is_possible = pass(below(fleet_.size()));
    tally.dropouts += dead_.size();
    tally.crashes += crashes_;
    if (is_possible)
      release(tally);
    else
      ++tally.aborted;
  }

 private:
  // What a site does in a quiet attempt: four words heard, four said, sealing, sending.
  static constexpr std::size_t kSteps = 10;
  struct Mark {
    std::size_t durable = 0;
    std::size_t said = 0;
  };

  std::size_t below(std::size_t bound) { return base::uniform_below(draw_, bound); }
  bool crashes(std::size_t odds) { return climate_.is_crashing && below(odds) == 0; }

  // False when too few are left.
  bool pass(std::size_t site) {
    if (crashes(400 * fleet_.size())) restart_coordinator();
    if (dead_.contains(site)) return below(10) != 0 || leave(site);
    if (crashes(60 * fleet_.size()) && !leave(site)) return false;  // too slow, though alive
    if (crashes(20 * fleet_.size())) revive(site, mark(site));
    if (fleet_.at(site).inbox.empty() && below(50) == 0) fleet_.remind(site);
    hear(site);
    say(site);
    seal(site);
    contribute(site);
    return true;
  }
  // Whether the site is there for one more step.
  bool lives(std::size_t site) {
    const auto doom = doom_.find(site);
    if (doom != doom_.end() && doom->second-- == 0) {
      doom_.erase(doom);
      dead_.insert(site);
    }
    return !dead_.contains(site);
  }

  // One of the words in a box, mostly the first; one in eight stays in it.
  base::Bytes draw_from(std::deque<base::Bytes>& box) {
    const std::size_t at = below(4) == 0 ? below(box.size()) : 0;
    base::Bytes word = box[at];
    if (below(8) != 0) box.erase(box.begin() + static_cast<std::ptrdiff_t>(at));
    return word;
  }
  Mark mark(std::size_t site) {
    return {fleet_.at(site).durable.size(), fleet_.at(site).outbox.size()};
  }
  // A machine that crashed while it wrote down what it was about to say: some of that is durable,
  // none was said.
  void revive(std::size_t site, const Mark& before) {
    auto& one = fleet_.at(site);
    const std::size_t more = one.durable.size() - before.durable;
    one.durable.resize(before.durable + below(more + 1));
    one.outbox.resize(before.said);
    fleet_.restart(site);
    fleet_.remind(site);
    ++crashes_;
  }
  void hear(std::size_t site) {
    auto& one = fleet_.at(site);
    if (one.inbox.empty() || below(2) == 0 || !lives(site)) return;
    const Mark before = mark(site);
    const auto heard = fleet_.to_site(site, draw_from(one.inbox));
    EXPECT_TRUE(heard.has_value()) << heard.error().text();
    if (before.durable < one.durable.size() && crashes(24)) revive(site, before);
  }
  void say(std::size_t site) {
    auto& one = fleet_.at(site);
    if (one.outbox.empty() || below(2) == 0 || !lives(site)) return;
    const base::Bytes word = draw_from(one.outbox);
    // What a restarted coordinator has not closed again yet comes too early, and again; who was
    // too slow is refused.
    const auto heard = at_coordinator([&] { return fleet_.to_coordinator(site, word); });
    if (!heard) {
      EXPECT_EQ(heard.error().code(), ErrorCode::failed_precondition) << heard.error().text();
    }
  }
  // First the contribution becomes durable, then the machine's entry. Before either, nobody has
  // heard of it, and it is made anew with fresh noise; between them it is resumed.
  void seal(std::size_t site) {
    auto& one = fleet_.at(site);
    if (!one.machine->wants_input() || below(2) == 0 || !lives(site)) return;
    const Mark before = mark(site);
    if (one.sealed) {
      EXPECT_TRUE(fleet_.resume(site).has_value());
    } else {
      one.values = values_[site];
      const Words noise = uniform(draw_, site < silent_ ? 0 : kNoise, one.values.size());
      for (std::size_t c = 0; c < noise.size(); ++c) one.values[c] += noise[c];
      EXPECT_TRUE(fleet_.seal(site).has_value());
      if (crashes(16)) {
        one.sealed.reset();
        one.durable.resize(before.durable);
        return revive(site, before);
      }
    }
    if (crashes(16)) revive(site, before);
  }
  void contribute(std::size_t site) {
    auto& one = fleet_.at(site);
    const bool is_durable = one.sealed && one.durable.size() >= 3;  // root, transcript, senders
    if (!is_durable || !fleet_.coordinator().wants_input(site_id(site)) || !lives(site)) return;
    EXPECT_TRUE(at_coordinator([&] { return fleet_.contribute(site); }).has_value());
  }
  bool leave(std::size_t site) {
    const auto left = at_coordinator([&] { return fleet_.leave(site); });
    if (!left) {
      EXPECT_EQ(left.error().code(), ErrorCode::aborted);
    }
    return left.has_value();
  }

  // As for sites, now and then it crashes between two of its writes.
  template <class Act>
  base::Result<void> at_coordinator(const Act& act) {
    const std::size_t before = fleet_.coordinator_durable().size();
    std::vector<std::size_t> said;
    for (std::size_t i = 0; i < fleet_.size(); ++i) said.push_back(fleet_.at(i).inbox.size());
    HANSE_TRY_VOID(act());
    auto& durable = fleet_.coordinator_durable();
    if (before == durable.size() || !crashes(3)) return {};
    durable.resize(before + below(durable.size() - before + 1));
    for (std::size_t i = 0; i < fleet_.size(); ++i) fleet_.at(i).inbox.resize(said[i]);
    restart_coordinator();
    return {};
  }
  void restart_coordinator() {
    fleet_.restart_coordinator();
    for (std::size_t i = 0; i < fleet_.size(); ++i)
      if (!dead_.contains(i)) fleet_.begin(i);
    ++crashes_;
  }

  void release(Tally& tally) {
    ASSERT_TRUE(fleet_.coordinator().is_done()) << "the fleet is stuck";
    const std::vector<std::size_t> survivors = fleet_.last_set();
    auto sum = std::move(fleet_.coordinator()).finish();
    ASSERT_TRUE(sum.has_value()) << sum.error().text();
    const math::Opened opened = std::move(*sum).open();
    ASSERT_EQ(opened.contributors(), survivors.size());
    ASSERT_GE(opened.contributors(), std::max(climate_.threshold, climate_.min_sites));
    ASSERT_TRUE(std::ranges::equal(opened.values(), fleet_.sum_of(survivors)));
    const double promised = static_cast<double>(climate_.min_sites - kColluders);
    const double counted = static_cast<double>(opened.contributors());
    for (std::size_t c = 0; c < opened.values().size(); ++c) {
      std::int64_t noise = opened.values()[c];
      for (const std::size_t site : survivors) noise -= values_[site][c];
      const double squared = static_cast<double>(noise * noise) / kShareVariance;
      tally.of_promised += squared / promised;
      tally.of_counted += squared / counted;
    }
    tally.draws += opened.values().size();
    ++tally.released;
  }

  Climate climate_;
  Fleet fleet_;
  base::SeededSimulationRandom draw_;
  std::vector<Words> values_;
  std::map<std::size_t, std::size_t> doom_;  // steps that are left to it
  std::set<std::size_t> dead_;
  std::size_t crashes_ = 0;
  std::size_t silent_ = 0;
};

Tally run_seeds(const Climate& climate, std::uint64_t first, std::uint64_t seeds) {
  Tally tally;
  for (std::uint64_t seed = first; seed < first + seeds; ++seed) {
    Weather(climate, seed).run(tally);
    if (::testing::Test::HasFailure()) {
      ADD_FAILURE() << "seed " << seed;
      break;
    }
  }
  EXPECT_EQ(tally.released + tally.aborted, seeds);
  EXPECT_GE(tally.of_promised, tally.low()) << "less noise than was promised";
  EXPECT_GE(tally.of_counted, tally.low()) << "less noise than its shares have";
  EXPECT_LE(tally.of_counted, tally.high()) << "more noise than its shares have";
  ::testing::Test::RecordProperty("released", static_cast<int>(tally.released));
  ::testing::Test::RecordProperty("aborted", static_cast<int>(tally.aborted));
  ::testing::Test::RecordProperty("dropouts", static_cast<int>(tally.dropouts));
  ::testing::Test::RecordProperty("crashes", static_cast<int>(tally.crashes));
  return tally;
}

bool is_full() { return std::getenv("HANSE_FULL") != nullptr; }

Climate sixty_four(std::size_t doomed) {
  return {.sites = 64, .threshold = 43, .min_sites = 48, .coordinates = 512, .doomed = doomed};
}

// 200 seeds in parts that run side by side; 1,000 with HANSE_FULL.
class Masked64 : public ::testing::TestWithParam<std::uint64_t> {};

TEST_P(Masked64, IsRightOrAbortedWhateverTheWeather) {
  const std::uint64_t seeds = is_full() ? 10 : 2;
  const Tally tally = run_seeds(sixty_four(13), GetParam() * seeds, seeds);
  EXPECT_GT(tally.dropouts, 8 * seeds);
  EXPECT_GT(tally.crashes, 8 * seeds);
}

INSTANTIATE_TEST_SUITE_P(Parts, Masked64, ::testing::Range<std::uint64_t>(0, 100));

TEST(Weather, OfSixtyFourEndsEitherWay) {
  EXPECT_GT(run_seeds(sixty_four(6), 2000, 2).released, 0U);
  EXPECT_GT(run_seeds(sixty_four(40), 3000, 1).aborted, 0U);
}

// The same with hybrid keys: 30 seeds, 200 with HANSE_FULL.
class MaskedRealKeys : public ::testing::TestWithParam<std::uint64_t> {};

TEST_P(MaskedRealKeys, AreRightOrAbortedWhateverTheWeather) {
  const std::uint64_t seeds = is_full() ? 40 : 6;
  const Climate climate{.sites = 8,
                        .threshold = 5,
                        .min_sites = 5,
                        .coordinates = 512,
                        .doomed = 2,
                        .has_real_keys = true};
  const Tally tally = run_seeds(climate, GetParam() * seeds, seeds);
  EXPECT_GT(tally.released, 0U);
  EXPECT_GT(tally.dropouts, seeds);
  EXPECT_GT(tally.crashes, 2 * seeds);
}

INSTANTIATE_TEST_SUITE_P(Parts, MaskedRealKeys, ::testing::Range<std::uint64_t>(0, 5));

// Small fleets of every size, of which more drop out: both outcomes are seen.
TEST(Weather, EndsEitherWay) {
  Tally total;
  for (std::uint64_t sites = 3; sites < 11; ++sites) {
    const auto threshold = static_cast<std::uint32_t>(2 * sites / 3 + 1);
    const Climate climate{.sites = sites,
                          .threshold = threshold,
                          .min_sites = threshold,
                          .coordinates = 16,
                          .doomed = sites / 3};
    const Tally tally = run_seeds(climate, 100 * sites, 20);
    total.released += tally.released;
    total.aborted += tally.aborted;
  }
  EXPECT_GT(total.released, 40U);
  EXPECT_GT(total.aborted, 40U);
}

// Negative controls: what is promised stands with as many sites without noise as may collude, and
// the statistic sees one more.

Tally of_silent(std::size_t silent) {
  Tally tally;
  for (std::uint64_t seed = 0; seed < 4; ++seed) {
    Weather weather(
        {.sites = 8, .threshold = 6, .min_sites = 8, .coordinates = 4096, .is_crashing = false},
        seed);
    weather.silence(silent);
    weather.run(tally);
  }
  EXPECT_EQ(tally.released, 4U);
  return tally;
}

TEST(Weather, NoticesNoiseThatIsLeftOut) {
  EXPECT_GE(of_silent(0).of_counted, of_silent(0).low());
  const Tally one = of_silent(kColluders);
  EXPECT_GE(one.of_promised, one.low());
  EXPECT_LT(one.of_counted, one.low()) << "a share is missing";
  const Tally more = of_silent(kColluders + 1);
  EXPECT_LT(more.of_promised, more.low()) << "less than was promised";
}

}  // namespace
}  // namespace hanse::aggregation
