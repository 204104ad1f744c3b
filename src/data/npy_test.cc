#include "data/npy.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "data/testing.h"
#include "storage/directory.h"

namespace hanse::data {
namespace {

using base::ErrorCode;
using testing::file_of;
using testing::refused;
using Numbers = std::vector<double>;

// A file put together byte by byte, as NumPy Enhancement Proposal 1 describes it.
std::string npy(std::string_view header, std::string_view data, int major = 1) {
  std::string file = "\x93NUMPY";
  file += static_cast<char>(major);
  file += '\0';
  for (int i = 0; i < (major == 1 ? 2 : 4); ++i)
    file += static_cast<char>(header.size() >> (8 * i) & 0xFF);
  return file + std::string(header) + std::string(data);
}

std::string header(std::string_view type, std::string_view shape, bool fortran = false) {
  return fmt::format("{{'descr': '{}', 'fortran_order': {}, 'shape': {}, }}\n", type,
                     fortran ? "True" : "False", shape);
}

const std::string kTwoFloats = std::string("\0\0\x80\x3F\0\0\0\xC0", 8);  // 1.0f, -2.0f

base::Result<Numbers> read(const std::string& bytes) {
  return read_npy_vector(*file_of(bytes), "a.npy");
}

std::unique_ptr<storage::File> golden(const std::string& name) {
  return storage::Disk().open(std::string(HANSE_SOURCE_DIR) + "/tests/golden/npy/" + name).value();
}

TEST(Npy, ReadsBytesWrittenByHand) {
  for (const int version : {1, 2, 3})
    EXPECT_EQ(read(npy(header("<f4", "(2,)"), kTwoFloats, version)).value(), (Numbers{1, -2}));
  EXPECT_EQ(read(npy(header("|i1", "(2, 1)"), "\x01\xFF")).value(), (Numbers{1, -1}));
  EXPECT_EQ(read(npy(header("<u2", "(1, 2)"), std::string("\x01\x00\xFF\xFF", 4))).value(),
            (Numbers{1, 65535}));
  EXPECT_EQ(read(npy(R"({"shape":(2,),"descr":"<f4","fortran_order":False})", kTwoFloats)).value(),
            (Numbers{1, -2}));
}

TEST(Npy, ReadsWhatNumPyWrote) {
  const auto vector = [](const std::string& name) {
    return read_npy_vector(*golden(name), name).value();
  };
  EXPECT_EQ(vector("float32_v1.npy"), (Numbers{0.5, -1.25, static_cast<double>(3.0e-3F)}));
  EXPECT_EQ(vector("int64.npy"), (Numbers{0x1.0p53, -7, 0}));
  EXPECT_EQ(vector("int16.npy"), (Numbers{-32768, 32767}));
  EXPECT_EQ(vector("uint8.npy"), (Numbers{0, 7, 255}));
  EXPECT_EQ(vector("empty.npy"), Numbers{});
  const auto c_order = read_npy_matrix(*golden("float64_v2.npy"), "f").value();
  EXPECT_EQ(Numbers(c_order.row(0).begin(), c_order.row(0).end()), (Numbers{1.5, 2.5, -3.5}));
  EXPECT_EQ(Numbers(c_order.row(1).begin(), c_order.row(1).end()), (Numbers{4, 5, 6.25}));
  const auto fortran = read_npy_matrix(*golden("fortran_v3.npy"), "f").value();
  EXPECT_EQ(Numbers(fortran.values().begin(), fortran.values().end()), (Numbers{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(read_npy_matrix(*golden("uint8.npy"), "f")->columns(), 1U);
}

TEST(Npy, NamesWhatItDoesNotRead) {
  const auto vector = [](const std::string& name) { return read_npy_vector(*golden(name), name); };
  EXPECT_TRUE(refused(vector("big_endian.npy"), ErrorCode::unsupported, {"little-endian", ">f4"}));
  EXPECT_TRUE(refused(vector("structured.npy"), ErrorCode::unsupported, {"structured"}));
  EXPECT_TRUE(refused(vector("complex.npy"), ErrorCode::unsupported, {"<c8"}));
  EXPECT_TRUE(refused(vector("cube.npy"), ErrorCode::unsupported, {"dimensions"}));
  EXPECT_TRUE(refused(vector("float64_v2.npy"), ErrorCode::invalid_argument, {"one-dimensional"}));
  EXPECT_TRUE(refused(vector("scalar.npy"), ErrorCode::invalid_argument, {"one-dimensional"}));
  EXPECT_TRUE(refused(read_npy_matrix(*golden("scalar.npy"), "s"), ErrorCode::invalid_argument,
                      {"single number"}));
  EXPECT_TRUE(refused(read(npy(header("<i8", "(1,)"), std::string("\1\0\0\0\0\0\x20\0", 8))),
                      ErrorCode::invalid_argument, {"2^53", "9007199254740993"}));
  EXPECT_TRUE(refused(read(npy(header("<u8", "(1,)"), std::string(8, '\xFF'))),
                      ErrorCode::invalid_argument, {"18446744073709551615"}));
  EXPECT_TRUE(
      refused(read(npy(header("<f4", "(2,)"), kTwoFloats, 4)), ErrorCode::unsupported, {"4.0"}));
}

TEST(Npy, RefusesDamage) {
  const auto code = ErrorCode::corruption;
  const std::string spaces(10'000, ' ');
  EXPECT_TRUE(refused(read(npy(spaces + header("<f4", "(2,)"), kTwoFloats)), code, {"10000"}));
  EXPECT_TRUE(refused(read(""), code, {"a.npy", ".npy file"}));
  EXPECT_TRUE(refused(read("x,y\n1,2\n3,4\n"), code, {".npy file"}));
  EXPECT_TRUE(refused(read(npy(header("<f4", "(3,)"), kTwoFloats)), code, {"bytes", "claims"}));
  EXPECT_TRUE(refused(read(npy(header("<f4", "(1,)"), kTwoFloats)), code, {"bytes", "claims"}));
  EXPECT_TRUE(refused(read(npy("{'descr': '<f4'}", "")), code, {"without"}));
  EXPECT_TRUE(refused(read(npy("{'descr': '<f4', 'descr': '<f4'}", "")), code, {"once"}));
  EXPECT_TRUE(refused(read(npy("{'x': 1}", "")), code, {"'x'"}));
  EXPECT_TRUE(refused(read(npy(header("<f4", "(-2,)"), kTwoFloats)), code, {"a size"}));
  EXPECT_TRUE(refused(read(npy(header("<f4", "(2,)") + "more", kTwoFloats)), code, {"'more'"}));
  std::string cut = npy(header("<f4", "(2,)"), "");
  EXPECT_TRUE(refused(read(cut.substr(0, 40)), code, {"length"}));
  EXPECT_TRUE(refused(read(cut.substr(0, 9)), code, {".npy file"}));
}

// A few bytes may not ask for gigabytes.
TEST(Npy, BelievesNoClaim) {
  EXPECT_TRUE(refused(read(npy(header("<f8", "(100000000,)"), kTwoFloats)), ErrorCode::corruption,
                      {"800000"}));
  EXPECT_TRUE(refused(read(npy(header("<f8", "(4294967296, 4294967296)"), kTwoFloats)),
                      ErrorCode::invalid_argument, {"claims more than"}));
  EXPECT_TRUE(refused(read(npy(header("<f8", "(99999999999999999999999,)"), kTwoFloats)),
                      ErrorCode::corruption, {"a size"}));
  EXPECT_TRUE(refused(read(std::string("\x93NUMPY\2\0\xFF\xFF\xFF\x7F{", 13)),
                      ErrorCode::corruption, {"2147483647"}));
  for (const bool fortran : {false, true}) {
    const auto huge = header("<f8", "(0, 9223372036854775807)", fortran);
    EXPECT_TRUE(refused(read(npy(huge, "")), ErrorCode::invalid_argument, {"claims more than"}));
    const auto empty = file_of(npy(header("<f8", "(0, 1000)", fortran), ""));
    EXPECT_TRUE(refused(read_npy_matrix(*empty, "e.npy"), ErrorCode::invalid_argument,
                        {"e.npy", "0 × 1000", "at least one row"}));
  }
}

RC_GTEST_PROP(NpyLaws, MatricesComeBackInEitherOrder, ()) {
  const auto rows = static_cast<std::size_t>(*rc::gen::inRange(1, 6));
  const auto columns = static_cast<std::size_t>(*rc::gen::inRange(1, 6));
  math::Matrix matrix(rows, columns);
  for (double& value : matrix.values()) value = *rc::gen::arbitrary<double>();
  for (const bool fortran : {false, true}) {
    std::string data;
    for (std::size_t i = 0; i < rows * columns; ++i) {
      const double value =
          fortran ? matrix.at(i % rows, i / rows) : matrix.at(i / columns, i % columns);
      data.append(reinterpret_cast<const char*>(&value), sizeof(value));
    }
    const auto shape = fmt::format("({}, {})", rows, columns);
    const auto file = file_of(npy(header("<f8", shape, fortran), data));
    RC_ASSERT(read_npy_matrix(*file, "m").value() == matrix);
  }
}

}  // namespace
}  // namespace hanse::data
