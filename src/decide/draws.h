#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "decide/decision.h"
#include "schedule/world.h"

namespace interlock::decide {

/// Where tasks may meet, each width differs from the next by little, and by luck of few.
inline constexpr std::size_t kMostDraws = 128, kFewerDraws = 32;

/// The worlds a plan may meet: how long each task and each person takes, which attempts fail, which
/// tasks that are not kept apart do meet. Drawn from what is known, so that every pattern and every
/// width is judged by the same luck. Same plan and history, same worlds.
///
/// A task's time is its estimate times a lognormal factor with the spread of its history, else of
/// two either way; so is a person's. Worlds come in pairs of opposite luck.
class Draws {
 public:
  /// `most`: no more worlds than that, for who plays many plans.
  Draws(const plan::Plan& plan, const std::vector<Expected>& expected,
        const std::vector<Risk>& risks, std::size_t most = kMostDraws);

  /// The world as it is expected: estimates come true, and what is more likely to meet than not
  /// does.
  const schedule::World& expected() const { return expected_; }
  const std::vector<schedule::World>& worlds() const { return worlds_; }

 private:
  schedule::World expected_;
  std::vector<schedule::World> worlds_;
};

/// How many worlds a plan of that size is judged by: fewer where each takes longer, none where one
/// would take too long; more where tasks may meet that are not kept apart.
std::size_t draws_for(std::size_t tasks, bool may_meet = false);

}  // namespace interlock::decide
