// NumPy's array files (.npy, format versions 1.0 to 3.0).
#pragma once

#include "math/matrix.h"
#include "storage/directory.h"

namespace hanse::data {

enum class NpyType { float32, float64, int8, int16, int32, int64, uint8, uint16, uint32, uint64 };

// What the header claims, checked against the size of the file.
struct NpyHeader {
  NpyType type = NpyType::float64;
  bool fortran_order = false;
  std::vector<std::size_t> shape;  // at most two dimensions
  std::uint64_t data_offset = 0;

  std::size_t elements() const;
};

// Nothing is allocated on the word of a header: its length and the shape it claims must fit the
// file. Damaged or contradictory: corruption; big-endian, other types, over two dimensions:
// unsupported. NumPy Enhancement Proposal 1, and numpy/lib/format.py for versions 2 and 3.
base::Result<NpyHeader> read_npy_header(const storage::File& file, std::string_view source);

// Values as doubles in the order of the file, from element `first` on, whatever the type: 64-bit
// integers beyond 2^53 are refused (invalid_argument). All of them must be there.
base::Result<void> read_npy_elements(const storage::File& file, std::string_view source,
                                     const NpyHeader& header, std::size_t first,
                                     std::span<double> out);

// All of them. For one-dimensional arrays, or (n, 1) and (1, n).
base::Result<std::vector<double>> read_npy_vector(const storage::File& file,
                                                  std::string_view source);

// As rows × columns, whichever order the file has; one dimension is a column. A dimension of zero:
// invalid_argument.
base::Result<math::Matrix> read_npy_matrix(const storage::File& file, std::string_view source);

}  // namespace hanse::data
