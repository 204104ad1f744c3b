#include "federation/round/backends.h"

#include <array>

namespace hanse::federation {

base::Result<const Backend*> backend_named(std::string_view name) {
  const std::array all{&aggregation::masked(), &aggregation::plain()};
  for (const Backend* const backend : all)
    if (name == backend->name()) return backend;
  return base::fail(base::ErrorCode::invalid_argument,
                    "expected the aggregation backend \"{}\" or \"{}\"; found \"{}\"",
                    all[0]->name(), all[1]->name(), name);
}

}  // namespace hanse::federation
