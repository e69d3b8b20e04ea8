#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>

#include "changes/changeset.h"
#include "footprint/interlocking.h"

namespace interlock::snapshots {

/// What the workspace folder held when a snapshot was opened: what a person made different since is
/// told by comparing, not by times, which a backup or a `touch` changes as well.
struct Baseline {
  /// One path as `lstat` told it. Equal identities are the same, unchanged thing.
  struct Entry {
    changes::State state;  ///< Without a digest where it is not known.
    dev_t device = 0;
    ino_t inode = 0;
    std::int64_t mtime_ns = 0, ctime_ns = 0;
    bool has_digest = false;
    /// Last changed before the clock's tick in which it was looked at: one more change would show.
    bool is_settled = false;

    bool same_thing(const struct stat& status) const;
    bool operator==(const Entry&) const = default;
  };

  std::map<std::string, Entry> entries;
  /// Every path but version control data is among the entries; else only `known_absent` tells that
  /// something was not there.
  bool is_whole = false;
  std::set<std::string> known_absent;

  const Entry* find(const std::string& path) const;
  /// Nothing where that is not known.
  std::optional<bool> had(const std::string& path) const;
  std::set<std::string> names_in(const std::string& folder) const;

  bool operator==(const Baseline&) const = default;
};

/// Takes baselines of one folder. Digests are kept by identity, so that only the first costs.
class Baselines {
 public:
  explicit Baselines(std::string root) : root_(std::move(root)) {}

  /// The whole folder where it is small (`kEntriesMax`, `kBytesMax`), for cost follows the change
  /// and not the tree; else the paths that the footprint names one by one, and `more`.
  std::shared_ptr<const Baseline> take(const footprint::Footprint* footprint,
                                       const std::set<std::string>& more);

  static constexpr std::size_t kEntriesMax = 4000;
  static constexpr std::int64_t kBytesMax = 64 << 20;

 private:
  using Identity = std::tuple<dev_t, ino_t, std::int64_t, std::int64_t, std::int64_t>;

  bool walk(int folder, const std::string& path, Baseline& into);
  void add(int folder, const std::string& name, const std::string& path, Baseline& into);
  void add_digest(int folder, const std::string& name, Baseline::Entry& entry);

  std::string root_;
  bool is_large_ = false;
  std::int64_t bytes_left_ = 0, now_ns_ = 0;
  std::map<Identity, changes::State> known_;
  std::shared_ptr<const Baseline> last_;
};

}  // namespace interlock::snapshots
