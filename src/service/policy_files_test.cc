#include "service/policy_files.h"

#include <gtest/gtest.h>

#include "storage/memory.h"

namespace hanse::service {
namespace {

constexpr auto kPolicy = R"({"@context": ["http://www.w3.org/ns/odrl.jsonld"], "@type": "Set",
  "@id": "urn:UID", "permission": [{"action": "use"}]})";

class PolicyFiles : public ::testing::Test {
 protected:
  PolicyFiles() { EXPECT_TRUE(files_.create_directory("p").has_value()); }
  void put(const std::string& path, std::string text, const std::string& uid = "a") {
    if (const auto at = text.find("UID"); at != std::string::npos) text.replace(at, 3, uid);
    ASSERT_TRUE(files_.write(path, base::view_of(text)).has_value());
  }
  storage::Memory files_;
};

TEST_F(PolicyFiles, AFolderIsReadInTheOrderOfItsNames) {
  put("p/b.jsonld", kPolicy, "b");
  put("p/a.json", kPolicy, "a");
  put("p/notes.txt", "no policy");
  put("p/.hidden.json", "no policy");
  ASSERT_TRUE(files_.create_directory("p/below.json").has_value());
  const auto files = read_policy_files(files_, "p");
  ASSERT_TRUE(files.has_value()) << files.error().text();
  ASSERT_EQ(files->size(), 2U);
  EXPECT_EQ(files->at(0).path, "p/a.json");
  EXPECT_EQ(read_policies(files_, "p").value().at(1).uid, "urn:b");
  EXPECT_EQ(read_policies(files_, "p/b.jsonld").value().size(), 1U);
}

TEST_F(PolicyFiles, ErrorsNameTheirFile) {
  put("p/a.json", "{");
  const auto broken = read_policies(files_, "p");
  ASSERT_FALSE(broken.has_value());
  EXPECT_EQ(broken.error().code(), base::ErrorCode::invalid_argument);
  EXPECT_TRUE(broken.error().text().starts_with("p/a.json: ")) << broken.error().text();
  EXPECT_EQ(read_policies(files_, "nowhere").error().code(), base::ErrorCode::not_found);
}

TEST_F(PolicyFiles, OneNameForTwoIsAnErrorWithBothFiles) {
  put("p/a.json", kPolicy);
  put("p/b.json", kPolicy);
  const auto twice = read_policies(files_, "p");
  ASSERT_FALSE(twice.has_value());
  EXPECT_EQ(twice.error().text(),
            "p/b.json: policy 'urn:a' stands in p/a.json already: give each its own @id");
}

TEST_F(PolicyFiles, AnEmptyFolderHasNone) {
  const auto none = read_policies(files_, "p");
  ASSERT_TRUE(none.has_value());
  EXPECT_TRUE(none->empty());
}

}  // namespace
}  // namespace hanse::service
