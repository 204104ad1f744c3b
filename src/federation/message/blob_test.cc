#include "federation/message/blob.h"

#include <gtest/gtest.h>

#include "base/limits.h"
#include "federation/testing.h"

namespace hanse::federation {
namespace {

base::Bytes counting(std::size_t size, std::size_t modulus) {
  base::Bytes bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::byte>(i % modulus);
  return bytes;
}

ParametersBlob blob_of(base::Bytes bytes) {
  base::InlineExecutor executor;
  query::QueryPlan plan = testing::plan(1);
  plan.parameters = base::Slice(std::move(bytes));
  return ParametersBlob(plan, executor);
}

// Vectors of docs/formats/blob.md.
TEST(Blob, DigestsAreThoseOfTheFormat) {
  EXPECT_EQ(blob_of({}).digest().hex(),
            "4440cbcd001de738e0915bb29cd7ca4c80e30581af3fb108976b674e641e721a");
  EXPECT_EQ(blob_of(counting(256, 256)).digest().hex(),
            "041565981c76fbb097e6ee12d633e57d84bb6f58c503bda027d536947226d6fb");
  EXPECT_EQ(blob_of(counting(600'000, 251)).digest().hex(),
            "a74bd3a5c6609bb0f7ec88464f50bd35f1bcb96964c4716790c6842b21361113");
}

TEST(Blob, ChunksComeInAnyOrderAndTwice) {
  const base::Bytes bytes = counting(2 * base::kChunkBytes + 17, 253);
  const ParametersBlob blob = blob_of(bytes);
  ParametersReceiver receiver(blob.manifest());
  EXPECT_EQ(receiver.accept(blob.chunk(2)), Arrival::kept) << "before it was asked for";
  EXPECT_EQ(receiver.accept(blob.chunk(2)), Arrival::ignored);
  EXPECT_EQ(receiver.accept(blob.chunk(0)), Arrival::kept);
  EXPECT_FALSE(receiver.has_all());
  EXPECT_EQ(receiver.next(), (std::vector<std::uint32_t>{1}));
  EXPECT_EQ(receiver.accept(blob.chunk(1)), Arrival::kept);
  ASSERT_TRUE(receiver.has_all());
  const base::Slice joined = join(std::move(receiver).slices());
  EXPECT_TRUE(std::ranges::equal(joined.view(), bytes));
}

// Nothing is asked for twice while it may still come, and a slow line is not flooded.
TEST(Blob, AsksForMoreAsChunksComeAndForLessAfterASilence) {
  const ParametersBlob blob = blob_of(counting(14 * base::kChunkBytes, 253));
  ParametersReceiver receiver(blob.manifest());
  EXPECT_EQ(receiver.next(), (std::vector<std::uint32_t>{0, 1, 2, 3}));
  EXPECT_TRUE(receiver.next().empty());
  for (const std::uint32_t index : {0U, 1U, 2U})
    EXPECT_EQ(receiver.accept(blob.chunk(index)), Arrival::kept);
  EXPECT_TRUE(receiver.next().empty()) << "3 is still to come";
  EXPECT_EQ(receiver.accept(blob.chunk(3)), Arrival::kept);
  EXPECT_FALSE(receiver.has_asked_for_all());
  EXPECT_EQ(receiver.next(), (std::vector<std::uint32_t>{4, 5, 6, 7, 8, 9, 10, 11}));
  EXPECT_EQ(receiver.accept(blob.chunk(5)), Arrival::kept);
  receiver.give_up_waiting();
  EXPECT_EQ(receiver.next(), (std::vector<std::uint32_t>{4}));
  EXPECT_EQ(receiver.accept(blob.chunk(4)), Arrival::kept);
  EXPECT_EQ(receiver.next(), (std::vector<std::uint32_t>{6, 7}));
  for (const std::uint32_t index : {6U, 7U})
    EXPECT_EQ(receiver.accept(blob.chunk(index)), Arrival::kept);
  EXPECT_EQ(receiver.next(), (std::vector<std::uint32_t>{8, 9, 10, 11}));
  EXPECT_FALSE(receiver.has_asked_for_all());
  for (const std::uint32_t index : {8U, 9U, 10U, 11U})
    EXPECT_EQ(receiver.accept(blob.chunk(index)), Arrival::kept);
  EXPECT_EQ(receiver.next(), (std::vector<std::uint32_t>{12, 13}));
  EXPECT_TRUE(receiver.has_asked_for_all());
  EXPECT_FALSE(receiver.has_all());
}

TEST(Blob, ADamagedChunkIsForgottenAlone) {
  base::Bytes bad = counting(2 * base::kChunkBytes, 253);
  const ParametersBlob blob = blob_of(bad);
  bad[base::kChunkBytes + 5] ^= std::byte{1};
  const ParametersBlob damaged = blob_of(bad);
  const auto under_the_good_name = [&](const ParametersChunk& chunk) {
    const auto message = decode_from_coordinator(
        testing::renamed(chunk, blob.digest(), testing::release_of(testing::plan(1)),
                         transport::Address::coordinator(), transport::Address::coordinator()));
    return std::get<ParametersChunk>(message->body);
  };
  ParametersReceiver receiver(blob.manifest());
  EXPECT_EQ(receiver.accept(damaged.chunk(1)), Arrival::ignored) << "another blob's chunk";
  EXPECT_EQ(receiver.accept(blob.chunk(0)), Arrival::kept);
  EXPECT_EQ(receiver.accept(under_the_good_name(damaged.chunk(1))), Arrival::damaged);
  EXPECT_FALSE(receiver.has_all());
  EXPECT_EQ(receiver.next(), (std::vector<std::uint32_t>{1}));
  EXPECT_EQ(receiver.accept(under_the_good_name(damaged.chunk(1))), Arrival::damaged);
  EXPECT_EQ(receiver.next(), (std::vector<std::uint32_t>{1})) << "once more";
  EXPECT_EQ(receiver.accept(blob.chunk(1)), Arrival::kept);
  EXPECT_TRUE(receiver.has_all());
}

TEST(Manifest, ClaimsAreCheckedBeforeAnythingIsAllocated) {
  EXPECT_TRUE((Manifest{0, {}}.check()));
  EXPECT_EQ((Manifest{base::kMaxBlobBytes + 1, {}}.check().error().code()),
            base::ErrorCode::corruption);
  EXPECT_EQ((Manifest{base::kChunkBytes + 1, {base::Digest()}}.check().error().code()),
            base::ErrorCode::corruption);
  EXPECT_EQ((Manifest{~std::uint64_t{0}, {}}.check().error().code()), base::ErrorCode::corruption);
}

}  // namespace
}  // namespace hanse::federation
