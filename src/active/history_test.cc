#include "active/history.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "active/spec.h"

namespace hanse::active {
namespace {

SelectionAsked small() {
  return {Asked::labelled,
          {{.parameters = {}, .rule = {1, 1, {{1, 0}}}, .batch = 0},
           {.parameters = {.5, -2}, .rule = {8, .25, {{3, .5}, {8, 0}}}, .batch = 0},
           {.parameters = {1, 2}, .rule = {}, .batch = 4}}};
}

RC_GTEST_PROP(Selection, GoesThereAndBack, ()) {
  SelectionAsked asked{*rc::gen::element(Asked::pool, Asked::labelled, Asked::pool_and_control),
                       {}};
  const auto share = [] { return *rc::gen::inRange(0, 1001) / 1000.0; };
  for (auto cycles = *rc::gen::inRange<std::size_t>(0, 5); cycles > 0; --cycles) {
    CycleRelease& one = asked.history.emplace_back();
    if (*rc::gen::arbitrary<bool>()) one.parameters = {share(), -share(), share()};
    if (*rc::gen::arbitrary<bool>()) {
      one.batch = *rc::gen::inRange<std::uint64_t>(1, 1000);
      continue;
    }
    one.rule.bins = *rc::gen::inRange(1U, 40U);
    one.rule.control = share();
    for (auto cells = *rc::gen::inRange<std::size_t>(1, 6); cells > 0; --cells)
      one.rule.cells.push_back({*rc::gen::inRange(0U, one.rule.bins + 1), share()});
  }
  const base::Bytes bytes = encode(asked);
  RC_ASSERT(bytes.size() <= selection_size(asked.history.size(), 3, 5));
  const auto back = decode_selection(bytes, 3);
  RC_ASSERT(back.has_value());
  RC_ASSERT(*back == asked);
}

// Whatever byte is changed: refused, or a selection that has exactly these bytes.
TEST(Selection, NoTwoEncodingsOfOne) {
  const base::Bytes good = encode(small());
  std::size_t refused = 0;
  for (std::size_t at = 0; at < good.size(); ++at)
    for (unsigned value = 0; value < 256; ++value) {
      base::Bytes bytes = good;
      bytes[at] = std::byte{static_cast<unsigned char>(value)};
      const auto read = decode_selection(bytes, 2);
      if (read) {
        EXPECT_EQ(encode(*read), bytes) << "byte " << at << " as " << value;
      } else {
        EXPECT_EQ(read.error().code(), base::ErrorCode::corruption);
        ++refused;
      }
    }
  EXPECT_GT(refused, 100 * 255U);
  for (std::size_t size = 0; size < good.size(); ++size)
    EXPECT_FALSE(decode_selection(base::ByteView(good).first(size), 2)) << size;
  base::Bytes longer = good;
  longer.push_back(std::byte{0});
  EXPECT_FALSE(decode_selection(longer, 2));
}

TEST(Selection, IsOfOneModel) {
  const auto other = decode_selection(encode(small()), 3);
  ASSERT_FALSE(other);
  EXPECT_NE(other.error().text().find("another one's"), std::string::npos);
}

TEST(ActiveSpec, RefusesByKey) {
  const ActiveSpec good{.initial = 10, .quota = 10};
  EXPECT_TRUE(check_spec(good));
  const auto refused = [&](const std::function<void(ActiveSpec&)>& spoil, std::string_view key) {
    ActiveSpec spec = good;
    spoil(spec);
    const auto result = check_spec(spec);
    ASSERT_FALSE(result) << key;
    EXPECT_NE(result.error().text().find(key), std::string::npos) << result.error().text();
  };
  refused([](auto& at) { at.initial = 0; }, "'initial'");
  refused([](auto& at) { at.quota = 1e10; }, "'quota'");
  refused([](auto& at) { at.cycles = 0; }, "'cycles'");
  refused([](auto& at) { at.bins = 1; }, "'bins'");
  refused([](auto& at) { at.control = 1.5; }, "'control'");
  refused([](auto& at) { at.estimation = 0; }, "'estimation'");
  refused([](auto& at) { at.last = 1; }, "'last'");
  refused([](auto& at) { at.acquisition = Acquisition::local_global_kl; },
          "'acquisition' is 'local_global_kl'");
  refused([](auto& at) { at.committee.members = 3; }, "'members' and 'spread' are a committee's");
  const auto committee = [&](Committee of) {
    return [of](auto& at) {
      at.acquisition = Acquisition::bald;
      at.committee = of;
    };
  };
  refused(committee({.members = 1}), "'members' is 2 to 64, found 1");
  refused(committee({.spread = 0}), "'spread' is above 0");
  refused(committee({.spread = std::nan("")}), "'spread' is above 0");
  refused([](auto& at) { at.rule = SelectionRule::gumbel_top; }, "selects at random");
  refused([](auto& at) { at.rule = SelectionRule::capped_threshold; }, "'max_labels_per_site'");
  refused([](auto& at) { at.max_labels_per_site = 3; }, "'max_labels_per_site'");
  refused([](auto& at) { at.arrivals = {1}; }, "'arrivals' has the times between 4 cycles");
  refused([](auto& at) { at.arrivals = {1, 3, 3}; }, "each after the last");
  refused(
      [](auto& at) {
        at.arrivals = {1, 2, 3};
        at.rule = SelectionRule::k_means;
      },
      "with arrivals choose threshold");
}

}  // namespace
}  // namespace hanse::active
