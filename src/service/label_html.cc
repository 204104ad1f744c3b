#include "service/label_html.h"

#include <fmt/format.h>

#include <algorithm>

#include "jobs/report_charts.h"

namespace hanse::service {
namespace {

using active::LabelBook;
using jobs::escaped;

constexpr std::size_t kShortName = 12;
constexpr std::size_t kMostButtons = 40;  // more values are a list to choose from

constexpr std::string_view kStyle = R"(
:root{color-scheme:light dark;--line:#8884;--ink:#1f6feb}
body{font:16px/1.5 system-ui,sans-serif;max-width:64rem;margin:0 auto;padding:1.5rem}
h1{font-size:1.3rem}h1 small{font-weight:normal;opacity:.7}
table{border-collapse:collapse;width:100%;margin:1rem 0}
td,th{border-bottom:1px solid var(--line);padding:.35rem .6rem;text-align:left;
vertical-align:top;overflow-wrap:anywhere}
th{font-weight:600}code{font-size:.9em}
button,select,input{font:inherit;padding:.6rem 1.1rem;margin:.2rem .3rem .2rem 0;
border:1px solid var(--line);border-radius:.4rem}
button{cursor:pointer;min-width:6rem}button.skip{opacity:.75}
.plot{width:100%;height:auto;margin:1rem 0}
.plot rect{fill:none;stroke:var(--line)}
.plot polyline{fill:none;stroke:var(--ink);stroke-width:1}
.plot text{font:12px system-ui,sans-serif;fill:currentColor}
.trouble{border-left:.25rem solid #d1242f;padding:.3rem .8rem}
.done{border-left:.25rem solid #2da44e;padding:.3rem .8rem}
)";

std::string page(std::string_view title, std::string_view body) {
  return fmt::format(
      R"(<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">)"
      R"(<meta name="viewport" content="width=device-width, initial-scale=1">)"
      R"(<title>{}: Hanse</title><style>{}</style></head><body><main>{}</main></body></html>)",
      escaped(title), kStyle, body);
}

std::string short_name(const base::Digest& item) { return item.hex().substr(0, kShortName); }

// A few of its values, to tell one row from another.
std::string glimpse(const active::LabelItem& item) {
  constexpr std::size_t kMost = 120;
  std::string text;
  for (const auto& [column, value] : item.shows) {
    if (text.size() > kMost) return text + " …";
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", column,
                        value.size() > kMost ? std::string("…") : value);
  }
  return text;
}

std::string buttons(const std::vector<std::string>& values) {
  std::string html;
  if (values.size() > kMostButtons) {
    html = R"(<select name="label">)";
    for (const std::string& value : values)
      html += fmt::format("<option>{}</option>", escaped(value));
    return html + "</select><button>Answer</button>";
  }
  for (const std::string& value : values)
    html += fmt::format(R"(<button name="label" value="{0}">{0}</button>)", escaped(value));
  return html;
}

std::string form_of(const active::LabelQuestion& question, const LabelBook::Item& item,
                    const base::Digest& name, const ItemView& view) {
  const auto before =
      std::ranges::find(item.answers, view.annotator, &active::LabelAnswer::annotator);
  const bool answered = before != item.answers.end();
  std::string said;
  if (answered)
    said = fmt::format(R"(<p class="done">You said {}. The item waits for others; until then you )"
                       R"(may take it back.</p>)",
                       before->label ? "“" + escaped(question.values[*before->label]) + "”"
                                     : std::string("that you cannot tell"));
  return fmt::format(
      R"({}<form method="post" action="/labels/{}"><input type="hidden" name="proof" value="{}">)"
      R"({}<p>{}</p><p><button class="skip" name="skip" value="1">I cannot tell</button></p>)"
      R"(</form>)",
      said, name.hex(), escaped(view.proof),
      answered ? R"(<input type="hidden" name="correct" value="1">)" : "",
      buttons(question.values));
}

}  // namespace

std::string label_door_page(bool refused) {
  return page("Labels",
              fmt::format(R"(<h1>Labels</h1>{}<p>Your token is in the file that the site's )"
                          R"(owner gave you.</p><form method="post" action="/labels">)"
                          R"(<input type="password" name="token" autocomplete="off" )"
                          R"(aria-label="Token" required><button>Enter</button></form>)",
                          refused ? R"(<p class="trouble">No annotator has this token.</p>)" : ""));
}

std::string label_problem_page(std::string_view trouble) {
  return page("Labels", fmt::format(R"(<h1>Labels</h1><p class="trouble">{}</p>)"
                                    R"(<p><a href="/labels">What waits for you</a></p>)",
                                    escaped(trouble)));
}

std::string label_list_page(const LabelBook& book, const std::string& annotator,
                            std::span<const base::Digest> open, std::size_t limit) {
  std::string rows;
  for (const base::Digest& name : open.first(std::min(limit, open.size()))) {
    const LabelBook::Item& item = book.items().at(name);
    rows +=
        fmt::format(R"(<tr><td><a href="/labels/{}"><code>{}</code></a></td><td>{}</td><td>{}</td>)"
                    R"(<td>{}</td></tr>)",
                    name.hex(), short_name(name), escaped(item.job.text()),
                    escaped(book.questions()[item.question].column), escaped(glimpse(item.asked)));
  }
  const std::string table =
      rows.empty() ? std::string(R"(<p class="done">Nothing waits for you.</p>)")
                   : fmt::format(R"(<table><thead><tr><th>Item</th><th>Job</th><th>Question</th>)"
                                 R"(<th>Shows</th></tr></thead><tbody>{}</tbody></table>)",
                                 rows);
  const auto earned = book.earned();
  const auto his = earned.find(annotator);
  const double sum = his == earned.end() ? 0 : static_cast<double>(his->second) / 1e6;
  return page("Labels",
              fmt::format(R"(<h1>{} for your label <small>{}, {:.2f} earned</small></h1>{}{})",
                          open.size() == 1 ? std::string("1 item waits")
                                           : fmt::format("{} items wait", open.size()),
                          escaped(annotator), sum, table,
                          open.size() > limit ? fmt::format("<p>The first {}.</p>", limit) : ""));
}

std::string label_item_page(const LabelBook& book, const base::Digest& name, const ItemView& view) {
  const LabelBook::Item& item = book.items().at(name);
  const active::LabelQuestion& question = book.questions()[item.question];
  const LabelBook::Settled settled = book.settled(item);
  std::string rows;
  for (const auto& [column, value] : item.asked.shows)
    rows += fmt::format(R"(<tr><th scope="row">{}</th><td>{}</td></tr>)", escaped(column),
                        escaped(value));
  const std::string trouble =
      view.trouble.empty() ? ""
                           : fmt::format(R"(<p class="trouble">{}</p>)", escaped(view.trouble));
  // What it came to is said by others too, and stays with the owner.
  const std::string end = settled.state == LabelBook::State::open
                              ? form_of(question, item, name, view)
                              : R"(<p class="done">Settled: nobody is asked any more.</p>)";
  return page(question.column,
              fmt::format(R"(<p><a href="/labels">All that waits for you</a></p>)"
                          R"(<h1>{}? <small>{}, item <code>{}</code></small></h1>{}{}{})"
                          R"(<table><tbody>{}</tbody></table>)",
                          escaped(question.column), escaped(item.job.text()), short_name(name),
                          trouble, view.picture, end, rows));
}

}  // namespace hanse::service
