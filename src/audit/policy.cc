#include "audit/policy.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <set>

namespace hanse::audit {
namespace {

using base::ErrorCode;
using base::Result;
using Words = std::vector<std::string_view>;

constexpr std::string_view kNone = "none";
// Has a character that no party's name has.
constexpr std::string_view kMajority = "witnesses/majority";
constexpr std::size_t kShownBytes = 60;
constexpr std::size_t kNamedMissing = 8;

Words words_of(std::string_view line) {
  Words words;
  while (true) {
    const std::size_t begin = line.find_first_not_of(" \t");
    if (begin == std::string_view::npos) return words;
    line.remove_prefix(begin);
    const std::size_t end = std::min(line.find_first_of(" \t"), line.size());
    words.push_back(line.substr(0, end));
    line.remove_prefix(end);
  }
}

bool has_control(std::string_view line) {
  return std::ranges::any_of(line,
                             [](unsigned char c) { return (c < 0x20 && c != '\t') || c == 0x7F; });
}

tl::unexpected<base::Error> refuse(std::string_view expected, std::string_view found) {
  return base::fail(ErrorCode::invalid_argument, "expected {}, found '{}'", expected,
                    found.substr(0, kShownBytes));
}

// "all", "any" or a number, of `members`.
Result<std::size_t> threshold_of(std::string_view word, std::size_t members) {
  if (word == "all") return members;
  if (word == "any") return std::size_t{1};
  std::size_t value = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (error != std::errc() || end != word.data() + word.size() || value < 1 || value > members)
    return refuse(fmt::format("a threshold: all, any or a number from 1 to {}", members), word);
  return value;
}

// The lines of a policy so far.
class Reader {
 public:
  Result<void> read(const Words& words) {
    const std::string_view keyword = words.front();
    if (keyword == "log") return read_log(words);
    if (keyword == "witness") return read_witness(words);
    if (keyword == "group") return read_group(words);
    if (keyword == "quorum") return read_quorum(words);
    return refuse("a line of log, witness, group or quorum", keyword);
  }

  std::vector<Policy::Log> logs;
  std::vector<Policy::Witness> witnesses;
  std::vector<Policy::Group> groups;
  std::optional<std::string> quorum;

 private:
  Result<void> read_log(const Words& words) {
    if (words.size() < 2 || words.size() > 3) return refuse("'log VKEY [URL]'", shown(words));
    HANSE_TRY(crypto::NoteKey key, crypto::NoteKey::from_text(words[1]));
    if (key.type != crypto::SignatureType::ed25519)
      return refuse("a log's key of type 0x01, Ed25519", words[1]);
    if (!log_keys_.insert(key.verifier).second)
      return refuse("each log's key once; this one came before", words[1]);
    logs.push_back({std::move(key), words.size() > 2 ? std::string(words[2]) : ""});
    return {};
  }

  Result<void> read_witness(const Words& words) {
    if (words.size() < 3 || words.size() > 4)
      return refuse("'witness NAME VKEY [URL]'", shown(words));
    HANSE_TRY(crypto::NoteKey key, crypto::NoteKey::from_text(words[2]));
    if (key.type != crypto::SignatureType::ed25519_cosignature)
      return refuse("a witness's key of type 0x04, Ed25519 cosignatures", words[2]);
    if (!witness_keys_.insert(key.verifier).second)
      return refuse("each witness's key once; this one came before", words[2]);
    HANSE_TRY_VOID(define(words[1]));
    witnesses.push_back(
        {std::string(words[1]), std::move(key), words.size() > 3 ? std::string(words[3]) : ""});
    return {};
  }

  Result<void> read_group(const Words& words) {
    if (words.size() < 4) return refuse("'group NAME all|any|NUMBER MEMBER…'", shown(words));
    Policy::Group group{std::string(words[1]), 0, {}};
    HANSE_TRY(group.threshold, threshold_of(words[2], words.size() - 3));
    for (std::size_t i = 3; i < words.size(); ++i) {
      const auto place = is_member_.find(words[i]);
      if (place == is_member_.end())
        return refuse("a member that a line above defines as witness or group", words[i]);
      if (place->second) return refuse("each name as member once; this one is already", words[i]);
      place->second = true;
      group.members.emplace_back(words[i]);
    }
    HANSE_TRY_VOID(define(words[1]));
    groups.push_back(std::move(group));
    return {};
  }

  Result<void> read_quorum(const Words& words) {
    if (words.size() != 2) return refuse("'quorum NAME'", shown(words));
    if (quorum) return refuse("one line of quorum; this is the second", shown(words));
    if (words[1] != kNone && !is_member_.contains(words[1]))
      return refuse("none, or a name that a line above defines", words[1]);
    quorum = words[1];
    return {};
  }

  Result<void> define(std::string_view name) {
    if (name == kNone) return refuse("a name; this word is predefined", name);
    if (!is_member_.emplace(name, false).second)
      return refuse("a name that no line above defines", name);
    return {};
  }

  static std::string shown(const Words& words) { return fmt::format("{}", fmt::join(words, " ")); }

  std::map<std::string, bool, std::less<>> is_member_;  // each name defined
  std::set<crypto::Verifier> log_keys_;
  std::set<crypto::Verifier> witness_keys_;
};

}  // namespace

Result<Policy> Policy::parse(std::string_view text) {
  if (text.size() > kMaxPolicyBytes)
    return base::fail(ErrorCode::invalid_argument, "a policy has at most {} bytes, found {}",
                      kMaxPolicyBytes, text.size());
  Reader reader;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::string where = fmt::format("line {}", number);
    if (number > kMaxPolicyLines)
      return base::fail(ErrorCode::invalid_argument, "{}: a policy has at most {} lines", where,
                        kMaxPolicyLines);
    const auto line = take_line(text);
    if (!line) return base::fail(ErrorCode::invalid_argument, "{}: {}", where, line.error().text());
    if (has_control(*line))
      return base::fail(ErrorCode::invalid_argument,
                        "{}: expected no control character but tab and line feed (is this file "
                        "from Windows, with carriage returns?)",
                        where);
    const Words words = words_of(*line);
    if (words.empty() || words.front().starts_with('#')) continue;
    if (const auto read = reader.read(words); !read) return base::fail(read.error().within(where));
  }
  if (!reader.quorum)
    return base::fail(ErrorCode::invalid_argument,
                      "a policy has one line 'quorum NAME' or 'quorum none', found no such line");
  Policy policy;
  policy.logs_ = std::move(reader.logs);
  policy.witnesses_ = std::move(reader.witnesses);
  policy.groups_ = std::move(reader.groups);
  policy.quorum_ = *std::move(reader.quorum);
  return policy;
}

Result<Policy> Policy::majority(Log log, std::vector<Witness> witnesses) {
  Policy policy;
  Group group{std::string(kMajority), witnesses.size() / 2 + 1, {}};
  for (const Witness& one : witnesses) group.members.push_back(one.name);
  policy.logs_.push_back(std::move(log));
  policy.witnesses_ = std::move(witnesses);
  policy.groups_.push_back(std::move(group));
  policy.quorum_ = kMajority;
  return parse(policy.to_text());  // which checks names and keys
}

std::string Policy::to_text() const {
  const auto behind = [](const std::string& url) { return url.empty() ? "" : " " + url; };
  std::string text;
  for (const Log& log : logs_)
    text += fmt::format("log {}{}\n", log.key.to_text(), behind(log.url));
  for (const Witness& one : witnesses_)
    text += fmt::format("witness {} {}{}\n", one.name, one.key.to_text(), behind(one.url));
  for (const Group& group : groups_)
    text +=
        fmt::format("group {} {} {}\n", group.name, group.threshold, fmt::join(group.members, " "));
  return text + fmt::format("quorum {}\n", quorum_);
}

Result<Witnessed> Policy::check(const SignedCheckpoint& checkpoint,
                                std::uint64_t now_seconds) const {
  const auto log = std::ranges::find_if(
      logs_, [&](const Log& one) { return checkpoint.signed_by_log(one.key); });
  if (log == logs_.end())
    return base::fail(ErrorCode::permission_denied,
                      "the checkpoint of '{}' is signed by none of the {} log(s) of the policy",
                      checkpoint.value().origin, logs_.size());
  Witnessed witnessed{log->key, {}, now_seconds};
  // When each name had signed, groups by their members: the threshold's latest. None: not yet.
  std::map<std::string_view, std::optional<std::uint64_t>> times;
  std::vector<std::string_view> missing;
  for (const Witness& one : witnesses_) {
    auto seconds = cosigned_at(checkpoint, one.key);
    if (seconds && *seconds > now_seconds && *seconds - now_seconds > kMaxSkewSeconds)
      seconds = std::nullopt;
    times[one.name] = seconds;
    if (seconds)
      witnessed.cosigners.push_back({one.name, *seconds});
    else
      missing.push_back(one.name);
  }
  if (quorum_ == kNone) return witnessed;
  for (const Group& group : groups_) {
    std::vector<std::optional<std::uint64_t>> of_members;
    for (const std::string& member : group.members) of_members.push_back(times.at(member));
    const auto place = of_members.begin() + static_cast<std::ptrdiff_t>(group.threshold - 1);
    std::ranges::nth_element(of_members, place, std::greater());  // none is below all others
    times[group.name] = *place;
  }
  if (const auto seconds = times.at(quorum_)) {
    witnessed.quorum_seconds = *seconds;
    return witnessed;
  }
  const std::size_t more = missing.size() - std::min(missing.size(), kNamedMissing);
  missing.resize(missing.size() - more);
  return base::fail(ErrorCode::permission_denied,
                    "the checkpoint of '{}' at size {} lacks its quorum '{}': {} of {} witnesses "
                    "signed; missing: {}{}",
                    checkpoint.value().origin, checkpoint.value().size, quorum_,
                    witnessed.cosigners.size(), witnesses_.size(), fmt::join(missing, ", "),
                    more == 0 ? "" : fmt::format(" and {} more", more));
}

}  // namespace hanse::audit
