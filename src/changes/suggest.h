#pragma once

#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "changes/read_set.h"
#include "changes/write_set.h"

namespace interlock::changes {

/// Patterns for a plan that match all these paths and, where there are many, not much more: a path
/// alone stands for itself; many in one folder become `folder/*.ext` or `folder/*`; where there are
/// still more than `most`, whole folders (`folder/**`), the deepest first. Sorted.
std::vector<std::string> patterns_for(const std::vector<std::string>& paths, std::size_t most = 12);

/// What one attempt at a task showed of the files it touches.
struct Observation {
  std::string run;
  ReadSet reads;
  WriteSet writes;
  std::vector<std::string> denied_reads, denied_writes;  ///< What it was kept from.

  /// Nothing can have escaped: only then are paths that are not in it proven untouched.
  bool is_whole() const { return reads.from == ReadsFrom::observed && writes.complete; }
};

/// What all attempts together touched.
struct Touched {
  std::set<std::string> reads;  ///< `folder/*` (or `*`): its names were listed.
  std::set<std::string> writes;
  std::uint32_t runs = 0;  ///< So many runs showed all that the task touched in them.
  bool is_any = false;     ///< Something was seen at all.
};

/// Everything any attempt touched: one run alone may not have come by every branch of a task.
/// That something is there or is not counts as read. Folders on the way to a path are left out, as
/// in a plan they would stand for all below them. So are files that came and went under a name that
/// was made up (`sedX3b9Qz`), where no other run used it too.
Touched touched_in(std::span<const Observation> observations);

}  // namespace interlock::changes
