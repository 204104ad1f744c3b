// Inside transforms: one declared transform with its columns looked up, and its computing.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "data/transform.h"

namespace hanse::data {

struct Step {
  TransformSpec spec;              // with the one column of `of` that "{of}" stood for
  std::vector<Column> of = {};     // as they were declared, or made by steps before
  std::vector<Column> after = {};  // after_last, where there is one
  std::vector<Column> made = {};

  // Names of all columns that it needs.
  std::vector<std::string> reads() const;
};

// Of a sum.
inline double weight_of(const TransformSpec& spec, std::size_t column) {
  return spec.weights.empty() ? 1 : spec.weights[column];
}

std::string_view word_of(TransformKind kind);
// Over several records of a key.
bool is_keyed(TransformKind kind);

// One step, or one per column of `of`. `known`: the columns there are so far. Does not look whether
// what it makes is there already.
base::Result<std::vector<Step>> steps_of(const TransformSpec& spec, std::span<const Column> known);

// Rows of a table by key, each key's by order.
struct Sequences {
  std::vector<std::size_t> rows;
  std::vector<std::size_t> starts;  // of keys within rows, and the end

  std::size_t size() const { return starts.size() - 1; }
  std::span<const std::size_t> at(std::size_t key) const {
    return std::span(rows).subspan(starts[key], starts[key + 1] - starts[key]);
  }
};

base::Result<Sequences> sequences_of(const Table& table, std::span<const std::string> key,
                                     const std::string& order);

// The numbers of that column, each clipped to its declared range.
std::vector<double> clipped(const Table& table, const Column& column);

// The columns that the step makes, all it needs being there and without missing values.
std::vector<TableColumn> compute_keyed(const Step& step, const Table& table,
                                       const Sequences& sequences);
base::Result<std::vector<TableColumn>> compute_single(const Step& step, const Table& table);

}  // namespace hanse::data
