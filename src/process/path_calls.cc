#include "process/path_calls.h"

#include <sys/syscall.h>

#include <algorithm>
#include <array>

namespace interlock::process {
namespace {

using Deed = PathCall::Deed;
using If = PathCall::If;
using Name = PathCall::Name;
using Watch = PathCall::Watch;

// Newer than the headers of some hosts; the number is the same on all architectures.
constexpr long kFchmodat2 = 452;
constexpr long kSetxattrat = 463;
constexpr long kRemovexattrat = 466;
constexpr long kFileSetattr = 469;

constexpr Name kNone{};
constexpr bool kFollows = true;

constexpr auto kCalls = std::to_array<PathCall>({
    {SYS_openat, Watch::changes, Deed::open, {0, 1, kFollows}, kNone, 2},
    {SYS_openat2, Watch::changes, Deed::open_how, {0, 1, kFollows}, kNone, 2},
    {SYS_renameat2, Watch::changes, Deed::change, {0, 1, false, If::there}, {2, 3}},
    {SYS_linkat,
     Watch::changes,
     Deed::change,
     {0, 1, false, If::there},
     {2, 3, false, If::absent},
     4},
    {SYS_symlinkat, Watch::changes, Deed::change, {1, 2, false, If::absent}, kNone},
    {SYS_unlinkat, Watch::changes, Deed::change, {0, 1, false, If::there}, kNone},
    {SYS_mkdirat, Watch::changes, Deed::make_folder, {0, 1, false, If::absent}, kNone},
    {SYS_mknodat, Watch::changes, Deed::change, {0, 1, false, If::absent}, kNone},
    {SYS_truncate, Watch::changes, Deed::change, {-1, 0, kFollows, If::there}, kNone},
    {SYS_fchmodat, Watch::changes, Deed::change_mode, {0, 1, kFollows, If::there}, kNone},
    {kFchmodat2, Watch::changes, Deed::change_mode, {0, 1, kFollows, If::there}, kNone, 3},
    {SYS_fchownat, Watch::changes, Deed::change_mode, {0, 1, kFollows, If::there}, kNone, 4},
    {SYS_utimensat, Watch::changes, Deed::change_mode, {0, 1, kFollows, If::there}, kNone, 3},
    {SYS_setxattr, Watch::changes, Deed::change_mode, {-1, 0, kFollows, If::there}, kNone},
    {SYS_lsetxattr, Watch::changes, Deed::change_mode, {-1, 0, false, If::there}, kNone},
    {SYS_removexattr, Watch::changes, Deed::change_mode, {-1, 0, kFollows, If::there}, kNone},
    {SYS_lremovexattr, Watch::changes, Deed::change_mode, {-1, 0, false, If::there}, kNone},
    {kSetxattrat, Watch::changes, Deed::change_mode, {0, 1, kFollows, If::there}, kNone, 2},
    {kRemovexattrat, Watch::changes, Deed::change_mode, {0, 1, kFollows, If::there}, kNone, 2},
    {kFileSetattr, Watch::changes, Deed::change_mode, {0, 1, kFollows, If::there}, kNone, 4},
    {SYS_execve, Watch::opens, Deed::execute, {-1, 0, kFollows}, kNone},
    {SYS_execveat, Watch::opens, Deed::execute, {0, 1, kFollows}, kNone, 4},
    {SYS_newfstatat, Watch::all, Deed::look, {0, 1}, kNone},
    {SYS_statx, Watch::all, Deed::look, {0, 1}, kNone},
    {SYS_faccessat, Watch::all, Deed::look, {0, 1}, kNone},
    {SYS_faccessat2, Watch::all, Deed::look, {0, 1}, kNone},
    {SYS_readlinkat, Watch::all, Deed::look, {0, 1}, kNone},
    {SYS_chdir, Watch::all, Deed::look, {-1, 0}, kNone},
#ifdef SYS_renameat
    {SYS_renameat, Watch::changes, Deed::change, {0, 1, false, If::there}, {2, 3}},
#endif
#ifdef SYS_open  // x86-64 has them, newer architectures only what takes a folder.
    {SYS_open, Watch::changes, Deed::open, {-1, 0, kFollows}, kNone, 1},
    {SYS_creat, Watch::changes, Deed::create, {-1, 0, kFollows}, kNone},
    {SYS_rename, Watch::changes, Deed::change, {-1, 0, false, If::there}, {-1, 1}},
    {SYS_link, Watch::changes, Deed::change, {-1, 0, false, If::there}, {-1, 1, false, If::absent}},
    {SYS_symlink, Watch::changes, Deed::change, {-1, 1, false, If::absent}, kNone},
    {SYS_unlink, Watch::changes, Deed::change, {-1, 0, false, If::there}, kNone},
    {SYS_rmdir, Watch::changes, Deed::change, {-1, 0, false, If::there}, kNone},
    {SYS_mkdir, Watch::changes, Deed::make_folder, {-1, 0, false, If::absent}, kNone},
    {SYS_mknod, Watch::changes, Deed::change, {-1, 0, false, If::absent}, kNone},
    {SYS_chmod, Watch::changes, Deed::change_mode, {-1, 0, kFollows, If::there}, kNone},
    {SYS_chown, Watch::changes, Deed::change_mode, {-1, 0, kFollows, If::there}, kNone},
    {SYS_lchown, Watch::changes, Deed::change_mode, {-1, 0, false, If::there}, kNone},
    {SYS_utime, Watch::changes, Deed::change_mode, {-1, 0, kFollows, If::there}, kNone},
    {SYS_utimes, Watch::changes, Deed::change_mode, {-1, 0, kFollows, If::there}, kNone},
    {SYS_futimesat, Watch::changes, Deed::change_mode, {0, 1, kFollows, If::there}, kNone},
    {SYS_stat, Watch::all, Deed::look, {-1, 0}, kNone},
    {SYS_lstat, Watch::all, Deed::look, {-1, 0}, kNone},
    {SYS_access, Watch::all, Deed::look, {-1, 0}, kNone},
    {SYS_readlink, Watch::all, Deed::look, {-1, 0}, kNone},
#endif
});

}  // namespace

std::span<const PathCall> path_calls() { return kCalls; }

const PathCall* path_call(long number) {
  const auto* const found = std::ranges::find(kCalls, number, &PathCall::number);
  return found == kCalls.end() ? nullptr : found;
}

}  // namespace interlock::process
