// The record of a run: entries, snapshots and blobs are refused, or come back the same.

#include <cstdint>
#include <span>

#include "jobs/run_state.h"

using namespace hanse;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  const std::string_view text = base::text_of(bytes);
  jobs::RunState state;
  if (state.check(bytes)) {
    state.apply(bytes);
    jobs::RunState again;
    const base::Bytes entry = jobs::RunState::encode(state.last());
    HANSE_CHECK(again.check(entry).has_value());
    again.apply(entry);
    HANSE_CHECK(again == state);
  }
  if (const auto restored = jobs::RunState::restore(bytes))
    HANSE_CHECK(jobs::RunState::restore(restored->snapshot()).value() == *restored);
  if (const auto folds = jobs::judged_folds_from_json(text))
    HANSE_CHECK(jobs::judged_folds_from_json(jobs::to_json(*folds)).value() == *folds);
  if (const auto fold = jobs::kept_fold_from_json(text))
    HANSE_CHECK(jobs::kept_fold_from_json(jobs::to_json(*fold)).value() == *fold);
  return 0;
}
