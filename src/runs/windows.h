#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/units.h"
#include "metering/windows.h"
#include "runs/planning.h"

// What a person's subscription has left, held against what a plan takes (docs/quotas.md).
namespace interlock::runs {

struct ChosenRun;

/// Where the windows of a provider are kept that is asked at this URL, of one log-in (as
/// `login_name` has it): another one has windows of its own.
std::string windows_file(const std::string& state_folder, const std::string& base_url,
                         const std::string& login);

/// Keeps with a run which log-in it uses, so that whoever looks at it finds the windows of that
/// one, whatever log-in they have themselves. It says nothing of the log-in.
Result<void> keep_login(const std::string& state_folder, const std::string& run,
                        const std::string& login);
/// Nothing where the run uses none, or was dispatched by a version that did not keep it.
std::optional<std::string> kept_login(const std::string& state_folder, const std::string& run);

/// What people hear while a run goes on, of a window that is nearly used up.
std::string warning_of(const metering::Window& window, Time now);

/// Says who pays for agents that use a log-in, and how much of its windows is used, until when, and
/// about how much the plan takes of what is left. From three quarters on it is a warning.
void note_windows(Planned& planned, const std::string& state_folder, Time now);

/// Refused: the plan takes more than is left of a window, and does not say `on_quota: wait`.
/// What is not known is never a reason.
Result<void> check_windows(const Planned& planned, const std::string& state_folder, Time now);

/// A window of the log-in that agents of a run use, as it was seen last.
struct LoginWindow {
  std::string provider;             ///< `api.anthropic.com`.
  std::string login;                ///< As it was kept with the run; empty: it was not.
  std::vector<std::string> agents;  ///< By name, in order.
  std::string name;                 ///< `5h`, `7d`.
  double used = 0;                  ///< Part of it.
  Time resets{}, seen{};
};
/// Of the log-in that was kept with the run; else as `plan` sees them from here: of the log-in
/// there is, else of that of which the provider told last.
std::vector<LoginWindow> login_windows(const ChosenRun& run, const std::string& state_folder,
                                       Time now);
/// One sentence each, for people.
std::string window_text(const LoginWindow& window, Time now);

}  // namespace interlock::runs
