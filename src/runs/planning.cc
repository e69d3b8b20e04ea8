#include "runs/planning.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <set>

#include "agents/adapter.h"
#include "base/text.h"
#include "decide/learn.h"
#include "decide/standing.h"
#include "decide/words.h"
#include "runs/learning.h"
#include "runs/run_models.h"
#include "schema/json_schema.h"

namespace interlock::runs {

namespace {

constexpr std::string_view kUsualPlan = "interlock.yaml";

constexpr std::string_view kPatterns[] = {"sequential", "parallel", "queue"};
constexpr std::string_view kIsolations[] = {"direct", "guard", "view", "worktree"};

template <typename E>
std::optional<E> named(std::span<const std::string_view> names, std::string_view name) {
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i] == name) return static_cast<E>(i);
  }
  return std::nullopt;
}

}  // namespace

json::object to_json(const PlanRequest& request) {
  json::object object;
  if (request.pattern) object["pattern"] = decide::name_of(*request.pattern);
  if (request.parallel) object["parallel"] = *request.parallel;
  json::array isolation;
  for (const plan::Isolation one : request.isolation)
    isolation.push_back(json::string(plan::name_of(one)));
  object["isolation"] = std::move(isolation);
  object["effort_us"] = std::int64_t{request.effort.count()};
  json::object set;
  for (const auto& [key, value] : request.set) set[key] = value;
  object["set"] = std::move(set);
  object["reuse"] = request.reuse;
  object["wait_at_gates"] = request.wait_at_gates;
  object["folder"] = request.folder;
  if (request.record) object["record"] = true;
  if (request.stands) object["stands"] = true;
  if (!request.queue.empty()) object["queue"] = request.queue;
  if (!request.replay.empty()) object["replay"] = request.replay;
  return object;
}

Result<PlanRequest> request_from_json(const std::string& text) {
  const auto damaged = [] {
    return fail(Error::Kind::io, "the run's options in the journal are damaged");
  };
  auto parsed = parse_json(text);
  if (!parsed || !parsed->is_object()) return damaged();
  const json::object& object = parsed->get_object();
  PlanRequest request;
  if (const auto* value = object.if_contains("pattern"); value != nullptr && value->is_string()) {
    request.pattern = named<decide::Pattern>(kPatterns, value->get_string());
  }
  if (const auto* value = object.if_contains("isolation"); value != nullptr && value->is_array()) {
    for (const json::value& one : value->get_array()) {
      if (!one.is_string()) return damaged();
      if (const auto name = named<plan::Isolation>(kIsolations, one.get_string()))
        request.isolation.push_back(*name);
    }
  }
  if (const auto* value = object.if_contains("parallel"); value != nullptr && value->is_int64()) {
    request.parallel = static_cast<std::uint32_t>(value->get_int64());
  }
  if (const auto* value = object.if_contains("effort_us"); value != nullptr && value->is_int64()) {
    request.effort = Duration(value->get_int64());
  }
  if (const auto* value = object.if_contains("set"); value != nullptr && value->is_object()) {
    for (const auto& [key, entry] : value->get_object()) {
      if (!entry.is_string()) return damaged();
      request.set.emplace(std::string(key), std::string(entry.get_string()));
    }
  }
  const auto flag = [&](std::string_view name, bool otherwise) {
    const auto* value = object.if_contains(name);
    return value != nullptr && value->is_bool() ? value->get_bool() : otherwise;
  };
  if (const auto* value = object.if_contains("folder"); value != nullptr && value->is_string()) {
    request.folder = std::string(value->get_string());
  }
  request.reuse = flag("reuse", true);
  request.wait_at_gates = flag("wait_at_gates", false);
  request.record = flag("record", false);
  request.stands = flag("stands", false);
  if (const auto* value = object.if_contains("queue"); value != nullptr && value->is_string())
    request.queue = std::string(value->get_string());
  if (const auto* value = object.if_contains("replay"); value != nullptr && value->is_string())
    request.replay = std::string(value->get_string());
  return request;
}

Result<Document> read_document(const std::string& named) {
  namespace fs = std::filesystem;
  std::error_code trouble;
  // What `interlock init` writes needs no name.
  const std::string file = named.empty() ? std::string(kUsualPlan) : named;
  if (named.empty() && !fs::exists(file, trouble)) {
    return fail(Error::Kind::missing,
                fmt::format("no plan is named, and there is no `{}` here", kUsualPlan),
                "name one, as in `interlock plan FILE`; `interlock init` writes one to start from");
  }
  Document document{file, {}, {}};
  if (file == "-") {
    document.folder = fs::current_path(trouble).string();
    document.file = "standard input";
    document.text.assign(std::istreambuf_iterator<char>(std::cin), {});
    return document;
  }
  const fs::file_status status = fs::status(file, trouble);
  if (!fs::exists(status)) {
    return fail(Error::Kind::missing,
                fmt::format("cannot read plan `{}`: there is no such file", printable(file)),
                "`interlock init` writes one to start from");
  }
  if (fs::is_directory(status)) {
    return fail(Error::Kind::invalid,
                fmt::format("cannot read plan `{}`: it is a folder", printable(file)));
  }
  if (fs::is_regular_file(status) && fs::file_size(file, trouble) > plan::max_plan_bytes()) {
    return fail(Error::Kind::invalid, fmt::format("cannot read plan `{}`: it is larger than {} MiB",
                                                  printable(file), plan::max_plan_bytes() >> 20));
  }
  std::ifstream stream(file, std::ios::binary);
  if (!stream.is_open()) {
    return fail(Error::Kind::invalid,
                fmt::format("cannot read plan `{}`: {}", printable(file), std::strerror(errno)));
  }
  std::vector<char> block(1u << 16);
  if (fs::is_regular_file(status)) document.text.reserve(fs::file_size(file, trouble));
  while (document.text.size() <= plan::max_plan_bytes() &&
         stream.read(block.data(), std::ssize(block)).gcount() > 0) {
    document.text.append(block.data(), static_cast<std::size_t>(stream.gcount()));
  }
  document.folder = fs::absolute(file, trouble).parent_path().string();
  return document;
}

/// Outputs are judged when tasks end; what cannot be judged is to be known before the first begins.
Result<void> check_schemas(plan::Plan& plan) {
  std::set<std::string_view> known;
  for (const plan::Task& task : plan.tasks) {
    if (!task.output.schema || !known.insert(*task.output.schema).second) continue;
    const std::string name =
        task.output.schema_path.empty()
            ? fmt::format("the schema of task `{}`", task.id)
            : fmt::format("schema `{}` of task `{}`", task.output.schema_path, task.id);
    auto supported = schema::check_schema(*task.output.schema);
    if (!supported) {
      Error error = std::move(supported.error());
      error.kind = Error::Kind::invalid;
      return within(std::move(error), name);
    }
    for (const std::string& note : supported->notes)
      plan.notes.push_back(fmt::format("{}: {}", name, note));
  }
  return {};
}

Result<plan::Plan> read_plan_or_complain(
    const Document& document, const PlanRequest& request, plan::Files& files,
    const std::map<std::uint32_t, std::vector<std::string>>& items) {
  plan::ReadOptions options;
  options.file = document.file;
  options.folder = document.folder;
  options.set = request.set;
  options.isolation = request.isolation;
  options.may_grow = request.stands;
  options.items = items;
  plan::ReadResult read = plan::read_plan(document.text, options, files);
  if (read.problems.empty()) {
    if (auto usable = check_schemas(read.plan); !usable) return std::unexpected(usable.error());
    return std::move(read.plan);
  }
  // Of items that make no task nobody can see in the document which it was: the words say it.
  if (!items.empty())
    return fail(Error::Kind::invalid, read.problems.front().message, read.problems.front().hint);
  return fail(Error::Kind::invalid, plan::render(read.problems, document.file));
}

namespace {

/// What only the gateway sees, and what a client that goes past it reports as success.
void note_blind_agents(plan::Plan& plan) {
  for (std::size_t i = 0; i < plan.agents.size(); ++i) {
    const plan::Agent& agent = plan.agents[i];
    const agents::Adapter* const adapter = agents::adapter_for(agent);
    const bool is_used = std::ranges::any_of(
        plan.tasks, [&](const plan::Task& task) { return task.agent.index() == i; });
    if (agent.gateway || adapter == nullptr || !is_used) continue;
    plan.notes.push_back(fmt::format(
        "agent `{}` goes past the gateway: an answer that {}broke off in silence "
        "may look like success, and its tokens are what it tells",
        agent.name,
        adapter->reports_cuts() ? "" : "was cut at the output limit, stopped by a filter or "));
  }
}

/// A forecast that is longer than the quota's numbers let expect has its reason there.
void note_used_quotas(plan::Plan& plan,
                      const std::vector<schedule::QuotaRates::Backlog>& backlogs) {
  for (std::size_t i = 0; i < backlogs.size(); ++i) {
    const auto& used = backlogs[i];
    const plan::QuotaRates& declared = plan.resources[i].rates;
    const auto note_limit = [&](const std::optional<Rate>& said,
                                const std::optional<Rate>& reported, std::string_view what) {
      if (schedule::stricter_rate(said, reported) == said) return;
      plan.notes.push_back(fmt::format("the provider of `{}` told a limit of {} {} in {}: it holds",
                                       plan.resources[i].name, show_count(reported->amount), what,
                                       show_duration(reported->per)));
    };
    note_limit(declared.requests, used.requests_limit, "requests");
    note_limit(declared.input_tokens, used.input_tokens_limit, "input tokens");
    note_limit(declared.output_tokens, used.output_tokens_limit, "output tokens");
    const Duration longest =
        std::max({used.requests, used.input_tokens, used.output_tokens, used.usd});
    if (longest > Duration{})
      plan.notes.push_back(
          fmt::format("the account of `{}` was used before: it is full again in {}",
                      plan.resources[i].name, decide::show_time_taken(longest)));
    if (used.window > Duration{} && !plan.resources[i].counts_windows)
      plan.notes.push_back(
          fmt::format("the provider of `{}` counts windows of {}, as a refusal showed: `window: "
                      "sliding` says so in the plan",
                      plan.resources[i].name, show_duration(used.window)));
    if (used.floor > Duration{})
      plan.notes.push_back(fmt::format("the provider of `{}` asked to wait: nothing is sent for {}",
                                       plan.resources[i].name,
                                       decide::show_time_taken(used.floor)));
  }
}

/// How many looks the search for a better order has. Effort is counted in them, each worth what it
/// takes on a quiet machine, so that a busy one plans the same.
std::int64_t looks_for(Duration effort, const Planned& planned) {
  // Measured: three sketches of a schedule a look, or three runs of the scheduler where a quota,
  // tasks that slow each other or one that runs alone ask for it.
  constexpr double kSketchedMicroseconds = 0.25, kPlayedMicroseconds = 2.5;
  const bool has_rates = std::ranges::any_of(planned.plan.resources, [](const auto& resource) {
    return resource.kind == plan::Resource::Kind::quota || resource.slowing;
  });
  const bool some_run_alone = std::ranges::any_of(
      planned.plan.tasks, [](const plan::Task& task) { return task.footprint.unknown; });
  const auto weight =
      static_cast<double>(planned.plan.tasks.size() + planned.interlocking.edges.size());
  const double each =
      weight * (has_rates || some_run_alone ? kPlayedMicroseconds : kSketchedMicroseconds);
  // No order is worth more time than a small part of what there is to do.
  Duration work{};
  for (const decide::Expected& one : planned.expected) work += one.time;
  effort = std::min(effort, work / 100);
  return static_cast<std::int64_t>(static_cast<double>(effort.count()) / std::max(each, 1.0));
}

}  // namespace

Planned plan_it(plan::Plan plan, const PlanRequest& request, const decide::History& history,
                const std::string& state_folder, const decide::Conditions& conditions) {
  Planned planned;
  planned.plan = std::move(plan);
  note_blind_agents(planned.plan);
  planned.learned =
      decide::fill_from_history(planned.plan, history, slowing_keys(planned.plan, history));
  for (std::string& said : decide::time_out_from_history(planned.plan, history))
    planned.plan.notes.push_back(std::move(said));
  decide::apply_quota(planned.plan, conditions);
  planned.interlocking = plan::interlocking_of(planned.plan);
  planned.expected = decide::expect(planned.plan, history);
  decide::apply_size(planned.expected, conditions);
  decide::Options how;
  how.pattern = request.pattern;
  how.parallel = request.parallel;
  how.backlog = backlogs_of(planned.plan, state_folder);
  note_used_quotas(planned.plan, how.backlog);
  how.learned = planned.learned;
  how.host = this_host();
  how.coordinating = history.coordinating;
  if (request.stands) {
    planned.decision = decide::standing(planned.plan, planned.interlocking, how);
    return planned;
  }
  constexpr int kLongest = 20;  // Times the effort: a clock only ends what would never end.
  std::int64_t looks = looks_for(request.effort, planned);
  const auto end = std::chrono::steady_clock::now() + kLongest * request.effort;
  how.more = [&looks, end] { return --looks >= 0 && std::chrono::steady_clock::now() < end; };
  planned.decision = decide::decide(planned.plan, planned.interlocking, planned.expected, how);
  return planned;
}

Result<void> check_can_run(const Planned& planned) {
  for (const plan::Task& task : planned.plan.tasks) {
    if (task.needs_gateway && !asks_through_gateway(planned.plan, task)) {
      return fail(Error::Kind::refused,
                  fmt::format("task `{}` has `network: {}`, but no calls of its pass the "
                              "gateway: it would reach nothing",
                              task.id, task.allowed_hosts.empty() ? "gateway" : "{allow: ...}"),
                  "write `network: none` for that, or give it an agent with a key or a login");
    }
  }
  const auto& limits = planned.plan.limits;
  const decide::Forecast& forecast = planned.decision.chosen();
  if (limits.tokens && forecast.tokens && *forecast.tokens > *limits.tokens) {
    return fail(
        Error::Kind::refused,
        fmt::format("the plan is expected to take {} tokens, more than the {} of `limits.tokens`",
                    show_count(*forecast.tokens), show_count(*limits.tokens)),
        "raise the limit or make the plan smaller");
  }
  if (limits.usd && forecast.cost && *forecast.cost > *limits.usd) {
    return fail(Error::Kind::refused,
                fmt::format("the plan is expected to cost {}, more than the {} of `limits.usd`",
                            show_usd(*forecast.cost), show_usd(*limits.usd)),
                "raise the limit or make the plan smaller");
  }
  return {};
}

bool asks_through_gateway(const plan::Plan& plan, const plan::Task& task) {
  return agents::provider_through_gateway(plan.agents[task.agent.index()], task.model).has_value();
}

std::optional<std::string> unchecked_note(const plan::Plan& plan) {
  std::vector<TaskId> trusted;
  for (std::size_t i = 0; i < plan.tasks.size(); ++i) {
    const plan::Task& task = plan.tasks[i];
    if (task.isolation == plan::Isolation::direct && !task.footprint.unknown)
      trusted.emplace_back(i);
  }
  if (trusted.empty() || plan.tasks.size() < 2) return std::nullopt;
  return fmt::format(
      "`direct` does not check what is really read and written by {}: if a `reads` or `writes` is "
      "incomplete, a change can be lost. `--isolation guard` enforces them, `--isolation view` "
      "observes them",
      decide::names_of(plan, trusted));
}

std::string pattern_text(const decide::Decision& decision) {
  if (decision.pattern == decide::Pattern::queue) return fmt::format("queue({})", decision.n);
  return std::string(decide::name_of(decision.pattern));
}

std::optional<Tokens> tokens_to_come(const decide::Expected& one) {
  if (!one.tokens || one.tokens_from == decide::From::prior) return {};
  return *one.tokens + one.overhead_tokens.value_or(0);
}

void leave_quotas_to_gateway(const plan::Plan& plan, const plan::Task& task, schedule::Job& job) {
  if (!asks_through_gateway(plan, task)) return;
  job.costs.clear();
  std::erase_if(job.demands, [&](const schedule::Demand& demand) {
    return plan.resources[demand.resource.index()].kind == plan::Resource::Kind::quota;
  });
}

engine::Setup setup_for(const Planned& planned, const std::string& run) {
  engine::Setup setup;
  setup.run = run;
  setup.added = planned.added;
  setup.pattern = pattern_text(planned.decision);
  setup.problem = decide::problem_of(planned.plan, planned.waits(), planned.expected,
                                     planned.decision.verdicts);
  if (planned.decision.pattern != decide::Pattern::sequential)
    setup.speculative = planned.decision.speculation.lifted;
  setup.batches = planned.decision.batching.batches;
  for (std::size_t i = 0; i < planned.plan.tasks.size(); ++i)
    leave_quotas_to_gateway(planned.plan, planned.plan.tasks[i], setup.problem.jobs[i]);
  setup.limit_tokens = planned.plan.limits.tokens;
  setup.limit_usd = planned.plan.limits.usd;
  setup.policy = planned.decision.policy;
  setup.priorities = planned.decision.priorities;
  for (const decide::Expected& one : planned.expected) {
    setup.expected.push_back(one.time);
    setup.around.expected_tokens.push_back(tokens_to_come(one));
  }
  setup.around.run = run;
  return setup;
}

}  // namespace interlock::runs
