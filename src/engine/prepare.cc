#include "engine/prepare.h"

#include <fmt/format.h>

#include <algorithm>

#include "agents/adapter.h"
#include "engine/attempt_environment.h"
#include "engine/attendance.h"
#include "engine/batch.h"
#include "engine/gateway.h"
#include "engine/prompt.h"
#include "engine/retry.h"
#include "footprint/overlap.h"
#include "plan/fill.h"

namespace interlock::engine {

namespace {

/// File names in the attempt's folder; ids are safe as file names but for the colon of a
/// coordinator's.
std::string output_file_of(const plan::Task& task) {
  std::string name = task.id;
  std::replace(name.begin(), name.end(), ':', '.');
  return "outputs/" + name;
}

/// Builds one spawn, member by member.
class Preparation {
 public:
  Preparation(const plan::Plan& plan, TaskId id, const RunState& run, const HostEnvironment& around,
              Time deadline, const Ports& ports, std::uint32_t phase)
      : plan_(plan),
        task_(task_of_attempt(plan, run, id)),
        agent_(plan.agents[task_.agent.index()]),
        run_(run),
        record_(run[id]),
        around_(around),
        deadline_(deadline),
        workspace_(ports.workspace),
        snapshots_(ports.snapshots),
        journal_(ports.journal),
        gateway_(ports.gateway),
        adapter_(agents::adapter_for(agent_)),
        passes_gateway_(agents::provider_through_gateway(agent_, task_.model).has_value()) {
    name_ = {id, record_.attempts.back().number, phase};
    using Trigger = AttemptStarted::Trigger;
    const Trigger because = record_.attempts.back().because;
    footprint_ = batch_footprint(tasks_of_attempt());
    mends_ = because == Trigger::repair;
    if (mends_ && !task_.repair.empty()) adapter_ = nullptr;
    goes_on_ = because == Trigger::again && was_stopped_at_limit();
    resumes_ = adapter_ != nullptr && adapter_->resumes(agent_) && !record_.session.empty() &&
               (mends_ || goes_on_ || because == Trigger::correction);
  }

  Result<Prepared> work() {
    if (auto made = open_folder(); !made) return std::unexpected(made.error());
    if (auto made = put_outputs(task_); !made) return std::unexpected(made.error());
    if (auto made = put_prompt(); !made) return std::unexpected(made.error());
    if (adapter_ != nullptr) return agent_work();
    SpawnSpec spec = common();
    if (mends_) {
      spec.arguments = arguments_of(task_.repair);
      spec.standard_input = prompt_;
    } else {
      spec.arguments = arguments_of(with_prompt(task_.run));
      if (agent_.prompt_by == plan::PromptBy::standard_input) spec.standard_input = prompt_;
    }
    spec.keep_output =
        task_.output.form != plan::OutputSpec::Form::exit_status && task_.output.file.empty();
    if (auto made = attend(spec); !made) return std::unexpected(made.error());
    return Prepared{std::move(spec), false, false};
  }

  Result<Prepared> check() {
    if (auto made = open_folder(); !made) return std::unexpected(made.error());
    if (auto made = put_outputs(task_); !made) return std::unexpected(made.error());
    SpawnSpec spec = common();
    spec.arguments = arguments_of(task_.verify);
    spec.keep_output = false;
    if (auto made = attend(spec); !made) return std::unexpected(made.error());
    return Prepared{std::move(spec), false, false};
  }

 private:
  /// The attempt before this one had done some of the work when a budget or the provider's quota
  /// was used up: what it paid for is in its session.
  bool was_stopped_at_limit() const {
    const std::size_t count = record_.attempts.size();
    if (count < 2) return false;
    const AttemptRecord& before = record_.attempts[count - 2];
    const bool at_limit =
        before.outcome == Outcome::over_budget || before.outcome == Outcome::quota_spent;
    return at_limit && !before.session.empty() && !before.is_batched();
  }

  /// The task, and those that share the attempt.
  std::vector<const plan::Task*> tasks_of_attempt() const {
    std::vector<const plan::Task*> tasks{&task_};
    for (const TaskId id : record_.attempts.back().others) tasks.push_back(&plan_[id]);
    return tasks;
  }

  /// A client whose stream is read: called as its adapter says, its calls through the gateway.
  Result<Prepared> agent_work() {
    SpawnSpec spec = common();
    Gateway::Route route;
    if (passes_gateway_) {
      auto opened = gateway_.open(route_spec());
      if (!opened) return std::unexpected(opened.error());
      route = std::move(*opened);
    }
    if (!route.secret.empty()) spec.secrets.emplace_back("attempt", route.secret);
    if (route.port != 0 && spec.sandbox && spec.sandbox->own_network)
      spec.sandbox->gateway_port = route.port;
    agents::Wanted call = wanted(spec, route);
    if (agent_.kind == plan::AgentKind::command)
      call.run = plan::fill_command(with_prompt(task_.run), lookup());
    auto called = adapter_->invoke(call);
    Result<void> made = called ? put_state(*called) : std::unexpected(called.error());
    if (made) {
      spec.arguments = std::move(called->arguments);
      made = attend(spec);
    }
    if (!made) {
      if (passes_gateway_) gateway_.close(name_);
      return std::unexpected(made.error());
    }
    if (agent_.prompt_by == plan::PromptBy::standard_input)
      spec.standard_input = std::move(called->standard_input);
    for (auto& [name, value] : called->environment) spec.environment[name] = std::move(value);
    if (spec.sandbox && spec.sandbox->gateway_port) {
      // What it is refused is named by who is asked for it.
      const std::string proxy = fmt::format("http://127.0.0.1:{}", route.port);
      for (const char* name : {"HTTPS_PROXY", "https_proxy"}) spec.environment[name] = proxy;
      for (const char* name : {"NO_PROXY", "no_proxy"})
        spec.environment[name] = "127.0.0.1,localhost";
    }
    spec.keep_output = false;
    spec.report_lines = true;
    return Prepared{std::move(spec), passes_gateway_, resumes_};
  }

  Gateway::RouteSpec route_spec() const {
    Gateway::RouteSpec spec;
    spec.name = name_;
    spec.label = label_of(around_, task_, name_.attempt);
    spec.agent = agent_.name;
    for (const plan::Use& use : task_.uses) {
      const plan::Resource& resource = plan_.resources[use.resource.index()];
      if (resource.kind == plan::Resource::Kind::quota) spec.quotas.push_back(resource.name);
    }
    spec.deadline = deadline_;
    const Spent spent = spent_by(record_);
    if (task_.budget_tokens) spec.tokens = std::max<Tokens>(0, *task_.budget_tokens - spent.tokens);
    if (task_.budget_usd) spec.usd = std::max<MicroUsd>(0, *task_.budget_usd - spent.usd);
    const plan::Limits& limits = plan_.limits;
    spec.brakes.calls = limits.calls;
    spec.brakes.repeats = limits.repeats;
    spec.brakes.failures = 2 * limits.repeats;
    spec.brakes.usd_per_minute = limits.usd_per_minute;
    const auto& expected = around_.expected_tokens;
    if (!expected.empty()) spec.progress.expected = expected[name_.task.index()];
    if (resumes_) spec.progress.used = spent.tokens;
    spec.progress.keeps_session = adapter_->resumes(agent_);
    // What an attempt paid for that came to nothing by no fault of its own is not paid for twice.
    spec.allowed_hosts = task_.allowed_hosts;
    spec.replay_own = record_.attempts.back().because == AttemptStarted::Trigger::again;
    // Some clients name them from the workspace on: `../state/runs/r-1/attempts/...`.
    spec.noise.paths = {{folder_, "/<attempt>"},
                        {home_, "/<home>"},
                        {fmt::format("/runs/{}/", around_.run), "/runs/<run>/"}};
    spec.noise.ids = adapter_->sends_random_ids();
    spec.noise.dates = adapter_->sends_the_date();
    return spec;
  }

  agents::Wanted wanted(const SpawnSpec& spec, const Gateway::Route& route) const {
    agents::Wanted wanted;
    wanted.agent = &agent_;
    wanted.model = task_.model;
    wanted.prompt = prompt_;
    wanted.workspace = spec.folder;
    wanted.state_folder = home_;
    wanted.temporary = folder_ + "/tmp";
    wanted.schema = schema_;
    wanted.schema_file = schema_file_;
    if (resumes_) wanted.session = record_.session;
    wanted.base_url = route.base_url;
    wanted.secret = route.secret;
    if (agent_.login) wanted.login = around_.claude_login;
    wanted.own_program = around_.own_program;
    wanted.may_write = task_.may_write();
    wanted.as_root = around_.as_root;
    return wanted;
  }

  Result<void> put_state(const agents::Invocation& called) {
    for (const agents::StateFile& file : called.files) {
      auto put = workspace_.put_home(name_.task, file.path, file.content);
      if (!put) return std::unexpected(put.error());
    }
    return {};
  }

  Result<void> open_folder() {
    auto folder = workspace_.open_attempt(name_);
    if (!folder) return std::unexpected(folder.error());
    folder_ = *folder;
    const std::uint32_t lane = record_.attempts.back().lane;
    first_port_ = kFirstPort + static_cast<int>(lane) * kPortsPerLane;
    if (around_.ports != nullptr) {
      const auto first = around_.ports->first_of(lane);
      if (!first) return std::unexpected(first.error());
      first_port_ = *first;
    }
    if (!is_sandboxed() && adapter_ == nullptr) return {};
    auto home = workspace_.home(name_.task);
    if (!home) return std::unexpected(home.error());
    home_ = *home;
    return is_sandboxed() ? open_view() : Result<void>();
  }

  bool is_sandboxed() const {
    return task_.isolation != plan::Isolation::direct || task_.own_network;
  }

  Result<void> open_view() {
    Snapshots::SnapshotSpec spec;
    spec.name = name_;
    spec.isolation = task_.isolation;
    spec.footprint = &footprint_;
    spec.writable = {folder_, home_};
    spec.watch = watch();
    spec.own_network = task_.own_network;
    auto opened = snapshots_.open(spec);
    if (!opened) return std::unexpected(opened.error());
    view_ = std::move(*opened);
    bind_own_folders();
    return {};
  }

  /// From here on it is told of its own folders by the paths that are the same for everybody.
  void bind_own_folders() {
    Sandbox& sandbox = view_->sandbox;
    const bool has_mounts = sandbox.snapshot || (sandbox.confined && around_.may_bind);
    if (around_.own_place.empty() || !has_mounts) return;
    using footprint::is_at_or_below;
    for (const std::string& tree : {plan_.workspace, sandbox.workspace}) {
      if (is_at_or_below(around_.own_place, tree) || is_at_or_below(tree, around_.own_place))
        return;
    }
    const auto bind = [&](std::string& folder, std::string_view place) {
      std::string at = fmt::format("{}/{}", around_.own_place, place);
      sandbox.binds.push_back({folder, at});
      sandbox.writable.push_back(at);
      folder = std::move(at);
    };
    bind(folder_, kAttemptPlace);
    bind(home_, kHomePlace);
  }

  /// Puts what is to be called into the hands of a program that sees to setup and services first.
  Result<void> attend(SpawnSpec& spec) {
    if (task_.setup.empty() && task_.services.empty()) return {};
    Attendance all;
    all.folder = folder_;
    if (!task_.setup.empty()) all.setup = arguments_of(task_.setup);
    for (std::size_t at = 0; at < task_.services.size(); ++at) {
      const plan::Service& service = task_.services[at];
      const int port = port_of_service(first_port_, at);
      values_["port"] = fmt::format("{}", port);
      auto& one = all.services.emplace_back();
      one.name = service.name;
      one.run = arguments_of(service.run);
      if (!service.ready.empty()) one.ready = arguments_of(service.ready);
      one.port = static_cast<std::uint16_t>(port);
      one.ready_within = service.ready_within;
    }
    values_.erase("port");
    all.work = std::move(spec.arguments);
    auto remark = workspace_.put(name_, std::string(kRemarkFile), "");
    if (!remark) return std::unexpected(remark.error());
    spec.remark_file = std::move(*remark);
    if (auto put = workspace_.put(name_, "attendance", text_of(all)); !put)
      return std::unexpected(put.error());
    spec.arguments = {around_.own_program, "attend", reported("attendance")};
    return {};
  }

  /// Where the attempt has what the workspace's port put into its folder.
  std::string reported(const std::string& file) const { return folder_ + "/" + file; }

  Sandbox::Watch watch() const {
    if (task_.isolation == plan::Isolation::direct) return Sandbox::Watch::nothing;
    if (task_.isolation == plan::Isolation::guard) return Sandbox::Watch::opens;
    if (name_.phase != 0) return Sandbox::Watch::changes;
    switch (task_.observe) {
      case plan::Observe::all: return Sandbox::Watch::all;
      case plan::Observe::opens: return Sandbox::Watch::opens;
      case plan::Observe::declared: return Sandbox::Watch::changes;
    }
    return Sandbox::Watch::all;
  }

  Result<void> put_outputs(const plan::Task& of) {
    for (const TaskId needed : of.output_of) {
      const plan::Task& other = plan_[needed];
      const auto& digest = run_[needed].output;
      std::string content;
      if (digest) {
        auto bytes = journal_.blob(*digest);
        if (!bytes) return std::unexpected(bytes.error());
        content = std::move(*bytes);
      }
      if (run_[needed].is_unneeded()) content = "(nothing: this task was not needed)";
      auto path = workspace_.put(name_, output_file_of(other), content);
      if (!path) return std::unexpected(path.error());
      values_["output_files." + other.id] = reported(output_file_of(other));
      // The line end that ends a text file is not part of what is said in the middle of a sentence.
      while (!content.empty() && content.back() == '\n') content.pop_back();
      values_["outputs." + other.id] = std::move(content);
    }
    put_last_rounds(of);
    values_["run.id"] = around_.run;
    values_["task.id"] = of.id;
    values_["workspace"] = view_ ? view_->folder : plan_.workspace;
    values_["tmp"] = folder_ + "/tmp";
    values_["deadline"] = show_time(deadline_);
    return {};
  }

  /// Of what is done in rounds, the output is that of the last one that was.
  void put_last_rounds(const plan::Task& of) {
    for (const TaskId needed : of.output_of) {
      const plan::Task& round = plan_[needed];
      if (!round.loop || run_[needed].state != TaskState::done) continue;
      const std::string& id = plan_.loops[*round.loop].id;
      for (const std::string_view kind : {"outputs.", "output_files."})
        values_[fmt::format("{}{}", kind, id)] = values_[fmt::format("{}{}", kind, round.id)];
    }
  }

  Result<void> put_prompt() {
    const auto asked = asked_text();
    if (!asked) return std::unexpected(asked.error());
    if (!schema_.empty()) {
      auto path = workspace_.put(name_, "schema.json", schema_);
      if (!path) return std::unexpected(path.error());
      schema_file_ = reported("schema.json");
    }
    if (task_.prompt.empty() && !mends_) return {};
    if (!resumes_) prompt_ = *asked + described_schema();
    prompt_ += said_of_before();
    if (mends_ || agent_.prompt_by != plan::PromptBy::file) return {};
    auto path = workspace_.put(name_, "prompt.md", prompt_);
    if (!path) return std::unexpected(path.error());
    values_["prompt_file"] = reported("prompt.md");
    return {};
  }

  std::string said_of_before() const {
    if (goes_on_ && resumes_) return say_go_on(view_.has_value());
    if (mends_) return say_what_others_changed(record_.correction);
    if (record_.correction.empty()) return {};
    return say_what_was_wrong(record_.correction, resumes_ && view_.has_value());
  }

  /// The task's own prompt, or one that holds those of all tasks that share the attempt.
  Result<std::string> asked_text() {
    schema_ = task_.output.schema.value_or("");
    const std::vector<const plan::Task*> tasks = tasks_of_attempt();
    if (tasks.size() == 1) return plan::fill(task_.prompt, lookup());
    std::vector<std::string> prompts;
    for (const plan::Task* const one : tasks) {
      if (auto made = put_outputs(*one); !made) return std::unexpected(made.error());
      prompts.push_back(plan::fill(one->prompt, lookup()));
    }
    if (auto made = put_outputs(task_); !made) return std::unexpected(made.error());
    schema_ = batch_schema(tasks);
    return batch_prompt(prompts);
  }

  /// For clients without an option for it.
  std::string described_schema() const {
    if (adapter_ == nullptr || adapter_->takes_schema() || schema_.empty()) return {};
    return fmt::format("\n\nAnswer with JSON alone, which holds to this JSON Schema:\n{}\n",
                       schema_);
  }

  /// The command with its prompt as the last argument, where the agent takes it so and the command
  /// does not say where.
  plan::Command with_prompt(plan::Command command) {
    if (task_.prompt.empty()) return command;
    const bool by_file = agent_.prompt_by == plan::PromptBy::file;
    if (agent_.prompt_by == plan::PromptBy::standard_input) return command;
    const std::string_view name = by_file ? "prompt_file" : "prompt";
    if (!by_file) values_["prompt"] = prompt_;
    if (mentions(command, name)) return command;
    const std::string placeholder = fmt::format("{{{}}}", name);
    if (command.shell.empty()) {
      command.arguments.push_back(placeholder);
    } else {
      command.shell += " " + placeholder;
    }
    return command;
  }

  static bool mentions(const plan::Command& command, std::string_view name) {
    std::vector<std::string> texts = command.arguments;
    texts.push_back(command.shell);
    return std::any_of(texts.begin(), texts.end(), [name](const std::string& text) {
      const auto found = plan::placeholders(text);
      return std::find(found.begin(), found.end(), name) != found.end();
    });
  }

  std::vector<std::string> arguments_of(const plan::Command& command) const {
    plan::Command filled = plan::fill_command(command, lookup());
    if (filled.shell.empty()) return std::move(filled.arguments);
    return {"sh", "-c", std::move(filled.shell)};
  }

  plan::Lookup lookup() const {
    return [this](std::string_view name) -> std::optional<std::string> {
      const auto found = values_.find(std::string(name));
      return found == values_.end() ? std::nullopt : std::optional(found->second);
    };
  }

  SpawnSpec common() const {
    SpawnSpec spec;
    spec.name = name_;
    spec.folder = view_ ? view_->folder : plan_.workspace;
    if (view_) spec.sandbox = view_->sandbox;
    spec.label = label_of(around_, task_, name_.attempt);
    spec.log_folder = around_.log_folder;
    spec.environment = environment(spec.label);
    return spec;
  }

  std::map<std::string, std::string> environment(const std::string& label) const {
    AttemptPlace place{folder_, home_, schema_file_, label, deadline_};
    if (!mends_) place.correction = record_.correction;
    place.first_port = first_port_;
    return environment_of(plan_, task_, name_, around_, place, lookup());
  }

  const plan::Plan& plan_;
  const plan::Task task_;
  const plan::Agent& agent_;
  const RunState& run_;
  const TaskRecord& record_;
  const HostEnvironment& around_;
  Time deadline_;
  Workspace& workspace_;
  Snapshots& snapshots_;
  Journal& journal_;
  Gateway& gateway_;
  const agents::Adapter* adapter_;  ///< None: a plain command.
  bool passes_gateway_;

  AttemptName name_;
  footprint::Footprint footprint_;  ///< Of all that share the attempt.
  bool mends_ = false;              ///< It is told what others changed.
  bool goes_on_ = false;            ///< It was stopped at a limit, and may take up its session.
  bool resumes_ = false;            ///< Its session is taken up; it knows what was asked.
  std::string folder_;
  std::string home_;
  int first_port_ = kFirstPort;
  std::optional<Snapshots::Opened> view_;
  std::string prompt_;
  std::string schema_;  ///< Of its answer; empty: none.
  std::string schema_file_;
  std::map<std::string, std::string> values_;
};

}  // namespace

std::string label_of(const HostEnvironment& around, const plan::Task& task, std::uint32_t attempt) {
  return fmt::format("{}/{}#{}", around.run, task.id, attempt);
}

Result<Prepared> prepare(const plan::Plan& plan, TaskId task, std::uint32_t phase,
                         const RunState& run, const HostEnvironment& around, Time deadline,
                         const Ports& ports) {
  Preparation preparation(plan, task, run, around, deadline, ports, phase);
  return phase == 0 ? preparation.work() : preparation.check();
}

}  // namespace interlock::engine
