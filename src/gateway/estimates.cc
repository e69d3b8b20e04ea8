#include "gateway/estimates.h"

#include <algorithm>
#include <vector>

namespace interlock::gateway {

Tokens Estimates::output(TaskId task, std::string_view model, std::optional<Tokens> most) const {
  Tokens expected = kOutputPrior;
  if (const auto own = by_task_.find({task, std::string(model)}); own != by_task_.end()) {
    expected = high(own->second);
  } else if (const auto all = by_model_.find(model); all != by_model_.end()) {
    expected = high(all->second);
  }
  return most ? std::min(expected, *most) : expected;
}

void Estimates::learn_output(TaskId task, std::string_view model, Tokens output) {
  remember(by_task_[{task, std::string(model)}], output);
  remember(by_model_[std::string(model)], output);
}

void Estimates::learn_past_output(std::string_view model, Tokens output) {
  remember(by_model_[std::string(model)], output);
}

double Estimates::ratio(std::string_view model) const {
  const auto found = ratios_.find(model);
  return found == ratios_.end() ? kRatioPrior : found->second;
}

void Estimates::learn_ratio(std::string_view model, std::size_t bytes, Tokens input) {
  if (bytes == 0 || input <= 0) return;
  const double seen = static_cast<double>(input) / static_cast<double>(bytes);
  const auto [found, is_first] = ratios_.try_emplace(std::string(model), seen);
  if (!is_first) found->second += 0.2 * (seen - found->second);
}

void Estimates::remember(Outputs& outputs, Tokens output) {
  outputs.push_back(output);
  if (outputs.size() > kRemembered) outputs.pop_front();
}

Tokens Estimates::high(const Outputs& outputs) {
  std::vector<Tokens> sorted(outputs.begin(), outputs.end());
  // The smallest that at least nine in ten do not pass.
  const std::size_t rank = (sorted.size() * 9 + 9) / 10 - 1;
  std::ranges::nth_element(sorted, sorted.begin() + static_cast<std::ptrdiff_t>(rank));
  return sorted[rank];
}

}  // namespace interlock::gateway
