#include <fmt/format.h>

#include <boost/json/serialize.hpp>
#include <filesystem>

#include "base/json.h"
#include "base/text.h"
#include "cli/queue.h"
#include "runs/queues.h"
#include "runs/start.h"

// `each`: one task for each file that matches, without a plan file.
namespace interlock::cli {

namespace {

json::array texts(const std::vector<std::string>& words) {
  json::array list;
  for (const std::string& word : words) list.push_back(json::string(word));
  return list;
}

/// The plan that a person would have written for it.
Result<json::object> plan_of(const EachRequest& request) {
  const bool by_agent = !request.prompt.empty() || !request.agent.empty();
  if (by_agent == !request.command.empty())
    return fail(Error::Kind::invalid,
                by_agent ? "each file is for a command or for an agent, not for both"
                         : "nothing is to be done with each file",
                "such as `interlock each 'src/*.md' --agent claude 'Summarise {item}'` or "
                "`interlock each 'src/*.md' -- wc -w {item}`");
  if (by_agent && (request.prompt.empty() || request.agent.empty()))
    return fail(Error::Kind::invalid,
                request.agent.empty() ? "the prompt has no agent" : "the agent has no prompt",
                "such as `--agent claude 'Summarise {item}'`");
  if (request.login && !by_agent)
    return fail(Error::Kind::invalid, "a command has no log-in", "`--login` goes with `--agent`");
  json::object task{{"id", "{item}"}, {"foreach", request.pattern}};
  // An agent is held to what it declares: it reads its file, and its answer is its product.
  std::vector<std::string> reads = request.reads;
  if (reads.empty() && (by_agent || !request.writes.empty())) reads.emplace_back("{item}");
  if (by_agent || !reads.empty() || !request.writes.empty()) {
    task["reads"] = texts(reads);
    task["writes"] = texts(request.writes);
  }
  json::object plan{{"interlock", 1}, {"name", "each"}, {"workspace", "."}};
  if (by_agent) {
    json::object agent{{"kind", runs::kind_of_agent(request.agent)}};
    if (request.login) agent["login"] = true;
    plan["agents"] = json::object{{request.agent, std::move(agent)}};
    task["agent"] = request.agent;
    task["prompt"] = request.prompt;
    plan["merge"] = json::object{{"all", json::object{{"from", "*"}, {"with", "concat"}}}};
  } else if (request.command.size() == 1) {
    task["run"] = request.command.front();
  } else {
    task["run"] = texts(request.command);
  }
  plan["tasks"] = json::array{std::move(task)};
  return plan;
}

}  // namespace

Result<Exit> each_command(const Context& context, const EachRequest& request, Face face) {
  const auto plan = plan_of(request);
  if (!plan) return std::unexpected(plan.error());
  auto store = runs::open_store(context.place(), journal::Access::write);
  if (!store) return std::unexpected(store.error());
  const runs::Document document{{}, context.where.folder, json::serialize(*plan)};
  auto held = wait_for_workspace_of(context, document, request.how);
  if (!held) return std::unexpected(held.error());
  if (held->interrupted) return Exit::interrupted;
  auto run = enter_run(context, **store, document, request.how);
  if (!run) return std::unexpected(run.error());
  if ((*run)->plan().tasks.empty()) {
    runs::forget_unbegun(**store, context.state_folder, (*run)->id());
    return fail(Error::Kind::missing,
                fmt::format("`{}` matches no file", printable(request.pattern)),
                "put the pattern into quotes, so that the shell leaves it alone");
  }
  (*run)->workspace_held = std::move(held->lock);
  auto exit = dispatch_and_report(context, **store, **run, face);
  if (!exit) runs::forget_unbegun(**store, context.state_folder, (*run)->id());
  return exit;
}

}  // namespace interlock::cli
