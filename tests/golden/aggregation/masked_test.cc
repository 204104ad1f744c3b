// Every byte of a masked sum as another implementation makes it (README.md).
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <sstream>

#include "aggregation/masked/testing.h"

namespace hanse::aggregation {
namespace {

using base::Bytes;
using testing::Fleet;
using testing::Words;

class Golden : public ::testing::Test {
 protected:
  void SetUp() override {
    std::ifstream file(HANSE_SOURCE_DIR "/tests/golden/aggregation/masked.txt");
    for (std::string line; std::getline(file, line);) {
      const std::size_t gap = line.rfind(' ');
      ASSERT_NE(gap, std::string::npos) << line;
      lines_[line.substr(0, gap)] = line.substr(gap + 1);
    }
    ASSERT_EQ(lines_.size(), 34U);
    const Bytes context = bytes("context");
    for (std::size_t i = 0; i < fleet_.size(); ++i) {
      auto& site = fleet_.at(i);
      site.signer = crypto::Signer::from_secret(bytes("roster_secret", i)).value();
      ASSERT_TRUE(std::ranges::equal(site.signer.verifier().key(), bytes("roster_key", i)));
      fleet_.setup().keys[i] = site.signer.verifier();
      Bytes entry{std::byte{1}};
      for (const Bytes& part : {context, bytes("root", i)})
        entry.insert(entry.end(), part.begin(), part.end());
      site.durable = {entry};
      if (lines_.contains(name("values", i))) site.values = numbers(name("values", i));
    }
    fleet_.setup().min_sites = 2;
    fleet_.start();
  }

  static std::string name(std::string_view what, std::size_t site) {
    return fmt::format("{} {}", what, site);
  }
  Bytes bytes(const std::string& what) const {
    const std::string& hex = lines_.at(what);
    Bytes read;
    for (std::size_t i = 0; i < hex.size(); i += 2)
      read.push_back(static_cast<std::byte>(std::stoul(hex.substr(i, 2), nullptr, 16)));
    return read;
  }
  Bytes bytes(std::string_view what, std::size_t site) const { return bytes(name(what, site)); }
  Words numbers(const std::string& what) const {
    std::istringstream list(lines_.at(what));
    Words read;
    for (std::string one; std::getline(list, one, ',');) read.push_back(std::stoll(one));
    return read;
  }
  // Whether this is what each of these sites says, or hears, next.
  void expect_said(std::string_view what, const std::vector<std::size_t>& sites) {
    for (const std::size_t i : sites) {
      ASSERT_FALSE(fleet_.at(i).outbox.empty()) << name(what, i);
      EXPECT_EQ(fleet_.at(i).outbox.front(), bytes(what, i)) << name(what, i);
    }
  }
  void expect_heard(const std::vector<std::size_t>& sites, const auto& expected) {
    for (const std::size_t i : sites) {
      ASSERT_FALSE(fleet_.at(i).inbox.empty()) << i;
      EXPECT_EQ(fleet_.at(i).inbox.front(), expected(i)) << "site " << i;
    }
  }

  std::map<std::string, std::string> lines_;
  Fleet fleet_{3, {{5, 1000}, {2, 1 << 20}}, 2, 1, true};
};

TEST_F(Golden, EveryWordAndContributionIsThePeers) {
  expect_said("advert", {0, 1, 2});
  fleet_.advertise();
  expect_heard({0, 1, 2}, [&](std::size_t i) { return bytes("roster", i); });
  fleet_.receive_all();
  expect_said("shares", {0, 1, 2});
  fleet_.send_all();
  expect_heard({0, 1, 2}, [&](std::size_t i) { return bytes("delivery", i); });
  fleet_.contribute_all({1});
  for (const std::size_t i : {0U, 2U})
    EXPECT_EQ(testing::bytes_of(fleet_.at(i).sealed->view()), bytes("contribution", i));
  expect_heard({0, 2}, [&](std::size_t) { return bytes("survivors"); });
  fleet_.receive_all();
  expect_said("signature", {0, 2});
  fleet_.send_all();
  expect_heard({0, 2}, [&](std::size_t) { return bytes("confirmation"); });
  fleet_.receive_all();
  expect_said("unmask", {0, 2});
  fleet_.send_all();
  EXPECT_EQ(fleet_.sum_of({0, 2}), numbers("sum"));
  fleet_.expect_sum_of({0, 2});
}

}  // namespace
}  // namespace hanse::aggregation
