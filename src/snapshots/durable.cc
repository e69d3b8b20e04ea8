#include "snapshots/durable.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <vector>

#include "snapshots/files.h"
#include "sys/descriptor.h"
#include "sys/sync.h"

namespace interlock::snapshots {

namespace fs = std::filesystem;
using sys::Descriptor;

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

}  // namespace

Result<void> sync_tree(const std::string& folder, const std::set<std::string>& but,
                       const Synced& synced) {
  std::vector<std::string> places;
  collect(folder, but, places);
  int failed = ENOTSUP;
  if (places.size() <= kOneByOneMax) {
    std::vector<std::string> all = places;
    all.push_back(fs::path(folder).parent_path().string());
    failed = sys::sync_files(all);
  }
  if (failed != 0 && failed != EINTR) {
    const sys::Descriptor top(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    failed = top ? sys::sync_file_system(top.get()) : errno;
  }
  if (failed != 0) return cannot("write", folder, failed);
  if (!synced) return {};
  for (const std::string& place : places) synced(place);
  return {};
}

}  // namespace interlock::snapshots
