#include "process/notified_call.h"

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

/// As openat2(2) has it.
struct OpenHow {
  std::uint64_t flags = 0;
  std::uint64_t mode = 0;
  std::uint64_t resolve = 0;
};
/// RESOLVE_IN_ROOT: the folder is `/` to this call.
constexpr std::uint64_t kInRoot = 0x10;

int read_how(pid_t process, std::uint64_t address, OpenHow& how) {
  const iovec ours{&how, sizeof how};
  const iovec theirs{std::bit_cast<void*>(address), sizeof how};
  const ssize_t got = ::process_vm_readv(process, &ours, 1, &theirs, 1, 0);
  if (got < 0) return errno;
  return got == static_cast<ssize_t>(sizeof how) ? 0 : EFAULT;
}

class Reader {
 public:
  Reader(const seccomp_notif& notified, const Caller& caller, NotifiedCall& result)
      : told_(notified), caller_(caller), process_(caller.process()), result_(result) {}

  /// False when the kernel is going to refuse the call for it.
  bool read_flags() {
    const PathCall& call = *result_.call;
    if (call.deed == PathCall::Deed::create) result_.flags = O_CREAT | O_WRONLY | O_TRUNC;
    if (call.flags < 0) return true;
    if (call.deed == PathCall::Deed::open_how) return read_how_it_opens(argument(call.flags));
    result_.flags = argument(call.flags) & 0xffffffff;
    return true;
  }

  bool read_how_it_opens(std::uint64_t address) {
    OpenHow how;
    const int error = read_how(process_, address, how);
    if (error == EFAULT) return false;
    if (error != 0) result_.gap = cannot_read(process_, error);
    if ((how.resolve & kInRoot) != 0) {
      result_.gap =
          fmt::format("process {} opened a path below a root folder of that call alone", process_);
    }
    result_.flags = how.flags;
    return true;
  }

  void read(const PathCall::Name& name) {
    if (name.path < 0 || argument(name.path) == 0) return;
    std::string text;
    if (const int error = read_text(process_, argument(name.path), text); error != 0) {
      // The kernel takes none that is too long.
      if (error != ENAMETOOLONG) result_.gap = cannot_read(process_, error);
      return;
    }
    if (text.empty()) return read_descriptor(name);
    bool from_deleted = false;
    if (text[0] != '/') {
      const int descriptor = name.folder < 0 ? AT_FDCWD : static_cast<int>(argument(name.folder));
      ForeignPath folder = caller_.folder(descriptor);
      using Kind = ForeignPath::Kind;
      if (folder.kind == Kind::unknown) result_.gap = std::move(folder.why);
      if (folder.kind != Kind::path && folder.kind != Kind::deleted) return;
      from_deleted = folder.kind == Kind::deleted;
      text = folder.path + "/" + text;
    }
    result_.names.push_back({std::move(text), follows(name), from_deleted, name.effective});
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
    ForeignPath behind = caller_.folder(static_cast<int>(argument(name.folder)));
    if (behind.kind == ForeignPath::Kind::unknown) result_.gap = std::move(behind.why);
    if (behind.kind == ForeignPath::Kind::path)
      result_.names.push_back({std::move(behind.path), false, false, name.effective});
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
      case Deed::look:
      case Deed::execute:
      case Deed::change_mode: return name.follows && (flags & PathCall::kNoFollowFlag) == 0;
      default: return name.follows;
    }
  }

  const seccomp_notif& told_;
  const Caller& caller_;
  pid_t process_;
  NotifiedCall& result_;
};

}  // namespace

bool NotifiedCall::opens() const {
  using Deed = PathCall::Deed;
  if (call->deed == Deed::execute) return true;
  if (call->deed != Deed::open && call->deed != Deed::open_how) return false;
  return (flags & O_PATH) == 0 && (flags & O_ACCMODE) != O_WRONLY;
}

bool NotifiedCall::writes_what_it_opens() const {
  using Deed = PathCall::Deed;
  if (call->deed != Deed::open && call->deed != Deed::open_how && call->deed != Deed::create) {
    return false;
  }
  return (flags & O_PATH) == 0 &&
         ((flags & O_ACCMODE) != O_RDONLY || (flags & (O_CREAT | O_TRUNC)) != 0);
}

NotifiedCall change_behind_descriptor(ForeignPath behind) {
  static constexpr PathCall kCall{
      -1, PathCall::Watch::changes, PathCall::Deed::change_mode, {}, {}};
  NotifiedCall result;
  result.call = &kCall;
  if (behind.kind == ForeignPath::Kind::unknown) {
    result.gap = std::move(behind.why);
  } else {
    result.names.push_back({std::move(behind.path), false, false, PathCall::If::there});
  }
  return result;
}

std::optional<NotifiedCall> understand(const seccomp_notif& notified, const Caller& caller) {
  NotifiedCall result;
  result.call = path_call(notified.data.nr);
  if (result.call == nullptr) return std::nullopt;
  Reader reader(notified, caller, result);
  if (!reader.read_flags()) return std::nullopt;
  reader.read(result.call->first);
  reader.read(result.call->second);
  if (result.names.empty() && result.gap.empty()) return std::nullopt;
  return result;
}

}  // namespace interlock::process
