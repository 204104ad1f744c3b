// Encoded records, ready to learn from.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "data/schema.h"
#include "math/matrix.h"

namespace hanse::data {

// Vectors have one entry per record. Numbers are scaled from their declared range to [-1, 1]
// and clipped to it; a category is one-hot in {0, 1}. Nothing depends on statistics of the records.
struct Dataset {
  std::shared_ptr<const Schema> schema;
  math::Matrix features = {};       // records × schema->feature_count()
  std::vector<double> target = {};  // index of the label's value, or its number scaled to [-1, 1]
  // Index into group_names; empty when the schema declares no group.
  std::vector<std::uint32_t> group = {};
  std::vector<std::string> group_names = {};
  // Index of the unit of privacy, within this dataset; empty when each record is one.
  std::vector<std::uint32_t> unit = {};
  // Index into site_class_names, of the record's site; empty when nothing declares classes.
  std::vector<std::uint32_t> site_class = {};
  std::vector<std::string> site_class_names = {};
  std::vector<double> order = {};  // when; empty when the schema declares none
  std::vector<std::uint8_t> partition =
      {};                            // 0 trains, 1 tests; empty when the schema declares none
  std::uint64_t clipped_values = 0;  // for the local operator only

  std::size_t size() const { return features.rows(); }

  // The records at `rows`, in that order.
  Dataset select(std::span<const std::size_t> rows) const;
};

// One name for a group that several fields name together: ("B", "14") is "B_14". Different fields
// give different names: '_' and '\\' within one of several are preceded by '\\'.
std::string group_name(std::span<const std::string> fields);

// The records of all parts, one part after another. The parts share one schema; a group of several
// parts is one, as is a site class, a unit of privacy stays its part's own.
Dataset concatenate(std::span<const Dataset> parts);

}  // namespace hanse::data
