#include "jobs/label_desk.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/nearest.h"

namespace hanse::jobs {

using base::ErrorCode;
using base::fail;
using base::Result;
using Json = nlohmann::ordered_json;

namespace {

constexpr std::size_t kLeastPrefix = 6;
constexpr double kMillion = 1e6;

std::string dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string said(const active::LabelQuestion& question, std::optional<std::uint32_t> label) {
  return label ? question.values[*label] : "cannot tell";
}

std::string_view word_of(active::LabelBook::State state) {
  switch (state) {
    case active::LabelBook::State::open:
      return "open";
    case active::LabelBook::State::labelled:
      return "labelled";
    default:
      return "without_label";
  }
}

// The one item whose name begins so.
Result<base::Digest> item_named(const active::LabelBook& book, const std::string& prefix) {
  if (prefix.size() < kLeastPrefix)
    return fail(ErrorCode::invalid_argument, "an item is named by {} digits or more, found '{}'",
                kLeastPrefix, prefix);
  std::optional<base::Digest> found;
  for (const auto& [name, item] : book.items()) {
    if (!name.hex().starts_with(prefix)) continue;
    if (found)
      return fail(ErrorCode::invalid_argument, "'{}' begins more than one item: give more digits",
                  prefix);
    found = name;
  }
  if (!found) return fail(ErrorCode::not_found, "nobody was asked about an item '{}'", prefix);
  return *found;
}

Json item_json(const active::LabelBook& book, const base::Digest& name,
               const active::LabelBook::Item& item, bool owner) {
  const active::LabelQuestion& question = book.questions()[item.question];
  const active::LabelBook::Settled settled = book.settled(item);
  Json shows = Json::object();
  for (const auto& [column, value] : item.asked.shows) shows[column] = value;
  Json json{{"item", name.hex()},        {"job", item.job.text()},    {"cycle", item.cycle + 1},
            {"column", question.column}, {"values", question.values}, {"shows", std::move(shows)}};
  if (!owner) return json;  // what others said would sway him
  json["state"] = word_of(settled.state);
  json["label"] = settled.label ? Json(question.values[*settled.label]) : Json(nullptr);
  json["wanted"] = settled.wanted;
  Json answers = Json::array();
  for (const active::LabelAnswer& one : item.answers)
    answers.push_back({{"annotator", one.annotator},
                       {"label", one.label ? Json(question.values[*one.label]) : Json(nullptr)},
                       {"price", static_cast<double>(one.price) / kMillion}});
  json["answers"] = std::move(answers);
  return json;
}

bool waits_for(const active::LabelBook& book, const active::LabelBook::Item& item,
               const std::string& annotator) {
  return book.settled(item).state == active::LabelBook::State::open &&
         std::ranges::find(item.answers, annotator, &active::LabelAnswer::annotator) ==
             item.answers.end();
}

// Of an entry of the book, so that JSON's quotes and escapes stay far below what the store takes.
constexpr std::size_t kPartBytes = std::size_t{256} << 10;
constexpr std::size_t kItemBytes = 128;
// Of a list: an answer is one line, of at most a MiB.
constexpr std::size_t kListBytes = std::size_t{768} << 10;

// At a character's end, with a mark that there was more.
void cut(std::string& value) {
  constexpr std::string_view kMore = "…";
  if (value.size() <= active::kMaxShownBytes) return;
  std::size_t end = active::kMaxShownBytes - kMore.size();
  while (end > 0 && (static_cast<unsigned char>(value[end]) & 0xC0) == 0x80) --end;
  value.resize(end);
  value += kMore;
}

}  // namespace

LabelSettings read_labels(Section section) {
  LabelSettings settings;
  constexpr auto kMost = static_cast<std::uint32_t>(active::kMaxAnnotators);
  section.get<std::uint32_t>("votes", settings.votes, 1, kMost);
  const bool says_most = section.has("max_votes");
  section.get<std::uint32_t>("max_votes", settings.max_votes, 1, kMost);
  section.get_word<active::Agreement>("agreement", settings.agreement, active::agreement_named);
  section.get("show", settings.show);
  section.get("callback", settings.callback);
  section.require({"annotator"});
  Section annotators = section.section("annotator");
  for (const std::string& name : annotators.keys()) {
    Section one = annotators.section(name);
    double price = 0;
    one.get("price", price, 0, 1e6);
    one.finish();
    if (const auto id = base::SiteId::create(name); !id) annotators.refuse(name, id.error().text());
    settings.annotators.emplace(name, price);
  }
  annotators.finish();
  const std::size_t there = settings.annotators.size();
  // More could never come, and an item that they differ on would wait for nobody.
  const auto most = static_cast<std::uint32_t>(std::min<std::size_t>(there, kMost));
  if (!says_most) settings.max_votes = std::max(std::min(settings.max_votes, most), settings.votes);
  if (there > 0 && settings.max_votes > most)
    section.refuse("max_votes",
                   fmt::format("expected at most as many as there are annotators, {}", there));
  if (settings.max_votes < settings.votes)
    section.refuse("max_votes", fmt::format("expected at least votes, {}", settings.votes));
  if (there > 0 && there < settings.votes)
    section.refuse("votes",
                   fmt::format("expected at most as many as there are annotators, {}", there));
  section.finish();
  return settings;
}

std::string encode(const LabelOrder& order) {
  if (const auto* list = std::get_if<order::ListLabels>(&order))
    return dump({{"label", "list"},
                 {"annotator", list->annotator},
                 {"job", list->job},
                 {"all", list->all}});
  const auto& answer = std::get<order::AnswerLabel>(order);
  return dump({{"label", "answer"},
               {"item", answer.item},
               {"annotator", answer.annotator},
               {"value", answer.label ? Json(*answer.label) : Json(nullptr)},
               {"corrects", answer.corrects}});
}

bool is_label_order(std::string_view line) { return line.starts_with(R"({"label":)"); }

Result<LabelOrder> decode_label_order(std::string_view line) {
  try {
    const Json json = Json::parse(line);
    const auto kind = json.at("label").get<std::string>();
    if (kind == "list")
      return order::ListLabels{json.at("annotator").get<std::string>(),
                               json.at("job").get<std::string>(), json.at("all").get<bool>()};
    if (kind != "answer")
      return fail(ErrorCode::invalid_argument, "no order is called '{}'", kind.substr(0, 64));
    order::AnswerLabel answer{.item = json.at("item").get<std::string>(),
                              .annotator = json.at("annotator").get<std::string>(),
                              .label = {},
                              .corrects = json.at("corrects").get<bool>()};
    if (!json.at("value").is_null()) answer.label = json.at("value").get<std::string>();
    return answer;
  } catch (const Json::exception& error) {
    return fail(ErrorCode::invalid_argument, "no order: {}", error.what());
  }
}

Result<std::unique_ptr<LabelDesk>> LabelDesk::open(storage::Store& store, LabelSettings settings,
                                                   const base::Clock& clock) {
  HANSE_TRY(auto book, Book::open(store, "labels", {}));
  return std::unique_ptr<LabelDesk>(new LabelDesk(std::move(book), std::move(settings), clock));
}

Result<active::LabelQuestion> LabelDesk::question_of(const data::Schema& schema) const {
  const data::Column* const label = schema.label();
  if (label == nullptr || label->values.empty())
    return fail(ErrorCode::unsupported,
                "experts choose among a label's values, and this one is a number");
  return active::LabelQuestion{label->name, label->values, settings_.votes, settings_.max_votes,
                               settings_.agreement};
}

std::optional<active::AskedCycle> LabelDesk::asked(const base::JobId& job,
                                                   std::uint32_t cycle) const {
  return book_->read([&](const active::LabelBook& at) { return at.asked_of(job, cycle); });
}

Result<active::AskedCycle> LabelDesk::ask(const base::JobId& job, std::uint32_t cycle,
                                          const base::Digest& selection,
                                          const active::LabelQuestion& question,
                                          std::vector<active::LabelItem> items) {
  if (const auto before = asked(job, cycle)) return *before;
  const std::size_t known =
      book_->read([](const active::LabelBook& at) { return at.items().size(); });
  items.resize(std::min(items.size(), active::kMaxLabelItems - known));
  for (active::LabelItem& item : items) {
    if (!settings_.show.empty())
      std::erase_if(item.shows, [&](const auto& one) {
        return std::ranges::find(settings_.show, one.first) == settings_.show.end();
      });
    for (auto& [column, value] : item.shows) cut(value);
  }
  const active::AskedCycle now{clock_.wall(), selection};
  std::size_t from = 0;
  do {
    active::LabelBatch part{job, cycle, question, {}, {}};
    std::size_t bytes = 0;
    for (; from < items.size() && bytes < kPartBytes; ++from) {
      for (const auto& [column, value] : items[from].shows)
        bytes += 2 * (column.size() + value.size()) + kItemBytes;
      bytes += kItemBytes;
      part.items.push_back(std::move(items[from]));
    }
    if (from == items.size()) part.asked = now;
    HANSE_TRY([[maybe_unused]] const std::uint64_t number,
              book_->append(active::LabelBook::asked(part)));
  } while (from < items.size());
  return now;
}

std::optional<std::uint32_t> LabelDesk::label_of(const active::LabelQuestion& question,
                                                 const base::Digest& record,
                                                 base::Milliseconds until) const {
  return book_->read(
      [&](const active::LabelBook& at) { return at.label_of(question, record, until); });
}

Result<void> LabelDesk::check_annotator(const std::string& name) const {
  if (settings_.annotators.contains(name)) return {};
  std::vector<std::string> names;
  for (const auto& [one, price] : settings_.annotators) names.push_back(one);
  return fail(ErrorCode::permission_denied, "site.toml names no annotator '{}'; there are: {}{}",
              name, fmt::join(names, ", "), base::did_you_mean(name, names));
}

Result<std::string> LabelDesk::carry_out(const order::ListLabels& order) const {
  const bool owner = order.annotator.empty();
  if (!owner) HANSE_TRY_VOID(check_annotator(order.annotator));
  return book_->read([&](const active::LabelBook& at) {
    Json items = Json::array();
    std::uint64_t open = 0;
    std::uint64_t more = 0;
    std::size_t bytes = 0;
    for (const auto& [name, item] : at.items()) {
      if (!order.job.empty() && item.job.text() != order.job) continue;
      const bool waits = at.settled(item).state == active::LabelBook::State::open;
      open += waits ? 1 : 0;
      const bool listed = owner ? waits || order.all : waits_for(at, item, order.annotator);
      if (!listed) continue;
      Json one = item_json(at, name, item, owner);
      bytes += one.dump().size() + 1;
      if (bytes > kListBytes)
        ++more;
      else
        items.push_back(std::move(one));
    }
    Json json{
        {"schema", "hanse.labels/1"}, {"open", open}, {"more", more}, {"items", std::move(items)}};
    if (owner) {
      Json earned = Json::object();
      for (const auto& [name, sum] : at.earned())
        earned[name] = static_cast<double>(sum) / kMillion;
      json["earned"] = std::move(earned);
    }
    return dump(json);
  });
}

Result<base::Digest> LabelDesk::find(const std::string& digits) const {
  return book_->read([&](const active::LabelBook& at) { return item_named(at, digits); });
}

std::vector<base::Digest> LabelDesk::waiting_for(const std::string& annotator) const {
  return book_->read([&](const active::LabelBook& at) {
    std::vector<base::Digest> waiting;
    for (const auto& [name, item] : at.items())
      if (waits_for(at, item, annotator)) waiting.push_back(name);
    return waiting;
  });
}

std::string LabelDesk::shown(const base::Digest& item) const {
  return book_->read([&](const active::LabelBook& at) { return shown(at, item); });
}

std::string LabelDesk::shown(const active::LabelBook& book, const base::Digest& item) {
  return dump(item_json(book, item, book.items().at(item), /*owner=*/false));
}

std::string LabelDesk::unknown_columns(std::span<const active::LabelItem> items) const {
  if (items.empty()) return "";
  std::vector<std::string> columns;
  for (const auto& [column, value] : items.front().shows) columns.push_back(column);
  std::vector<std::string> unknown;
  for (const std::string& name : settings_.show)
    if (std::ranges::find(columns, name) == columns.end()) unknown.push_back(name);
  if (unknown.empty()) return "";
  return fmt::format(
      "labels.show in site.toml names {}, and annotators do not see it: the records "
      "have {}",
      fmt::join(unknown, ", "), fmt::join(columns, ", "));
}

Result<LabelDesk::Taken> LabelDesk::take(const order::AnswerLabel& order) {
  HANSE_TRY_VOID(check_annotator(order.annotator));
  HANSE_TRY(const base::Digest name, find(order.item));
  const active::LabelQuestion question = book_->read(
      [&](const active::LabelBook& at) { return at.questions()[at.items().at(name).question]; });
  active::LabelAnswer answer{.item = name,
                             .annotator = order.annotator,
                             .price = static_cast<std::uint64_t>(
                                 std::llround(settings_.annotators.at(order.annotator) * kMillion)),
                             .at = clock_.wall(),
                             .corrects = order.corrects};
  if (order.label) {
    const auto at = std::ranges::find(question.values, *order.label);
    if (at == question.values.end())
      return fail(ErrorCode::invalid_argument, "'{}' has the values {}; found '{}'{}",
                  question.column, fmt::join(question.values, ", "), *order.label,
                  base::did_you_mean(*order.label, question.values));
    answer.label = static_cast<std::uint32_t>(at - question.values.begin());
  }
  const bool again = book_->read([&](const active::LabelBook& at) {
    return std::ranges::any_of(at.items().at(name).answers, [&](const active::LabelAnswer& one) {
      return one.annotator == answer.annotator && one.label == answer.label;
    });
  });
  if (!again) {
    HANSE_TRY([[maybe_unused]] const std::uint64_t number,
              book_->append(active::LabelBook::answered(answer)));
  }
  return Taken{name, said(question, answer.label), book_->read([&](const active::LabelBook& at) {
                 return at.settled(at.items().at(name));
               })};
}

Result<std::string> LabelDesk::carry_out(const order::AnswerLabel& order) {
  HANSE_TRY(const Taken taken, take(order));
  return dump({{"schema", "hanse.label/1"},
               {"item", taken.item.hex()},
               {"said", taken.said},
               {"state", word_of(taken.settled.state)},
               {"wanted", taken.settled.wanted}});
}

std::string LabelDesk::answer(std::string_view line) {
  const auto done = [&]() -> Result<std::string> {
    HANSE_TRY(const LabelOrder order, decode_label_order(line));
    return std::visit([this](const auto& one) { return carry_out(one); }, order);
  }();
  if (done) return *done;
  return dump(
      {{"error",
        {{"code", base::error_row(done.error().code()).name}, {"text", done.error().text()}}}});
}

}  // namespace hanse::jobs
