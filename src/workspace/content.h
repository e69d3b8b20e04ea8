#pragma once

#include <fcntl.h>
#include <sys/stat.h>

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <tuple>

#include "base/digest.h"
#include "base/result.h"
#include "sys/descriptor.h"
#include "workspace/stack.h"
#include "workspace/walk.h"

namespace interlock::workspace {

/// How a file is opened whose kind nobody vouches for: a fifo put there meanwhile cannot hold us.
inline constexpr int kReadFlags = O_NONBLOCK | O_NOCTTY;

/// The whole regular file; at most `max_bytes`. Never waits, whatever the path names.
Result<std::string> read_file(const std::string& path, std::size_t max_bytes);
/// The same of what is open already, or is not (errno says why); errors name `path`.
Result<std::string> read_file(const sys::Descriptor& file, const std::string& path,
                              std::size_t max_bytes);

/// Digests of what is at a path: of a file's bytes and whether it is executable, of a link's target
/// (and the file behind it), of anything else its kind alone. Nothing but regular files is ever
/// read.
///
/// A file's digest is kept by (device, inode, size, mtime, ctime) and trusted for as long as these
/// are the same. A file that changed only just now is not kept: the next change could carry the
/// same times. Several threads may ask.
class Contents {
 public:
  /// An error names the path as `entry` has it; `missing`: it is not there any more.
  Result<Digest> digest(const Stack& stack, const Entry& entry);
  /// Of what stands at an absolute path outside of the workspace, which a link in it leads to. Of a
  /// file above 1 GiB its identity and times stand for its bytes, of what is no file on a disk
  /// (/proc and the like) its kind.
  Result<Digest> digest_outside(const std::string& place, const std::string& path);

  std::size_t hashed_count() const {
    const std::lock_guard lock(mutex_);
    return hashed_count_;
  }

 private:
  struct Known {
    std::int64_t size = 0;
    std::int64_t mtime_ns = 0;
    std::int64_t ctime_ns = 0;
    Digest digest;
  };

  Result<Digest> digest_of_file(const sys::Descriptor& file, const std::string& path);
  Result<Digest> digest_of_link(const Stack& stack, const Entry& entry);

  std::optional<Digest> known(const struct stat& status, const Known& seen) const;
  void keep(const struct stat& status, const Known& known);

  mutable std::mutex mutex_;  ///< Of what follows; never held while a file is read.
  std::map<std::pair<dev_t, ino_t>, Known> known_;
  std::size_t hashed_count_ = 0;
};

/// What stands for a named file that does not exist.
Digest digest_of_absence();
/// Stands for a folder outside of the workspace: equal to no digest there ever was. What nobody
/// looked through is not taken to be as it was.
Digest digest_of_unknown();

}  // namespace interlock::workspace
