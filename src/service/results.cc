#include "service/results.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "jobs/deployed_report.h"
#include "service/control.h"

namespace hanse::service {

using base::Milliseconds;
using base::Result;

namespace {

std::string in_words(Milliseconds wall) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}",
                     fmt::gmtime(static_cast<std::time_t>(wall.value / 1000)));
}

}  // namespace

Result<void> lay_down(const std::string& path, const jobs::FederatedRun& run,
                      const jobs::TrainingRecord& record, const ResultOrigin& origin,
                      const ServiceDoors& doors) {
  if (doors.directory.exists(path)) return {};  // before a crash
  HANSE_TRY(jobs::DeployedReport report,
            jobs::deployed_report(run.job(), record, origin.booked.cohort));
  report.consortium = {origin.roster.consortium, origin.roster.epoch, origin.roster_digest.hex()};
  for (jobs::DeployedSite& site : report.sites)
    if (const roster::Party* party = roster::find(origin.roster, site.name))
      site.group = party->site_class;
  report.timing.submitted = in_words(origin.booked.at);
  report.timing.ended = in_words(doors.clock.wall());
  HANSE_TRY(const jobs::ModelFile model, run.model());
  HANSE_TRY(storage::Staging staging, storage::Staging::create(doors.directory, path));
  const auto file = [&](const std::string& name, std::string_view text) {
    return staging.write(name, base::view_of(text));
  };
  HANSE_TRY_VOID(file("report.html", jobs::to_html(report)));
  HANSE_TRY_VOID(file("model.json", jobs::to_json(model)));
  HANSE_TRY_VOID(file("job.toml", run.job().text));
  for (const jobs::TrainedRound& round : record.rounds()) {
    if (!round.released) continue;
    HANSE_TRY(const base::Slice released, doors.store.blob(*round.released));
    if (base::Digest::of(released.view()) != *round.released)
      return base::fail(base::ErrorCode::corruption,
                        "job '{}': what round {} released differs from its digest",
                        origin.booked.id.text(), round.id.round);
    HANSE_TRY_VOID(staging.write(released_file(round.id.round), released.view()));
  }
  HANSE_TRY_VOID(file("report.json", jobs::to_json(report)));
  return staging.commit();
}

}  // namespace hanse::service
