// hanse label list, answer and skip: orders to the site that runs here.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <nlohmann/json.hpp>

#include "data/csv.h"
#include "hanse/commands.h"
#include "jobs/label_desk.h"
#include "service/home.h"
#include "service/policy_desk.h"
#include "transport/local_socket.h"

namespace hanse::commands {
namespace {

using base::ErrorCode;
using base::fail;
using base::Result;
using Json = nlohmann::ordered_json;

constexpr base::Milliseconds kPatience{60'000};

// The answer of the site in that folder.
Result<std::string> ask(const std::string& home, const jobs::LabelOrder& order,
                        const Doors& doors) {
  const service::Home at(home);
  if (!doors.directory.exists(at.roster()))
    return fail(ErrorCode::not_found, "'{}' is no home of a site: there is no {}", home,
                at.roster());
  auto line = transport::ask_local(at.socket(), jobs::encode(order), kPatience, doors.clock);
  if (!line && line.error().code() == ErrorCode::unavailable)
    return fail(ErrorCode::unavailable,
                "{}; the site must run, and its {}/site.toml name annotators "
                "([labels.annotator.NAME])",
                line.error().text(), at.local());
  if (!line) return fail(line.error());
  return service::answered(*std::move(line));
}

std::string item_text(const Json& item) {
  std::string text =
      fmt::format("{}  {} cycle {}  {}: {}\n", item.at("item").get<std::string>().substr(0, 12),
                  item.at("job").get<std::string>(), item.at("cycle").get<std::uint64_t>(),
                  item.at("column").get<std::string>(),
                  fmt::join(item.at("values").get<std::vector<std::string>>(), " | "));
  for (const auto& [column, value] : item.at("shows").items())
    text += fmt::format("    {:<28} {}\n", column, value.get<std::string>());
  if (!item.contains("state")) return text;
  for (const Json& one : item.at("answers"))
    text +=
        fmt::format("    {} says {}\n", one.at("annotator").get<std::string>(),
                    one.at("label").is_null() ? "cannot tell" : one.at("label").get<std::string>());
  if (item.at("state") == "open")
    return text + fmt::format("    open: {} more to say\n", item.at("wanted").get<unsigned>());
  return text + fmt::format("    {}\n", item.at("label").is_null()
                                            ? "settled without a label"
                                            : "settled: " + item.at("label").get<std::string>());
}

template <class Text>
Result<void> print(const std::string& answer, bool json, const Doors& doors, const Text& text) {
  if (json) return doors.terminal.print_data(answer + "\n");
  try {
    return doors.terminal.print(visible(text(Json::parse(answer))));
  } catch (const Json::exception& error) {
    return fail(ErrorCode::corruption, "the site's answer is of another version: {}", error.what());
  }
}

}  // namespace

Result<void> execute(const LabelList& command, const Doors& doors) {
  HANSE_TRY(const std::string answer,
            ask(command.home, jobs::order::ListLabels{command.annotator, command.job, command.all},
                doors));
  return print(answer, command.json, doors, [](const Json& said) {
    std::string text;
    for (const Json& item : said.at("items")) text += item_text(item);
    if (text.empty()) text = "nothing waits\n";
    if (const auto more = said.at("more").get<std::uint64_t>(); more > 0)
      text += fmt::format("and {} more: --job shows those of one job, the page one after another\n",
                          more);
    if (said.contains("earned"))
      for (const auto& [name, sum] : said.at("earned").items())
        text += fmt::format("{} has earned {:.6g}\n", name, sum.get<double>());
    return text;
  });
}

namespace {

std::string said_text(const Json& said) {
  const auto wanted = said.at("wanted").get<unsigned>();
  return fmt::format("{}: {}; {}\n", said.at("item").get<std::string>().substr(0, 12),
                     said.at("said").get<std::string>(),
                     wanted > 0 ? fmt::format("{} more to say", wanted) : "settled");
}

Result<std::vector<jobs::order::AnswerLabel>> table_of(const LabelAnswer& command,
                                                       const Doors& doors) {
  HANSE_TRY(auto file, doors.directory.open(command.from));
  HANSE_TRY(const auto source, data::open_csv(std::move(file), command.from));
  if (source->names() != std::vector<std::string>{"item", "label"})
    return fail(ErrorCode::invalid_argument,
                "{}: expected the columns item,label; a label that is left empty says that it "
                "cannot be told",
                command.from);
  std::vector<jobs::order::AnswerLabel> orders;
  for (;;) {
    HANSE_TRY(const data::Record* const record, source->next());
    if (record == nullptr) return orders;
    if (orders.size() == active::kMaxLabelItems)
      return fail(ErrorCode::invalid_argument, "{}: more than {} answers", command.from,
                  active::kMaxLabelItems);
    jobs::order::AnswerLabel& one = orders.emplace_back();
    one.item = std::string(record->texts[0]);
    one.annotator = command.annotator;
    one.corrects = command.corrects;
    if (!record->texts[1].empty()) one.label = std::string(record->texts[1]);
  }
}

// Each by itself: what is refused keeps no other from counting.
Result<void> answer_all(const LabelAnswer& command, const Doors& doors) {
  HANSE_TRY(const auto orders, table_of(command, doors));
  Json answers = Json::array();
  std::string text;
  std::optional<base::Error> first;
  std::size_t refused = 0;
  for (std::size_t i = 0; i < orders.size(); ++i) {
    const auto answer = ask(command.home, orders[i], doors);
    if (!answer) {
      const base::Error& error = answer.error();
      if (error.code() == ErrorCode::unavailable) return fail(error);
      if (++refused == 1) first = error;
      text += fmt::format("line {}: {}\n", i + 2, error.text());
      answers.push_back(
          {{"item", orders[i].item},
           {"error", {{"code", base::error_row(error.code()).name}, {"text", error.text()}}}});
      continue;
    }
    const Json said = Json::parse(*answer, nullptr, /*allow_exceptions=*/false);
    if (!said.contains("wanted"))
      return fail(ErrorCode::corruption, "the site's answer is of another version");
    text += said_text(said);
    answers.push_back(said);
  }
  if (command.json)
    HANSE_TRY_VOID(doors.terminal.print_data(
        Json{{"schema", "hanse.label_answers/1"}, {"answers", answers}}.dump() + "\n"));
  else
    HANSE_TRY_VOID(doors.terminal.print(visible(text)));
  if (!first) return {};
  return fail(first->within(fmt::format("{}: {} of {} answers were refused, the first",
                                        command.from, refused, orders.size())));
}

}  // namespace

Result<void> execute(const LabelAnswer& command, const Doors& doors) {
  if (!command.from.empty()) return answer_all(command, doors);
  if (!command.cannot_tell && command.label.empty())
    return fail(ErrorCode::invalid_argument,
                "expected ITEM LABEL, or --from FILE with the columns item,label; who cannot tell "
                "says `hanse label skip ITEM`");
  jobs::order::AnswerLabel order{command.item, command.annotator, {}, command.corrects};
  if (!command.label.empty()) order.label = command.label;
  HANSE_TRY(const std::string answer, ask(command.home, order, doors));
  return print(answer, command.json, doors, said_text);
}

}  // namespace hanse::commands
