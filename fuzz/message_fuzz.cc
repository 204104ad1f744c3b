// Messages between coordinator and sites: what decodes must encode to something that decodes to the
// same.

#include <cstdlib>

#include "federation/message/message.h"

using namespace hanse;

namespace {

const base::SiteId kSite = *base::SiteId::create("site");

template <class Decode>
void check(const transport::Envelope& envelope, const Decode& decode) {
  const auto decoded = decode(envelope);
  if (!decoded) return;
  const transport::Envelope again = federation::encode(*decoded, kSite);
  const auto twice = decode(again);
  if (!twice || twice->release != decoded->release ||
      twice->body.index() != decoded->body.index() ||
      federation::encode(*twice, kSite).message != again.message)
    std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const base::ByteView bytes = std::as_bytes(std::span(data, size));
  // The first byte says how much of the rest is a chunk.
  const std::size_t chunk = std::min<std::size_t>(data[0], size - 1);
  const base::ByteView message = bytes.subspan(1, size - 1 - chunk);
  const base::ByteView beside = bytes.subspan(size - chunk);
  const auto coordinator = transport::Address::coordinator();
  const transport::Envelope envelope{
      coordinator, coordinator, base::Bytes(message.begin(), message.end()),
      chunk == 0 ? base::Slice() : base::Slice(base::Bytes(beside.begin(), beside.end()))};
  check(envelope, federation::decode_from_site);
  check(envelope, federation::decode_from_coordinator);
  return 0;
}
