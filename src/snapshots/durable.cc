#include "snapshots/durable.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <vector>

#include "snapshots/files.h"
#include "workspace/descriptor.h"

namespace interlock::snapshots {

namespace fs = std::filesystem;
using workspace::Descriptor;

namespace {

constexpr std::size_t kOneByOneMax = 64;

/// Files before the folders they are in. Links and whiteouts are names in their folders, no more.
void collect(const fs::path& folder, const std::set<std::string>& but,
             std::vector<std::string>& places) {
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    if (but.contains(it->path().filename().string())) continue;
    std::error_code ignored;
    const fs::file_type type = it->symlink_status(ignored).type();
    if (type == fs::file_type::directory) collect(it->path(), {}, places);
    if (type == fs::file_type::regular) places.push_back(it->path().string());
  }
  places.push_back(folder.string());
}

/// A file that may not be read may still be synced by whoever may write; else the file system is.
bool sync_one(const std::string& place) {
  Descriptor one(::open(place.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
  if (!one.is_open())
    one = Descriptor(::open(place.c_str(), O_WRONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
  return one.is_open() && ::fsync(one.number()) == 0;
}

}  // namespace

Result<void> sync_tree(const std::string& folder, const std::set<std::string>& but,
                       const Synced& synced) {
  std::vector<std::string> places;
  collect(folder, but, places);
  bool one_by_one = places.size() <= kOneByOneMax;
  for (std::size_t i = 0; one_by_one && i < places.size(); ++i) one_by_one = sync_one(places[i]);
  const std::string above = fs::path(folder).parent_path().string();
  if (one_by_one) one_by_one = sync_one(above);
  if (!one_by_one) {
    const Descriptor top(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!top.is_open() || ::syncfs(top.number()) != 0) return cannot("write", folder, errno);
  }
  if (!synced) return {};
  for (const std::string& place : places) synced(place);
  return {};
}

}  // namespace interlock::snapshots
