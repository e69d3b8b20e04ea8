#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <tuple>

#include "base/digest.h"
#include "base/result.h"
#include "workspace/walk.h"

namespace interlock::workspace {

/// The whole regular file; at most `max_bytes`. Never waits, whatever the path names.
Result<std::string> read_file(const std::string& path, std::size_t max_bytes);

/// Digests of what is at a path: of a file's bytes and whether it is executable, of a link's target
/// (and the file behind it), of anything else its kind alone. Nothing but regular files is ever
/// opened.
///
/// A file's digest is kept by (device, inode, size, mtime, ctime) and trusted for as long as these
/// are the same. A file that changed only just now is not kept: the next change could carry the
/// same times.
class Contents {
 public:
  /// An error names the path as `entry` has it. `behind`: where the file behind a link is, when
  /// the kernel would look in the wrong place ("" for none).
  Result<Digest> digest(const std::string& root, const Entry& entry,
                        const std::optional<std::string>& behind = std::nullopt);

  std::size_t hashed_count() const { return hashed_count_; }

 private:
  struct Known {
    std::int64_t size = 0;
    std::int64_t mtime_ns = 0;
    std::int64_t ctime_ns = 0;
    Digest digest;
  };

  Result<Digest> digest_of_file(const std::string& place, const std::string& path);
  Result<Digest> digest_of_link(const std::string& place, const std::string& path,
                                const std::string& behind);

  std::map<std::pair<dev_t, ino_t>, Known> known_;
  std::size_t hashed_count_ = 0;
};

/// What stands for a named file that does not exist.
Digest digest_of_absence();

}  // namespace interlock::workspace
