#include "jobs/recording_plot.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "base/bytes.h"
#include "storage/memory.h"

namespace hanse::jobs {
namespace {

using ::testing::HasSubstr;

class RecordingPlotTest : public ::testing::Test {
 protected:
  RecordingPlotTest() { HANSE_CHECK(files_.create_directory("data").has_value()); }
  void put(const std::string& name, const std::string& shape, std::span<const double> values) {
    std::string header = "{'descr': '<f8', 'fortran_order': False, 'shape': " + shape + ", }";
    header += std::string(63 - (10 + header.size()) % 64, ' ') + "\n";
    std::string text("\x93NUMPY\x01\x00", 8);
    text += static_cast<char>(header.size());
    text += '\0';
    text += header + std::string(base::text_of(base::to_little_endian(values)));
    HANSE_CHECK(files_.write("data/" + name, base::view_of(text)).has_value());
  }
  base::Result<std::string> plot(const std::string& path) {
    return recording_plot(files_, "data", path);
  }
  storage::Memory files_;
};

TEST_F(RecordingPlotTest, NoPeakIsLost) {
  std::vector<double> values(200'000);
  values[123'456] = 7.5;
  values[77] = -2;
  put("a.npy", "(200000,)", values);
  const auto svg = plot("a.npy");
  ASSERT_TRUE(svg.has_value()) << svg.error().text();
  EXPECT_THAT(*svg, HasSubstr("200000 samples from -2 to 7.5"));
  EXPECT_THAT(*svg, HasSubstr(",10.0 ")) << "the peak, at the top";
  EXPECT_THAT(*svg, HasSubstr(",250.0 ")) << "the lowest, at the bottom";
  EXPECT_LT(svg->size(), 40'000U);
  put("flat.npy", "(1, 3)", std::vector<double>{2, 2, 2});
  EXPECT_TRUE(plot("flat.npy").has_value());
}

TEST_F(RecordingPlotTest, WhatIsNoRecordingIsSaid) {
  put("two.npy", "(2, 2)", std::vector<double>(4));
  EXPECT_EQ(plot("two.npy").error().code(), base::ErrorCode::unsupported);
  put("none.npy", "(0,)", {});
  EXPECT_EQ(plot("none.npy").error().code(), base::ErrorCode::invalid_argument);
  put("nan.npy", "(2,)", std::vector<double>{0, std::numeric_limits<double>::quiet_NaN()});
  EXPECT_EQ(plot("nan.npy").error().code(), base::ErrorCode::invalid_argument);
  EXPECT_EQ(plot("gone.npy").error().code(), base::ErrorCode::not_found);
}

TEST_F(RecordingPlotTest, NothingOutsideTheFolder) {
  put("a.npy", "(1,)", std::vector<double>{1});
  for (const std::string& path :
       {std::string(), std::string("/data/a.npy"), std::string("../data/a.npy"),
        std::string("x/../a.npy"), std::string("./a.npy"), std::string("x//a.npy"),
        std::string("..\\a.npy"), std::string("keys"), std::string("a.npy\0.npy", 10)})
    EXPECT_EQ(plot(path).error().code(), base::ErrorCode::permission_denied) << path;
}

}  // namespace
}  // namespace hanse::jobs
