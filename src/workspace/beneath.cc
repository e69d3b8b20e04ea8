#include "workspace/beneath.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>

#include <cerrno>

namespace interlock::workspace {
namespace {

/// Where the kernel has no openat2: one folder after the other.
sys::Descriptor open_stepwise(int top, const std::string& path, int flags) {
  sys::Descriptor folder(::openat(top, ".", O_PATH | O_DIRECTORY | O_CLOEXEC));
  std::string_view rest = path;
  for (std::size_t slash = rest.find('/'); folder && slash != std::string_view::npos;
       slash = rest.find('/')) {
    const std::string step(rest.substr(0, slash));
    folder = sys::Descriptor(
        ::openat(folder.get(), step.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    rest.remove_prefix(slash + 1);
  }
  if (!folder) return folder;
  return sys::Descriptor(
      ::openat(folder.get(), std::string(rest).c_str(), flags | O_NOFOLLOW | O_CLOEXEC));
}

}  // namespace

sys::Descriptor open_beneath(int top, const std::string& path, int flags) {
  if (path.empty()) return sys::Descriptor(::openat(top, ".", flags | O_CLOEXEC));
  open_how how{};
  how.flags = static_cast<std::uint64_t>(flags | O_NOFOLLOW | O_CLOEXEC);
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS;
  const long number = ::syscall(SYS_openat2, top, path.c_str(), &how, sizeof(how));
  if (number < 0 && errno == ENOSYS) return open_stepwise(top, path, flags);
  return sys::Descriptor(static_cast<int>(number));
}

std::string_view folder_of(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
}

std::string_view name_of(std::string_view path) { return path.substr(path.rfind('/') + 1); }

std::string join(std::string_view folder, std::string_view name) {
  if (folder.empty()) return std::string(name);
  std::string path;
  path.reserve(folder.size() + 1 + name.size());
  return path.append(folder).append("/").append(name);
}

bool is_version_control(std::string_view path) {
  while (true) {
    const std::size_t slash = path.find('/');
    if (path.substr(0, slash) == ".git") return true;
    if (slash == std::string_view::npos) return false;
    path.remove_prefix(slash + 1);
  }
}

bool is_at_or_below(std::string_view path, std::string_view top) {
  return top.empty() ||
         (path.starts_with(top) && (path.size() == top.size() || path[top.size()] == '/'));
}

}  // namespace interlock::workspace
