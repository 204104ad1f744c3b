#include "hanse/cli_label.h"

#include <CLI/CLI.hpp>

namespace hanse::commands {
namespace {

constexpr auto kGroupText = "Label the records that jobs ask a site's experts about";

constexpr auto kListText = R"(Show what waits for a label

A job that labels in cycles chooses records of this site; those without a label in its
table wait here until the site's annotators ([labels] in site.toml) have said what they
are, or their time is over. --as shows what waits for one of them, and nothing of what
the others said. Without it the owner sees answers, how far items are from settled, and
what each annotator has earned.)";

constexpr auto kListExample = R"(Examples:
  hanse label list --home bremen --as anna
  hanse label list --home bremen --all --json
)";

constexpr auto kAnswerText = R"(Say what a record is

An item is named by its first digits. An answer is given once: the same again changes
nothing, another one is refused unless it --corrects the first, and what is settled
stays. It is durable when this returns.

--from takes many of them, out of a CSV table with the columns item,label: a label that
is left empty says that it cannot be told. A line that is refused is named, and the
others count; the same table again changes nothing.)";

constexpr auto kAnswerExample = R"(Examples:
  hanse label answer 3fa94c ball --as anna --home bremen
  hanse label answer 3fa94c inner --as anna --corrects --home bremen
  hanse label answer --from answers.csv --as anna --home bremen
)";

constexpr auto kSkipText = R"(Say that a record cannot be told

That is an answer too: where too few can tell, the item stays without a label.)";

constexpr auto kSkipExample = R"(Examples:
  hanse label skip 3fa94c --as ben --home bremen
)";

CLI::App* subcommand(CLI::App& group, const char* name, const char* text, const char* example) {
  CLI::App* command = group.add_subcommand(name, text);
  command->footer(example);
  return command;
}

void add_site(CLI::App& app, std::string& home, bool& json) {
  app.add_option("--home", home, "Folder of the site that runs")->type_name("DIR")->required();
  app.add_flag("--json", json, "Print one JSON document");
}

CLI::App* add_list(CLI::App& group, LabelList& list) {
  CLI::App* command = subcommand(group, "list", kListText, kListExample);
  command->add_option("--as", list.annotator, "Whom it waits for")->type_name("NAME");
  command->add_option("--job", list.job, "Of this job alone")->type_name("JOB");
  command->add_flag("--all", list.all, "What is settled too, for the owner");
  add_site(*command, list.home, list.json);
  return command;
}

CLI::Option* add_item(CLI::App& command, LabelAnswer& answer) {
  CLI::Option* item = command.add_option("ITEM", answer.item, "Its first digits, at least 6");
  command.add_option("--as", answer.annotator, "Who says so")->type_name("NAME")->required();
  command.add_flag("--corrects", answer.corrects, "Instead of what was said before");
  add_site(command, answer.home, answer.json);
  return item;
}

CLI::App* add_answer(CLI::App& group, LabelAnswer& answer) {
  CLI::App* command = subcommand(group, "answer", kAnswerText, kAnswerExample);
  CLI::Option* const item = add_item(*command, answer);
  CLI::Option* const label =
      command->add_option("LABEL", answer.label, "One of the label's values")->needs(item);
  command->add_option("--from", answer.from, "A table of answers: item,label")
      ->type_name("FILE")
      ->excludes(item)
      ->excludes(label);
  return command;
}

CLI::App* add_skip(CLI::App& group, LabelAnswer& skip) {
  CLI::App* command = subcommand(group, "skip", kSkipText, kSkipExample);
  add_item(*command, skip)->required();
  skip.cannot_tell = true;
  return command;
}

}  // namespace

void add_label(CLI::App& app, LabelCommands& label, std::optional<Command>& chosen) {
  CLI::App* group = app.add_subcommand("label", kGroupText);
  group->footer(kListExample)->require_subcommand(1);
  const auto choice = [&chosen](CLI::App* command, const auto& parsed) {
    command->callback([&chosen, &parsed] { chosen = parsed; });
  };
  choice(add_list(*group, label.list), label.list);
  choice(add_answer(*group, label.answer), label.answer);
  choice(add_skip(*group, label.skip), label.skip);
}

}  // namespace hanse::commands
