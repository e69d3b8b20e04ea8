#pragma once

#include <sys/stat.h>

#include <string>
#include <string_view>

#include "base/result.h"
#include "changes/changeset.h"
#include "sys/descriptor.h"

// Files as changesets know them: by kind, mode and bytes.
namespace interlock::snapshots {

/// Paths below the workspace that are longer are not followed: the kernel takes 4096 bytes, and
/// what is kept of an attempt lies below folders of ours.
inline constexpr std::size_t kPathBytesMax = 3072;
std::unexpected<Error> nested_too_deeply(std::string_view path);

std::unexpected<Error> cannot(std::string_view doing, const std::string& path, int number);

/// What is at an absolute path, `status` being what lstat told of it. A file is read through.
/// `ours`: a file that may not be read is made readable for the while, as its owner may.
/// `gives_way`: where it takes long and a signal asks the dispatcher to end, it breaks off (EINTR).
Result<changes::State> state_at(const std::string& place, const struct stat& status,
                                bool ours = false, bool gives_way = false);
/// The same of a path beneath a folder, no link followed on the way; absent where nothing is.
Result<changes::State> state_beneath(int top, const std::string& path, bool gives_way = false);

changes::Kind kind_of(mode_t mode);

/// A regular file opened for reading; see `ours` above.
Result<sys::Descriptor> open_file(const std::string& place, const struct stat& status, bool ours);
/// All bytes from one open file to another: shared blocks where the file system can, else inside
/// the kernel.
Result<void> copy_bytes(int from, int to, const std::string& path);

/// Gives an open file the extended attributes of another, access lists among them, but for those
/// that overlays and security modules keep for themselves. What the file system or the rights of
/// this process do not allow is left out.
void copy_attributes(int from, int to);

std::string link_target(const std::string& place);

/// An overlay's mark that what is below is not there.
bool is_whiteout(const struct stat& status);
Result<void> make_whiteout(const std::string& place);
/// Whether an overlay folder shows nothing of what is below it.
bool is_opaque(const std::string& place);

/// Writes by way of a temporary name, so that the file is there with all of its bytes or not at
/// all.
Result<void> put_file(const std::string& place, std::string_view content, bool durable = false);
Result<void> make_folders(const std::string& place);
/// Removes all of a tree, also where folders were closed to their owner.
void remove_tree(const std::string& place);

/// `chmod` that follows no link.
bool set_mode(int folder, const std::string& name, mode_t mode);

}  // namespace interlock::snapshots
