#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <tuple>
#include <vector>

#include "engine/job.h"
#include "engine/job_queue.h"
#include "workspace/stack.h"

// Trees as lists of entries and contents, on their way to another machine and back.
namespace interlock::snapshots {

/// What is more than this does not travel, and its attempt stays where it is.
inline constexpr std::size_t kJobEntriesMax = 50'000;
inline constexpr std::int64_t kJobBytesMax = std::int64_t{512} << 20;

/// Remembers digests by what `lstat` says of a file, so that only the first look at it reads it.
class KnownDigests {
 public:
  Result<changes::State> state_at(const std::string& place, const struct stat& status);

 private:
  using Identity = std::tuple<dev_t, ino_t, std::int64_t, std::int64_t, std::int64_t>;
  std::map<Identity, changes::State> known_;
};

/// Entries, and where the bytes of each are.
struct ListedTree {
  std::vector<engine::JobEntry> entries;
  std::map<Digest, std::string> places;   ///< Of files.
  std::map<Digest, std::string> targets;  ///< Of links.
  std::int64_t bytes = 0;
};

/// All of a tree but version control data, sockets, pipes and devices.
Result<ListedTree> list_tree(const workspace::Stack& tree, KnownDigests& known);
/// Puts there what is missing of it. An error where a file has changed since it was listed.
Result<void> send(const ListedTree& tree, engine::JobFiles& files);

/// Makes `folder`, which holds what `before` says, hold what `now` says.
Result<void> make_tree(const std::string& folder, const std::vector<engine::JobEntry>& before,
                       const std::vector<engine::JobEntry>& now, engine::JobFiles& files);

}  // namespace interlock::snapshots
