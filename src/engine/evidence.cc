#include "engine/evidence.h"

#include <fmt/format.h>

namespace interlock::engine {

std::optional<Trace> trace_of(const Turn& turn, const WaitingChanges& waiting,
                              const WaitingNotes& notes) {
  const footprint::Footprint& footprint = turn.task(waiting.name.task).footprint;
  const bool names_all = !footprint.unknown && first_undeclared(footprint, waiting.reads).empty() &&
                         undeclared_folder(footprint, waiting.own).empty() && notes.missed.empty();
  if (names_all || waiting.failure || !waiting.merged.empty() || !notes.not_comparable.empty())
    return std::nullopt;
  Trace trace;
  trace.reads = reads_to_find_again(waiting.reads, waiting.own);
  // Before the commit: of what it read, it may have changed some itself.
  const auto found = turn.ports.workspace.states(trace.reads);
  // What cannot be looked at now cannot be compared later.
  if (!found) return std::nullopt;
  for (const CacheKeyPart& one : *found) trace.found.push_back(one.digest);
  return trace;
}

Evidence evidence_of(Turn& turn, const WaitingChanges& waiting, const WaitingNotes& notes,
                     std::optional<Trace> trace) {
  const plan::Task& it = turn.task(waiting.name.task);
  // Each is a reason of its own; the first of them is what people are told.
  const std::string beyond = first_undeclared(it.footprint, waiting.reads);
  const std::string folder = undeclared_folder(it.footprint, waiting.own);
  const bool names_all = beyond.empty() && folder.empty() && notes.missed.empty();
  if (!it.footprint.unknown && names_all) return {};
  if (trace) {
    // Each change is something it wrote, and what it wrote as it was may have come to differ since.
    trace->left = notes.wrote;
    if (const auto left = turn.ports.workspace.states(states_of(trace->left))) {
      for (const CacheKeyPart& one : *left) trace->left_states.push_back(one.digest);
      Blob blob{{}, to_text(*trace)};
      blob.digest = digest_of(blob.bytes);
      const Digest digest = blob.digest;
      // A blob, for it may be large, and is read only where the key is equal.
      turn.batch.keep(std::move(blob));
      return {digest, {}};
    }
  }
  // Before the others: it is what people can do something about.
  if (!beyond.empty()) return {{}, undeclared_read(beyond, turn.setup.run)};
  const std::string why =
      !notes.not_comparable.empty() ? notes.not_comparable
      : !waiting.merged.empty()     ? "it was merged with others' changes"
      : !folder.empty()
          ? fmt::format("it left the empty folder `{}`, which its `writes` do not name", folder)
      : !notes.missed.empty()
          ? fmt::format("it missed the folder `{}`, which its `reads` do not name", notes.missed)
          : "what it read cannot be read back";
  return {{}, incomparable(why, turn.setup.run)};
}

}  // namespace interlock::engine
