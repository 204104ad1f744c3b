#include "service/job_book.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "service/wire.pb.h"

namespace hanse::service {
namespace {

using base::ErrorCode;
using base::fail;
using base::Result;

constexpr std::size_t kMaxNameBytes = 64;  // of base::JobId

template <class Message>
base::Bytes bytes_of(const Message& message) {
  base::Bytes bytes(message.ByteSizeLong());
  HANSE_CHECK(message.SerializeToArray(bytes.data(), static_cast<int>(bytes.size())));
  return bytes;
}

void write(wire::Job& to, const BookedJob& from) {
  to.set_id(from.id.text());
  to.set_text(std::string(base::text_of(from.text.bytes())));
  to.set_by(from.by);
  to.set_at_ms(from.at.value);
  for (const base::SiteId& site : from.cohort) to.add_cohort(site.text());
}

void write(wire::End& to, const base::JobId& job, const JobEnd& from) {
  to.set_job(job.text());
  to.set_phase(from.phase);
  to.set_reason(from.reason);
  to.set_at_ms(from.at.value);
}

Result<BookedJob> read(const wire::Job& from) {
  HANSE_TRY(base::JobId id, base::JobId::create(from.id()));
  HANSE_TRY(const base::Digest text, base::Digest::from_bytes(base::view_of(from.text())));
  BookedJob job{std::move(id), text, from.by(), {from.at_ms()}, {}, {}};
  for (const std::string& name : from.cohort()) {
    HANSE_TRY(base::SiteId site, base::SiteId::create(name));
    job.cohort.push_back(std::move(site));
  }
  return job;
}

Result<void> add(std::vector<BookedJob>& jobs, const wire::BookEntry& entry) {
  if (entry.has_submitted()) {
    HANSE_TRY(BookedJob job, read(entry.submitted()));
    if (std::ranges::find(jobs, job.id, &BookedJob::id) != jobs.end())
      return fail(ErrorCode::failed_precondition, "job '{}' is there already", job.id.text());
    jobs.push_back(std::move(job));
    return {};
  }
  if (!entry.has_ended()) return fail(ErrorCode::corruption, "an entry of the jobs says nothing");
  HANSE_TRY(const base::JobId id, base::JobId::create(entry.ended().job()));
  const auto job = std::ranges::find(jobs, id, &BookedJob::id);
  if (job == jobs.end() || job->end)
    return fail(ErrorCode::failed_precondition, "job '{}' is not to be ended", id.text());
  job->end = JobEnd{entry.ended().phase(), entry.ended().reason(), {entry.ended().at_ms()}};
  return {};
}

Result<void> add(std::vector<BookedJob>& jobs, base::ByteView bytes) {
  wire::BookEntry entry;
  if (!entry.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())))
    return fail(ErrorCode::corruption, "an entry of the jobs is damaged");
  return add(jobs, entry);
}

}  // namespace

base::Bytes JobBook::submitted(const BookedJob& job) {
  wire::BookEntry entry;
  write(*entry.mutable_submitted(), job);
  return bytes_of(entry);
}

base::Bytes JobBook::ended(const base::JobId& job, const JobEnd& end) {
  wire::BookEntry entry;
  write(*entry.mutable_ended(), job, end);
  return bytes_of(entry);
}

Result<void> JobBook::check(base::ByteView entry) const {
  std::vector<BookedJob> jobs = jobs_;
  return add(jobs, entry);
}

void JobBook::apply(base::ByteView entry) {
  const auto done = add(jobs_, entry);
  HANSE_CHECK(done.has_value());
}

base::Bytes JobBook::snapshot() const {
  wire::Book book;
  for (const BookedJob& job : jobs_) {
    write(*book.add_entries()->mutable_submitted(), job);
    if (job.end) write(*book.add_entries()->mutable_ended(), job.id, *job.end);
  }
  return bytes_of(book);
}

Result<JobBook> JobBook::restore(base::ByteView bytes) {
  wire::Book from;
  if (!from.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())))
    return fail(ErrorCode::corruption, "the snapshot of the jobs is damaged");
  JobBook book;
  for (const wire::BookEntry& entry : from.entries()) HANSE_TRY_VOID(add(book.jobs_, entry));
  return book;
}

const BookedJob* JobBook::find(const base::JobId& job) const {
  const auto found = std::ranges::find(jobs_, job, &BookedJob::id);
  return found == jobs_.end() ? nullptr : &*found;
}

const BookedJob* JobBook::current() const {
  const auto found = std::ranges::find_if(jobs_, [](const BookedJob& job) { return !job.end; });
  return found == jobs_.end() ? nullptr : &*found;
}

Result<base::JobId> free_id(const JobBook& book, const base::JobId& name) {
  std::set<std::string_view> taken;
  for (const BookedJob& job : book.jobs()) taken.insert(job.id.text());
  std::string id = name.text();
  for (unsigned n = 2; taken.contains(id); ++n) {
    const std::string number = fmt::format("-{}", n);
    id = name.text().substr(0, kMaxNameBytes - number.size()) + number;
  }
  return base::JobId::create(id);
}

}  // namespace hanse::service
