#include "runs/windows.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <set>

#include "agents/adapter.h"
#include "base/text.h"
#include "quota/windows.h"
#include "runs/learning.h"
#include "runs/login.h"
#include "runs/run_models.h"

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

}  // namespace

std::string windows_file(const std::string& state_folder, const std::string& base_url) {
  std::string name = place_of(base_url);
  std::ranges::replace(name, '/', '_');
  const std::string login = login_name(own_environment());
  return fmt::format("{}/quotas/{}{}{}.windows", state_folder, name, login.empty() ? "" : "-",
                     login);
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
    for (const auto& window : quota::known_windows(windows_file(state_folder, url), now)) {
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
  for (const auto& [url, paid] : paid_by_login(planned)) {
    for (const auto& window : quota::known_windows(windows_file(state_folder, url), now)) {
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

std::vector<LoginWindow> login_windows(const plan::Plan& plan, const std::string& state_folder,
                                       Time now) {
  std::map<std::string, std::set<std::string>> agents;
  for (const plan::Task& task : plan.tasks) {
    if (task.agent.index() >= plan.agents.size()) continue;
    const plan::Agent& agent = plan.agents[task.agent.index()];
    if (!agent.login) continue;
    if (const auto provider = agents::provider_through_gateway(agent, task.model))
      agents[provider->base_url].insert(agent.name);
  }
  std::vector<LoginWindow> windows;
  for (const auto& [url, names] : agents) {
    for (const auto& known : quota::known_windows(windows_file(state_folder, url), now)) {
      windows.push_back({place_of(url),
                         {names.begin(), names.end()},
                         known.last.name,
                         known.last.used,
                         known.last.resets,
                         known.seen});
    }
  }
  return windows;
}

}  // namespace interlock::runs
