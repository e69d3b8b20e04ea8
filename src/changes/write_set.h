#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace interlock::changes {

/// What an attempt wrote in the workspace, whatever came of it: opened for writing, created,
/// renamed, truncated or deleted, also where the same bytes are there as before. A changeset says
/// what is different; for what a task may touch, the writing counts. Sorted, each once. Nothing at
/// or below a `.git` is in it.
struct WriteSet {
  bool complete = false;             ///< Every write was seen; else there may be others.
  std::vector<std::string> paths;    ///< There before it or after it.
  std::vector<std::string> passing;  ///< Neither: made and taken away again, or looked for in vain.
  /// Of `paths`: looked at before it was written, or not cut when it was opened for writing. What
  /// is there now may depend on what was there, or on its absence.
  std::vector<std::string> updated = {};

  bool operator==(const WriteSet&) const = default;
};

/// `{"complete", "paths", "passing", "updated"}`, paths as in a read set. Journals of before had no
/// `updated`; then all `paths` are in it.
std::string to_text(const WriteSet& writes);
Result<WriteSet> write_set_from_text(std::string_view text);

}  // namespace interlock::changes
