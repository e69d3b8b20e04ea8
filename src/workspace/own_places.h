#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "workspace/descriptor.h"

// Folders of attempts whose paths are short: below them there have to be Unix sockets, whose paths
// hold 107 bytes.
namespace interlock::workspace {

/// The TMPDIR of an attempt, `tmp` in its folder, is shorter than this wherever the state folder
/// lies.
inline constexpr std::size_t kTemporaryBytesMax = 60;

/// Where the folders of a run's attempts may lie: below the state folder, or where that would be
/// too long, below `user_place`.
std::vector<std::string> attempt_places(const std::string& state, const std::string& run);

/// A folder of this user alone, `/tmp/interlock-<uid>`, made when it is not there. False where
/// somebody else has taken the name.
bool make_user_place();

/// Empty folders in a folder of this user's at which attempts with mounts of their own find theirs,
/// the same for all runs of this user. Who holds it has them there: they are removed by the last
/// that lets go, under a lock, for in the mounts of whoever still runs they would vanish with it.
class SharedPlace {
 public:
  /// `above`: empty for the user's place. Nothing where the folders cannot be had.
  static std::optional<SharedPlace> hold(const std::vector<std::string>& names,
                                         std::string above = {});
  SharedPlace(SharedPlace&& other) noexcept = default;
  SharedPlace& operator=(SharedPlace&&) = delete;
  ~SharedPlace();

  /// `own` in the folder above; the names are below it.
  std::string path() const { return above_ + "/own"; }

 private:
  SharedPlace(Descriptor lock, std::string above, std::vector<std::string> names)
      : lock_(std::move(lock)), above_(std::move(above)), names_(std::move(names)) {}

  Descriptor lock_;  ///< On the folder above, shared.
  std::string above_;
  std::vector<std::string> names_;
};

}  // namespace interlock::workspace
