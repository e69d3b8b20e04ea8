#pragma once

#include <optional>
#include <string>
#include <vector>

#include "decide/decision.h"
#include "history/sample.h"

namespace interlock::decide {

/// What became of a task in a run that is over.
struct Lived {
  struct Attempt {
    Time began{}, ended{};
    Duration waited{};    ///< Of that: for quotas and prompt caches, in the gateway.
    bool counts = false;  ///< It succeeded, or it is the one after which the task failed for good.
    Duration pause{};     ///< The back-off behind it; of those that do not count.
  };
  std::vector<Attempt> attempts;  ///< Those that were charged to it; none: it did not run.
  std::optional<Tokens> tokens, output_tokens;  ///< Of the attempt that counts; of the whole of it.
  std::optional<MicroUsd> cost;
  std::uint32_t requests = 0;  ///< Model calls of it; 0: not known.
};

/// A run seen with the times its tasks really took.
struct Hindsight {
  struct Way {
    std::string name;  ///< `sequential`, `queue(3)`, `parallel`
    std::uint32_t n = 1;
    Duration elapsed{};
  };
  std::vector<Way> ways;  ///< One by one, queues of growing width, all at once.
  std::size_t decided = 0,
              best = 0;         ///< Of `ways`. The best is the decided one where none is faster.
  bool slowed_unknown = false;  ///< Whether what ran at once slowed each other was never measured.
};

/// Plays the plan again by the scheduler that ran it, in virtual time: each attempt takes what it
/// took, less what it waited for quotas, which hold anew in each way, and less what the plan says
/// (or history knows) that others slowed it; people answer at once. Tasks that did not run take
/// nothing. The order of starts is that of the decision.
///
/// What tasks in views would have met in another order is not known, and not played.
Hindsight look_back(const plan::Plan& plan, const footprint::Interlocking& waits,
                    const Decision& decision, const std::vector<Lived>& lived);

/// `queue(2) would have taken 50 s, 17 % less`, `nothing would have been faster than parallel`.
std::string say_regret(const history::Regret& regret);

}  // namespace interlock::decide
