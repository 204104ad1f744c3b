// The reader of whitespace tables must refuse or read any bytes, and the same whatever the pieces
// they come in.
#include "table_fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  hanse::data::TableSpec spec;
  spec.format = hanse::data::TableFormat::whitespace;
  hanse::fuzz::read_in_any_pieces(spec, {bytes, size});
  return 0;
}
