#include "runs/plan_checks.h"
#include "plan/escalation.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

#include "agents/adapter.h"
#include "base/text.h"
#include "runs/login.h"
#include "workspace/local_files.h"

namespace interlock::runs {

namespace {

namespace fs = std::filesystem;

/// Beyond this many different patterns a plan is not held against the workspace: it would take too
/// long.
constexpr std::size_t kPatternsMax = 500;

/// The plan's word with the first part that is not there replaced by what is, if anything is near.
std::string nearest_path(const std::string& workspace, const std::string& pattern) {
  fs::path so_far = workspace;
  std::string found;
  std::error_code trouble;
  for (std::size_t at = 0; at < pattern.size();) {
    const std::size_t end = std::min(pattern.find('/', at), pattern.size());
    const std::string part = pattern.substr(at, end - at);
    if (part.find_first_of("*?[{\\") != part.npos) return {};
    if (!fs::exists(fs::symlink_status(so_far / part, trouble))) {
      std::vector<std::string> names;
      for (const auto& entry : fs::directory_iterator(so_far, trouble))
        names.push_back(entry.path().filename().string());
      std::ranges::sort(names);
      const auto near = nearest_word(part, names);
      return near ? found + *near + pattern.substr(end) : std::string();
    }
    so_far /= part;
    found += part + "/";
    at = end + 1;
  }
  return {};
}

bool is_there(const plan::Plan& plan, const footprint::Glob& glob) {
  struct stat status{};
  if (glob.is_literal() && ::lstat((plan.workspace + "/" + glob.text()).c_str(), &status) == 0)
    return true;
  footprint::PatternSet set;
  set.include.push_back(glob);
  workspace::LocalFiles files;
  const auto matching = files.matching(plan.workspace, set);
  return !matching || !matching->empty();  // What cannot be looked at is not said to be missing.
}

/// What the tasks of a plan write, by literal prefix: two patterns meet only where the prefix of
/// one begins with that of the other.
class Written {
 public:
  explicit Written(const plan::Plan& plan) {
    for (const plan::Task& task : plan.tasks) {
      is_anything_ |= task.footprint.unknown;
      for (const footprint::Glob& glob : task.footprint.writes.include)
        by_prefix_.emplace_back(glob.literal_prefix(), &task.footprint.writes);
    }
    std::ranges::sort(by_prefix_);
  }

  /// Whether any task writes something it would match.
  bool meets(const footprint::Glob& glob) const {
    if (is_anything_) return true;
    footprint::PatternSet reads;
    reads.include.push_back(glob);
    const auto overlaps = [&](const Entry& entry) {
      return footprint::overlaps(*entry.second, reads);
    };
    const std::string_view prefix = reads.include.front().literal_prefix();
    for (std::size_t length = 0; length < prefix.size(); ++length) {
      const auto above =
          std::ranges::equal_range(by_prefix_, prefix.substr(0, length), {}, &Entry::first);
      if (std::ranges::any_of(above, overlaps)) return true;
    }
    auto at = std::ranges::lower_bound(by_prefix_, prefix, {}, &Entry::first);
    for (; at != by_prefix_.end() && at->first.starts_with(prefix); ++at) {
      if (overlaps(*at)) return true;
    }
    return false;
  }

 private:
  using Entry = std::pair<std::string_view, const footprint::PatternSet*>;
  std::vector<Entry> by_prefix_;
  bool is_anything_ = false;
};

/// The PATH a task's program is looked for in.
std::string path_for(const plan::Task& task, const Environment& environment) {
  if (const auto own = task.environment.find("PATH"); own != task.environment.end())
    return own->second;
  const auto found = environment.find("PATH");
  return found != environment.end() ? found->second : "/usr/local/bin:/usr/bin:/bin";
}

bool is_program(const std::string& path) {
  struct stat status{};
  return ::stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode) &&
         ::access(path.c_str(), X_OK) == 0;
}

bool is_installed(const std::string& program, const std::string& workspace,
                  const std::string& path) {
  if (program.contains('/'))
    return is_program(program.starts_with('/') ? program : workspace + "/" + program);
  for (std::size_t at = 0; at <= path.size();) {
    const std::size_t end = std::min(path.find(':', at), path.size());
    const std::string folder = path.substr(at, end - at);
    if (is_program((folder.empty() ? workspace : folder) + "/" + program)) return true;
    at = end + 1;
  }
  return false;
}

}  // namespace

std::vector<std::string> unmatched_reads(const plan::Plan& plan) {
  std::vector<std::string> lines;
  std::map<std::string, bool> known;
  const Written written(plan);
  for (const plan::Task& task : plan.tasks) {
    for (const footprint::Glob& glob : task.footprint.reads.include) {
      if (known.size() >= kPatternsMax) return lines;
      const auto [entry, is_new] = known.try_emplace(glob.text(), true);
      if (!is_new) continue;
      entry->second = is_there(plan, glob) || written.meets(glob);
      if (entry->second) continue;
      const std::string near = nearest_path(plan.workspace, glob.text());
      lines.push_back(
          fmt::format("`reads` of `{}`: nothing in the workspace matches `{}`{}", task.id,
                      printable(glob.text()),
                      near.empty() ? "" : fmt::format("; did you mean `{}`?", printable(near))));
    }
  }
  return lines;
}

Result<void> check_programs(const plan::Plan& plan, const Environment& environment) {
  if (plan::any_escalates(plan)) return check_programs(plan::with_retries(plan), environment);
  for (const plan::Task& task : plan.tasks) {
    const plan::Agent& agent = plan.agents[task.agent.index()];
    const agents::Adapter* adapter = agents::adapter_for(agent);
    if (adapter == nullptr || agent.kind == plan::AgentKind::chat ||
        agent.kind == plan::AgentKind::command)
      continue;
    const std::string program =
        agent.binary.empty() ? std::string(adapter->program()) : agent.binary;
    if (is_installed(program, plan.workspace, path_for(task, environment))) continue;
    return fail(Error::Kind::invalid,
                fmt::format("agent `{}` needs the program `{}`, which is not {}", agent.name,
                            printable(program), program.contains('/') ? "there" : "in PATH"),
                "install it, or say with `bin` where it is; `interlock agents` lists the clients "
                "that are here");
  }
  return {};
}

std::vector<std::string> absent_commands(const plan::Plan& plan, const Environment& environment) {
  std::vector<std::string> lines;
  std::set<std::string> looked_for;
  const auto look_for = [&](const plan::Task& task, const plan::Command& command) {
    if (command.arguments.empty()) return;
    const std::string& program = command.arguments.front();
    const bool is_name = !program.contains('/') && !program.contains('{');
    if (!is_name || !looked_for.insert(program).second) return;
    if (is_installed(program, plan.workspace, path_for(task, environment))) return;
    lines.push_back(
        fmt::format("`{}` runs `{}`, which is not in PATH", task.id, printable(program)));
  };
  for (const plan::Task& task : plan.tasks) {
    look_for(task, task.setup);
    for (const plan::Service& service : task.services) {
      look_for(task, service.run);
      look_for(task, service.ready);
    }
    look_for(task, task.run);
  }
  return lines;
}

Result<void> check_access(const plan::Plan& plan, const Environment& environment) {
  if (auto keys = check_keys(plan, environment); !keys) return keys;
  if (!uses_login(plan)) return {};
  const auto login = read_claude_login(environment);
  return login ? Result<void>() : std::unexpected(login.error());
}

}  // namespace interlock::runs
