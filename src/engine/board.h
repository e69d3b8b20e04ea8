#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "engine/gateway.h"
#include "engine/live_attempts.h"
#include "engine/turn.h"

namespace interlock::engine {

/// The board, as attempts use it: what they post and what they are shown becomes events, and they
/// are answered once these are durable.
class Board {
 public:
  Board(Turn& turn, const LiveAttempts& live) : turn_(turn), live_(live) {}

  void take();
  /// The events of what was taken are durable.
  void answer();

 private:
  BoardAnswer answer_to(BoardCall& call);
  BoardAnswer post(BoardCall& call);
  BoardAnswer read(const BoardCall& call, std::uint32_t topic);
  BoardAnswer read_again(const BoardCall& call, const RecordedReads& recorded);
  const RecordedReads* recorded_of(const BoardCall& call) const;
  void note(const BoardRead& event);

  Turn& turn_;
  const LiveAttempts& live_;
  std::vector<std::pair<std::uint64_t, BoardAnswer>> answers_;
  /// Of attempts that are replayed, by topic: how often they have looked.
  std::map<std::pair<AttemptName, std::string>, std::size_t> looks_;
};

}  // namespace interlock::engine
