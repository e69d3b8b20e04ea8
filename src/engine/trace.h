#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/digest.h"
#include "base/result.h"
#include "changes/changeset.h"
#include "changes/read_set.h"
#include "changes/write_set.h"
#include "engine/event.h"
#include "engine/sandbox.h"
#include "plan/plan.h"

namespace interlock::engine {

/// What an attempt whose reads were observed found, and what it left. Where both are the same
/// again, running it again would change nothing: its result can be reused although nobody declared
/// what it reads. (A verifying trace, as A. Mokhov et al. call it: Build Systems a la Carte, 2018.)
struct Trace {
  changes::ReadSet reads;           ///< Without what it wrote anew itself.
  std::vector<Digest> found;        ///< Of each of these, as `Workspace::states` tells them.
  std::vector<std::string> left;    ///< What it wrote, also with the same bytes; sorted.
  std::vector<Digest> left_states;  ///< Of each, its content and then its presence.

  bool operator==(const Trace&) const = default;
};

/// `{"reads", "found", "left", "left_states"}`: a read set, paths as in it, digests as hex.
std::string to_text(const Trace& trace);
Result<Trace> trace_from_text(std::string_view text);

/// Those of changed paths, for `Workspace::states`.
changes::ReadSet states_of(const std::vector<std::string>& left);

/// What of the reads is to be found again: not what the attempt wrote anew, whatever was there.
changes::ReadSet reads_to_find_again(const changes::ReadSet& reads, const changes::Changeset& own);

/// Why what an attempt did proves nothing for the next time, in words that begin with `it`; empty:
/// it can be compared. Who adds to a file, changes what it looked at or deletes something may do
/// another thing the second time; who asks the repository asks what no snapshot holds still.
std::string why_not_comparable(const plan::Task& task, const changes::ReadSet& reads,
                               const changes::WriteSet& writes, const changes::Changeset& own,
                               bool read_repository);
/// More paths than this are not compared: it would cost more than many a task.
inline constexpr std::size_t kTracedMax = 4096;

/// Whether it opened anything at or below a `.git` to read it.
bool opened_repository(const Observed& observed);

/// The first state that differs, in words (`` `a.c`, which it had read, ``); empty: none does.
std::string first_difference(const std::vector<CacheKeyPart>& now,
                             const std::vector<Digest>& before);

}  // namespace interlock::engine
