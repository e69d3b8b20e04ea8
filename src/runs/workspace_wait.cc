#include "runs/workspace_wait.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "process/blocked_signals.h"
#include "process/clock.h"
#include "runs/learning.h"

namespace interlock::runs {

Result<std::optional<journal::RunLock>> wait_for_workspace(
    const std::string& state_folder, const std::string& workspace, const std::string& plan,
    std::optional<Duration> most, const std::function<void(const std::string&)>& say) {
  // The kernel wakes nobody who does not stand in its own queue, where a signal with a handler
  // alone would get us out.
  constexpr Duration kLook = std::chrono::milliseconds(100);
  const process::BlockedSignals blocked;
  process::SystemClock clock;
  const Time began = clock.now();
  std::string waits_for;
  for (;;) {
    auto held = journal::lock_workspace(state_folder, workspace,
                                        {{}, plan, ::getpid(), host_name(), clock.now()});
    if (held) return std::optional(std::move(*held));
    if (held.error().kind != Error::Kind::refused) return std::unexpected(held.error());
    const Duration waited = clock.now() - began;
    if (most && waited >= *most)
      return fail(
          Error::Kind::refused,
          fmt::format("{}, and was waited for {}", held.error().message, show_duration(*most)),
          held.error().hint);
    if (held.error().message != waits_for) {
      waits_for = held.error().message;
      say(waits_for);
    }
    if (!process::sleep_unless_asked_to_end(most ? std::min(kLook, *most - waited) : kLook))
      return std::optional<journal::RunLock>();
  }
}

}  // namespace interlock::runs
