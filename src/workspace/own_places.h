#pragma once

#include <string>
#include <vector>

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

}  // namespace interlock::workspace
