// What people's commands ask a coordinator, and what it answers, over the transport's orders.
// docs/formats/control.md
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/units.h"
#include "storage/directory.h"

namespace hanse::service {

namespace order {

struct Submit {
  std::string job;  // the job file's text
};
struct List {};
// Answered once the job's `sequence` is another than this one, or after half a minute.
struct Watch {
  std::string job;
  std::uint64_t sequence = 0;
};
struct Cancel {
  std::string job;
};
// A file of what a finished job left: is_result_file. In parts,
// since models are large.
struct Fetch {
  std::string job;
  std::string file;
  std::uint64_t offset = 0;
};

// A file of the audit log: is_log_file. In parts too.
struct Log {
  std::string file;
  std::uint64_t offset = 0;
};

}  // namespace order

using Order =
    std::variant<order::Submit, order::List, order::Watch, order::Cancel, order::Fetch, order::Log>;

enum class JobPhase { queued, running, finished, cancelled, failed };
std::string_view name_of(JobPhase phase);

struct JobStatus {
  std::string job;  // NAME, or NAME-2 where that was taken
  std::string phase;
  std::uint64_t sequence = 0;  // another one whenever something changed
  std::uint32_t round = 0;     // that is open, or was the last
  std::uint32_t attempt = 0;
  std::uint32_t rounds = 0;
  std::uint32_t sites_in = 0;  // counted so far in the open round
  std::uint32_t sites = 0;
  std::uint32_t connected = 0;
  std::optional<double> loss;  // of the last closed round, where nothing is private
  std::uint64_t bytes = 0;
  std::string reason;  // of a failure

  bool operator==(const JobStatus&) const = default;
};

struct FilePart {
  std::uint64_t size = 0;  // of the whole file
  base::Bytes bytes;       // from the offset on, at most kMaxPart
};
// What a finished job leaves, in the order in which it is written: a report stands for a whole
// folder.
inline constexpr std::string_view kResultFiles[] = {"report.html", "model.json", "job.toml",
                                                    "report.json"};

// What an auditor needs besides: the proof that the job's end is in the audit log, and of each
// round the released numbers.
inline constexpr std::string_view kReceiptFile = "receipt.tlog-proof";
std::string released_file(std::uint32_t round);
bool is_result_file(std::string_view name);

// "checkpoint", "policy", "rosters/HEX" and what C2SP tlog-tiles names; nothing else of the folder.
bool is_log_file(std::string_view name);
// What people hear: the part of a file from `offset` on.
base::Result<FilePart> part_of(const storage::Directory& directory, const std::string& path,
                               std::uint64_t offset);

inline constexpr std::size_t kMaxPart = std::size_t{1} << 20;

base::Bytes encode(const Order& order);
// With the coordinator's wall clock, for whom it matters.
base::Bytes encode(const std::vector<JobStatus>& statuses, base::Milliseconds wall = {});
base::Bytes encode(const FilePart& part);
// What is damaged: corruption. Memory is in proportion to the bytes.
base::Result<Order> decode_order(base::ByteView bytes);
base::Result<std::vector<JobStatus>> decode_statuses(base::ByteView bytes);
base::Result<base::Milliseconds> decode_wall(base::ByteView bytes);
base::Result<FilePart> decode_part(base::ByteView bytes);

// As `--json` prints it.
std::string to_json(const std::vector<JobStatus>& statuses);

}  // namespace hanse::service
