#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "base/text.h"
#include "cli/commands.h"
#include "cli/isolation.h"
#include "process/host.h"

// `doctor`: what this host can do, each thing tried out.
namespace interlock::cli {

namespace {

constexpr plan::Isolation kAll[] = {plan::Isolation::direct, plan::Isolation::guard,
                                    plan::Isolation::view, plan::Isolation::worktree};

struct Level {
  plan::Isolation isolation;
  Result<void> able;
};

std::string_view gives(plan::Isolation isolation) {
  switch (isolation) {
    case plan::Isolation::direct: return "in the workspace; what the plan declares is trusted";
    case plan::Isolation::guard: return "in the workspace; the kernel holds it to its footprint";
    case plan::Isolation::view:
      return "in a private snapshot; what it reads and writes is observed";
    case plan::Isolation::worktree: return "in a git worktree on a branch of its own";
  }
  return "";
}

}  // namespace

Result<Exit> doctor_command(const Context& context) {
  std::error_code trouble;
  const std::string here = std::filesystem::canonical(".", trouble).string();
  if (!context.state_folder.empty())
    std::filesystem::create_directories(context.state_folder, trouble);
  const std::vector<process::HostAbility> abilities = process::probe_host(context.state_folder);
  std::vector<Level> levels;
  for (const plan::Isolation one : kAll)
    levels.push_back({one, can_isolate(one, here, context.state_folder)});
  if (context.json) {
    json::array host, ladder;
    for (const process::HostAbility& one : abilities)
      host.push_back(json::object{{"name", one.name}, {"there", one.there}, {"why", one.why}});
    for (const Level& one : levels) {
      ladder.push_back(json::object{
          {"isolation", plan::name_of(one.isolation)},
          {"possible", one.able.has_value()},
          {"why", one.able ? json::value(nullptr) : json::value(one.able.error().message)},
          {"hint", one.able ? json::value(nullptr) : json::value(one.able.error().hint)}});
    }
    context.console.result(pretty_json(json::object{{"version", 1},
                                                    {"workspace", here},
                                                    {"isolation", std::move(ladder)},
                                                    {"host", std::move(host)}}));
    return Exit::done;
  }
  std::string text = fmt::format("isolation in `{}`:\n", printable(here));
  for (const Level& one : levels) {
    text += fmt::format("  {}  {}  {}\n", pad(one.able ? "yes" : "no", 3),
                        pad(plan::name_of(one.isolation), 8),
                        one.able ? std::string(gives(one.isolation)) : one.able.error().message);
    if (!one.able && !one.able.error().hint.empty())
      text += fmt::format("                 hint: {}\n", one.able.error().hint);
  }
  text += "this host has:\n";
  std::size_t widest = 0;
  for (const process::HostAbility& one : abilities)
    widest = std::max(widest, display_width(one.name));
  for (const process::HostAbility& one : abilities) {
    text += fmt::format("  {}  {}  {}\n", pad(one.there ? "yes" : "no", 3), pad(one.name, widest),
                        one.why);
  }
  context.console.result(text);
  return Exit::done;
}

}  // namespace interlock::cli
