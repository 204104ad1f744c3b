// A trained model with all that is needed to use it on new data (docs/formats/model.md).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "jobs/job.h"

namespace hanse::jobs {

inline constexpr std::string_view kModelSchema = "hanse.model/3";

// How new tables are read: without path and query, joined columns as ordinary ones.
struct TableReading {
  data::TableSpec table;
  std::vector<data::Column> columns;
  std::vector<data::TransformSpec> transforms;

  bool operator==(const TableReading&) const = default;
};

// How to read new data; the paths are empty. A simulated fleet's model reads recordings.
using ReadingSpec = std::variant<data::RecordingsSpec, TableReading>;

// What sites of these classes use instead of the common model.
struct ClassModel {
  std::vector<std::string> names;  // of the classes, in the job's order
  learning::Model model;           // of the common model's architecture
};

struct ModelFile {
  std::string job;
  data::Schema schema;
  ReadingSpec reading;
  learning::Model model;
  std::vector<std::string>
      training_groups;                   // in byte order: predictions on these flatter the model
  std::vector<ClassModel> classes = {};  // of a fair training; each class at most once
};

// Parameters read back to the same doubles.
std::string to_json(const ModelFile& file);

// Strict and bounded (base::kMaxModelBytes): corruption with the path in the document, also where
// the schema's digest, the architecture and the parameters contradict each other, or groups are out
// of order.
base::Result<ModelFile> model_from_json(std::string_view text);

// The model that a site of this class uses, the common one where it has none of its own.
const learning::Model& model_for(const ModelFile& file, std::string_view site_class);

// Of one fold's training sets: the names of their groups, once each, in byte order.
std::vector<std::string> groups_of(std::span<const data::Dataset> training);

// How new data of a job's source is read. For a simulated fleet: recordings of its sensor and
// bearing, named {rpm}_{bearing}_{fault}.npy.
ReadingSpec reading_of(const Source& source);
base::Result<data::Schema> schema_of(const ReadingSpec& reading);

}  // namespace hanse::jobs
