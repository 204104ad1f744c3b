// What a job says of fairness between two groups of records: its model of cells and the part of
// [fairness] that goes with it.
#pragma once

#include "jobs/job.h"
#include "jobs/toml_reader.h"

namespace hanse::jobs {

inline constexpr std::string_view kFdpFair = "fdp_fair";

// Whether the file says so, before anything of the model is known to be right.
bool is_of_cells(Section root);

// A model of cells is learned from two questions, each record taking part in one: nothing of a
// training by gradients is there to be set.
void refuse_gradients(Section& root);

// Keys of [model] with kind = "cells", but for the kind.
void read_cells(Section& section, CellsSpec& cells);

// [fairness] of a model of cells, after it is read.
void read_group_fairness(Section section, Job& job);

// The axes of the model: the group, then every feature in the schema's order. A number that no
// `cells` cuts, a name that is no number, a feature that says that a value was missing, a group
// that is no category of two values: invalid_argument naming the key.
base::Result<std::vector<learning::Axis>> axes_of(const CellsSpec& cells,
                                                  const data::Schema& schema);

// Fills in what follows from the columns: groups, positive label, bandwidths. Problems are placed
// where they can be mended; false where there are some.
bool settle_groups(Section& root, const data::Schema& schema, Job& job);

// As `hanse job check` says it.
std::string in_words(const fairness::GroupSpec& spec);

}  // namespace hanse::jobs
