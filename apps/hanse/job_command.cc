#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "fairness/fair_history.h"
#include "hanse/commands.h"
#include "jobs/active_job.h"
#include "jobs/aggregation.h"
#include "jobs/fair_job.h"
#include "jobs/group_job.h"
#include "jobs/job_privacy.h"
#include "jobs/json_fields.h"
#include "jobs/map_file.h"
#include "jobs/privacy_words.h"
#include "jobs/training.h"
#include "learning/unit_sums.h"

namespace hanse::commands {
namespace {

// A file or folder that a job reads.
struct Place {
  std::string path;
  std::string_view key;  // that says so
  bool folder = false;
};

// None for a simulated fleet or a database.
std::vector<Place> places_of(const jobs::Source& source) {
  if (const auto* recordings = std::get_if<data::RecordingsSpec>(&source))
    return {{recordings->path, "data.path", true}};
  const auto* tables = std::get_if<jobs::TableSource>(&source);
  if (!tables) return {};
  std::vector<Place> places;
  const auto add = [&](const data::TableSpec& table, const std::string& path,
                       std::string_view key) {
    if (table.format != data::TableFormat::postgresql)
      places.push_back({path, key, !table.files.empty()});
  };
  if (tables->site_tables.empty()) add(tables->table, tables->table.path, "data.path");
  for (const jobs::SiteTable& site : tables->site_tables)
    add(tables->table, site.path, "data.site.path");
  for (const jobs::JoinSpec& join : tables->joins)
    add(join.table, join.table.path, "data.join.path");
  return places;
}

base::Result<void> check_place(const Place& place, const storage::Directory& directory) {
  if (!directory.exists(place.path))
    return base::fail(base::ErrorCode::not_found, "{}: there is nothing at '{}'", place.key,
                      place.path);
  const bool folder = directory.list(place.path).has_value();
  if (folder == place.folder) return {};
  return base::fail(base::ErrorCode::invalid_argument, "{}: expected a {}, found the {} '{}'{}",
                    place.key, place.folder ? "folder" : "file", folder ? "folder" : "file",
                    place.path,
                    folder ? "; name the file, or say with `files` which files of the folder make "
                             "the table"
                           : "");
}

// Everything that the job names is there, and plants' map files fit its columns.
base::Result<void> check_places(const jobs::Job& job, const Doors& doors) {
  for (const Place& place : places_of(job.source))
    HANSE_TRY_VOID(check_place(place, doors.directory));
  if (const auto* tables = std::get_if<jobs::TableSource>(&job.source))
    for (const jobs::SiteTable& site : tables->site_tables)
      if (!site.map.empty())
        HANSE_TRY_VOID(jobs::load_map(doors.directory, site.map, tables->columns));
  return {};
}

// How many sites there are, where the job says so; other records tell when they are read.
std::optional<std::size_t> said_sites(const jobs::Job& job) {
  const auto* fleet = std::get_if<data::FleetSpec>(&job.source);
  const auto* tables = std::get_if<jobs::TableSource>(&job.source);
  if (fleet) return fleet->sites.size();
  if (!tables) return std::nullopt;
  if (!tables->site_tables.empty()) return tables->site_tables.size();
  std::size_t dealt = 0;
  for (const auto& [group, sites] : tables->sites.deal) dealt += sites;
  return dealt > 0 ? std::optional(dealt) : std::nullopt;
}

// As many as there are, or the fewest that would do.
std::size_t sites_of(const jobs::Job& job) {
  return said_sites(job).value_or(jobs::fewest_sites(job.aggregation));
}

std::string aggregation_in_words(const jobs::Job& job,
                                 const jobs::ReportedAggregation& aggregation) {
  const std::string text = jobs::in_words(aggregation);
  if (said_sites(job)) return text;
  return fmt::format("{}. That is for {} sites, the fewest; how many there are the records say",
                     text, sites_of(job));
}

// What a job would do, by name and in words.
using Facts = std::vector<std::pair<std::string, std::string>>;

// What one site sends in all rounds.
std::string vectors_of(const jobs::Job& job, const learning::Architecture& architecture,
                       const jobs::ReportedAggregation& aggregation) {
  const auto numbers = [](std::size_t count) {
    return bytes_in_words(8.0 * static_cast<double>(count));
  };
  const std::size_t parameters = architecture.parameter_count();
  const std::string keys =
      aggregation.exchanged_bytes == 0
          ? ""
          : fmt::format(", and {} of keys and shares a round",
                        bytes_in_words(static_cast<double>(aggregation.exchanged_bytes)));
  if (job.groups) {
    const auto [learning, calibration] = fairness::numbers_asked(*job.groups, architecture);
    return fmt::format(
        "counts by group, label and cell once, {}; counts by group and score once, "
        "{}{}",
        numbers(learning), numbers(calibration), keys);
  }
  const std::uint32_t trainings = job.active ? job.active->cycles : 1;
  std::uint32_t steps = job.rounds;
  std::vector<std::string> kinds;
  const auto say = [&](std::string_view what, std::uint32_t times, const std::string& size) {
    if (times == 0) return;
    kinds.push_back(fmt::format("{} {}{}", what, times == 1 ? "once" : grouped(times) + " times",
                                size.empty() ? "" : ", " + size));
    steps -= times;
  };
  const bool by_scores = job.active && !active::is_local(job.active->rule);
  say("counts of records by score", by_scores ? trainings : 0, "");
  if (job.fairness) {
    using fairness::Asks;
    say("counts by class, label and score",
        1 + fairness::rounds_between(*job.fairness, Asks::scores), "");
    say("lengths of gradients by class", fairness::rounds_between(*job.fairness, Asks::norms), "");
  }
  if (!job.privacy.is_private())
    return kinds.empty()
               ? fmt::format("one vector a round, about {}{}", numbers(parameters + 2), keys)
               : fmt::format("{}; {} vectors, about {} each{}", fmt::join(kinds, "; "),
                             grouped(steps), numbers(parameters + 2), keys);
  say("second moments of features and label", job.privacy.moments > 0 ? trainings : 0,
      numbers(learning::moment_count(architecture, true) + 1));
  say("metrics of the model", job.privacy.metrics > 0 ? trainings : 0, numbers(3));
  if (steps > 0)
    kinds.push_back(fmt::format("{} {}, about {} each", grouped(steps),
                                steps == 1 ? "gradient or update" : "gradients or updates",
                                numbers(parameters + 1)));
  return fmt::format("{}{}", fmt::join(kinds, "; "), keys);
}

Facts facts_of(const jobs::Job& job, const learning::Architecture& architecture,
               const jobs::ReportedPrivacy& privacy, const jobs::ReportedAggregation& aggregation) {
  std::vector<std::string> paths;
  for (const Place& place : places_of(job.source)) paths.push_back(place.path);
  std::string metrics;
  for (const auto metric : job.evaluation.metrics)
    metrics += fmt::format("{}{}", metrics.empty() ? "" : " ", learning::name_of(metric));
  std::string evaluation = fmt::format("over {}", jobs::name_of(job.evaluation.over));
  if (job.evaluation.repeats > 1) evaluation += fmt::format(", {} seeds", job.evaluation.repeats);
  return {{"data", fmt::format("{}{}{}", jobs::name_of(job.source), paths.empty() ? "" : " in ",
                               fmt::join(paths, ", "))},
          {"split", jobs::in_words(job.split, job.fold)},
          {"model", fmt::format("{}, {} parameters", jobs::in_words(architecture),
                                grouped(architecture.parameter_count()))},
          {"training", job.groups ? "two questions, each record in one of them"
                                  : jobs::in_words(job.strategy, job.rounds)},
          {"labels", job.active ? jobs::in_words(*job.active) : "all there"},
          {"fairness", job.fairness ? jobs::in_words(*job.fairness)
                       : job.groups ? jobs::in_words(*job.groups)
                                    : "none"},
          {"leaves a site", vectors_of(job, architecture, aggregation)},
          {"privacy", jobs::in_words(privacy)},
          {"unit of privacy", privacy.unit},
          {"aggregation", aggregation_in_words(job, aggregation)},
          {"metrics", metrics},
          {"evaluation", evaluation}};
}

}  // namespace

base::Result<void> execute(const JobCheck& command, const Doors& doors) {
  HANSE_TRY(const jobs::Job job,
            jobs::load_job(doors.directory, command.job, doors.environment, command.set));
  if (const auto there = check_places(job, doors); !there)
    return base::fail(there.error().within(command.job));
  HANSE_TRY(const data::Schema schema, jobs::schema_of(job.source));
  HANSE_TRY(const auto architecture, jobs::architecture_of(job.model, schema));
  HANSE_TRY_VOID(jobs::check_plan_of(job, sites_of(job)));
  HANSE_TRY(const jobs::ReportedPrivacy privacy,
            jobs::reported_privacy(job, schema, static_cast<std::uint32_t>(sites_of(job))));
  HANSE_TRY(const jobs::Aggregation aggregation,
            jobs::aggregation_of(job.aggregation, sites_of(job)));
  const Facts facts =
      facts_of(job, architecture, privacy,
               jobs::reported(aggregation, sites_of(job), job.strategy.fraction_bits));
  if (command.json)
    return doors.terminal.print_data(jobs::JsonFields::write([&](jobs::JsonFields& json) {
      std::string name = job.name.text();
      json.field("job", name);
      for (auto [key, text] : facts) {
        std::ranges::replace(key, ' ', '_');
        json.field(key, text);
      }
    }));
  const Style& style = doors.terminal.out();
  std::string text = fmt::format("{}: {}\n", visible(command.job), style.good("fine"));
  for (const auto& [name, what] : facts)
    text += fmt::format("  {}{}\n", style.dim(left(name, 17)), visible(what));
  return doors.terminal.print(text);
}

}  // namespace hanse::commands
