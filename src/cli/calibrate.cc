#include "cli/calibrate.h"

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <iostream>

#include "agents/adapter.h"
#include "base/text.h"
#include "cli/commands.h"
#include "decide/words.h"
#include "process/clock.h"
#include "runs/learning.h"
#include "workspace/local_files.h"

// `calibrate`.
namespace interlock::cli {

namespace {

namespace fs = std::filesystem;

constexpr int kAlone = 2;           ///< Attempts one after the other; the others run at once.
constexpr int kCallsAnAttempt = 5;  ///< Of models, at most.
constexpr std::string_view kTask = "calibrate";

/// The lines of a top-level section of a plan in block style; empty: it has none.
std::string section(const std::string& text, const std::string& key) {
  std::string found;
  bool inside = false;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string line = text.substr(at, end - at);
    at = end + 1;
    const bool begins = !line.empty() && line[0] != ' ' && line[0] != '#' && line[0] != '\r';
    if (begins) inside = line.starts_with(key + ":");
    if (inside) found += line + "\n";
  }
  return found;
}

/// What an agent is declared with, and what its tasks use.
struct Declared {
  std::string sections;  ///< Of the plan.
  std::string agent;     ///< Its name.
  std::vector<std::string> quotas;
  std::string folder;
};

Result<Declared> declared_in(const runs::Document& document, const std::string& name) {
  workspace::LocalFiles files;
  auto plan = runs::read_plan_or_complain(document, {}, files);
  if (!plan) return std::unexpected(plan.error());
  const auto agent = std::ranges::find(plan->agents, name, &plan::Agent::name);
  if (agent == plan->agents.end()) {
    std::vector<std::string> names;
    for (const plan::Agent& it : plan->agents) names.push_back(fmt::format("`{}`", it.name));
    return fail(
        Error::Kind::invalid,
        fmt::format("plan `{}` has no agent `{}`", printable(document.file), printable(name)),
        fmt::format("its agents: {}", join_words(names, names.size())));
  }
  if (agent->kind == plan::AgentKind::command && agent->run.empty()) {
    return fail(Error::Kind::invalid,
                fmt::format("agent `{}` runs what its tasks say, and takes no prompt", name),
                "name an agent that takes prompts");
  }
  Declared it{section(document.text, "agents") + section(document.text, "resources"),
              name,
              {},
              document.folder};
  if (it.sections.empty()) {
    return fail(Error::Kind::invalid,
                fmt::format("cannot take `agents` out of plan `{}`", printable(document.file)),
                "write the key at the beginning of a line of its own");
  }
  for (const plan::Task& task : plan->tasks) {
    if (plan->agents[task.agent.index()].name != name) continue;
    for (const plan::Use& use : task.uses) {
      const plan::Resource& resource = plan->resources[use.resource.index()];
      if (resource.kind == plan::Resource::Kind::quota) it.quotas.push_back(resource.name);
    }
    break;
  }
  return it;
}

Result<Declared> declared(const CalibrateOptions& options) {
  std::error_code trouble;
  if (!options.plan.empty() || fs::exists("interlock.yaml", trouble)) {
    auto document = runs::read_document(options.plan);
    if (!document) return std::unexpected(document.error());
    auto found = declared_in(*document, options.agent);
    if (found || !options.plan.empty()) return found;
  }
  std::vector<std::string> kinds;
  for (const agents::Adapter* it : agents::all_adapters()) {
    const std::string kind(plan::name_of(it->kind()));
    if (kind != "chat" && kind != "command") kinds.push_back(kind);
  }
  if (std::ranges::find(kinds, options.agent) == kinds.end()) {
    return fail(Error::Kind::invalid,
                fmt::format("there is no agent `{}`", printable(options.agent)),
                fmt::format("name an agent of a plan with `--plan FILE`, or a client: {}",
                            join_words(kinds, kinds.size())));
  }
  return Declared{fmt::format("agents:\n  {0}: {{kind: {0}}}\n", options.agent),
                  options.agent,
                  {},
                  fs::current_path(trouble).string()};
}

/// Tiny tasks for the agent in an empty workspace.
std::string plan_text(const Declared& agent, const std::string& workspace, int first, int count,
                      std::string_view usd) {
  std::string text = fmt::format(
      "interlock: 1\nname: {}\nworkspace: {}\n{}limits: {{parallel: {}, usd: {}, calls: "
      "{}}}\ntasks:\n",
      kTask, pretty_json(json::value(workspace)), agent.sections, count, usd, kCallsAnAttempt);
  std::erase(text, '\r');
  for (int i = first; i < first + count; ++i) {
    text += fmt::format(
        "  - {{id: {}-{}, agent: {}, prompt: \"Answer with the one word ready. Use no tools.\", "
        "reads: [], writes: [], isolation: direct, timeout: 5m, retries: 0{}}}\n",
        kTask, i, agent.agent,
        agent.quotas.empty() ? "" : fmt::format(", uses: [{}]", fmt::join(agent.quotas, ", ")));
  }
  return text;
}

/// What a round of attempts came to.
struct Round {
  std::vector<history::Sample> samples;
  std::uint32_t done = 0, refused = 0;
  std::string failure;  ///< Of the first that failed.
  std::string stopped;  ///< Why the run stopped early; empty: it did not.
};

Result<Round> play(const Context& context, journal::Store& store, const Declared& agent,
                   const std::string& text, const std::string& workspace, decide::Pattern pattern) {
  runs::PlanRequest request;
  request.pattern = pattern;
  request.reuse = false;
  request.folder = agent.folder;
  Console quiet(panel::ColorMode::never, true);
  const Context within{context.state_folder, false, context.where, quiet};
  auto run = enter_run(within, store, {"calibration", agent.folder, text}, request);
  if (!run) return std::unexpected(run.error());
  auto exit = dispatch_and_show(store, context.state_folder, **run, Face::lines, quiet);
  Round round;
  for (const engine::TaskRecord& task : (*run)->state.tasks) {
    if (task.state == engine::TaskState::done) ++round.done;
    if (task.state == engine::TaskState::failed && round.failure.empty())
      round.failure = task.detail.substr(0, task.detail.find('\n'));
    for (const engine::AttemptRecord& it : task.attempts)
      round.refused += it.calls_again + it.calls_refused;
  }
  round.stopped = (*run)->state.stopping;
  // The run itself is of no use to anybody; its samples stay.
  journal::SampleFilter filter;
  filter.workspace = workspace;
  auto samples = store.samples(filter);
  const auto forgotten = store.forget_samples(filter);
  static_cast<void>(store.prune((*run)->id()));
  std::error_code ignored;
  fs::remove_all(runs::run_folder(context.state_folder, (*run)->id()), ignored);
  if (!exit) return std::unexpected(exit.error());
  if (!samples) return std::unexpected(samples.error());
  if (!forgotten) return std::unexpected(forgotten.error());
  for (history::Sample& it : samples->good) {
    it.origin = history::Sample::Origin::calibration;
    it.workspace.clear();
    it.run.clear();
    it.task = it.shape = kTask;
    round.samples.push_back(std::move(it));
  }
  if (auto added = store.add_samples(round.samples); !added) return std::unexpected(added.error());
  return round;
}

template <typename Get>
auto median_of(const std::vector<history::Sample>& samples, Get get)
    -> decltype(get(samples.front())) {
  using Value = typename decltype(get(samples.front()))::value_type;
  std::vector<Value> values;
  for (const history::Sample& it : samples) {
    if (const auto value = get(it); value && it.outcome == "succeeded") values.push_back(*value);
  }
  if (values.empty()) return std::nullopt;
  std::ranges::sort(values);
  return values[values.size() / 2];
}

/// Of the input of those behind the first: what a prompt cache had.
std::optional<double> cached_part(const std::vector<history::Sample>& samples) {
  std::int64_t cached = 0, all = 0;
  for (const history::Sample& it : samples) {
    if (!it.usage.input || !it.usage.cache_read) continue;
    cached += *it.usage.cache_read;
    all += *it.usage.input + *it.usage.cache_read + it.usage.cache_write.value_or(0);
  }
  if (all == 0) return std::nullopt;
  return static_cast<double>(cached) / static_cast<double>(all);
}

struct Measured {
  std::optional<Duration> startup, alone, beside;
  std::optional<Tokens> spawn, back, tokens;
  std::optional<MicroUsd> usd;
  std::optional<double> cached;
  int at_once = 0;
  std::uint32_t done = 0, refused = 0;
};

Measured measured_of(const Round& alone, const Round& beside, int at_once) {
  std::vector<history::Sample> all = alone.samples, later = alone.samples;
  // Newest first: the last of the round alone is the first there was.
  if (!later.empty()) later.pop_back();
  all.insert(all.end(), beside.samples.begin(), beside.samples.end());
  later.insert(later.end(), beside.samples.begin(), beside.samples.end());
  Measured it;
  const auto elapsed = [](const history::Sample& s) { return s.elapsed; };
  it.alone = median_of(alone.samples, elapsed);
  it.beside = median_of(beside.samples, elapsed);
  it.startup = median_of(alone.samples, [](const auto& s) { return s.startup; });
  it.spawn = median_of(all, [](const auto& s) { return s.spawn_tokens; });
  it.back = median_of(all, [](const auto& s) { return s.return_tokens; });
  it.cached = cached_part(later);
  it.at_once = at_once;
  it.done = alone.done + beside.done;
  it.refused = beside.refused;
  Usage usage = no_usage();
  for (const history::Sample& s : all) usage = usage + s.usage;
  it.tokens = total_tokens(usage);
  it.usd = usage.cost;
  return it;
}

std::string text_of(const Measured& it) {
  std::string text;
  const auto line = [&](std::string_view label, const std::string& value) {
    text += fmt::format("{:<18} {}\n", label, value);
  };
  const auto time = [](const std::optional<Duration>& value) {
    return value ? decide::show_time_taken(*value) : std::string("not seen");
  };
  const auto count = [](const std::optional<Tokens>& value) {
    return value ? show_count(*value) + " tokens" : std::string("not seen");
  };
  line("to start", it.startup ? time(it.startup) + " until its first model call"
                              : std::string("not seen: its model calls do not pass the gateway"));
  line("a tiny task", time(it.alone) + " alone");
  line("before the prompt", count(it.spawn));
  line("to return", count(it.back));
  line("from the cache",
       it.cached ? fmt::format("{:.0f} % of the input after the first", 100 * *it.cached)
                 : std::string("not seen"));
  line(fmt::format("{} at once", it.at_once),
       it.refused > 0 ? fmt::format("{} refused", decide::count_of(it.refused, "call"))
                      : fmt::format("none refused, {} each", time(it.beside)));
  line("spent", fmt::format("{}, {}", it.tokens ? count(it.tokens) : "unknown tokens",
                            it.usd ? show_usd(*it.usd) : "unknown dollars"));
  return text;
}

json::object json_of(const std::string& agent, const Measured& it) {
  const auto seconds = [](const std::optional<Duration>& value) {
    return value ? json::value(to_seconds(*value)) : json::value(nullptr);
  };
  const auto known = [](const auto& value) {
    return value ? json::value(*value) : json::value(nullptr);
  };
  return {{"version", 1},
          {"agent", agent},
          {"startup_s", seconds(it.startup)},
          {"alone_s", seconds(it.alone)},
          {"beside_s", seconds(it.beside)},
          {"at_once", it.at_once},
          {"refused", it.refused},
          {"spawn_tokens", known(it.spawn)},
          {"return_tokens", known(it.back)},
          {"cached", known(it.cached)},
          {"tokens", known(it.tokens)},
          {"cost_usd",
           it.usd ? json::value(static_cast<double>(*it.usd) / 1e6) : json::value(nullptr)}};
}

Result<void> agree(const Context& context, const CalibrateOptions& options) {
  const std::string what = fmt::format(
      "calibrating `{}` makes {} of at most {} each and spends at most ${}, where its "
      "model has a known price",
      printable(options.agent),
      decide::count_of(static_cast<std::size_t>(options.attempts), "attempt"),
      decide::count_of(kCallsAnAttempt, "model call"), options.usd);
  if (options.yes) {
    context.console.remark(what);
    return {};
  }
  if (::isatty(STDIN_FILENO) == 0)
    return fail(Error::Kind::refused, what, "pass `--yes` to agree to that");
  context.console.insist(what + ". Go on? [y/N]");
  std::string answer;
  std::getline(std::cin, answer);
  if (answer == "y" || answer == "yes") return {};
  return fail(Error::Kind::refused, "nothing was asked and nothing spent");
}

/// An empty folder that goes with the object.
class TemporaryWorkspace {
 public:
  explicit TemporaryWorkspace(const std::string& state)
      : path_(fmt::format("{}/calibrate-{}", state, ::getpid())) {
    std::error_code ignored;
    fs::create_directories(path_, ignored);
    path_ = fs::canonical(path_, ignored).string();
  }
  ~TemporaryWorkspace() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  TemporaryWorkspace(const TemporaryWorkspace&) = delete;
  TemporaryWorkspace& operator=(const TemporaryWorkspace&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace

void declare_calibrate(CLI::App& verb, CalibrateOptions& its) {
  verb.add_option("AGENT", its.agent, "An agent of the plan, or a client such as claude-code")
      ->required();
  verb.add_option("--plan", its.plan, "The plan that declares it [interlock.yaml]")
      ->type_name("FILE");
  verb.add_option("--calls", its.attempts, "So many attempts [6]")
      ->check(CLI::Range(kAlone + 1, 64))
      ->type_name("N");
  verb.add_option("--usd", its.usd, "Stop at so many dollars [0.50]")->type_name("DOLLARS");
  verb.add_flag("-y,--yes", its.yes, "Do not ask before it spends");
}

Result<Exit> calibrate_command(const Context& context, const CalibrateOptions& options) {
  if (!parse_usd(options.usd).value_or(0)) {
    return fail(Error::Kind::invalid, fmt::format("`--usd {}` is not an amount", options.usd),
                "such as `0.50`");
  }
  const auto agent = declared(options);
  if (!agent) return std::unexpected(agent.error());
  if (auto agreed = agree(context, options); !agreed) return std::unexpected(agreed.error());
  auto store = runs::open_store(context.place(), journal::Access::write);
  if (!store) return std::unexpected(store.error());
  const TemporaryWorkspace workspace(context.state_folder);
  const int at_once = options.attempts - kAlone;
  auto alone =
      play(context, **store, *agent, plan_text(*agent, workspace.path(), 1, kAlone, options.usd),
           workspace.path(), decide::Pattern::sequential);
  if (!alone) return std::unexpected(alone.error());
  if (alone->done == 0) {
    return fail(Error::Kind::refused,
                fmt::format("agent `{}` did none of its tasks: {}", printable(options.agent),
                            alone->failure.empty() ? alone->stopped : alone->failure),
                "`interlock agents` and `interlock doctor` say what is there");
  }
  // What was spent is spent: the rest of the money is for the rest of the attempts.
  MicroUsd left = *parse_usd(options.usd);
  for (const history::Sample& it : alone->samples) left -= it.usage.cost.value_or(0);
  Round beside;
  if (left > 0 && alone->stopped.empty()) {
    auto played = play(context, **store, *agent,
                       plan_text(*agent, workspace.path(), kAlone + 1, at_once,
                                 fmt::format("{:.6f}", static_cast<double>(left) / 1e6)),
                       workspace.path(), decide::Pattern::parallel);
    if (!played) return std::unexpected(played.error());
    beside = std::move(*played);
  }
  const Measured measured = measured_of(*alone, beside, at_once);
  context.console.result(context.json ? pretty_json(json_of(options.agent, measured))
                                      : text_of(measured));
  const std::string& stopped = alone->stopped.empty() ? beside.stopped : alone->stopped;
  if (!stopped.empty()) context.console.remark("warning: it was not finished: " + stopped);
  if (!beside.failure.empty())
    context.console.remark("warning: not all was done: " + beside.failure);
  return Exit::done;
}

}  // namespace interlock::cli
