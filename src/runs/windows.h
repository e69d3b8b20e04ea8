#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "base/units.h"
#include "metering/windows.h"
#include "runs/planning.h"

// What a person's subscription has left, held against what a plan takes (docs/quotas.md).
namespace interlock::runs {

/// Where the windows of a provider are kept that is asked at this URL, of the log-in a person has
/// now: another one has windows of its own.
std::string windows_file(const std::string& state_folder, const std::string& base_url);

/// What people hear while a run goes on, of a window that is nearly used up.
std::string warning_of(const metering::Window& window, Time now);

/// Says who pays for agents that use a log-in, and how much of its windows is used, until when, and
/// about how much the plan takes of what is left. From three quarters on it is a warning.
void note_windows(Planned& planned, const std::string& state_folder, Time now);

/// Refused: the plan takes more than is left of a window, and does not say `on_quota: wait`.
/// What is not known is never a reason.
Result<void> check_windows(const Planned& planned, const std::string& state_folder, Time now);

/// A window of a log-in that agents of a plan use, as it was seen last.
struct LoginWindow {
  std::string provider;             ///< `api.anthropic.com`.
  std::vector<std::string> agents;  ///< By name, in order.
  std::string name;                 ///< `5h`, `7d`.
  double used = 0;                  ///< Part of it.
  Time resets{}, seen{};
};
std::vector<LoginWindow> login_windows(const plan::Plan& plan, const std::string& state_folder,
                                       Time now);

}  // namespace interlock::runs
