#include "worker/preparation.h"

#include <fmt/format.h>

#include <algorithm>

#include "agents/adapter.h"
#include "engine/attendance.h"
#include "engine/batch.h"
#include "engine/shortage.h"
#include "footprint/overlap.h"
#include "plan/fill.h"
#include "worker/attempt_environment.h"
#include "worker/attempt_inputs.h"

namespace interlock::worker {

using engine::AttemptName;
using engine::AttemptSpec;
using engine::Gateway;
using engine::HostEnvironment;
using engine::Sandbox;
using engine::Snapshots;
using engine::SpawnSpec;

namespace {

/// Builds one spawn, member by member.
class Preparation {
 public:
  Preparation(const AttemptSpec& spec, const std::map<Digest, std::string>& outputs,
              const std::string& workspace, const HostEnvironment& around, const Means& means)
      : spec_(spec),
        name_(spec.name),
        task_(spec.task()),
        agent_(spec.agent),
        adapter_(engine::adapter_of(spec.agent, spec)),
        workspace_(workspace),
        around_(around),
        folders_(means.folders),
        snapshots_(means.snapshots),
        gateway_(means.gateway),
        inputs_(spec, around, means.folders, outputs),
        footprint_(engine::batch_footprint(spec.tasks())) {}
  Preparation(const Preparation&) = delete;
  Preparation& operator=(const Preparation&) = delete;

  Result<Prepared> work() {
    if (auto made = open_folder(); !made) return std::unexpected(made.error());
    if (auto made = inputs_.put_outputs(place()); !made) return std::unexpected(made.error());
    if (auto made = inputs_.put_prompt(); !made) return std::unexpected(made.error());
    if (adapter_ != nullptr) return agent_work();
    SpawnSpec spec = common();
    if (spec_.mends) {
      spec.arguments = inputs_.arguments_of(task_.repair);
      spec.standard_input = inputs_.prompt();
    } else {
      spec.arguments = inputs_.arguments_of(inputs_.with_prompt(task_.run));
      if (agent_.prompt_by == plan::PromptBy::standard_input)
        spec.standard_input = inputs_.prompt();
    }
    spec.keep_output =
        task_.output.form != plan::OutputSpec::Form::exit_status && task_.output.file.empty();
    const auto route = open_route(spec);
    if (!route) return std::unexpected(route.error());
    if (auto made = attend(spec); !made) {
      close_route();
      return std::unexpected(made.error());
    }
    return Prepared{std::move(spec), spec_.route.has_value()};
  }

  /// The three versions lie in its folder, and its result is taken from there.
  Result<Prepared> merge() {
    if (auto made = open_folder(); !made) return std::unexpected(made.error());
    if (auto made = inputs_.put_merge(place()); !made) return std::unexpected(made.error());
    SpawnSpec spec = common();
    spec.arguments = inputs_.arguments_of(spec_.merge->run);
    spec.keep_output = false;
    return Prepared{std::move(spec), false};
  }

  Result<Prepared> check() {
    if (auto made = open_folder(); !made) return std::unexpected(made.error());
    if (auto made = inputs_.put_outputs(place()); !made) return std::unexpected(made.error());
    SpawnSpec spec = common();
    spec.arguments = inputs_.arguments_of(task_.verify);
    spec.keep_output = false;
    if (auto made = attend(spec); !made) return std::unexpected(made.error());
    return Prepared{std::move(spec), false};
  }

 private:
  /// Its way into the gateway; empty where it asks no model by it.
  Result<Gateway::Route> open_route(SpawnSpec& spec) {
    if (!spec_.route) return Gateway::Route{};
    auto route = gateway_.open(route_spec());
    if (!route) return route;
    if (!route->secret.empty()) spec.secrets.emplace_back("attempt", route->secret);
    if (route->port != 0 && spec.sandbox && spec.sandbox->own_network)
      spec.sandbox->gateway_port = route->port;
    if (spec_.uses_board()) spec.environment["INTERLOCK_BOARD"] = route->base_url;
    return spec_.asks_models() ? route : Gateway::Route{};
  }
  void close_route() {
    if (spec_.route) gateway_.close(name_);
  }

  /// A client whose stream is read: called as its adapter says, its calls through the gateway.
  Result<Prepared> agent_work() {
    SpawnSpec spec = common();
    const auto route = open_route(spec);
    if (!route) return std::unexpected(route.error());
    agents::Wanted call = wanted(spec, *route);
    if (agent_.kind == plan::AgentKind::command)
      call.run = plan::fill_command(inputs_.with_prompt(task_.run), inputs_.lookup());
    auto called = adapter_->invoke(call);
    Result<void> made = called ? put_state(*called) : std::unexpected(called.error());
    if (made) {
      spec.arguments = std::move(called->arguments);
      made = attend(spec);
    }
    if (!made) {
      close_route();
      return std::unexpected(made.error());
    }
    if (agent_.prompt_by == plan::PromptBy::standard_input)
      spec.standard_input = std::move(called->standard_input);
    for (auto& [name, value] : called->environment) spec.environment[name] = std::move(value);
    if (spec.sandbox && spec.sandbox->gateway_port) {
      // What it is refused is named by who is asked for it.
      const std::string proxy = fmt::format("http://127.0.0.1:{}", *spec.sandbox->gateway_port);
      for (const char* name : {"HTTPS_PROXY", "https_proxy"}) spec.environment[name] = proxy;
      for (const char* name : {"NO_PROXY", "no_proxy"})
        spec.environment[name] = "127.0.0.1,localhost";
    }
    spec.keep_output = false;
    spec.report_lines = true;
    return Prepared{std::move(spec), spec_.route.has_value()};
  }

  Gateway::RouteSpec route_spec() const {
    Gateway::RouteSpec spec = *spec_.route;
    // Some clients name them from the workspace on: `../state/runs/r-1/attempts/...`.
    spec.noise.paths = {{folder_, "/<attempt>"},
                        {home_, "/<home>"},
                        {fmt::format("/runs/{}/", around_.run), "/runs/<run>/"}};
    return spec;
  }

  agents::Wanted wanted(const SpawnSpec& spec, const Gateway::Route& route) const {
    agents::Wanted wanted;
    wanted.agent = &agent_;
    wanted.model = task_.model;
    wanted.prompt = inputs_.prompt();
    wanted.workspace = spec.folder;
    wanted.state_folder = home_;
    wanted.temporary = folder_ + "/tmp";
    wanted.schema = inputs_.schema();
    wanted.schema_file = inputs_.schema_file();
    if (spec_.resumes) wanted.session = spec_.session;
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
      auto put = folders_.put_home(name_.task, file.path, file.content);
      if (!put) return std::unexpected(put.error());
    }
    return {};
  }

  Result<void> open_folder() {
    auto folder = folders_.open_attempt(name_);
    if (!folder) return std::unexpected(folder.error());
    folder_ = *folder;
    first_port_ = engine::kFirstPort + static_cast<int>(spec_.lane) * engine::kPortsPerLane;
    if (around_.ports != nullptr) {
      const auto first = around_.ports->first_of(spec_.lane);
      // Claims are held to the end, so they may be what is short: who has no service of its own
      // goes without one.
      const bool may_go_without =
          task_.services.empty() && !first && engine::is_shortage(first.error());
      if (!first && !may_go_without) return std::unexpected(first.error());
      if (first) first_port_ = *first;
    }
    if (!is_sandboxed() && adapter_ == nullptr) return {};
    auto home = folders_.home(name_.task);
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
    for (const std::string& tree : {workspace_, sandbox.workspace}) {
      if (is_at_or_below(around_.own_place, tree) || is_at_or_below(tree, around_.own_place))
        return;
    }
    const auto bind = [&](std::string& folder, std::string_view place) {
      std::string at = fmt::format("{}/{}", around_.own_place, place);
      sandbox.binds.push_back({folder, at});
      sandbox.writable.push_back(at);
      folder = std::move(at);
    };
    bind(folder_, engine::kAttemptPlace);
    bind(home_, engine::kHomePlace);
  }

  /// Puts what is to be called into the hands of a program that sees to setup and services first.
  Result<void> attend(SpawnSpec& spec) {
    if (task_.setup.empty() && task_.services.empty()) return {};
    engine::Attendance all;
    all.folder = folder_;
    if (!task_.setup.empty()) all.setup = inputs_.arguments_of(task_.setup);
    for (std::size_t at = 0; at < task_.services.size(); ++at) {
      const plan::Service& service = task_.services[at];
      const int port = engine::port_of_service(first_port_, at);
      auto& one = all.services.emplace_back();
      one.name = service.name;
      one.run = inputs_.arguments_of(service.run, port);
      if (!service.ready.empty()) one.ready = inputs_.arguments_of(service.ready, port);
      one.port = static_cast<std::uint16_t>(port);
      one.ready_within = service.ready_within;
    }
    all.work = std::move(spec.arguments);
    auto remark = folders_.put(name_, std::string(engine::kRemarkFile), "");
    if (!remark) return std::unexpected(remark.error());
    spec.remark_file = std::move(*remark);
    if (auto put = folders_.put(name_, "attendance", engine::text_of(all)); !put)
      return std::unexpected(put.error());
    spec.arguments = {around_.own_program, "attend", folder_ + "/attendance"};
    return {};
  }

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

  SpawnSpec common() const {
    SpawnSpec spec;
    spec.name = name_;
    spec.folder = view_ ? view_->folder : workspace_;
    if (view_) spec.sandbox = view_->sandbox;
    spec.label = spec_.label;
    spec.log_folder = around_.log_folder;
    spec.environment = environment();
    return spec;
  }

  std::map<std::string, std::string> environment() const {
    AttemptPlace place{folder_, home_, inputs_.schema_file()};
    if (!spec_.mends) place.correction = spec_.correction;
    place.first_port = first_port_;
    return environment_of(spec_, around_, place, inputs_.lookup());
  }

  AttemptInputs::Place place() const {
    return {folder_, view_ ? view_->folder : workspace_, view_.has_value()};
  }

  const AttemptSpec& spec_;
  const AttemptName name_;
  const plan::Task& task_;
  const plan::Agent& agent_;
  const agents::Adapter* adapter_;  ///< None: a plain command.
  const std::string& workspace_;
  const HostEnvironment& around_;
  engine::AttemptFolders& folders_;
  Snapshots& snapshots_;
  Gateway& gateway_;
  AttemptInputs inputs_;
  footprint::Footprint footprint_;  ///< Of all that share the attempt.
  std::string folder_;
  std::string home_;
  int first_port_ = engine::kFirstPort;
  std::optional<Snapshots::Opened> view_;
};

}  // namespace

Result<Prepared> prepare(const AttemptSpec& spec, const std::map<Digest, std::string>& outputs,
                         const std::string& workspace, const HostEnvironment& around,
                         const Means& means) {
  Preparation preparation(spec, outputs, workspace, around, means);
  if (spec.merge) return preparation.merge();
  return spec.name.phase == 0 ? preparation.work() : preparation.check();
}

}  // namespace interlock::worker
