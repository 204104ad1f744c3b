#include "crypto/shamir.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <map>
#include <numeric>

#include "crypto/internal/mersenne.h"
#include "crypto/testing.h"

namespace hanse::crypto::shamir {
namespace {

using crypto::testing::CountingRandom;
using crypto::testing::from_hex;
using internal::Mersenne;
using internal::Wide;

using Points = std::vector<std::uint32_t>;

// Calls `visit` with every choice of `count` of `points`.
template <class Visit>
void each_choice(const Points& points, std::size_t count, const Visit& visit) {
  std::vector<char> chosen(points.size(), 0);
  std::fill_n(chosen.begin(), count, char{1});
  do {
    Points choice;
    for (std::size_t i = 0; i < points.size(); ++i)
      if (chosen[i] != 0) choice.push_back(points[i]);
    visit(choice);
  } while (std::ranges::prev_permutation(chosen).found);
}

// Calls `visit` with every tuple of `size` elements below `bound`.
template <class Visit>
void each_tuple(std::uint64_t bound, std::size_t size, const Visit& visit) {
  std::vector<std::uint64_t> tuple(size, 0);
  for (;;) {
    visit(tuple);
    std::size_t place = 0;
    while (place < size && ++tuple[place] == bound) tuple[place++] = 0;
    if (place == size) return;
  }
}

template <class Field>
std::uint64_t value_at(const std::vector<std::uint64_t>& polynomial, std::uint32_t point) {
  std::uint64_t value = 0;
  Field::evaluate(polynomial, point, std::span(&value, 1));
  return value;
}

// Every secret, every polynomial, every choice of `threshold` points: they give the secret.
template <class Field>
void every_threshold_gives_the_secret(const Points& points, std::size_t threshold) {
  each_choice(points, threshold, [&](const Points& choice) {
    std::vector<std::uint64_t> factors;
    for (std::size_t i = 0; i < choice.size(); ++i)
      factors.push_back(Field::factor_at_zero(choice, i));
    each_tuple(Field::kPrime, threshold, [&](const std::vector<std::uint64_t>& polynomial) {
      std::uint64_t secret = 0;
      for (std::size_t i = 0; i < choice.size(); ++i)
        secret =
            Field::add(secret, Field::multiply(factors[i], value_at<Field>(polynomial, choice[i])));
      ASSERT_EQ(secret, polynomial.back());
    });
  });
}

// Every choice of threshold − 1 points: what they show is as frequent under each secret.
template <class Field>
void fewer_say_nothing(const Points& points, std::size_t threshold) {
  each_choice(points, threshold - 1, [&](const Points& choice) {
    std::map<std::vector<std::uint64_t>, std::vector<int>> seen;  // shares → times, per secret
    each_tuple(Field::kPrime, threshold, [&](const std::vector<std::uint64_t>& polynomial) {
      std::vector<std::uint64_t> shares;
      for (const std::uint32_t point : choice) shares.push_back(value_at<Field>(polynomial, point));
      auto& times = seen[shares];
      times.resize(Field::kPrime);
      ++times[polynomial.back()];
    });
    for (const auto& [shares, times] : seen)
      ASSERT_EQ(std::ranges::count(times, times.front()), std::ssize(times));
  });
}

template <class Field>
void go_through_everything(std::size_t points, std::size_t highest_threshold) {
  Points all(points);
  std::iota(all.begin(), all.end(), 1U);
  for (std::size_t threshold = 1; threshold <= highest_threshold; ++threshold) {
    every_threshold_gives_the_secret<Field>(all, threshold);
    fewer_say_nothing<Field>(all, threshold);
  }
}

TEST(Shamir, all_there_is_over_3_elements) { go_through_everything<Mersenne<2>>(2, 2); }
TEST(Shamir, all_there_is_over_7_elements) { go_through_everything<Mersenne<3>>(6, 5); }
TEST(Shamir, all_there_is_over_31_elements) {
  go_through_everything<Mersenne<5>>(30, 2);
  go_through_everything<Mersenne<5>>(5, 3);
}

// The control of the two tests above: a polynomial of one degree less shows its secret.
TEST(Shamir, too_low_a_degree_would_be_noticed) {
  std::map<std::uint64_t, int> seen;
  each_tuple(7, 1, [&](const std::vector<std::uint64_t>& polynomial) {
    seen[value_at<Mersenne<3>>(polynomial, 4)] += 1;
    EXPECT_EQ(value_at<Mersenne<3>>(polynomial, 4), polynomial.back());
  });
  EXPECT_EQ(seen.size(), 7U);
}

template <class Field>
void arithmetic_is_right(std::uint64_t a, std::uint64_t b) {
  constexpr std::uint64_t p = Field::kPrime;
  ASSERT_EQ(Field::add(a, b), (a + b) % p);
  ASSERT_EQ(Field::subtract(a, b), (a + p - b) % p);
  ASSERT_EQ(Field::multiply(a, b), static_cast<std::uint64_t>(static_cast<Wide>(a) * b % p));
  ASSERT_EQ(Field::multiply(a, Field::inverse(a)), a == 0 ? 0U : 1U);
}

TEST(Mersenne, small_fields_all_pairs) {
  each_tuple(3, 2, [](const auto& pair) { arithmetic_is_right<Mersenne<2>>(pair[0], pair[1]); });
  each_tuple(7, 2, [](const auto& pair) { arithmetic_is_right<Mersenne<3>>(pair[0], pair[1]); });
  each_tuple(127, 2, [](const auto& pair) { arithmetic_is_right<Mersenne<7>>(pair[0], pair[1]); });
}

TEST(Mersenne, the_products_field_at_its_edges_and_anywhere) {
  using Field = Mersenne<61>;
  constexpr std::uint64_t p = Field::kPrime;
  std::vector<std::uint64_t> words{0, 1, 2, 3, p / 2, p / 2 + 1, p - 3, p - 2, p - 1};
  base::SeededSimulationRandom random(1, "mersenne");
  for (int i = 0; i < 100; ++i) words.push_back(base::uniform_below(random, p));
  for (const std::uint64_t a : words)
    for (const std::uint64_t b : words) arithmetic_is_right<Field>(a, b);
}

SecretBytes secret_of(std::uint64_t seed) {
  base::SeededSimulationRandom random(seed, "secret");
  return SecretBytes::random(kSecretBytes, random);
}

std::vector<base::ByteView> values_of(std::span<const Share> shares) {
  std::vector<base::ByteView> values;
  for (const Share& share : shares) values.push_back(share.value.reveal());
  return values;
}

// Made with Python's integers: secret 80 81 … 9f, coefficients from the bytes 00 01 …, threshold 3.
TEST(Shamir, comes_out_as_its_definition_says) {
  CountingRandom stream(0);
  CountingRandom secret(0x80);
  const Points points{1, 2, 4096};
  const auto shares = split(SecretBytes::random(kSecretBytes, secret), 3, points, stream);
  const std::string_view expected[] = {
      "a8abaeb1b4b7ba16c0c2c5c8cbced106d7d9dcdfe2e5e816eef0f3f6f9fcff0604080b0e71727416",
      "d1d7dee5ecf3fa1a0a0f161d242b320b42464d545b62691b797d848b9299a00badb4bbc2292f351b",
      "3f394d26384a5c078a0415b6c7d9eb0fd5cfdc4557697b18218ba4d5e6f80a016c566c64d6e6f708"};
  for (std::size_t i = 0; i < points.size(); ++i) {
    EXPECT_EQ(shares[i].point, points[i]);
    EXPECT_EQ(shares[i].value, SecretBytes::copy_of(from_hex(expected[i]))) << points[i];
  }
}

RC_GTEST_PROP(Shamir, any_threshold_of_shares_gives_the_secret, (std::uint64_t seed)) {
  base::SeededSimulationRandom random(seed, "split");
  const std::size_t sites = 1 + base::uniform_below(random, 40);
  const auto threshold = static_cast<std::uint32_t>(1 + base::uniform_below(random, sites));
  std::vector<std::size_t> order(kMaxPoint);
  std::iota(order.begin(), order.end(), std::size_t{1});
  base::shuffle(random, order);
  const Points points(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(sites));
  auto shares = split(secret_of(seed), threshold, points, random);
  RC_ASSERT(shares.size() == sites);
  std::vector<std::size_t> places(sites);
  std::iota(places.begin(), places.end(), std::size_t{0});
  base::shuffle(random, places);
  Points chosen;
  std::vector<base::ByteView> values;
  for (std::size_t i = 0; i < threshold; ++i) {
    chosen.push_back(shares[places[i]].point);
    values.push_back(shares[places[i]].value.reveal());
  }
  const auto recombiner = Recombiner::create(chosen);
  RC_ASSERT(recombiner.has_value());
  const auto secret = recombiner->combine(values);
  RC_ASSERT(secret.has_value());
  RC_ASSERT(*secret == secret_of(seed));
}

TEST(Shamir, the_same_stream_gives_the_same_shares) {
  const Points points{3, 1, 2};
  const auto shares_of = [&](std::uint64_t seed) {
    base::SeededSimulationRandom random(seed, "split");
    return split(secret_of(1), 2, points, random);
  };
  for (std::size_t i = 0; i < points.size(); ++i) {
    EXPECT_EQ(shares_of(5)[i].value, shares_of(5)[i].value);
    EXPECT_FALSE(shares_of(5)[i].value == shares_of(6)[i].value);
  }
}

// Gives the one word that is refused, then zeros.
class RefusedOnce final : public base::RandomSource {
 public:
  void fill(std::span<std::byte> out) override {
    std::ranges::fill(out, draws_++ == 0 ? std::byte{0xff} : std::byte{0});
  }
  int draws() const { return draws_; }

 private:
  int draws_ = 0;
};

TEST(Shamir, the_prime_itself_is_drawn_again) {
  RefusedOnce random;
  const auto shares = split(secret_of(1), 2, Points{1, 2}, random);
  EXPECT_EQ(random.draws(), 6);                 // one for all words, one for each of five again
  EXPECT_EQ(shares[0].value, shares[1].value);  // coefficients of zero
}

TEST(Recombiner, bad_points_are_refused) {
  for (const Points& points : {Points{}, Points{0}, Points{1, 2, 1}, Points{kMaxPoint + 1}}) {
    const auto recombiner = Recombiner::create(points);
    ASSERT_FALSE(recombiner);
    EXPECT_EQ(recombiner.error().code(), base::ErrorCode::invalid_argument);
  }
  EXPECT_TRUE(Recombiner::create(Points{kMaxPoint, 1}));
}

TEST(Recombiner, bad_shares_are_refused) {
  base::SeededSimulationRandom random(9, "split");
  const auto shares = split(secret_of(2), 3, Points{1, 2, 3, 4}, random);
  const auto other = split(secret_of(3), 3, Points{1, 2, 3, 4}, random);
  const auto recombiner = Recombiner::create(Points{1, 2, 3});
  ASSERT_TRUE(recombiner);
  const auto good = values_of(std::span(shares).first(3));
  EXPECT_EQ(recombiner->combine(good).value(), secret_of(2));
  EXPECT_EQ(recombiner->combine(std::span(good).first(2)).error().code(),
            base::ErrorCode::invalid_argument);

  const auto refused = [&](base::ByteView second) {
    const auto secret = recombiner->combine(std::vector{good[0], second, good[2]});
    return !secret && secret.error().code() == base::ErrorCode::corruption;
  };
  EXPECT_TRUE(refused(good[1].first(39)));
  EXPECT_TRUE(refused(other[1].value.reveal()));
  EXPECT_TRUE(refused(good[2]));
  for (std::size_t word = 0; word < 5; ++word) {
    base::Bytes prime(good[1].begin(), good[1].end());
    std::ranges::fill(std::span(prime).subspan(8 * word, 7), std::byte{0xff});
    prime[8 * word + 7] = std::byte{0x1f};
    EXPECT_TRUE(refused(prime)) << word;
    base::Bytes above(good[1].begin(), good[1].end());
    above[8 * word + 7] |= std::byte{0x20};
    EXPECT_TRUE(refused(above)) << word;
  }
  const auto too_few = Recombiner::create(Points{1, 2});
  EXPECT_FALSE(too_few->combine(std::span(good).first(2)));
}

// Zero and the prime are one element of the field; only zero is a word of a share.
TEST(Recombiner, one_word_for_each_element) {
  const SecretBytes zero = SecretBytes::copy_of(base::Bytes(kSecretBytes));
  RefusedOnce zeros;
  const auto share = split(zero, 1, Points{1}, zeros);
  base::Bytes value(share[0].value.reveal().begin(), share[0].value.reveal().end());
  const auto recombiner = Recombiner::create(Points{1});
  EXPECT_EQ(recombiner->combine(std::vector<base::ByteView>{value}).value(), zero);
  std::ranges::fill(std::span(value).first(7), std::byte{0xff});
  value[7] = std::byte{0x1f};
  EXPECT_FALSE(recombiner->combine(std::vector<base::ByteView>{value}));
}

TEST(ShamirDeathTest, misuse_aborts) {
  CountingRandom random(1);
  const SecretBytes secret = secret_of(1);
  EXPECT_DEATH(split(secret, 0, Points{1}, random), "threshold");
  EXPECT_DEATH(split(secret, 2, Points{1}, random), "threshold");
  EXPECT_DEATH(split(secret, 1, Points{1, 1}, random), "check_points");
  EXPECT_DEATH(split(SecretBytes(), 1, Points{1}, random), "kSecretBytes");
}

}  // namespace
}  // namespace hanse::crypto::shamir
