#include <fmt/format.h>

#include "hanse/commands.h"
#include "jobs/training.h"

namespace hanse::commands {
namespace {

// The folder or file that a job reads; empty for a simulated fleet.
std::string path_of(const jobs::Source& source) {
  if (const auto* recordings = std::get_if<data::RecordingsSpec>(&source)) return recordings->path;
  if (const auto* csv = std::get_if<data::CsvSpec>(&source)) return csv->path;
  return "";
}

// Which sites there are stands in the job of a fleet alone; other records tell when they are read.
std::size_t sites_of(const jobs::Job& job) {
  const auto* fleet = std::get_if<data::FleetSpec>(&job.source);
  return fleet ? fleet->sites.size() : job.aggregation.min_sites;
}

}  // namespace

base::Result<void> execute(const JobCheck& command, const Doors& doors) {
  HANSE_TRY(const jobs::Job job,
            jobs::load_job(doors.directory, command.job, doors.environment, command.set));
  const std::string path = path_of(job.source);
  if (!path.empty() && !doors.directory.exists(path))
    return base::fail(base::ErrorCode::not_found, "{}: data.path: there is nothing at '{}'",
                      command.job, path);
  HANSE_TRY(const data::Schema schema, jobs::schema_of(job.source));
  HANSE_TRY(const auto architecture, jobs::architecture_of(job.model, schema));
  HANSE_TRY_VOID(jobs::check_plan_of(job, sites_of(job)));
  const Style& style = doors.terminal.out();
  std::string metrics;
  for (const auto metric : job.metrics) metrics += fmt::format(" {}", learning::name_of(metric));
  std::string text = fmt::format("{}: {}\n", visible(command.job), style.good("fine"));
  const auto line = [&](std::string_view name, std::string_view what) {
    text += fmt::format("  {}{}\n", style.dim(left(name, 15)), visible(what));
  };
  line("data", fmt::format("{}{}{}", jobs::name_of(job.source), path.empty() ? "" : " in ", path));
  line("split", jobs::in_words(job.split, job.fold));
  line("model", fmt::format("{}, {} parameters", jobs::in_words(architecture),
                            grouped(architecture.parameter_count())));
  line("training", jobs::in_words(job.strategy, job.rounds));
  line("leaves a site",
       fmt::format("one vector a round, about {}, {}",
                   bytes_in_words(8.0 * static_cast<double>(architecture.parameter_count())),
                   job.entrance));
  line("aggregation",
       fmt::format("{}, at least {} site{} a round", job.aggregation.backend,
                   job.aggregation.min_sites, job.aggregation.min_sites == 1 ? "" : "s"));
  line("metrics", std::string_view(metrics).substr(1));
  return doors.terminal.print(text);
}

}  // namespace hanse::commands
