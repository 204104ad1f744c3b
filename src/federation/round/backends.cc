#include "federation/round/backends.h"

namespace hanse::federation {

base::Result<const Backend*> backend_named(std::string_view name) {
  const Backend* const plain = &aggregation::plain();
  if (name == plain->name()) return plain;
  return base::fail(base::ErrorCode::invalid_argument,
                    "expected the aggregation backend \"{}\"; found \"{}\"", plain->name(), name);
}

}  // namespace hanse::federation
