#include "engine/ledger.h"

#include "engine/notices.h"

namespace interlock::engine {

Ledger::Ledger(const plan::Plan& plan, RunState run, Journal& journal)
    : plan_(plan), run_(std::move(run)), journal_(journal) {}

void Ledger::record(Fact fact) {
  Event event{run_.seq + 1, now_, std::move(fact)};
  apply(run_, event);
  if (auto notice = notice_of(plan_, run_, event)) untold_.push_back(std::move(*notice));
  batch_.push_back(std::move(event));
}

Result<void> Ledger::commit() {
  if (batch_.empty()) return {};
  if (auto done = journal_.append(batch_, blobs_, results_); !done) return done;
  batch_.clear();
  blobs_.clear();
  results_.clear();
  told_.insert(told_.end(), std::make_move_iterator(untold_.begin()),
               std::make_move_iterator(untold_.end()));
  untold_.clear();
  return {};
}

Result<std::string> Ledger::blob(const Digest& digest) {
  for (const Blob& one : blobs_) {
    if (one.digest == digest) return one.bytes;
  }
  return journal_.blob(digest);
}

Duration elapsed_of(const RunState& run, Time now) {
  return run.active + (run.spell_began ? std::max(Duration{}, now - *run.spell_began) : Duration{});
}

}  // namespace interlock::engine
