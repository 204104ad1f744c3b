#include "active/label_book.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <nlohmann/json.hpp>

namespace hanse::active {
namespace {

using base::ErrorCode;
using base::fail;
using base::Result;
using Json = nlohmann::ordered_json;

constexpr std::size_t kMaxValues = 4096;
constexpr std::size_t kMaxShown = 1024;
constexpr std::size_t kMaxNameBytes = 64;
constexpr std::uint64_t kMaxPrice = 1'000'000'000'000;  // a million of whatever it is
constexpr int kMaxDepth = 8;
constexpr std::array<std::string_view, 2> kAgreements{"majority", "unanimous"};

tl::unexpected<base::Error> wrong(std::string_view what) {
  return fail(ErrorCode::corruption, "an entry of the label book: {}", what);
}

base::Bytes bytes_of(const Json& json) {
  const std::string text = json.dump(-1, ' ', false, Json::error_handler_t::replace);
  const base::ByteView view = base::view_of(text);
  return {view.begin(), view.end()};
}

Json json_of(const LabelQuestion& question) {
  return {{"column", question.column},
          {"values", question.values},
          {"votes", question.votes},
          {"max_votes", question.max_votes},
          {"agreement", name_of(question.agreement)}};
}

Json json_of(const LabelItem& item) {
  Json shows = Json::array();
  for (const auto& [column, value] : item.shows) shows.push_back({column, value});
  return {{"record", item.record.hex()}, {"shows", std::move(shows)}};
}

Json json_of(const LabelAnswer& answer) {
  return {{"item", answer.item.hex()},
          {"annotator", answer.annotator},
          {"label", answer.label ? Json(*answer.label) : Json(nullptr)},
          {"price", answer.price},
          {"at", answer.at.value},
          {"corrects", answer.corrects}};
}

Json json_of(const LabelBatch& batch) {
  Json items = Json::array();
  for (const LabelItem& item : batch.items) items.push_back(json_of(item));
  Json json{{"job", batch.job.text()},
            {"cycle", batch.cycle},
            {"question", json_of(batch.question)},
            {"items", std::move(items)}};
  if (batch.asked) {
    json["at"] = batch.asked->at.value;
    json["selection"] = batch.asked->selection.hex();
  }
  return json;
}

base::Digest digest_in(const Json& json) {
  const auto hex = json.get<std::string>();
  std::array<std::uint8_t, base::Digest::kSize> bytes{};
  if (hex.size() == 2 * bytes.size())
    for (std::size_t i = 0; i < bytes.size(); ++i)
      std::from_chars(hex.data() + 2 * i, hex.data() + 2 * i + 2, bytes[i], 16);
  return base::Digest(bytes);  // others are not written back to the same text
}

LabelQuestion question_in(const Json& json) {
  LabelQuestion question{.column = json.at("column").get<std::string>(),
                         .values = json.at("values").get<std::vector<std::string>>(),
                         .votes = json.at("votes").get<std::uint32_t>(),
                         .max_votes = json.at("max_votes").get<std::uint32_t>()};
  if (json.at("agreement").get<std::string>() == kAgreements[1])
    question.agreement = Agreement::unanimous;
  return question;
}

LabelItem item_in(const Json& json) {
  LabelItem item{digest_in(json.at("record")), {}};
  for (const Json& pair : json.at("shows"))
    item.shows.emplace_back(pair.at(0).get<std::string>(), pair.at(1).get<std::string>());
  return item;
}

LabelAnswer answer_in(const Json& json) {
  LabelAnswer answer{.item = digest_in(json.at("item")),
                     .annotator = json.at("annotator").get<std::string>(),
                     .price = json.at("price").get<std::uint64_t>(),
                     .at = {json.at("at").get<std::int64_t>()},
                     .corrects = json.at("corrects").get<bool>()};
  if (!json.at("label").is_null()) answer.label = json.at("label").get<std::uint32_t>();
  return answer;
}

Result<LabelBatch> batch_in(const Json& json) {
  auto job = base::JobId::create(json.at("job").get<std::string>());
  if (!job) return wrong(job.error().text());
  LabelBatch batch{*std::move(job),
                   json.at("cycle").get<std::uint32_t>(),
                   question_in(json.at("question")),
                   {},
                   {}};
  if (json.contains("at"))
    batch.asked = {{json.at("at").get<std::int64_t>()}, digest_in(json.at("selection"))};
  for (const Json& item : json.at("items")) batch.items.push_back(item_in(item));
  return batch;
}

bool is_text(const std::string& text) { return !text.empty() && text.size() <= kMaxShownBytes; }

Result<void> check_question(const LabelQuestion& question) {
  if (!is_text(question.column) || question.values.size() < 2 ||
      question.values.size() > kMaxValues || !std::ranges::all_of(question.values, is_text))
    return wrong("a question has a column and at least two values");
  if (question.votes == 0 || question.max_votes < question.votes ||
      question.max_votes > kMaxAnnotators)
    return wrong("votes are at least one, and no more than max_votes");
  return {};
}

Result<void> check_batch(const LabelBatch& batch, std::size_t known) {
  HANSE_TRY_VOID(check_question(batch.question));
  if (batch.items.size() + known > kMaxLabelItems)
    return fail(ErrorCode::failed_precondition, "a site keeps at most {} items to be labelled",
                kMaxLabelItems);
  for (const LabelItem& item : batch.items) {
    if (item.shows.size() > kMaxShown) return wrong("an item shows too many columns");
    for (const auto& [column, value] : item.shows)
      if (!is_text(column) || value.size() > kMaxShownBytes) return wrong("a value is too long");
  }
  return {};
}

// What an entry says; what is not written as this program writes it is refused.
struct Said {
  std::optional<LabelBatch> batch = {};
  std::optional<LabelAnswer> answer = {};
};

Result<Json> parsed(base::ByteView bytes) {
  bool deep = false;
  const auto guard = [&deep](int depth, Json::parse_event_t, Json&) {
    deep |= depth > kMaxDepth;
    return !deep;
  };
  Json json = Json::parse(base::text_of(bytes), guard, /*allow_exceptions=*/false);
  if (deep || !json.is_object()) return wrong("it is no JSON object");
  return json;
}

Result<Said> said_in(base::ByteView entry) {
  HANSE_TRY(const Json json, parsed(entry));
  Said said;
  try {
    if (json.contains("asked")) {
      HANSE_TRY(said.batch, batch_in(json.at("asked")));
    } else {
      said.answer = answer_in(json.at("answered"));
    }
  } catch (const Json::exception&) {
    return wrong("a key is missing or of another type");
  }
  const base::Bytes again =
      said.batch ? LabelBook::asked(*said.batch) : LabelBook::answered(*said.answer);
  if (!std::ranges::equal(again, entry)) return wrong("it is not written as this program does");
  return said;
}

}  // namespace

std::string_view name_of(Agreement agreement) {
  return kAgreements[static_cast<std::size_t>(agreement)];
}

Result<Agreement> agreement_named(std::string_view name) {
  for (const Agreement agreement : {Agreement::majority, Agreement::unanimous})
    if (name_of(agreement) == name) return agreement;
  return fail(ErrorCode::invalid_argument, "expected 'majority' or 'unanimous', found '{}'",
              name.substr(0, kMaxNameBytes));
}

base::Digest item_of(const LabelQuestion& question, const base::Digest& record) {
  base::Hasher hasher;
  const auto add = [&hasher](std::string_view text) {
    const std::uint64_t size = text.size();
    hasher.add(std::as_bytes(std::span(&size, 1)));
    hasher.add(base::view_of(text));
  };
  add("hanse/active/item/1");
  add(question.column);
  for (const std::string& value : question.values) add(value);
  hasher.add(record.bytes());
  return hasher.finish();
}

base::Bytes LabelBook::asked(const LabelBatch& batch) {
  return bytes_of(Json{{"asked", json_of(batch)}});
}

base::Bytes LabelBook::answered(const LabelAnswer& answer) {
  return bytes_of(Json{{"answered", json_of(answer)}});
}

Result<void> LabelBook::check(base::ByteView entry) const {
  HANSE_TRY(const Said said, said_in(entry));
  return said.batch ? check_batch(*said.batch, items_.size()) : check_answer(*said.answer);
}

Result<void> LabelBook::check_answer(const LabelAnswer& answer) const {
  if (answer.annotator.empty() || answer.annotator.size() > kMaxNameBytes ||
      answer.price > kMaxPrice)
    return wrong("an annotator has a name, and a price its bounds");
  const auto found = items_.find(answer.item);
  if (found == items_.end())
    return fail(ErrorCode::not_found, "nobody was asked about item {}", answer.item.hex());
  const Item& item = found->second;
  const LabelQuestion& question = questions_[item.question];
  if (answer.label && *answer.label >= question.values.size())
    return fail(ErrorCode::invalid_argument, "'{}' has {} values, found number {}", question.column,
                question.values.size(), *answer.label);
  const auto earlier = std::ranges::find(item.answers, answer.annotator, &LabelAnswer::annotator);
  if (earlier != item.answers.end() && earlier->label == answer.label) return {};  // once more
  if (settled(item).state != State::open)
    return fail(ErrorCode::failed_precondition, "item {} is settled", answer.item.hex());
  if (earlier == item.answers.end()) {
    if (answer.corrects)
      return fail(ErrorCode::failed_precondition, "'{}' has said nothing of item {} yet",
                  answer.annotator, answer.item.hex());
    return {};
  }
  if (answer.corrects) return {};
  return fail(ErrorCode::failed_precondition,
              "'{}' said '{}' of item {}; to say something else, correct it", answer.annotator,
              earlier->label ? question.values[*earlier->label] : "cannot tell", answer.item.hex());
}

void LabelBook::apply(base::ByteView entry) {
  const Said said = said_in(entry).value();
  said.batch ? take(*said.batch) : take(*said.answer);
}

void LabelBook::take(const LabelBatch& batch) {
  if (cycles_.contains({batch.job, batch.cycle})) return;
  auto at = std::ranges::find(questions_, batch.question);
  if (at == questions_.end()) at = questions_.insert(at, batch.question);
  const auto question = static_cast<std::size_t>(at - questions_.begin());
  for (const LabelItem& item : batch.items)
    items_.try_emplace(item_of(batch.question, item.record),
                       Item{item, question, batch.job, batch.cycle});
  if (batch.asked) cycles_.emplace(std::pair(batch.job, batch.cycle), *batch.asked);
}

void LabelBook::take(const LabelAnswer& answer) {
  std::vector<LabelAnswer>& answers = items_.at(answer.item).answers;
  const auto earlier = std::ranges::find(answers, answer.annotator, &LabelAnswer::annotator);
  if (earlier == answers.end())
    answers.push_back(answer);
  else if (earlier->label != answer.label)
    earlier->label = answer.label;  // a correction: paid for once, when it was first said
}

LabelBook::Settled LabelBook::settled(const Item& item) const {
  const LabelQuestion& question = questions_[item.question];
  std::map<std::uint32_t, std::uint32_t> counts;
  for (const LabelAnswer& answer : item.answers)
    if (answer.label) ++counts[*answer.label];
  const auto most =
      std::ranges::max_element(counts, {}, [](const auto& count) { return count.second; });
  const auto given = static_cast<std::uint32_t>(item.answers.size());
  const std::uint32_t agree = most == counts.end() ? 0 : most->second;
  if (given < question.votes) return {State::open, {}, question.votes - given};
  const bool unanimous = question.agreement == Agreement::unanimous && given < question.max_votes;
  if (unanimous ? agree == given : 2 * agree > given) return {State::labelled, most->first, 0};
  if (given < question.max_votes) return {State::open, {}, 1};
  return {State::without_label, {}, 0};
}

std::optional<AskedCycle> LabelBook::asked_of(const base::JobId& job, std::uint32_t cycle) const {
  const auto found = cycles_.find({job, cycle});
  return found == cycles_.end() ? std::nullopt : std::optional(found->second);
}

std::optional<std::uint32_t> LabelBook::label_of(const LabelQuestion& question,
                                                 const base::Digest& record,
                                                 base::Milliseconds until) const {
  const auto found = items_.find(item_of(question, record));
  if (found == items_.end()) return std::nullopt;
  Item by_then = found->second;
  std::erase_if(by_then.answers, [until](const LabelAnswer& one) { return one.at > until; });
  return settled(by_then).label;
}

std::map<std::string, std::uint64_t> LabelBook::earned() const {
  std::map<std::string, std::uint64_t> sums;
  for (const auto& [name, item] : items_)
    for (const LabelAnswer& answer : item.answers) sums[answer.annotator] += answer.price;
  return sums;
}

base::Bytes LabelBook::snapshot() const {
  Json questions = Json::array();
  for (const LabelQuestion& question : questions_) questions.push_back(json_of(question));
  Json items = Json::array();
  for (const auto& [name, item] : items_) {
    Json answers = Json::array();
    for (const LabelAnswer& answer : item.answers) answers.push_back(json_of(answer));
    items.push_back({{"asked", json_of(item.asked)},
                     {"question", item.question},
                     {"job", item.job.text()},
                     {"cycle", item.cycle},
                     {"answers", std::move(answers)}});
  }
  Json cycles = Json::array();
  for (const auto& [of, asked] : cycles_)
    cycles.push_back({of.first.text(), of.second, asked.at.value, asked.selection.hex()});
  return bytes_of(Json{{"questions", std::move(questions)},
                       {"items", std::move(items)},
                       {"cycles", std::move(cycles)}});
}

Result<LabelBook> LabelBook::restore(base::ByteView snapshot) {
  HANSE_TRY(const Json json, parsed(snapshot));
  LabelBook book;
  try {
    for (const Json& one : json.at("questions")) {
      book.questions_.push_back(question_in(one));
      HANSE_TRY_VOID(check_question(book.questions_.back()));
    }
    for (const Json& one : json.at("items")) {
      auto job = base::JobId::create(one.at("job").get<std::string>());
      if (!job) return wrong(job.error().text());
      Item item{item_in(one.at("asked")), one.at("question").get<std::size_t>(), *std::move(job),
                one.at("cycle").get<std::uint32_t>()};
      if (item.question >= book.questions_.size()) return wrong("a question is missing");
      const base::Digest name = item_of(book.questions_[item.question], item.asked.record);
      const auto at = book.items_.emplace(name, std::move(item)).first;
      const std::size_t values = book.questions_[at->second.question].values.size();
      for (const Json& json_answer : one.at("answers")) {
        at->second.answers.push_back(answer_in(json_answer));
        if (at->second.answers.back().label.value_or(0) >= values)
          return wrong("an answer has a label that its question lacks");
      }
    }
    for (const Json& one : json.at("cycles")) {
      auto job = base::JobId::create(one.at(0).get<std::string>());
      if (!job) return wrong(job.error().text());
      book.cycles_.emplace(std::pair(*std::move(job), one.at(1).get<std::uint32_t>()),
                           AskedCycle{{one.at(2).get<std::int64_t>()}, digest_in(one.at(3))});
    }
  } catch (const Json::exception&) {
    return wrong("a snapshot lacks a key, or one is of another type");
  }
  if (!std::ranges::equal(book.snapshot(), snapshot))
    return wrong("a snapshot is not written as this program does");
  return book;
}

}  // namespace hanse::active
