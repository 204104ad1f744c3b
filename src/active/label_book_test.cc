#include "active/label_book.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace hanse::active {
namespace {

constexpr base::Milliseconds kLate{1000};

base::Digest record(std::uint64_t number) {
  return base::Digest::of(std::as_bytes(std::span(&number, 1)));
}

LabelQuestion question(std::uint32_t votes = 1, std::uint32_t max_votes = 3,
                       Agreement agreement = Agreement::majority) {
  return {"fault", {"none", "ball", "inner"}, votes, max_votes, agreement};
}

LabelBatch batch(const LabelQuestion& asks, std::uint32_t cycle, std::vector<std::uint64_t> of) {
  LabelBatch one{*base::JobId::create("bearings"), cycle, asks, {}, AskedCycle{{50}, record(99)}};
  for (const std::uint64_t number : of) one.items.push_back({record(number), {{"rms", "3.2 g"}}});
  return one;
}

LabelAnswer answer(const LabelQuestion& asks, std::uint64_t number, std::string annotator,
                   std::optional<std::uint32_t> label, bool corrects = false) {
  return {item_of(asks, record(number)), std::move(annotator), label, 2'500'000, {77}, corrects};
}

base::Result<void> take(LabelBook& book, const base::Bytes& entry) {
  HANSE_TRY_VOID(book.check(entry));
  book.apply(entry);
  return {};
}

const LabelBook::Item& item(const LabelBook& book, const LabelQuestion& asks,
                            std::uint64_t number) {
  return book.items().at(item_of(asks, record(number)));
}

TEST(LabelBook, AsksOnceWhateverAsks) {
  LabelBook book;
  const LabelQuestion asks = question();
  ASSERT_TRUE(take(book, LabelBook::asked(batch(asks, 0, {1, 2}))));
  ASSERT_TRUE(take(book, LabelBook::answered(answer(asks, 1, "anna", 2))));
  const LabelBook before = book;
  // The same cycle again, after a crash; and another job's choice of a record that is labelled.
  ASSERT_TRUE(take(book, LabelBook::asked(batch(asks, 0, {1, 2}))));
  EXPECT_EQ(book, before);
  LabelBatch other = batch(asks, 0, {1, 3});
  other.job = *base::JobId::create("other");
  ASSERT_TRUE(take(book, LabelBook::asked(other)));
  EXPECT_EQ(book.items().size(), 3U);
  EXPECT_EQ(book.label_of(asks, record(1), kLate), 2U);
  EXPECT_EQ(item(book, asks, 1).job.text(), "bearings");
  // Under other values it is another question.
  LabelQuestion wider = asks;
  wider.values.emplace_back("outer");
  EXPECT_EQ(book.label_of(wider, record(1), kLate), std::nullopt);
}

// As many entries as its items need: the cycle is asked with the last, and a crash before it loses
// and repeats nothing.
TEST(LabelBook, AsksACycleInParts) {
  LabelBook book;
  const LabelQuestion asks = question();
  const base::JobId job = *base::JobId::create("bearings");
  LabelBatch part = batch(asks, 0, {1, 2});
  part.asked.reset();
  ASSERT_TRUE(take(book, LabelBook::asked(part)));
  EXPECT_FALSE(book.asked_of(job, 0));
  ASSERT_TRUE(take(book, LabelBook::answered(answer(asks, 1, "anna", 2))));
  EXPECT_EQ(LabelBook::restore(book.snapshot()), book);
  ASSERT_TRUE(take(book, LabelBook::asked(part)));  // again, behind a crash
  ASSERT_TRUE(take(book, LabelBook::asked(batch(asks, 0, {3}))));
  EXPECT_EQ(book.asked_of(job, 0), (AskedCycle{{50}, record(99)}));
  EXPECT_EQ(book.items().size(), 3U);
  EXPECT_EQ(item(book, asks, 1).answers.size(), 1U);
  const LabelBook whole = book;
  ASSERT_TRUE(take(book, LabelBook::asked(batch(asks, 0, {4}))));
  EXPECT_EQ(book, whole) << "what was asked is asked";
  EXPECT_EQ(LabelBook::restore(book.snapshot()), book);
}

// A training takes the labels of one moment, whatever is said behind it.
TEST(LabelBook, KnowsWhatWasSaidByThen) {
  LabelBook book;
  const LabelQuestion asks = question(2);
  ASSERT_TRUE(take(book, LabelBook::asked(batch(asks, 0, {1}))));
  LabelAnswer one = answer(asks, 1, "anna", 1);
  one.at = {60};
  ASSERT_TRUE(take(book, LabelBook::answered(one)));
  one = answer(asks, 1, "ben", 1);
  one.at = {80};
  ASSERT_TRUE(take(book, LabelBook::answered(one)));
  EXPECT_FALSE(book.label_of(asks, record(1), {79}));
  EXPECT_EQ(book.label_of(asks, record(1), {80}), 1U);
}

TEST(LabelBook, AnswersAreGivenAndPaidOnce) {
  LabelBook book;
  const LabelQuestion asks = question(2);
  ASSERT_TRUE(take(book, LabelBook::asked(batch(asks, 0, {1}))));
  const base::Bytes first = LabelBook::answered(answer(asks, 1, "anna", 1));
  for (int again = 0; again < 3; ++again) ASSERT_TRUE(take(book, first));
  EXPECT_EQ(book.earned().at("anna"), 2'500'000U);
  const auto other = book.check(LabelBook::answered(answer(asks, 1, "anna", 2)));
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code(), base::ErrorCode::failed_precondition);
  EXPECT_NE(other.error().text().find("'anna' said 'ball'"), std::string::npos);
  ASSERT_TRUE(take(book, LabelBook::answered(answer(asks, 1, "anna", 2, true))));
  EXPECT_EQ(book.earned().at("anna"), 2'500'000U) << "not paid again";
  ASSERT_TRUE(take(book, LabelBook::answered(answer(asks, 1, "ben", 2))));
  EXPECT_EQ(book.label_of(asks, record(1), kLate), 2U);
  // What is settled stays, and its answers may come again.
  EXPECT_FALSE(book.check(LabelBook::answered(answer(asks, 1, "ben", 1, true))));
  EXPECT_FALSE(book.check(LabelBook::answered(answer(asks, 1, "carl", 2))));
  EXPECT_TRUE(book.check(LabelBook::answered(answer(asks, 1, "ben", 2))));
}

TEST(LabelBook, SettlesByItsRule) {
  struct Case {
    LabelQuestion asks;
    std::vector<std::optional<std::uint32_t>> said;
    LabelBook::Settled expected;
  };
  using State = LabelBook::State;
  const Case cases[] = {
      {question(1), {}, {State::open, {}, 1}},
      {question(1), {1}, {State::labelled, 1, 0}},
      {question(1, 1), {std::nullopt}, {State::without_label, {}, 0}},
      {question(2), {1}, {State::open, {}, 1}},
      {question(2), {1, 1}, {State::labelled, 1, 0}},
      {question(2), {1, 2}, {State::open, {}, 1}},
      {question(2), {1, 2, 2}, {State::labelled, 2, 0}},
      {question(2), {1, 2, 0}, {State::without_label, {}, 0}},
      {question(3, 5), {1, 1, 2}, {State::labelled, 1, 0}},
      {question(3, 5), {1, std::nullopt, 2}, {State::open, {}, 1}},
      {question(2, 2), {1, 2}, {State::without_label, {}, 0}},
      {question(2, 4, Agreement::unanimous), {1, 1}, {State::labelled, 1, 0}},
      {question(3, 4, Agreement::unanimous), {1, 1, 2}, {State::open, {}, 1}},
      {question(3, 4, Agreement::unanimous), {1, 1, 2, 1}, {State::labelled, 1, 0}},
      {question(2, 3, Agreement::unanimous), {1, std::nullopt}, {State::open, {}, 1}},
  };
  for (const Case& one : cases) {
    LabelBook book;
    ASSERT_TRUE(take(book, LabelBook::asked(batch(one.asks, 0, {1}))));
    for (std::size_t i = 0; i < one.said.size(); ++i)
      ASSERT_TRUE(take(
          book, LabelBook::answered(answer(one.asks, 1, "a" + std::to_string(i), one.said[i]))));
    EXPECT_EQ(book.settled(item(book, one.asks, 1)), one.expected) << &one - cases;
  }
}

TEST(LabelBook, RefusesWhatItCannotKnow) {
  LabelBook book;
  const LabelQuestion asks = question();
  ASSERT_TRUE(take(book, LabelBook::asked(batch(asks, 0, {1}))));
  EXPECT_EQ(book.check(LabelBook::answered(answer(asks, 9, "anna", 1))).error().code(),
            base::ErrorCode::not_found);
  EXPECT_EQ(book.check(LabelBook::answered(answer(asks, 1, "anna", 3))).error().code(),
            base::ErrorCode::invalid_argument);
  EXPECT_FALSE(book.check(LabelBook::answered(answer(asks, 1, "anna", 1, true))));
  EXPECT_FALSE(book.check(LabelBook::answered(answer(asks, 1, "", 1))));
  EXPECT_FALSE(book.check(LabelBook::asked(batch(question(0), 1, {}))));
  EXPECT_FALSE(book.check(LabelBook::asked(batch(question(3, 2), 1, {}))));
  const base::Bytes good = LabelBook::asked(batch(asks, 1, {2}));
  EXPECT_TRUE(book.check(good));
  for (std::size_t at = 0; at < good.size(); ++at) {
    base::Bytes bad = good;
    bad[at] ^= std::byte{1};
    LabelBook copy = book;
    // Another question or record at most: nothing is half read.
    if (copy.check(bad)) copy.apply(bad);
    EXPECT_FALSE(copy.check(base::ByteView(good).first(at)));
  }
}

// Entries in any order that passes, each any number of times: the same items come to the same.
RC_GTEST_PROP(LabelBook, IsWhatItsAnswersMakeOfIt, ()) {
  const LabelQuestion asks = question(*rc::gen::inRange(1U, 4U), 4,
                                      *rc::gen::element(Agreement::majority, Agreement::unanimous));
  LabelBook book;
  std::map<std::pair<std::uint64_t, std::string>, std::optional<std::uint32_t>> first;
  RC_ASSERT(take(book, LabelBook::asked(batch(asks, 0, {0, 1, 2}))).has_value());
  for (auto steps = *rc::gen::inRange(0, 40); steps > 0; --steps) {
    const auto number = *rc::gen::inRange<std::uint64_t>(0, 3);
    const std::string who(1, static_cast<char>('a' + *rc::gen::inRange(0, 5)));
    std::optional<std::uint32_t> label = *rc::gen::inRange(0U, 4U);
    if (*label == 3) label.reset();
    const bool corrects = *rc::gen::arbitrary<bool>();
    const base::Bytes entry = LabelBook::answered(answer(asks, number, who, label, corrects));
    const LabelBook before = book;
    if (!take(book, entry)) {
      RC_ASSERT(book == before);
      continue;
    }
    first.try_emplace({number, who}, label);
    RC_ASSERT(book.check(entry).has_value());  // once more is nothing more
    LabelBook twice = book;
    twice.apply(entry);
    RC_ASSERT(twice == book);
  }
  std::uint64_t earned = 0;
  for (const auto& [who, sum] : book.earned()) earned += sum;
  RC_ASSERT(earned == 2'500'000U * first.size());
  const auto back = LabelBook::restore(book.snapshot());
  RC_ASSERT(back.has_value());
  RC_ASSERT(*back == book);
}

}  // namespace
}  // namespace hanse::active
