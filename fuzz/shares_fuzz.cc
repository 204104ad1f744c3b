// Shares of others: the first byte says how many, then a point of two bytes and a value of 40 each.
// They are refused, or give a secret that split() at the same points takes apart and combine() puts
// together again. What is closed under a key opens or is refused.

#include <algorithm>
#include <vector>

#include "crypto/aead.h"
#include "crypto/shamir.h"

using namespace hanse;
using crypto::SecretBytes;
namespace shamir = crypto::shamir;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  base::ByteView bytes = std::as_bytes(std::span(data, size));
  const SecretBytes key = SecretBytes::copy_of(base::Bytes(crypto::kAeadKeyBytes));
  if (const auto opened = crypto::open_under(key, bytes, {}))
    HANSE_CHECK(std::ranges::equal(crypto::close_under(key, opened->reveal(), {}), bytes));
  if (bytes.empty()) return 0;

  const std::size_t count = std::to_integer<std::size_t>(bytes[0]);
  bytes = bytes.subspan(1);
  std::vector<std::uint32_t> points;
  std::vector<base::ByteView> values;
  for (std::size_t i = 0; i < count && bytes.size() >= 2; ++i) {
    points.push_back(std::to_integer<std::uint32_t>(bytes[0]) |
                     std::to_integer<std::uint32_t>(bytes[1]) << 8U);
    bytes = bytes.subspan(2);
    values.push_back(bytes.first(std::min(bytes.size(), shamir::kShareBytes)));
    bytes = bytes.subspan(values.back().size());
  }
  const auto recombiner = shamir::Recombiner::create(points);
  if (!recombiner) return 0;
  const auto secret = recombiner->combine(values);
  if (!secret) return 0;
  base::SeededSimulationRandom random(1, "fuzz");
  const auto shares =
      shamir::split(*secret, static_cast<std::uint32_t>(points.size()), points, random);
  std::vector<base::ByteView> again;
  for (const shamir::Share& share : shares) again.push_back(share.value.reveal());
  HANSE_CHECK(*recombiner->combine(again) == *secret);
  return 0;
}
