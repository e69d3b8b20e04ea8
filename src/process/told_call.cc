#include "process/told_call.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <limits.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstring>

#include "process/landing.h"

namespace interlock::process {
namespace {

constexpr std::size_t kPage = 4096;
/// Most paths end within this: less is copied than to the end of the page.
constexpr std::size_t kFirstPiece = 256;

/// Up to its NUL, piece by piece, none of which crosses a page: the next may not be there. An
/// error number otherwise.
int read_text(pid_t process, std::uint64_t address, std::string& text) {
  std::array<char, kPage> piece;
  std::size_t most = kFirstPiece;
  while (text.size() < PATH_MAX) {
    const iovec ours{piece.data(), std::min(most, kPage - address % kPage)};
    const iovec theirs{std::bit_cast<void*>(address), ours.iov_len};
    const ssize_t got = ::process_vm_readv(process, &ours, 1, &theirs, 1, 0);
    if (got <= 0) return got < 0 ? errno : EFAULT;
    const auto length = static_cast<std::size_t>(got);
    const auto* const end = static_cast<const char*>(std::memchr(piece.data(), 0, length));
    text.append(piece.data(),
                end == nullptr ? length : static_cast<std::size_t>(end - piece.data()));
    if (end != nullptr) return 0;
    address += length;
    most = kPage;
  }
  return ENAMETOOLONG;
}

std::string cannot_read(pid_t process, int error) {
  return fmt::format("what process {} asked for could not be read: {}", process,
                     std::strerror(error));
}

/// The flags of openat2: the first field of the structure.
int read_how(pid_t process, std::uint64_t address, std::uint64_t& flags) {
  const iovec ours{&flags, sizeof flags};
  const iovec theirs{std::bit_cast<void*>(address), sizeof flags};
  const ssize_t got = ::process_vm_readv(process, &ours, 1, &theirs, 1, 0);
  return got == static_cast<ssize_t>(sizeof flags) ? 0 : EFAULT;
}

class Reader {
 public:
  Reader(const seccomp_notif& told, ToldCall& result)
      : told_(told), process_(static_cast<pid_t>(told.pid)), result_(result) {}

  /// False when the kernel is going to refuse the call for it.
  bool read_flags() {
    const PathCall& call = *result_.call;
    if (call.deed == PathCall::Deed::create) result_.flags = O_CREAT | O_WRONLY | O_TRUNC;
    if (call.flags < 0) return true;
    if (call.deed == PathCall::Deed::open_how) {
      return read_how(process_, argument(call.flags), result_.flags) == 0;
    }
    result_.flags = argument(call.flags) & 0xffffffff;
    return true;
  }

  void read(const PathCall::Name& name) {
    if (name.path < 0 || argument(name.path) == 0) return;
    std::string text;
    if (const int error = read_text(process_, argument(name.path), text); error != 0) {
      // A path that is too long, and a process that is gone, come to nothing.
      if (error != ENAMETOOLONG && error != ESRCH) result_.gap = cannot_read(process_, error);
      return;
    }
    if (text.empty()) return read_descriptor(name);
    if (text[0] != '/') {
      const int descriptor = name.folder < 0 ? AT_FDCWD : static_cast<int>(argument(name.folder));
      const auto folder = folder_behind(process_, descriptor);
      if (!folder) {
        if (errno == EACCES || errno == EPERM) result_.gap = cannot_read(process_, errno);
        return;
      }
      if (!folder->starts_with('/')) {
        // On no path at all is an error of the call; out of sight is one of ours.
        if (folder->starts_with('(')) {
          result_.gap = fmt::format("the folder of process {} is out of sight", process_);
        }
        return;
      }
      text = *folder + "/" + text;
    }
    result_.names.push_back({std::move(text), follows(name), name.effective});
  }

 private:
  std::uint64_t argument(int place) const { return told_.data.args[place]; }

  /// "" means what the descriptor is open on, where the flags say so; it matters for what that
  /// changes.
  void read_descriptor(const PathCall::Name& name) {
    if (result_.call->deed != PathCall::Deed::change_mode || name.folder < 0 ||
        (result_.flags & PathCall::kEmptyPathFlag) == 0) {
      return;
    }
    auto path = folder_behind(process_, static_cast<int>(argument(name.folder)));
    if (path && path->starts_with('/'))
      result_.names.push_back({std::move(*path), false, name.effective});
  }

  bool follows(const PathCall::Name& name) const {
    using Deed = PathCall::Deed;
    const std::uint64_t flags = result_.flags;
    switch (result_.call->deed) {
      case Deed::open:
      case Deed::open_how:
      case Deed::create:
        return (flags & O_NOFOLLOW) == 0 && (flags & (O_CREAT | O_EXCL)) != (O_CREAT | O_EXCL);
      case Deed::change:  // Of these, linkat has such a flag.
        return name.follows || (result_.call->second.path >= 0 && &name == &result_.call->first &&
                                (flags & PathCall::kFollowFlag) != 0);
      case Deed::execute:
      case Deed::change_mode: return name.follows && (flags & PathCall::kNoFollowFlag) == 0;
      default: return name.follows;
    }
  }

  const seccomp_notif& told_;
  pid_t process_;
  ToldCall& result_;
};

}  // namespace

bool ToldCall::opens() const {
  using Deed = PathCall::Deed;
  if (call->deed == Deed::execute) return true;
  if (call->deed != Deed::open && call->deed != Deed::open_how) return false;
  return (flags & O_PATH) == 0 && (flags & O_ACCMODE) != O_WRONLY;
}

bool ToldCall::writes_what_it_opens() const {
  using Deed = PathCall::Deed;
  if (call->deed != Deed::open && call->deed != Deed::open_how && call->deed != Deed::create) {
    return false;
  }
  return (flags & O_PATH) == 0 &&
         ((flags & O_ACCMODE) != O_RDONLY || (flags & (O_CREAT | O_TRUNC)) != 0);
}

ToldCall change_behind_descriptor(std::string path) {
  static constexpr PathCall kCall{
      -1, PathCall::Watch::changes, PathCall::Deed::change_mode, {}, {}};
  ToldCall result;
  result.call = &kCall;
  result.names.push_back({std::move(path), false, PathCall::If::there});
  return result;
}

std::optional<ToldCall> understand(const seccomp_notif& told) {
  ToldCall result;
  result.call = path_call(told.data.nr);
  if (result.call == nullptr) return std::nullopt;
  Reader reader(told, result);
  if (!reader.read_flags()) return std::nullopt;
  reader.read(result.call->first);
  reader.read(result.call->second);
  if (result.names.empty() && result.gap.empty()) return std::nullopt;
  return result;
}

}  // namespace interlock::process
