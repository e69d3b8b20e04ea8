#include "runs/quota_wait.h"

#include <algorithm>

#include "base/json.h"
#include "engine/requests.h"

namespace interlock::runs {
namespace {

using namespace std::chrono_literals;

bool stopped_for_quota(const engine::RunState& run) {
  if (run.ended != engine::RunEnded::How::limit_reached) return false;
  return std::ranges::any_of(run.tasks, [](const engine::TaskRecord& task) {
    return task.state == engine::TaskState::waiting && !task.attempts.empty() &&
           task.attempts.back().outcome == engine::Outcome::quota_spent;
  });
}

Duration part_of(Duration whole, double chance) {
  return Duration(static_cast<std::int64_t>(static_cast<double>(whole.count()) * chance));
}

}  // namespace

std::optional<QuotaWait> quota_wait_of(const engine::RunState& run, Time now, std::uint32_t tries,
                                       double chance) {
  constexpr Duration kFirst = 15min;
  constexpr Duration kLongest = 2h;
  constexpr Duration kMostJitter = 30s;
  if (!stopped_for_quota(run)) return std::nullopt;
  // What was said before this dispatcher began is about a reset that has been.
  if (run.quota_resets && *run.quota_resets > now) {
    const Duration left = *run.quota_resets - now;
    return QuotaWait{left + part_of(std::min(left / 20, kMostJitter), chance), true};
  }
  const Duration wait = std::min(kFirst * (std::int64_t{1} << std::min(tries, 3U)), kLongest);
  return QuotaWait{wait + part_of(kMostJitter, chance), false};
}

bool waits_for_quota(journal::Store& store, const ChosenRun& run) {
  std::optional<bool> said = run.state.retuned.waits_for_quota;
  // A store that cannot be asked says nothing new.
  if (const auto open = store.open_requests(run.id())) {
    for (const engine::Request& request : *open) {
      if (request.kind != engine::Request::Kind::retune) continue;
      if (const auto body = parse_json(request.body)) {
        if (const auto now = engine::on_quota_in(*body)) said = now;
      }
    }
  }
  return said.value_or(run.plan().limits.waits_for_quota);
}

}  // namespace interlock::runs
