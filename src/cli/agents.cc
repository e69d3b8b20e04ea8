#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "agents/adapter.h"
#include "base/text.h"
#include "cli/commands.h"
#include "process/clock.h"
#include "process/local_processes.h"

// `agents`: which clients are here, in what version, and whether their adapter was tried with that.
namespace interlock::cli {

namespace {

namespace fs = std::filesystem;

/// A client may take this long to say its version; some load all of themselves first.
constexpr Duration kPatience = std::chrono::seconds(20);

/// Pi says it on standard error, where others may warn: that is read where the rest is silent.
constexpr const char* kAsk =
    R"(command -v "$0" >/dev/null || exit 127; said=$("$0" "$@" 2>"$TMPDIR/said"); )"
    R"([ -n "$said" ] && echo "$said" || cat "$TMPDIR/said"; exit 0)";
constexpr int kNotFound = 127;

struct Found {
  const agents::Adapter* adapter = nullptr;
  std::string program;
  bool there = false;
  std::string version;  ///< Empty: it did not say.

  bool is_own() const { return adapter->kind() == plan::AgentKind::chat; }
  bool was_tried() const {
    return std::ranges::find(adapter->tried_with(), std::string_view(version)) !=
           adapter->tried_with().end();
  }
};

std::string path_of_shell() {
  const char* path = std::getenv("PATH");
  return path != nullptr ? path : "/usr/local/bin:/usr/bin:/bin";
}

/// A folder that goes with its owner.
class Scratch {
 public:
  Scratch() {
    std::string name = (fs::temp_directory_path(trouble_) / "interlock-agents-XXXXXX").string();
    if (::mkdtemp(name.data()) != nullptr) path_ = name;
  }
  ~Scratch() {
    if (!path_.empty()) fs::remove_all(path_, trouble_);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::error_code trouble_;
  std::string path_;
};

/// Each is asked for its version in an emptied environment with a HOME that goes afterwards: asking
/// leaves nothing behind and tells nobody anything.
engine::SpawnSpec question(const Found& one, std::size_t index, const std::string& folder) {
  engine::SpawnSpec spec;
  spec.name = {TaskId(index), 1, 0};
  spec.arguments = {"/bin/sh", "-c", kAsk, one.program};
  for (std::string& argument : one.adapter->version_arguments())
    spec.arguments.push_back(std::move(argument));
  const std::string home = fmt::format("{}/{}", folder, index);
  std::error_code trouble;
  fs::create_directories(home + "/tmp", trouble);
  spec.environment = {{"PATH", path_of_shell()}, {"HOME", home},    {"TMPDIR", home + "/tmp"},
                      {"LANG", "C.UTF-8"},       {"NO_COLOR", "1"}, {"DISABLE_AUTOUPDATER", "1"},
                      {"DISABLE_TELEMETRY", "1"}};
  spec.folder = home;
  spec.label = fmt::format("agents/{}#1", plan::name_of(one.adapter->kind()));
  spec.log_folder = folder + "/logs";
  spec.output_bytes_max = 1u << 16;
  return spec;
}

Result<void> ask_versions(std::vector<Found>& found) {
  const Scratch scratch;
  if (scratch.path().empty())
    return fail(Error::Kind::io, "cannot make a folder for temporary files");
  process::SystemClock clock;
  auto processes = process::LocalProcesses::open(clock);
  if (!processes) return std::unexpected(processes.error());
  std::size_t running = 0;
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (found[i].is_own()) continue;
    found[i].there = (*processes)->spawn(question(found[i], i, scratch.path())).has_value();
    running += found[i].there ? 1 : 0;
  }
  const Time until = clock.now() + kPatience;
  while (running > 0) {
    if (clock.now() >= until) {
      for (std::size_t i = 0; i < found.size(); ++i)
        (*processes)->stop({TaskId(i), 1, 0}, Duration{});
    }
    for (const engine::Report& report : (*processes)->wait(std::max(until, clock.now()))) {
      const auto* exited = std::get_if<engine::Exited>(&report);
      if (exited == nullptr) continue;
      Found& one = found[exited->name.task.index()];
      one.there = exited->exit_code != kNotFound;
      one.version = one.adapter->version_in((*processes)->take_output(exited->name));
      --running;
    }
  }
  return {};
}

std::string tried_text(const Found& one) {
  if (one.is_own()) return "part of Interlock";
  std::vector<std::string> tried;
  for (const std::string_view version : one.adapter->tried_with()) tried.emplace_back(version);
  const std::string list = tried.empty() ? "none" : join_words(tried, 4);
  if (!one.there) return fmt::format("not installed (tried with {})", list);
  if (one.was_tried()) return "tried with this version";
  if (one.version.empty()) return fmt::format("does not say its version (tried with {})", list);
  return fmt::format("not tried with this version, but with {}", list);
}

json::object agent_json(const Found& one) {
  json::array tried;
  for (const std::string_view version : one.adapter->tried_with())
    tried.push_back(json::string(version));
  const bool here = one.there || one.is_own();
  return {{"kind", plan::name_of(one.adapter->kind())},
          {"program", one.is_own() ? json::value(nullptr) : json::value(one.program)},
          {"installed", here},
          {"version", one.version.empty() ? json::value(nullptr) : json::value(one.version)},
          {"tried", one.is_own() || one.was_tried()},
          {"tried_with", std::move(tried)}};
}

}  // namespace

Result<Exit> agents_command(const Context& context) {
  std::vector<Found> found;
  for (const agents::Adapter* adapter : agents::all_adapters()) {
    if (adapter->kind() == plan::AgentKind::command) continue;
    found.push_back({adapter, std::string(adapter->program()), false, {}});
  }
  if (auto asked = ask_versions(found); !asked) return std::unexpected(asked.error());
  if (context.json) {
    json::array list;
    for (const Found& one : found) list.push_back(agent_json(one));
    context.console.result(pretty_json(json::object{{"version", 1}, {"agents", std::move(list)}}));
    return Exit::done;
  }
  std::string text;
  for (const Found& one : found) {
    const bool here = one.there || one.is_own();
    text +=
        fmt::format("{}  {}  {}  {}\n", pad(here ? "yes" : "no", 3),
                    pad(plan::name_of(one.adapter->kind()), 11),
                    pad(one.version.empty() ? "-" : printable(one.version), 10), tried_text(one));
  }
  context.console.result(text);
  return Exit::done;
}

}  // namespace interlock::cli
