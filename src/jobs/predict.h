// What a trained model says about new records.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "jobs/model_file.h"
#include "jobs/records.h"
#include "jobs/report.h"

namespace hanse::jobs {

// Where new data differs from the job's.
struct NewData {
  std::string path;                       // a folder, a table's file, or postgresql://…
  std::optional<std::string> files = {};  // another pattern of file names
  std::optional<double> shaft_rpm = {};   // one shaft speed for all recordings
  std::optional<std::string> map = {};    // a map file: the plant's own names and units for a table
  std::optional<std::string> query = {};  // of a database
  // Of the site that the data is of, where the model has parts of classes. None: the common model.
  std::optional<std::string> site_class = {};
};

struct Prediction {
  std::size_t record = 0;             // as the data counts them, from 1
  std::string group;                  // empty where the data has none
  std::vector<double> probabilities;  // one per label; empty for regression
  double value = 0;                   // index of the most probable label, or the physical value
  std::optional<double> truth;        // the same of the record's own label, where it has one

  bool operator==(const Prediction&) const = default;
};

struct Predictions {
  std::string job;
  std::vector<std::string> labels;  // empty for regression
  std::string unit;                 // of a regression's values
  std::vector<Prediction> records;  // in the data's order
  MetricValues metrics;             // empty where the data has no labels
  std::vector<std::string>
      known_groups;  // of the data that were in training: they flatter the model
  std::uint64_t clipped_values = 0;
  std::uint64_t left_out = 0;  // records without a prediction: policies for missing values
};

// Reads the data as the model's training data was read; label and group may be absent. Data of
// another shape is the reader's error: it names what the model needs and what came. A prediction
// that is not finite: failed_precondition with the record.
base::Result<Predictions> predict(const ModelFile& file, const NewData& data,
                                  const RecordDoors& doors);

// docs/formats/model.md, "Predictions".
std::string to_json(const Predictions& predictions);

// One line per record, with a header: for other programs and for spreadsheets (RFC 4180).
std::string to_csv(const Predictions& predictions);

}  // namespace hanse::jobs
