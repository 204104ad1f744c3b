#include "fairness/queries.h"

#include "fairness/class_histogram.h"
#include "fairness/fdp_fair_query.h"

namespace hanse::fairness {

void fill(query::Catalog& catalog) {
  catalog.add(std::string(kClassHistogramKind), create_class_histogram);
  catalog.add(std::string(kFairLearningKind), create_fair_learning);
  catalog.add(std::string(kFairCalibrationKind), create_fair_calibration);
}

}  // namespace hanse::fairness
