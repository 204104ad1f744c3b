// The .npy reader must refuse or read any bytes, allocate nothing on the word of a header, and read
// a table the same whatever the blocks it comes in.
#include "data/npy.h"
#include "table_fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace hanse;
  storage::Memory memory;
  if (!memory.write("f", std::as_bytes(std::span(bytes, size)))) std::abort();
  const auto file = memory.open("f").value();
  const auto header = data::read_npy_header(*file, "f");
  const auto vector = data::read_npy_vector(*file, "f");
  const auto matrix = data::read_npy_matrix(*file, "f");
  if (!header && (vector || matrix)) std::abort();
  // Every element has at least one byte in the file.
  if (header && header->elements() > size) std::abort();
  if (vector && vector->size() != header->elements()) std::abort();
  if (matrix && matrix->values().size() != header->elements()) std::abort();
  if (vector && matrix && vector->size() != matrix->values().size()) std::abort();
  data::TableSpec spec;
  spec.format = data::TableFormat::npy;
  for (const std::size_t names : {std::size_t{1}, std::size_t{3}}) {
    const std::vector<std::string> all = {"x", "when", "site"};
    spec.header.assign(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(names));
    fuzz::read_in_any_pieces(spec, {bytes, size});
  }
  return 0;
}
