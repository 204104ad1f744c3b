// Bounds that are checked before anything is allocated, each with its reason.
#pragma once

#include <cstddef>
#include <cstdint>

namespace hanse::base {

// A message fits gRPC's and NATS's default limits with room for their framing.
inline constexpr std::size_t kMaxMessageBytes = std::size_t{1} << 20;

// Blobs travel in pieces that a broker stores without growing (8 MiB messages cost nats-server 1
// GB).
inline constexpr std::size_t kChunkBytes = std::size_t{256} << 10;

// 128 Mi words of 64 bit: far above the models we train, far below what a site's machine has.
inline constexpr std::size_t kMaxBlobBytes = std::size_t{1} << 30;

// A table of this many cells is 8 GiB of doubles.
inline constexpr std::size_t kMaxTableCells = std::size_t{1} << 30;

// A wide table is a mistake long before this.
inline constexpr std::size_t kMaxColumns = 100'000;

// One field of a text table; a megabyte in a cell is a broken quote.
inline constexpr std::size_t kMaxFieldBytes = std::size_t{1} << 20;

// One record of a text table: kMaxColumns numbers of 17 digits and their signs take a tenth.
inline constexpr std::size_t kMaxRecordBytes = std::size_t{16} << 20;

// Job files and models are written by people and by us; this is generous for both.
inline constexpr std::size_t kMaxJobBytes = std::size_t{1} << 20;
inline constexpr std::size_t kMaxModelBytes = std::size_t{256} << 20;

// Of a model. In a model file each takes up to 30 bytes, and all of them fit kMaxModelBytes; a site
// that trains one holds a few vectors of 64 MiB.
inline constexpr std::size_t kMaxParameters = std::size_t{1} << 23;

// A consortium, not a fleet of phones.
inline constexpr std::size_t kMaxSites = 4096;

// Nested blocks of threads help nobody beyond the cores a machine has.
inline constexpr std::size_t kMaxThreads = 1024;

}  // namespace hanse::base
