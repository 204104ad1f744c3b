#include "storage/memory.h"

#include <cstring>

namespace hanse::storage {
namespace {

class MemoryFile final : public File {
 public:
  explicit MemoryFile(std::shared_ptr<const base::Bytes> bytes) : bytes_(std::move(bytes)) {}

  std::uint64_t size() const override { return bytes_->size(); }

  base::Result<std::size_t> read(std::uint64_t offset, std::span<std::byte> out) const override {
    if (offset >= bytes_->size()) return std::size_t{0};
    const std::size_t start = static_cast<std::size_t>(offset);
    const std::size_t length = std::min(out.size(), bytes_->size() - start);
    if (length > 0) std::memcpy(out.data(), bytes_->data() + start, length);
    return length;
  }

 private:
  std::shared_ptr<const base::Bytes> bytes_;
};

class MemoryLock final : public Lock {
 public:
  explicit MemoryLock(std::shared_ptr<const bool> held) : held_(std::move(held)) {}

 private:
  std::shared_ptr<const bool> held_;
};

// "a//b/./c/" is "a/b/c"; "." and "" are the folder that everything relative starts at. ".." is
// taken as a name: nothing here needs it.
std::string normalised(std::string_view path) {
  std::string result;
  if (path.starts_with('/')) result = "/";
  while (!path.empty()) {
    const std::size_t slash = std::min(path.find('/'), path.size());
    const std::string_view part = path.substr(0, slash);
    path.remove_prefix(std::min(slash + 1, path.size()));
    if (part.empty() || part == ".") continue;
    if (!result.empty() && result != "/") result += '/';
    result += part;
  }
  return result;
}

bool is_root(const std::string& node) { return node.empty() || node == "/"; }

std::string parent_of(const std::string& node) {
  const std::size_t slash = node.find_last_of('/');
  if (slash == std::string::npos) return "";
  return slash == 0 ? "/" : node.substr(0, slash);
}

// What the names of everything below `node` start with.
std::string prefix_of(const std::string& node) { return is_root(node) ? node : node + "/"; }

tl::unexpected<base::Error> absent(std::string_view action, const std::string& path) {
  return base::fail(base::ErrorCode::not_found, "cannot {} '{}': no such file or folder", action,
                    path);
}

tl::unexpected<base::Error> present(std::string_view action, const std::string& path) {
  return base::fail(base::ErrorCode::already_exists,
                    "cannot {} '{}': something stands there already", action, path);
}

}  // namespace

bool Memory::is_folder(const std::string& node) const {
  const auto found = nodes_.find(node);
  return is_root(node) || (found != nodes_.end() && found->second.is_directory);
}

base::Result<void> Memory::writable(std::string_view action, const std::string& path) const {
  if (read_only_)
    return base::fail(base::ErrorCode::permission_denied,
                      "cannot {} '{}': the file system is read-only; choose another folder", action,
                      path);
  return {};
}

base::Result<std::unique_ptr<File>> Memory::open(const std::string& path) const {
  const std::string node = normalised(path);
  if (is_folder(node))
    return base::fail(base::ErrorCode::invalid_argument,
                      "cannot open '{}': expected a regular file, found a folder", path);
  const auto found = nodes_.find(node);
  if (found == nodes_.end()) return absent("open", path);
  return std::make_unique<MemoryFile>(found->second.bytes);
}

base::Result<std::vector<Entry>> Memory::list(const std::string& path) const {
  const std::string node = normalised(path);
  if (!is_folder(node)) return absent("list", path);
  const std::string prefix = prefix_of(node);
  std::vector<Entry> entries;
  for (auto it = nodes_.lower_bound(prefix); it != nodes_.end(); ++it) {
    if (!it->first.starts_with(prefix)) break;
    const std::string name = it->first.substr(prefix.size());
    if (!name.empty() && name.find('/') == std::string::npos)
      entries.push_back({name, it->second.is_directory});
  }
  return entries;
}

bool Memory::exists(const std::string& path) const {
  const std::string node = normalised(path);
  return is_root(node) || nodes_.contains(node);
}

base::Result<void> Memory::write(const std::string& path, base::ByteView bytes) {
  HANSE_TRY_VOID(writable("write", path));
  const std::string node = normalised(path);
  if (is_folder(node)) return present("write", path);
  if (!is_folder(parent_of(node))) return absent("write", path);
  // As on a disk, the old bytes stay until the new ones are complete.
  std::size_t used = bytes.size();
  for (const auto& [name, other] : nodes_)
    if (other.bytes != nullptr) used += other.bytes->size();
  if (used > capacity_)
    return base::fail(base::ErrorCode::unavailable,
                      "cannot write '{}': the disk is full; free some space or choose another disk",
                      path);
  nodes_[node] = {false, std::make_shared<const base::Bytes>(bytes.begin(), bytes.end())};
  return {};
}

base::Result<void> Memory::create_directory(const std::string& path) {
  HANSE_TRY_VOID(writable("create the folder", path));
  const std::string node = normalised(path);
  if (exists(node)) return present("create the folder", path);
  if (!is_folder(parent_of(node))) return absent("create the folder", path);
  nodes_[node] = {true, nullptr};
  return {};
}

base::Result<void> Memory::rename(const std::string& from, const std::string& to) {
  HANSE_TRY_VOID(writable("rename", from));
  const std::string source = normalised(from);
  const std::string target = normalised(to);
  if (!nodes_.contains(source)) return absent("rename", from);
  if (exists(target)) return present("rename", to);
  if (!is_folder(parent_of(target))) return absent("rename", to);
  if (target.starts_with(prefix_of(source)))
    return base::fail(base::ErrorCode::invalid_argument, "cannot rename '{}' into itself, '{}'",
                      from, to);
  std::map<std::string, Node> moved;
  for (auto it = nodes_.lower_bound(source); it != nodes_.end();) {
    if (!it->first.starts_with(source)) break;
    const bool below = it->first.size() == source.size() || it->first[source.size()] == '/';
    if (below) moved[target + it->first.substr(source.size())] = it->second;
    it = below ? nodes_.erase(it) : std::next(it);
  }
  nodes_.merge(moved);
  return {};
}

base::Result<void> Memory::remove_all(const std::string& path) {
  const std::string node = normalised(path);
  if (!exists(node)) return {};
  HANSE_TRY_VOID(writable("remove", path));
  nodes_.erase(node);
  const std::string prefix = prefix_of(node);
  for (auto it = nodes_.lower_bound(prefix); it != nodes_.end() && it->first.starts_with(prefix);)
    it = nodes_.erase(it);
  return {};
}

base::Result<void> Memory::remove_empty_directory(const std::string& path) {
  const std::string node = normalised(path);
  if (!is_folder(node)) return absent("remove", path);
  HANSE_TRY_VOID(writable("remove", path));
  const auto below = nodes_.lower_bound(prefix_of(node));
  if (below != nodes_.end() && below->first.starts_with(prefix_of(node)))
    return base::fail(base::ErrorCode::failed_precondition,
                      "cannot remove '{}': expected an empty folder, it holds something", path);
  nodes_.erase(node);
  return {};
}

base::Result<std::unique_ptr<Lock>> Memory::lock(const std::string& path) {
  const auto found = nodes_.find(normalised(path));
  if (found == nodes_.end() || !found->second.is_directory) return absent("lock", path);
  if (!found->second.held.expired()) return nullptr;
  auto held = std::make_shared<const bool>(true);
  found->second.held = held;
  return std::make_unique<MemoryLock>(std::move(held));
}

}  // namespace hanse::storage
