#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/limits.h"
#include "hanse/commands.h"
#include "hanse/run_folder.h"
#include "jobs/predict.h"

namespace hanse::commands {
namespace {

// What is worth knowing beside the predictions; to stderr.
std::string remarks(const jobs::Predictions& predictions, const Style& style) {
  std::string text = fmt::format("{} records", grouped(predictions.records.size()));
  for (const auto& metric : predictions.metrics)
    text += metric.value ? fmt::format(" · {} {:.3f}", metric.name, *metric.value) : "";
  text += "\n";
  if (predictions.clipped_values > 0)
    text +=
        style.warning(fmt::format("{} values lay outside their declared range and were cut to "
                                  "it\n",
                                  grouped(predictions.clipped_values)));
  if (predictions.left_out > 0)
    text += style.warning(fmt::format("{} records have no prediction: they lack values\n",
                                      grouped(predictions.left_out)));
  constexpr std::size_t kNamed = 5;
  const auto& known = predictions.known_groups;
  if (!known.empty())
    text += style.warning(fmt::format(
        "{} of the groups here were in training, so these numbers flatter the model: {}{}\n",
        known.size(),
        visible(fmt::format("{}", fmt::join(known.begin(),
                                            known.begin() + static_cast<std::ptrdiff_t>(
                                                                std::min(known.size(), kNamed)),
                                            ", "))),
        known.size() > kNamed ? ", …" : ""));
  return text;
}

}  // namespace

base::Result<void> execute(const Predict& command, const Doors& doors) {
  // The model itself may be named as well as its folder.
  const bool named = command.run.ends_with("/model.json") && doors.directory.exists(command.run);
  const std::string path = named ? command.run : command.run + "/model.json";
  if (!doors.directory.exists(path))
    return base::fail(not_finished(doors.directory, command.run, "model.json"));
  HANSE_TRY(const base::Bytes bytes,
            storage::read_all(doors.directory, path, base::kMaxModelBytes));
  auto model = jobs::model_from_json(base::text_of(bytes));
  if (!model) return base::fail(model.error().within(path));
  const jobs::NewData data{command.data, command.files, command.rpm,
                           command.map,  command.query, command.site_class};
  HANSE_TRY(const auto predictions,
            jobs::predict(*model, data, {doors.directory, doors.executor, &doors.databases}));
  doors.terminal.say(remarks(predictions, doors.terminal.err()));
  return doors.terminal.print_data(command.json ? jobs::to_json(predictions)
                                                : jobs::to_csv(predictions));
}

}  // namespace hanse::commands
