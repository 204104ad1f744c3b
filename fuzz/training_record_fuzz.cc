// What a coordinator keeps of a training: entries and snapshots are refused, or lead to a record
// that comes back from its snapshot and keeps its laws.

#include "jobs/training_record.h"

using namespace hanse;

namespace {

void check(const jobs::TrainingRecord& record) {
  if (record.open())
    HANSE_CHECK(std::holds_alternative<federation::Collecting>(record.open()->state()));
  HANSE_CHECK(!record.open() || !record.end());
  HANSE_CHECK(record.due().round == record.rounds().size() + 1);
  const auto again = jobs::TrainingRecord::restore(record.snapshot());
  HANSE_CHECK(again.has_value() && again->snapshot() == record.snapshot());
}

void take(jobs::TrainingRecord record, base::ByteView entry) {
  if (!record.check(entry)) return;
  record.apply(entry);
  check(record);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const base::ByteView bytes = std::as_bytes(std::span(data, size));
  const base::JobId job = *base::JobId::create("ovens");
  jobs::TrainingRecord record(job);
  take(record, bytes);
  const std::vector<base::SiteId> cohort{*base::SiteId::create("a")};
  const std::vector<federation::RoundStep> asked{federation::step::Plan{{job, {1, 0}}, {}},
                                                 federation::step::Admit{cohort, 1},
                                                 federation::step::Ask{}};
  record.apply(jobs::TrainingRecord::opened(asked));
  take(record, bytes);
  if (const auto restored = jobs::TrainingRecord::restore(bytes)) check(*restored);
  return 0;
}
