#include "storage/directory.h"

namespace hanse::storage {

base::Result<void> make_folders(Directory& directory, const std::string& path) {
  for (std::size_t at = path.find('/', 1); at != std::string::npos; at = path.find('/', at + 1)) {
    const std::string folder = path.substr(0, at);
    if (directory.exists(folder)) continue;
    const auto made = directory.create_directory(folder);
    if (!made && made.error().code() != base::ErrorCode::already_exists)
      return base::fail(made.error());
  }
  return {};
}

base::Result<base::Bytes> read_all(const Directory& directory, const std::string& path,
                                   std::size_t limit) {
  HANSE_TRY(const std::unique_ptr<File> file, directory.open(path));
  if (file->size() > limit)
    return base::fail(base::ErrorCode::invalid_argument,
                      "'{}' has {} bytes; at most {} are read here", path, file->size(), limit);
  base::Bytes bytes(file->size());
  std::size_t filled = 0;
  while (filled < bytes.size()) {
    HANSE_TRY(const std::size_t got, file->read(filled, std::span(bytes).subspan(filled)));
    if (got == 0)
      return base::fail(base::ErrorCode::corruption, "'{}' ends after {} of {} bytes", path, filled,
                        bytes.size());
    filled += got;
  }
  return bytes;
}

namespace {

constexpr std::string_view kPartial = ".partial";

struct Place {
  std::string folder;  // ends with a slash, or is empty
  std::string name;
};

Place place_of(const std::string& path) {
  const std::size_t slash = path.find_last_of('/') + 1;  // 0 where there is none
  return {path.substr(0, slash), path.substr(slash)};
}

// ".NAME.N.partial", for any N.
bool is_partial_of(std::string_view entry, std::string_view name) {
  const std::string prefix = fmt::format(".{}.", name);
  if (entry.size() <= prefix.size() + kPartial.size()) return false;
  if (!entry.starts_with(prefix) || !entry.ends_with(kPartial)) return false;
  entry.remove_prefix(prefix.size());
  entry.remove_suffix(kPartial.size());
  return entry.find_first_not_of("0123456789") == std::string_view::npos;
}

// Removes what dead processes left. Who can lock a folder knows that nobody fills it; what cannot
// be locked or removed is left alone.
void sweep(Directory& directory, const Place& place) {
  const auto entries = directory.list(place.folder.empty() ? "." : place.folder);
  if (!entries) return;
  for (const Entry& entry : *entries) {
    if (!entry.is_directory || !is_partial_of(entry.name, place.name)) continue;
    const auto lock = directory.lock(place.folder + entry.name);
    if (lock && *lock != nullptr) (void)directory.remove_all(place.folder + entry.name);
  }
}

}  // namespace

base::Result<Staging> Staging::create(Directory& directory, const std::string& path) {
  std::string target = path;
  while (target.size() > 1 && target.ends_with('/')) target.pop_back();
  if (target.empty())
    return base::fail(base::ErrorCode::invalid_argument,
                      "expected the name of a new folder, came nothing");
  if (directory.exists(target))
    return base::fail(base::ErrorCode::already_exists,
                      "'{}' exists and is left as it is; choose another folder or remove it",
                      target);
  const Place place = place_of(target);
  sweep(directory, place);
  for (unsigned n = 1;; ++n) {
    std::string partial = fmt::format("{}.{}.{}{}", place.folder, place.name, n, kPartial);
    const auto created = directory.create_directory(partial);
    if (!created && created.error().code() == base::ErrorCode::already_exists) continue;
    HANSE_TRY_VOID(created);
    auto lock = directory.lock(partial);
    if (!lock && lock.error().code() == base::ErrorCode::unsupported) lock = nullptr;
    // Between the two steps a sweep may have taken the folder for a dead one's.
    else if (lock ? *lock == nullptr : lock.error().code() == base::ErrorCode::not_found)
      continue;
    if (!lock) (void)directory.remove_empty_directory(partial);
    HANSE_TRY(std::unique_ptr<Lock> held, std::move(lock));
    return Staging(directory, std::move(partial), std::move(target), std::move(held));
  }
}

Staging::Staging(Staging&& other) noexcept
    : directory_(std::exchange(other.directory_, nullptr)),
      place_(std::move(other.place_)),
      path_(std::move(other.path_)),
      lock_(std::move(other.lock_)),
      finished_(other.finished_) {}

Staging::~Staging() {
  // Best effort: what is left behind is named .partial and swept by the next create.
  if (directory_ != nullptr && !finished_) (void)directory_->remove_all(place_);
}

base::Result<void> Staging::write(const std::string& name, base::ByteView bytes) {
  HANSE_CHECK(directory_ != nullptr);
  return directory_->write(place_ + "/" + name, bytes);
}

base::Result<void> Staging::commit_as(const std::string& path) {
  HANSE_CHECK(directory_ != nullptr);
  finished_ = true;
  const auto renamed = directory_->rename(place_, path);
  if (!renamed) {
    keep();
    return base::fail(renamed.error().code(),
                      "{}; the finished folder is kept as '{}', move it where it shall be",
                      renamed.error().text(), place_);
  }
  path_ = path;
  directory_ = nullptr;
  lock_ = nullptr;
  return {};
}

// Out of the sweeps' way. Where that fails too the folder stays where it is.
void Staging::keep() {
  const Place now = place_of(place_);
  const Place place = place_of(path_);
  if (!is_partial_of(now.name, place.name)) return;
  for (unsigned n = 1;; ++n) {
    std::string kept = fmt::format("{}.finished-{}", path_, n);
    const auto renamed = directory_->rename(place_, kept);
    if (renamed) place_ = std::move(kept);
    if (renamed || renamed.error().code() != base::ErrorCode::already_exists) return;
  }
}

}  // namespace hanse::storage
