#include "runs/windows.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <set>

#include "agents/adapter.h"
#include "base/text.h"
#include "quota/windows.h"
#include "runs/chosen_run.h"
#include "runs/learning.h"
#include "runs/login.h"
#include "runs/run_models.h"
#include "runs/window_history.h"

namespace interlock::runs {
namespace {

using quota::kLittleFrom;
using quota::kWarnFrom;

/// The tasks of one provider whose agents use a log-in.
struct Paid {
  std::set<std::string> agents;
  std::optional<Tokens> tokens = 0;  ///< That they will use; nothing where one's is unknown.
};

std::map<std::string, Paid> paid_by_login(const Planned& planned) {
  std::map<std::string, Paid> by_url;
  for (std::size_t i = 0; i < planned.plan.tasks.size(); ++i) {
    const plan::Task& task = planned.plan.tasks[i];
    const plan::Agent& agent = planned.plan.agents[task.agent.index()];
    if (!agent.login) continue;
    const auto provider = agents::provider_through_gateway(agent, task.model);
    if (!provider) continue;
    Paid& paid = by_url[provider->base_url];
    paid.agents.insert("`" + agent.name + "`");
    const auto tokens = tokens_to_come(planned.expected[i]);
    paid.tokens = tokens && paid.tokens ? std::optional(*paid.tokens + *tokens) : std::nullopt;
  }
  return by_url;
}

/// Of all that a window allows; nothing where it is not known.
std::optional<double> share_of(const Paid& paid, const quota::KnownWindow& window) {
  if (!paid.tokens || !window.share_per_token) return std::nullopt;
  return static_cast<double>(*paid.tokens) * *window.share_per_token;
}

double left_of(const quota::KnownWindow& window) { return std::max(0.0, 1 - window.last.used); }

std::string percent(double share) { return fmt::format("{:.0f} %", std::round(share * 100)); }

/// The time of day, after the day where that is another one.
std::string until(Time resets, Time now) {
  const std::string whole = show_time(resets), today = show_time(now);
  const bool is_today = whole.substr(0, 10) == today.substr(0, 10);
  return (is_today ? whole.substr(11, 5) : whole.substr(0, 10) + " " + whole.substr(11, 5)) +
         " UTC";
}

std::string agents_of(const Paid& paid) {
  return join_words(std::vector<std::string>(paid.agents.begin(), paid.agents.end()), 4);
}

std::string sentence(const Paid& paid, const quota::KnownWindow& window, Time now) {
  const double left = left_of(window);
  std::string text = fmt::format("the log-in of {} has used {} of its {}", agents_of(paid),
                                 percent(window.last.used), window.last.name);
  if (window.last.used >= kLittleFrom) text += ", so that little is left";
  const std::string end = until(window.last.resets, now);
  const auto share = share_of(paid, window);
  if (!share)
    return text + fmt::format("; what this takes of the {} left until {} is not known yet",
                              percent(left), end);
  if (*share > left)
    return text + fmt::format("; this takes about {}, and {} are left until {}", percent(*share),
                              percent(left), end);
  return text + fmt::format("; this takes about {} of what is left until {}",
                            percent(left > 0 ? *share / left : 0), end);
}

std::string folder_of(const std::string& state_folder) { return state_folder + "/quotas"; }

std::string file_name(const std::string& base_url) {
  std::string name = place_of(base_url);
  std::ranges::replace(name, '/', '_');
  return name;
}

std::string login_file(const std::string& state_folder, const std::string& run) {
  return run_folder(state_folder, run) + "/login";
}

bool is_login_name(std::string_view text) {
  constexpr std::size_t kDigits = 8;
  return text.size() == kDigits && text.find_first_not_of("0123456789abcdef") == text.npos;
}

using Known = std::vector<quota::KnownWindow>;

/// Of the log-in of which this provider told last.
Known newest_windows(const std::string& state_folder, const std::string& base_url, Time now) {
  namespace fs = std::filesystem;
  constexpr std::string_view kEnd = ".windows";
  const std::string begin = file_name(base_url);
  Known newest;
  fs::file_time_type written = fs::file_time_type::min();
  std::error_code trouble;
  for (fs::directory_iterator it(folder_of(state_folder), trouble), end; !trouble && it != end;
       it.increment(trouble)) {
    const std::string name = it->path().filename().string();
    if (!name.starts_with(begin) || !name.ends_with(kEnd)) continue;
    if (name.size() < begin.size() + kEnd.size()) continue;
    const std::string_view login =
        std::string_view(name).substr(begin.size(), name.size() - begin.size() - kEnd.size());
    if (!login.empty() && !(login.starts_with('-') && is_login_name(login.substr(1)))) continue;
    std::error_code gone;
    const auto at = fs::last_write_time(it->path(), gone);
    Known known = quota::known_windows(it->path().string(), now);
    if (gone || known.empty() || at <= written) continue;
    written = at;
    newest = std::move(known);
  }
  return newest;
}

/// Of the log-in there is here; where there is none, of the newest.
Known windows_from_here(const std::string& state_folder, const std::string& base_url, Time now) {
  const std::string login = login_name(own_environment());
  if (login.empty()) return newest_windows(state_folder, base_url, now);
  return quota::known_windows(windows_file(state_folder, base_url, login), now);
}

}  // namespace

std::string windows_file(const std::string& state_folder, const std::string& base_url,
                         const std::string& login) {
  return fmt::format("{}/{}{}{}.windows", folder_of(state_folder), file_name(base_url),
                     login.empty() ? "" : "-", login);
}

Result<void> keep_login(const std::string& state_folder, const std::string& run,
                        const std::string& login) {
  const std::string file = login_file(state_folder, run), half = file + ".new";
  std::error_code trouble;
  std::filesystem::create_directories(run_folder(state_folder, run), trouble);
  std::ofstream(half) << login << "\n" << std::flush;
  std::filesystem::rename(half, file, trouble);
  if (trouble || kept_login(state_folder, run) != login)
    return fail(Error::Kind::io,
                fmt::format("cannot write `{}`: {}", printable(file), trouble.message()));
  return {};
}

std::optional<std::string> kept_login(const std::string& state_folder, const std::string& run) {
  std::ifstream file(login_file(state_folder, run));
  std::string login;
  file >> login;
  return is_login_name(login) ? std::optional(login) : std::nullopt;
}

std::string warning_of(const metering::Window& window, Time now) {
  return fmt::format("the log-in has used {} of its {}{}; it is reset at {}", percent(window.used),
                     window.name, window.used >= kLittleFrom ? ", so that little is left" : "",
                     until(window.resets, now));
}

void note_windows(Planned& planned, const std::string& state_folder, Time now) {
  for (const auto& [url, paid] : paid_by_login(planned)) {
    planned.plan.notes.push_back(
        fmt::format("{} {} paid by the person's log-in at {}", agents_of(paid),
                    paid.agents.size() == 1 ? "is" : "are", place_of(url)));
    for (const auto& window : windows_from_here(state_folder, url, now)) {
      const bool is_tight = share_of(paid, window).value_or(0) > left_of(window);
      const bool warns = window.last.used >= kWarnFrom || is_tight;
      auto& said = warns ? planned.decision.warnings : planned.plan.notes;
      said.push_back(sentence(paid, window, now));
      if (warns) planned.window_warnings.push_back(said.back());
    }
  }
}

Result<void> check_windows(const Planned& planned, const std::string& state_folder, Time now) {
  if (planned.plan.limits.waits_for_quota) return {};
  const std::string login = login_name(own_environment());
  for (const auto& [url, paid] : paid_by_login(planned)) {
    for (const auto& window : quota::known_windows(windows_file(state_folder, url, login), now)) {
      const auto share = share_of(paid, window);
      if (!share || *share <= left_of(window)) continue;
      return fail(Error::Kind::refused, sentence(paid, window, now),
                  fmt::format("start it after {}, or write `limits: {{on_quota: wait}}`: it then "
                              "sleeps until there is more",
                              until(window.last.resets, now)));
    }
  }
  return {};
}

namespace {

/// By the URL of the provider, the names of the run's agents that use a log-in there.
std::map<std::string, std::set<std::string>> agents_by_login(const plan::Plan& plan) {
  std::map<std::string, std::set<std::string>> agents;
  for (const plan::Task& task : plan.tasks) {
    if (task.agent.index() >= plan.agents.size()) continue;
    const plan::Agent& agent = plan.agents[task.agent.index()];
    if (!agent.login) continue;
    if (const auto provider = agents::provider_through_gateway(agent, task.model))
      agents[provider->base_url].insert(agent.name);
  }
  return agents;
}

}  // namespace

std::vector<WindowHistory> window_histories(const ChosenRun& run, const std::string& state_folder,
                                            Time now) {
  std::vector<WindowHistory> histories;
  const auto login = kept_login(state_folder, run.id());
  for (const auto& [url, names] : agents_by_login(run.plan())) {
    const Known all = login ? quota::windows_in(windows_file(state_folder, url, *login))
                            : windows_from_here(state_folder, url, now);
    for (const auto& known : all)
      histories.push_back({{names.begin(), names.end()}, known.last.name, known.levels});
  }
  return histories;
}

std::vector<LoginWindow> login_windows(const ChosenRun& run, const std::string& state_folder,
                                       Time now) {
  const auto agents = agents_by_login(run.plan());
  std::vector<LoginWindow> windows;
  if (agents.empty()) return windows;
  const auto login = kept_login(state_folder, run.id());
  for (const auto& [url, names] : agents) {
    const Known all = login ? quota::known_windows(windows_file(state_folder, url, *login), now)
                            : windows_from_here(state_folder, url, now);
    for (const auto& known : all) {
      windows.push_back({place_of(url),
                         login.value_or(""),
                         {names.begin(), names.end()},
                         known.last.name,
                         known.last.used,
                         known.last.resets,
                         known.seen});
    }
  }
  return windows;
}

std::string window_text(const LoginWindow& window, Time now) {
  return fmt::format("log-in of {}: {} of its {} used, until {}", join_words(window.agents),
                     percent(window.used), window.name, until(window.resets, now));
}

}  // namespace interlock::runs
