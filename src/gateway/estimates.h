#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/id.h"
#include "base/units.h"

namespace interlock::gateway {

/// What calls are expected to use, from what calls like them used.
class Estimates {
 public:
  static constexpr Tokens kOutputPrior = 800;
  static constexpr double kRatioPrior = 0.25;  ///< A token is about four bytes of a body.

  /// Nine in ten outputs of the same task and model were not longer; of the same model, where the
  /// task had none. Never above `most`.
  Tokens output(TaskId task, std::string_view model, std::optional<Tokens> most) const;
  void learn_output(TaskId task, std::string_view model, Tokens output);
  /// Of a call of an earlier run.
  void learn_past_output(std::string_view model, Tokens output);

  /// Tokens per byte of a request's body.
  double ratio(std::string_view model) const;
  void learn_ratio(std::string_view model, std::size_t bytes, Tokens input);

 private:
  static constexpr std::size_t kRemembered = 64;
  using Outputs = std::deque<Tokens>;
  static void remember(Outputs& outputs, Tokens output);
  static Tokens high(const Outputs& outputs);

  std::map<std::pair<TaskId, std::string>, Outputs> by_task_;
  std::map<std::string, Outputs, std::less<>> by_model_;
  std::map<std::string, double, std::less<>> ratios_;
};

}  // namespace interlock::gateway
