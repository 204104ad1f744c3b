#include "service/label_pages.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "base/bytes.h"
#include "service/label_callback.h"
#include "service/testing.h"
#include "storage/memory_store.h"

namespace hanse::service {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

const Home kHome("home");

class LabelTokensTest : public ::testing::Test {
 protected:
  LabelTokensTest() { testing::make_folder(doors_.files, "home"); }
  base::Result<LabelTokens> open() {
    return LabelTokens::open(doors_.files, kHome,
                             {.show = {}, .annotators = {{"anna", 0}, {"bert", 0}}}, doors_.random);
  }
  std::string token(const std::string& name) {
    const auto bytes =
        storage::read_all(doors_.files, "home/local/annotators/" + name + ".token", 100);
    return std::string(base::text_of(*bytes)).substr(0, 64);
  }
  testing::Doors doors_;
};

TEST_F(LabelTokensTest, AreDrawnOnceForEach) {
  const auto tokens = open();
  ASSERT_TRUE(tokens.has_value()) << tokens.error().text();
  const std::string anna = token("anna");
  EXPECT_NE(anna, token("bert"));
  ASSERT_TRUE(open().has_value());
  EXPECT_EQ(token("anna"), anna);
  EXPECT_EQ(tokens->who(anna), "anna");
  EXPECT_EQ(tokens->who(token("bert")), "bert");
  for (std::size_t i = 0; i < anna.size(); ++i) {
    std::string wrong = anna;
    wrong[i] = wrong[i] == '0' ? '1' : '0';
    EXPECT_EQ(tokens->who(wrong), std::nullopt);
  }
  for (const std::string& wrong : {std::string(), anna.substr(1), anna + "0", anna + anna})
    EXPECT_EQ(tokens->who(wrong), std::nullopt);
}

TEST_F(LabelTokensTest, AProofIsOfOneItemAndOneAnnotator) {
  const LabelTokens tokens = open().value();
  const std::string proof = tokens.form_proof("anna", "item");
  EXPECT_TRUE(tokens.is_form_proof("anna", "item", proof));
  EXPECT_FALSE(tokens.is_form_proof("bert", "item", proof));
  EXPECT_FALSE(tokens.is_form_proof("anna", "item2", proof));
  EXPECT_FALSE(tokens.is_form_proof("anna", "item", ""));
}

// HMAC-SHA-256 of "item" under 64 times the digit 'a', by Python's hmac.
TEST_F(LabelTokensTest, AProofIsAnHmac) {
  testing::make_folder(doors_.files, "home/local");
  testing::make_folder(doors_.files, "home/local/annotators");
  testing::write(doors_.files, "home/local/annotators/anna.token", std::string(64, 'a') + "\r\n");
  EXPECT_EQ(open()->form_proof("anna", "item"),
            "1847435a833e8261120300c4a826197c8ec24f2265c7d075eb8fe4bacda98fa6");
}

TEST_F(LabelTokensTest, AFileThatHoldsNoneIsSaid) {
  ASSERT_TRUE(open().has_value());
  testing::write(doors_.files, "home/local/annotators/anna.token", "secret\n");
  EXPECT_EQ(open().error().code(), base::ErrorCode::corruption);
}

TEST(RecordingsFolder, IsTheDatas) {
  storage::Memory files;
  testing::make_folder(files, "plant");
  testing::write(files, "plant/ovens.csv", "x");
  EXPECT_EQ(recordings_folder(files, "plant/ovens.csv"), "plant");
  EXPECT_EQ(recordings_folder(files, "plant"), "plant");
  EXPECT_EQ(recordings_folder(files, "postgresql://db/plant"), "");
  EXPECT_EQ(recordings_folder(files, ""), "");
}

class LabelPagesTest : public LabelTokensTest {
 protected:
  void SetUp() override {
    const jobs::LabelSettings settings{.show = {}, .annotators = {{"anna", 0}, {"bert", 0}}};
    desk_ = jobs::LabelDesk::open(store_, settings, doors_.clock).value();
    testing::make_folder(doors_.files, "data");
    // Four samples as NumPy keeps them, version 1.0.
    const std::array<double, 4> samples{0, 1.5, -1.5, 0.25};
    std::string header = "{'descr': '<f8', 'fortran_order': False, 'shape': (4,), }";
    header += std::string(63 - (10 + header.size()) % 64, ' ') + "\n";
    std::string file("\x93NUMPY\x01\x00", 8);
    file += static_cast<char>(header.size());
    file += '\0';
    file += header + std::string(base::text_of(base::to_little_endian(samples)));
    testing::write(doors_.files, "data/a.npy", file);
    app_ = label_pages(*desk_, open().value(), doors_.files, "data");
  }
  // The page of an item with this group.
  std::string page(const std::string& group) {
    const active::LabelQuestion question{"fault", {"ball", "<ring>"}, 1, 1};
    const auto record = base::Digest::of(base::view_of(group));
    const auto job = base::JobId::create("bearings").value();
    HANSE_CHECK(
        desk_->ask(job, cycle_++, record, question, {{record, {{"group", group}}}}).has_value());
    return app_({.method = "GET",
                 .path = "/labels/" + active::item_of(question, record).hex(),
                 .cookie = "hanse_labels=" + token("anna")})
        .body;
  }
  storage::MemoryStore store_;
  std::unique_ptr<jobs::LabelDesk> desk_;
  transport::HttpApp app_;
  std::uint32_t cycle_ = 0;
};

TEST_F(LabelPagesTest, DrawsTheRecordingThatARecordIsOf) {
  EXPECT_THAT(page("a.npy"), HasSubstr("4 samples from -1.5 to 1.5"));
  EXPECT_THAT(page("gone.npy"), HasSubstr("No picture: "));
  EXPECT_THAT(page("../home/keys/a.npy"), HasSubstr("below the site&#39;s data"));
  EXPECT_THAT(page("ulm3"), Not(HasSubstr("No picture")));
}

TEST_F(LabelPagesTest, EscapesWhatIsNotOurs) {
  const std::string shown = page("<b>&\"'");
  EXPECT_THAT(shown, HasSubstr("&lt;b&gt;&amp;&quot;&#39;"));
  EXPECT_THAT(shown, HasSubstr("&lt;ring&gt;"));
  EXPECT_THAT(shown, Not(HasSubstr("<b>")));
  EXPECT_THAT(shown, Not(HasSubstr("<ring>")));
}

TEST_F(LabelPagesTest, ACallbackIsToldOfEachOpenItemOnceAndOfLaterOnes) {
  const transport::PostSource source = open_items(*desk_);
  EXPECT_FALSE(source.next());
  for (const char* group : {"a", "b", "c"}) page(group);
  std::set<std::string> told;
  for (int i = 0; i < 3; ++i) {
    const auto next = source.next();
    ASSERT_TRUE(next);
    EXPECT_EQ(source.next()->name, next->name);  // until it was taken
    EXPECT_TRUE(told.insert(next->name).second);
    ASSERT_TRUE(source.taken(*next).has_value());
  }
  EXPECT_FALSE(source.next());
  page("d");
  page("e");
  const auto fourth = source.next();
  ASSERT_TRUE(fourth);
  // Settled in the meantime: nobody has to be told.
  ASSERT_TRUE(desk_->take({fourth->name, "anna", "ball", false}).has_value());
  const auto fifth = source.next();
  ASSERT_TRUE(fifth);
  EXPECT_NE(fifth->name, fourth->name);
  ASSERT_TRUE(source.taken(*fifth).has_value());
  EXPECT_FALSE(source.next());
}

TEST_F(LabelPagesTest, ColumnsThatNobodyHasAreNamed) {
  const jobs::LabelSettings settings{.show = {"group", "pressur"}, .annotators = {{"anna", 0}}};
  const auto desk = jobs::LabelDesk::open(store_, settings, doors_.clock).value();
  const auto of = [&](const char* column) {
    return desk->unknown_columns(
        std::vector<active::LabelItem>{{{}, {{"group", "a"}, {column, "3"}}}});
  };
  EXPECT_EQ(of("pressure"),
            "labels.show in site.toml names pressur, and annotators do not see it: the records "
            "have group, pressure");
  EXPECT_EQ(of("pressur"), "");
  EXPECT_EQ(desk->unknown_columns({}), "");
}

}  // namespace
}  // namespace hanse::service
