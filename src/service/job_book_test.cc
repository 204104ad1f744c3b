#include "service/job_book.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "storage/durable.h"

namespace hanse::service {
namespace {

using base::ErrorCode;

static_assert(storage::Machine<JobBook>);

base::JobId id(std::string_view name) { return *base::JobId::create(name); }

BookedJob job(std::string_view name) {
  return {id(name),
          base::Digest::of(base::view_of(name)),
          "anna",
          {1'790'000'000'000},
          {*base::SiteId::create("a"), *base::SiteId::create("b")},
          {}};
}

const JobEnd kEnd{"failed", "no luck", {1'790'000'001'000}};

std::string hex(base::ByteView bytes) {
  std::string text;
  for (const std::byte byte : bytes) text += fmt::format("{:02x}", std::to_integer<int>(byte));
  return text;
}

// docs/formats/control.md, "What a coordinator keeps"
TEST(JobBook, EntriesToTheByte) {
  EXPECT_EQ(hex(JobBook::submitted(job("pumps"))),
            "0a3c"
            "0a0570756d7073"
            "1220" +
                job("pumps").text.hex() +
                "1a04616e6e61"
                "2080d8c1a28c34"
                "2a0161"
                "2a0162");
  EXPECT_EQ(hex(JobBook::ended(id("pumps"), kEnd)),
            "121f"
            "0a0570756d7073"
            "12066661696c6564"
            "1a076e6f206c75636b"
            "20e8dfc1a28c34");
}

TEST(JobBook, JobsHaveTheirTurnInOrder) {
  JobBook book;
  EXPECT_EQ(book.current(), nullptr);
  for (const char* name : {"ovens", "pumps"}) book.apply(JobBook::submitted(job(name)));
  ASSERT_NE(book.current(), nullptr);
  EXPECT_EQ(book.current()->id, id("ovens"));
  book.apply(JobBook::ended(id("ovens"), kEnd));
  EXPECT_EQ(book.current()->id, id("pumps"));
  EXPECT_EQ(book.find(id("ovens"))->end, kEnd);
  EXPECT_EQ(book.find(id("fans")), nullptr);
  BookedJob first = job("ovens");
  first.end = kEnd;
  EXPECT_EQ(book.jobs(), (std::vector<BookedJob>{first, job("pumps")}));
}

TEST(JobBook, RefusesWhatDoesNotFollow) {
  JobBook book;
  book.apply(JobBook::submitted(job("ovens")));
  const auto refused = [&](const base::Bytes& entry, ErrorCode code, std::string_view text) {
    const auto checked = book.check(entry);
    ASSERT_FALSE(checked) << text;
    EXPECT_EQ(checked.error().code(), code);
    EXPECT_NE(checked.error().text().find(text), std::string::npos) << checked.error().text();
  };
  refused(JobBook::submitted(job("ovens")), ErrorCode::failed_precondition, "is there already");
  refused(JobBook::ended(id("pumps"), kEnd), ErrorCode::failed_precondition, "not to be ended");
  book.apply(JobBook::ended(id("ovens"), kEnd));
  refused(JobBook::ended(id("ovens"), kEnd), ErrorCode::failed_precondition, "not to be ended");
  refused({}, ErrorCode::corruption, "says nothing");
  refused({std::byte{0xff}}, ErrorCode::corruption, "damaged");
  EXPECT_FALSE(JobBook::restore(base::view_of("\xff")));
}

RC_GTEST_PROP(JobBook, KeepsWhatANaiveOneKeeps, ()) {
  JobBook book;
  std::vector<BookedJob> naive;
  const auto moves = *rc::gen::container<std::vector<std::pair<bool, int>>>(
      rc::gen::pair(rc::gen::arbitrary<bool>(), rc::gen::inRange(0, 6)));
  for (const auto& [submits, number] : moves) {
    const BookedJob one = job(fmt::format("job-{}", number));
    const auto known = std::ranges::find(naive, one.id, &BookedJob::id);
    const base::Bytes entry = submits ? JobBook::submitted(one) : JobBook::ended(one.id, kEnd);
    const bool legal = submits ? known == naive.end() : known != naive.end() && !known->end;
    RC_ASSERT(book.check(entry).has_value() == legal);
    if (!legal) continue;
    book.apply(entry);
    if (submits)
      naive.push_back(one);
    else
      known->end = kEnd;
    RC_ASSERT(book.jobs() == naive);
    RC_ASSERT(JobBook::restore(book.snapshot()).value() == book);
  }
}

TEST(JobBook, ANameThatIsTakenGetsANumber) {
  JobBook book;
  const auto submit = [&](const std::string& name) {
    const auto free = free_id(book, id(name));
    book.apply(JobBook::submitted(job(free->text())));
    return free->text();
  };
  EXPECT_EQ(submit("ovens"), "ovens");
  EXPECT_EQ(submit("ovens-3"), "ovens-3");
  EXPECT_EQ(submit("ovens"), "ovens-2");
  EXPECT_EQ(submit("ovens"), "ovens-4");
  const std::string longest(64, 'x');
  EXPECT_EQ(submit(longest), longest);
  EXPECT_EQ(submit(longest), longest.substr(2) + "-2") << "cut, so that it stays a name";
  EXPECT_EQ(submit(longest), longest.substr(2) + "-3");
}

}  // namespace
}  // namespace hanse::service
