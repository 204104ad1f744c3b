// Records one after another, before anyone has said what their fields mean.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace hanse::data {

// The fields at hand, as texts or as numbers; good until the next record is read.
struct Record {
  std::span<const std::string_view> texts;  // one whose data() is null is a database's NULL
  std::span<const double> numbers;          // of arrays, instead of texts
};

class RecordSource {
 public:
  virtual ~RecordSource() = default;
  // One per field of every record, as the source spells them.
  virtual const std::vector<std::string>& names() const = 0;
  // Null at the end. Not to be called again after the end or an error.
  virtual base::Result<const Record*> next() = 0;
  // Of the record at hand, for error texts: "plant.csv:12".
  virtual std::string place() const = 0;
};

}  // namespace hanse::data
