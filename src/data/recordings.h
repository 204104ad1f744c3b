// A folder of recordings as one table: each window of each file is a record.
#pragma once

#include "base/executor.h"
#include "data/table.h"
#include "data/vibration.h"
#include "storage/directory.h"

namespace hanse::data {

// What privacy protects as a whole: windows of one recording, and recordings of one machine, say
// much the same, so protecting a window alone protects little.
enum class RecordingUnit {
  recording,  // the file
  group,      // the machine; without a group, the file
  window,     // weak
};

// What a job says about a folder of .npy recordings.
struct RecordingsSpec {
  std::string path;
  // File names, with fields in braces: "{rpm}_{fault}_{size}_DE12.npy". A field takes the shortest
  // run of characters other than '/' that lets the rest match. Files that do not match are skipped.
  std::string files;
  double sampling_rate_hz = 0;
  std::size_t window = 4096;  // samples
  std::size_t hop = 4096;     // samples from one window's start to the next
  std::string bearing = "skf_6205";
  std::vector<std::string> features = {};  // of vibration.h, in any order; none: all of them
  std::string shaft_rpm_field = "rpm";    // the field that holds the shaft's speed; empty: constant
  double shaft_rpm = 0;                   // the constant
  std::string label;                      // a field; empty: no label
  std::vector<std::string> label_values;  // other values in that field: the file is an error
  // Fields whose values together name a bearing; none: each file is a group, since its windows
  // resemble each other and may overlap.
  std::vector<std::string> group;
  std::string site;  // a field; empty: all records are one site's
  RecordingUnit unit = RecordingUnit::recording;

  bool operator==(const RecordingsSpec&) const = default;
};

// Names of the columns that a table of recordings has besides its features.
inline constexpr std::string_view kLabelColumn = "label";
inline constexpr std::string_view kGroupColumn = "group";
inline constexpr std::string_view kSiteColumn = "site";
inline constexpr std::string_view kUnitColumn = "unit";  // not where each window is one
inline constexpr std::string_view kFileColumn = "file";  // ignored where there is a group

// The features of vibration.h that are wanted, in its order, then label, group, site and unit as
// far as the spec has them, and the file's name for people, the group where the spec has none.
// Checks the spec: fields that the pattern lacks, features that there are not, windows or rates out
// of bounds: invalid_argument.
base::Result<Schema> recordings_schema(const RecordingsSpec& spec);

// Files in the byte order of their names, windows in time. A rest shorter than a window is left
// out. No file matching: not_found, naming the pattern and what was found instead.
base::Result<Table> read_recordings(const storage::Directory& directory, const RecordingsSpec& spec,
                                    base::Executor& executor);

}  // namespace hanse::data
