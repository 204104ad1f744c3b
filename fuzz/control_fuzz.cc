// Orders to a coordinator, its answers, and its book of jobs: refused, or written so that they read
// the same again.

#include "service/control.h"
#include "service/job_book.h"

using namespace hanse;

namespace {

template <class Decode>
void check(base::ByteView bytes, const Decode& decode) {
  const auto decoded = decode(bytes);
  if (!decoded) return;
  const base::Bytes again = service::encode(*decoded);
  const auto twice = decode(again);
  HANSE_CHECK(twice.has_value() && service::encode(*twice) == again);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const base::ByteView bytes = std::as_bytes(std::span(data, size));
  check(bytes, service::decode_order);
  check(bytes, service::decode_statuses);
  check(bytes, service::decode_part);
  service::JobBook book;
  if (book.check(bytes)) book.apply(bytes);
  if (const auto restored = service::JobBook::restore(bytes)) book = *restored;
  HANSE_CHECK(service::JobBook::restore(book.snapshot()).value() == book);
  return 0;
}
