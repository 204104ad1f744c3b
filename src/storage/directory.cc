#include "storage/directory.h"

namespace hanse::storage {

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

base::Result<Staging> Staging::create(Directory& directory, const std::string& path) {
  if (directory.exists(path))
    return base::fail(base::ErrorCode::already_exists,
                      "'{}' exists and is left as it is; choose another folder or remove it", path);
  const std::size_t slash = path.find_last_of('/') + 1;  // 0 where there is none
  std::string partial = path.substr(0, slash) + "." + path.substr(slash) + ".partial";
  HANSE_TRY_VOID(directory.remove_all(partial));
  HANSE_TRY_VOID(directory.create_directory(partial));
  return Staging(directory, std::move(partial), path);
}

Staging::Staging(Staging&& other) noexcept
    : directory_(std::exchange(other.directory_, nullptr)),
      partial_(std::move(other.partial_)),
      path_(std::move(other.path_)) {}

Staging::~Staging() {
  // Best effort: what is left behind is named .partial and swept by the next create.
  if (directory_ != nullptr) (void)directory_->remove_all(partial_);
}

base::Result<void> Staging::write(const std::string& name, base::ByteView bytes) {
  HANSE_CHECK(directory_ != nullptr);
  return directory_->write(partial_ + "/" + name, bytes);
}

base::Result<void> Staging::commit() {
  HANSE_CHECK(directory_ != nullptr);
  HANSE_TRY_VOID(directory_->rename(partial_, path_));
  directory_ = nullptr;
  return {};
}

}  // namespace hanse::storage
