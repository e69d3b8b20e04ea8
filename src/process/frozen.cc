#include "process/frozen.h"

#include <signal.h>

#include <map>
#include <utility>

namespace interlock::process {
namespace {

/// More looks than any honest tree needs; who forks faster than we look is met by the next call.
constexpr int kLooksMax = 100;

}  // namespace

std::vector<ProcessStat> end_all(const std::function<std::vector<ProcessStat>()>& look) {
  std::map<std::pair<pid_t, std::int64_t>, ProcessStat> stopped;
  for (int looks = 0; looks < kLooksMax; ++looks) {
    bool any_new = false;
    for (const ProcessStat& one : look()) {
      if (stopped.contains({one.pid, one.start_ticks})) continue;
      if (!send_signal(one, SIGSTOP)) continue;  // Another user's.
      stopped.emplace(std::pair{one.pid, one.start_ticks}, one);
      any_new = true;
    }
    if (!any_new) break;
  }
  std::vector<ProcessStat> killed;
  for (const auto& [key, one] : stopped) {
    if (send_signal(one, SIGKILL)) killed.push_back(one);
  }
  return killed;
}

}  // namespace interlock::process
