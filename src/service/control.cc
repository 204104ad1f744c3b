#include "service/control.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "audit/tiles.h"
#include "jobs/json_fields.h"
#include "service/wire.pb.h"

namespace hanse::service {
namespace {

using base::ErrorCode;
using base::fail;
using base::Result;

template <class Message>
base::Bytes bytes_of(const Message& message) {
  base::Bytes bytes(message.ByteSizeLong());
  HANSE_CHECK(message.SerializeToArray(bytes.data(), static_cast<int>(bytes.size())));
  return bytes;
}

template <class Message>
Result<Message> parse(base::ByteView bytes, std::string_view what) {
  Message message;
  if (!message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())))
    return fail(ErrorCode::corruption, "{} is damaged", what);
  return message;
}

struct Encode {
  wire::Order& to;
  void operator()(const order::Submit& from) const { to.mutable_submit()->set_job(from.job); }
  void operator()(const order::List&) const { to.mutable_list(); }
  void operator()(const order::Watch& from) const {
    to.mutable_watch()->set_job(from.job);
    to.mutable_watch()->set_sequence(from.sequence);
  }
  void operator()(const order::Cancel& from) const { to.mutable_cancel()->set_job(from.job); }
  void operator()(const order::Fetch& from) const {
    to.mutable_fetch()->set_job(from.job);
    to.mutable_fetch()->set_file(from.file);
    to.mutable_fetch()->set_offset(from.offset);
  }
  void operator()(const order::Log& from) const {
    to.mutable_log()->set_file(from.file);
    to.mutable_log()->set_offset(from.offset);
  }
};

}  // namespace

// As JSON has it; the other way is the wire's. Static and not in the namespace above: JsonFields
// finds it by its arguments.
static void describe(jobs::JsonFields& json, JobStatus& status) {
  json.field("job", status.job);
  json.field("phase", status.phase);
  json.field("round", status.round);
  json.field("attempt", status.attempt);
  json.field("rounds", status.rounds);
  json.field("sites_in", status.sites_in);
  json.field("sites", status.sites);
  json.field("connected", status.connected);
  json.field("loss", status.loss);
  json.field("bytes", status.bytes);
  json.field("reason", status.reason);
}

std::string_view name_of(JobPhase phase) {
  switch (phase) {
    case JobPhase::queued:
      return "queued";
    case JobPhase::running:
      return "running";
    case JobPhase::finished:
      return "finished";
    case JobPhase::cancelled:
      return "cancelled";
    case JobPhase::failed:
      return "failed";
  }
  HANSE_CHECK(false);
  return "";
}

std::string released_file(std::uint32_t round) { return fmt::format("released-{:04}.i64", round); }

bool is_result_file(std::string_view name) {
  if (name == kReceiptFile) return true;
  if (std::ranges::find(kResultFiles, name) != std::end(kResultFiles)) return true;
  constexpr std::string_view kHead = "released-";
  std::uint32_t round = 0;
  if (!name.starts_with(kHead)) return false;
  std::from_chars(name.data() + kHead.size(), name.data() + name.size(), round);
  return name == released_file(round);
}

bool is_log_file(std::string_view name) {
  constexpr std::string_view kRosters = "rosters/";
  constexpr std::size_t kHexDigest = 2 * base::Digest::kSize;
  if (name == "checkpoint" || name == "policy" || audit::tile_of_path(name)) return true;
  return name.starts_with(kRosters) && name.size() == kRosters.size() + kHexDigest &&
         std::ranges::all_of(name.substr(kRosters.size()), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

base::Result<FilePart> part_of(const storage::Directory& directory, const std::string& path,
                               std::uint64_t offset) {
  HANSE_TRY(const auto file, directory.open(path));
  FilePart part{file->size(), {}};
  if (offset >= part.size) return part;
  part.bytes.resize(std::min<std::uint64_t>(kMaxPart, part.size - offset));
  HANSE_TRY(const std::size_t read, file->read(offset, part.bytes));
  part.bytes.resize(read);
  return part;
}

base::Bytes encode(const Order& order) {
  wire::Order to;
  std::visit(Encode{to}, order);
  return bytes_of(to);
}

Result<Order> decode_order(base::ByteView bytes) {
  HANSE_TRY(const wire::Order from, parse<wire::Order>(bytes, "the order"));
  switch (from.body_case()) {
    case wire::Order::kSubmit:
      return order::Submit{from.submit().job()};
    case wire::Order::kList:
      return order::List{};
    case wire::Order::kWatch:
      return order::Watch{from.watch().job(), from.watch().sequence()};
    case wire::Order::kCancel:
      return order::Cancel{from.cancel().job()};
    case wire::Order::kFetch:
      return order::Fetch{from.fetch().job(), from.fetch().file(), from.fetch().offset()};
    case wire::Order::kLog:
      return order::Log{from.log().file(), from.log().offset()};
    case wire::Order::BODY_NOT_SET:
      break;
  }
  return fail(ErrorCode::unsupported, "this coordinator does not know the order");
}

base::Bytes encode(const std::vector<JobStatus>& statuses, base::Milliseconds wall) {
  wire::Statuses to;
  to.set_wall_ms(wall.value);
  for (const JobStatus& from : statuses) {
    wire::JobStatus& one = *to.add_jobs();
    one.set_job(from.job);
    one.set_phase(from.phase);
    one.set_sequence(from.sequence);
    one.set_round(from.round);
    one.set_attempt(from.attempt);
    one.set_rounds(from.rounds);
    one.set_sites_in(from.sites_in);
    one.set_sites(from.sites);
    one.set_connected(from.connected);
    if (from.loss) one.set_loss(*from.loss);
    one.set_bytes(from.bytes);
    one.set_reason(from.reason);
  }
  return bytes_of(to);
}

Result<std::vector<JobStatus>> decode_statuses(base::ByteView bytes) {
  HANSE_TRY(const wire::Statuses from, parse<wire::Statuses>(bytes, "the coordinator's answer"));
  std::vector<JobStatus> statuses;
  for (const wire::JobStatus& one : from.jobs())
    statuses.push_back({one.job(), one.phase(), one.sequence(), one.round(), one.attempt(),
                        one.rounds(), one.sites_in(), one.sites(), one.connected(),
                        one.has_loss() ? std::optional(one.loss()) : std::nullopt, one.bytes(),
                        one.reason()});
  return statuses;
}

Result<base::Milliseconds> decode_wall(base::ByteView bytes) {
  HANSE_TRY(const wire::Statuses from, parse<wire::Statuses>(bytes, "the coordinator's answer"));
  return base::Milliseconds{from.wall_ms()};
}

base::Bytes encode(const FilePart& part) {
  wire::FilePart to;
  to.set_size(part.size);
  to.set_bytes(std::string(base::text_of(part.bytes)));
  return bytes_of(to);
}

Result<FilePart> decode_part(base::ByteView bytes) {
  HANSE_TRY(const wire::FilePart from, parse<wire::FilePart>(bytes, "the coordinator's answer"));
  const base::ByteView view = base::view_of(from.bytes());
  return FilePart{from.size(), base::Bytes(view.begin(), view.end())};
}

std::string to_json(const std::vector<JobStatus>& statuses) {
  std::vector<JobStatus> copy = statuses;  // a description takes what it may also fill
  return jobs::JsonFields::write([&](jobs::JsonFields& json) {
    json.constant("schema", "hanse.jobs/1");
    json.field("jobs", copy);
  });
}

}  // namespace hanse::service
