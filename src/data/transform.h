// New columns from those that were read: declared in the job, replayed alike when predicting.
#pragma once

#include <memory>
#include <span>

#include "data/schema.h"
#include "data/table.h"

namespace hanse::data {

enum class TransformKind {
  rolling_mean,   // of the last `length` records of the key, fewer at its beginning
  rolling_std,    // with n − 1; 0 of one record
  rolling_slope,  // least squares against the order, per unit of order; 0 of one record
  baseline,  // the value minus the mean of the key's first `length` records; while there are fewer,
             // of those so far
  window,   // the last `length` values, oldest first, as so many columns; before the beginning, the
            // first value
  log,      // to base 10; the declared range lies above 0
  copy,     // the number itself for another purpose: a time as a feature too; of an order, whose
            // range is not declared, with low and high
  ratio,    // of[0] / of[1]; the range of of[1] lies above 0
  product,  // of[0] · of[1]
  difference,   // of[0] − of[1]
  sum,          // Σ weights[i] · of[i]; without weights each counts once
  interaction,  // of a number and a category: for each value of the category a column, the number
                // where the record has that value, else 0
  hats,  // piecewise linear functions, one for each of the knots `edges`: 1 at its own, 0 at the
         // others, and beyond the outer ones as there; so they add up to 1
  remaining_life,  // order of the key's last record − order; plus the number in `after_last`; at
                   // most `clip`
  threshold,       // of a number: values[0] below `edges[0]`, else values[1]
  bands,    // of a number: values[i], i edges being at most the number; one value more than edges
  which,    // of several 0/1 numbers exactly one of which is 1: its place in `values`
  combine,  // texts joined as group_name does; missing where one of them is
};

// Numbers that transforms read are clipped to their declared range first, so that the natural range
// of the result follows: of rolling_mean, window and copy that of `of`, of baseline plus and minus
// its width, of log, ratio, product, difference, sum and interaction that of the function, of hats
// −1 to 1 (so that encoding leaves them as they are), of remaining_life 0 to `clip`, of rolling_std
// 0 to width/√2 (two values at either end). Slopes have no bound where records may lie arbitrarily
// close: theirs is plus and minus the width per unit of order, which holds where records are at
// least one unit apart.
struct TransformSpec {
  TransformKind kind = TransformKind::rolling_mean;
  std::vector<std::string> of = {};  // columns read before, or made by transforms before
  // The name of the result; "{of}" stands for each column of `of`, in turn, for kinds that take one
  // column at a time (rolling_*, baseline, window, log, hats). window and hats add "_1" …
  // "_length", window oldest first; interaction adds "_" and the value.
  std::string name = {};
  // What the result is for. Of numbers: number, input or label. Of texts: category, label, group,
  // site, site_class, unit, partition or text. No feature is made of a label or a remaining life:
  // they are not known when predicting.
  ColumnKind as = ColumnKind::number;
  std::string unit = {};
  std::vector<std::string> key = {};  // columns: records with the same values follow one another
  std::string order = {};             // a column of kind order, or a number: ascending within a key
  std::size_t length = 0;
  // The part of the natural range that the declared one keeps, in (0, 1]: around the same middle,
  // of rolling_std from 0. Values beyond are clipped when encoded, and counted.
  double part = 1;
  double low = 0;  // with `high`: the declared range instead, where low < high
  double high = 0;
  double clip = 0;  // remaining_life; required there: it is the upper end of its range
  std::string after_last =
      {};  // remaining_life: optional, a number; that of the last record counts
  std::vector<double> edges = {};
  std::vector<std::string> values = {};
  std::vector<double> weights = {};  // of sum: one for each of `of`, or none

  bool operator==(const TransformSpec&) const = default;
};

struct AppliedTable {
  Table table;
  std::uint64_t left_out = 0;  // records dropped by missing-value policies
};

// Declared columns and transforms, checked together.
class Pipeline {
 public:
  static base::Result<Pipeline> create(std::vector<Column> columns,
                                       std::vector<TransformSpec> transforms);

  // What a reader has to read.
  const std::vector<Column>& columns() const;
  const std::vector<TransformSpec>& transforms() const;
  // What there is afterwards, and encode needs: the columns read, indicators of missing values
  // behind their columns, results of transforms in their order.
  const std::shared_ptr<const Schema>& schema() const;

  // Policies for missing values, then the transforms one after another. Each result depends on the
  // records of its key alone, on those of rolling and window transforms alone that lie in the
  // window, and not on the order of records in the table. Errors name source, record, column,
  // expected and found; a key whose order is not strictly ascending once sorted (two records at one
  // time) is one. So is, in training, a key whose records are of several groups or sites
  // (check_keys).
  //
  // What features are made of is treated and computed first, on all records that have it; then
  // records that lack something else are dropped, and the rest is made. So a record's history is
  // the same in training and in predicting, where a label is missing too.
  //
  // To be labelled, a record may lack what the label alone is made of, and has no label then: one
  // record's label says nothing of another's.
  //
  // For predicting, only columns that features are made of have to be there, and only their
  // policies hold; a transform of which no feature is made is left out when the table lacks a
  // column or a value that it needs, or has one that it cannot read.
  base::Result<AppliedTable> apply(Table table, Purpose purpose) const;

  // Of a table after apply: that all records of a key have the same texts in each of these columns,
  // as far as it has them. Otherwise a transform would carry records from one group or site into
  // the features of another: invalid_argument with two such records.
  base::Result<void> check_keys(const Table& table, std::span<const std::string> columns) const;

  // Records are mixed within keys, so that a record is no unit of privacy.
  bool mixes_records() const;

 private:
  struct Body;
  explicit Pipeline(std::shared_ptr<const Body> body);
  std::shared_ptr<const Body> body_;
};

}  // namespace hanse::data
