// What a table's columns mean: declared in the job, the same for every site, public.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.h"

namespace hanse::data {

// What records are read for. To be labelled they are read as for training, but for the label and
// for what it alone is made of, which a record may lack. For predicting only features have to be
// there.
enum class Purpose { training, labelling, predicting };

enum class ColumnKind {
  number,    // a feature with a declared physical range
  category,  // a feature with declared values, one-hot encoded
  label,     // what is to be predicted: declared values, or a declared range for regression
  group,  // records that belong together (one bearing, one study): never on both sides of a split
  site,   // whose record it is
  site_class,  // the class of the record's site (equipment generation): one value per site
  order,       // when: a number, or an ISO 8601 date or time (then in seconds since 1970, UTC)
  unit,        // unit of privacy: the records that share it are protected together
  partition,   // two declared values: records with the first train, those with the second test
  input,       // a number with a declared range that transforms read; no feature of its own
  text,        // a text that transforms and sites read; no feature of its own
  ignore,      // read past
};

enum class MissingPolicy {
  refuse,   // an error
  drop,     // the record is left out, and counted
  neutral,  // a number: the middle of its range; a category: none of its values
  value,    // the declared `value`
};

// What stands for "no value" in a cell, and what is done then.
struct Missing {
  MissingPolicy policy = MissingPolicy::refuse;
  // Texts of cells; of numbers also other spellings of the same number ("0" is "0.0"). A NULL of a
  // database and a NaN of an array are missing whatever the tokens.
  std::vector<std::string> tokens = {};
  std::string value = {};  // of MissingPolicy::value, as a cell would spell it
  bool indicator = false;  // one more feature "NAME_missing": 1 where it was, else 0; number only

  bool operator==(const Missing&) const = default;
};

struct Column {
  std::string name;
  ColumnKind kind = ColumnKind::ignore;
  std::string unit = {};  // "g", "rpm": see unit.h
  double low = 0;         // declared range, of numbers, inputs and regression labels
  double high = 0;
  // Declared, of categories, labels to classify and partitions.
  std::vector<std::string> values = {};
  Missing missing = {};

  bool operator==(const Column&) const = default;
};

// Its cells are numbers: a feature, an input, a label to be predicted as a number, or an order.
bool is_number(const Column& column);
// Goes into a model: a number or a category.
bool is_feature(const Column& column);
// A number with a declared range: any but an order.
bool has_range(const Column& column);
// Its declared values are all there are: a category, a label to classify, a partition.
bool has_values(const Column& column);
// Read from the source at all.
bool is_read(const Column& column);

// The number for missing ones: the middle of the range, or the declared value where it is a number.
// For policies neutral and value.
std::optional<double> stand_in(const Column& column);

// What is wrong with one declaration by itself: invalid_argument with the column's name.
base::Result<void> check_column(const Column& column);

// Checked: each column, names unique, at most one label, site class, order, unit and partition, at
// least one feature. A group, and a site, may consist of several columns (group_name).
class Schema {
 public:
  // `origin` says how features are made of what was read, where that is not by reading alone
  // (Pipeline): it becomes part of the digest.
  static base::Result<Schema> create(std::vector<Column> columns,
                                     std::optional<base::Digest> origin = {});

  const std::vector<Column>& columns() const { return columns_; }
  const Column* find(std::string_view name) const;
  const Column* find(ColumnKind kind) const;  // the first of that kind
  const Column* label() const { return find(ColumnKind::label); }
  bool has(ColumnKind kind) const { return find(kind) != nullptr; }

  // Width of an encoded record: one per number, one per value of a category.
  std::size_t feature_count() const;
  std::vector<std::string> feature_names() const;

  // SHA-256 of everything that decides what an encoded record means: features and label in their
  // order with their policies for missing values, each field preceded by its length, and the
  // origin. Two schemas with one digest can share a model.
  base::Digest digest() const;

  bool operator==(const Schema&) const = default;

 private:
  Schema(std::vector<Column> columns, std::optional<base::Digest> origin)
      : columns_(std::move(columns)), origin_(std::move(origin)) {}
  std::vector<Column> columns_;
  std::optional<base::Digest> origin_;
};

}  // namespace hanse::data
