// The .npy reader must refuse or read any bytes, and allocate nothing on the word of a header.
#include <cstdlib>
#include <span>

#include "data/npy.h"
#include "storage/memory.h"

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
  return 0;
}
