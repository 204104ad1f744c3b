#include "roster/identity.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "crypto/testing.h"
#include "roster/testing.h"

namespace hanse::roster {
namespace {

using base::ErrorCode;
using crypto::testing::CountingRandom;
using testing::identity;
using testing::kValid;
using testing::party;

TEST(Identity, comes_back_from_its_encoding) {
  const Identity& one = identity("bremen");
  const auto two = Identity::decode(one.encode().reveal());
  ASSERT_TRUE(two) << two.error().text();
  EXPECT_EQ(two->name(), "bremen");
  EXPECT_EQ(two->encode(), one.encode());
  EXPECT_TRUE(two->is(one.party(Role::site, "Ovens Ltd", "generation-2")));
  EXPECT_EQ(two->signing().secret(), one.signing().secret());
  EXPECT_EQ(two->tls().secret(), one.tls().secret());
  const auto sealed = [&] {
    CountingRandom random(1);
    return *crypto::seal(base::view_of("x"), {}, one.agreement().public_key(), random);
  }();
  EXPECT_TRUE(two->agreement().open(sealed, {}));
}

// docs/formats/roster.md
TEST(Identity, golden) {
  CountingRandom random(0);
  const auto made = Identity::create("bremen", random, kValid);
  ASSERT_TRUE(made);
  const std::string text(base::text_of(made->encode().reveal()));
  EXPECT_TRUE(
      text.starts_with("hanse identity 1\n"
                       "name bremen\n"
                       "signing AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n"
                       "agreement ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=\n"
                       "tls QEFCQ0RFRkdISUpLTE1OT1BRUlNUVVZXWFlaW1xdXl8=\n"
                       "certificate MII"))
      << text;
}

TEST(Identity, damage_is_noticed_and_shows_no_secret) {
  const auto encoded = identity("bremen").encode();
  const std::string good(base::text_of(encoded.reveal()));
  std::vector<std::string> damaged{good + "x 1\n", good + "\n", "", "hanse identity 2\n",
                                   good.substr(0, good.size() - 1)};
  for (std::size_t i = 0; i < good.size(); ++i) {
    // A changed signing or agreement key is another key and cannot be told; the TLS key can.
    const std::size_t line = good.rfind('\n', i) + 1;
    const std::string_view rest = std::string_view(good).substr(line);
    const bool key = (rest.starts_with("signing ") && i >= line + 8) ||
                     (rest.starts_with("agreement ") && i >= line + 10);
    if (key && good[i] != '\n') continue;
    damaged.push_back(good);
    damaged.back()[i] = static_cast<char>(good[i] ^ 1);
  }
  for (const std::string& text : damaged) {
    const auto read = Identity::decode(base::view_of(text));
    ASSERT_FALSE(read) << text;
    EXPECT_EQ(read.error().code(), ErrorCode::corruption);
    EXPECT_EQ(read.error().text().find(good.substr(40, 8)), std::string::npos);
  }
}

TEST(Identity, names_are_checked) {
  CountingRandom random(0);
  EXPECT_EQ(Identity::create("a b", random, kValid).error().code(), ErrorCode::invalid_argument);
  EXPECT_FALSE(Identity::create("bremen", random, {{2000}, {1000}}));
}

TEST(Party, parts_are_checked) {
  const Party good = party("bremen");
  ASSERT_TRUE(check(good));
  const auto refused = [&](auto change) {
    Party changed = good;
    change(changed);
    const auto checked = check(changed);
    return checked ? std::string("accepted") : checked.error().text();
  };
  EXPECT_NE(refused([](Party& p) { p.name = "ulm"; }).find("in the name of 'bremen'"),
            std::string::npos);
  EXPECT_NE(refused([](Party& p) { p.name = "b\n"; }).find("party name"), std::string::npos);
  EXPECT_NE(refused([](Party& p) { p.organisation = "two\nlines"; }).find("one line"),
            std::string::npos);
  EXPECT_NE(refused([](Party& p) { p.organisation = "\x1b[2J"; }).find("one line"),
            std::string::npos);
  EXPECT_NE(refused([](Party& p) { p.organisation.assign(201, 'a'); }).find("200 bytes"),
            std::string::npos);
  EXPECT_NE(refused([](Party& p) { p.site_class = "a b"; }).find("site class"), std::string::npos);
  EXPECT_NE(refused([](Party& p) {
              p.role = Role::auditor;
              p.site_class = "a";
            }).find("only sites"),
            std::string::npos);
  EXPECT_NE(refused([](Party& p) { p.signing = {}; }).find("Ed25519"), std::string::npos);
  EXPECT_NE(refused([](Party& p) { p.agreement = {}; }).find("small order"), std::string::npos);
  EXPECT_NE(refused([](Party& p) { p.agreement = p.signing; }).find("must differ"),
            std::string::npos);
  EXPECT_NE(refused([](Party& p) { p.certificate.pop_back(); }).find("X.509"), std::string::npos);
}

TEST(Party, a_tls_key_signs_nothing_else) {
  const Identity& one = identity("bremen");
  Party mixed = one.party(Role::site, "", "");
  mixed.signing = one.tls().verifier().key();
  EXPECT_NE(check(mixed).error().text().find("must differ"), std::string::npos);
}

TEST(Party, roles_have_names) {
  for (const Role role : kRoles) EXPECT_EQ(*role_of(name_of(role)), role);
  EXPECT_NE(role_of("client").error().text().find("coordinator, site, engineer or auditor"),
            std::string::npos);
}

TEST(Fingerprint, is_of_all_of_the_party) {
  const Party good = party("bremen");
  const std::string print = fingerprint(good);
  EXPECT_EQ(print.size(), 8 * 4 + 7U);
  std::vector<Party> others(7, good);
  others[0].name = "ulm";
  others[1].role = Role::auditor;
  others[2].organisation = "x";
  others[3].site_class = "x";
  others[4].signing[0] ^= std::byte{1};
  others[5].agreement[0] ^= std::byte{1};
  others[6].certificate[0] ^= std::byte{1};
  for (const Party& other : others) EXPECT_NE(fingerprint(other), print);
  EXPECT_EQ(fingerprint(good), print);
}

TEST(Request, proves_that_who_asks_holds_the_key) {
  const Identity& bremen = identity("bremen");
  const auto asked = request(bremen, "ovens", bremen.party(Role::site, "Ovens Ltd", ""));
  ASSERT_TRUE(asked) << asked.error().text();
  EXPECT_TRUE(check_possession(*asked));
  const auto read = Signed<Request>::parse(base::view_of(asked->encode()));
  ASSERT_TRUE(read);
  EXPECT_EQ(*read, *asked);
  EXPECT_EQ(read->value().consortium, "ovens");
  EXPECT_TRUE(check_possession(*read));
  // Somebody else's keys, signed by oneself.
  auto stolen = *Signed<Request>::draft({"ovens", party("ulm")});
  stolen.sign("ulm", bremen.signing());
  EXPECT_EQ(check_possession(stolen).error().code(), ErrorCode::permission_denied);
  EXPECT_EQ(request(bremen, "ovens", party("ulm")).error().code(), ErrorCode::invalid_argument);
  EXPECT_FALSE(request(bremen, "a b", bremen.party(Role::site, "", "")));
}

TEST(Request, every_changed_byte_is_noticed) {
  const Identity& bremen = identity("bremen");
  const std::string good = request(bremen, "ovens", bremen.party(Role::site, "", ""))->encode();
  for (std::size_t i = 0; i < good.size(); ++i) {
    std::string changed = good;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    const auto read = Signed<Request>::parse(base::view_of(changed));
    EXPECT_FALSE(read && check_possession(*read)) << i;
  }
}

TEST(Signed, a_value_that_its_text_would_change_is_refused) {
  Party broken = party("bremen");
  broken.organisation = "\xFF";  // JSON would hold U+FFFD
  const auto made = Signed<Request>::draft({"ovens", broken});
  EXPECT_FALSE(made);
}

}  // namespace
}  // namespace hanse::roster
