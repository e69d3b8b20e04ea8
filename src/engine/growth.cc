#include "engine/growth.h"

#include <fmt/format.h>

#include "base/json.h"
#include "engine/engine.h"

// A run whose plan grows, and whose limits are changed by people while it goes on.
namespace interlock::engine {

void Engine::add_tasks(const Request& request) {
  const auto refuse = [&](std::string why) {
    batch_.record(TasksRefused{std::move(why), request.by, request.id});
  };
  if (setup_.growth == nullptr) return refuse("this run takes no more tasks");
  if (run().additions_closed) return refuse("no more tasks are added to this run: it was closed");
  if (run().is_stopped_for(RunStopping::Cause::cancelled))
    return refuse("this run is being cancelled");
  auto grown = setup_.growth->add(request.body);
  if (!grown) {
    const Error& error = grown.error();
    return refuse(error.hint.empty() ? error.message
                                     : fmt::format("{} ({})", error.message, error.hint));
  }
  batch_.announce(std::move(grown->jobs), grown->links);
  batch_.record(TasksAdded{grown->count, std::move(grown->tasks), std::move(grown->files),
                           request.by, request.id});
  const std::size_t tasks = run().tasks.size();
  merges_of_.resize(tasks);
  conditions_.grow(plan_);
  if (!setup_.speculative.empty()) setup_.speculative.resize(tasks);
  setup_.expected.insert(setup_.expected.end(), grown->expected.begin(), grown->expected.end());
  auto& tokens = setup_.around.expected_tokens;
  tokens.insert(tokens.end(), grown->expected_tokens.begin(), grown->expected_tokens.end());
}

/// Whether it waits for more tasks when all it has are over.
bool Engine::stands() const { return setup_.stands && !run().additions_closed; }

void Engine::hold(const Request& request) {
  const bool calls = request.body == "calls";
  if (run().held && run().calls_held == calls) return;
  batch_.record(RunHeld{calls, request.by});
  ports_.gateway.hold(calls);
}

void Engine::release_hold(const std::string& by) {
  if (!run().held) return;
  batch_.record(RunReleased{by});
  ports_.gateway.hold(false);
}

void Engine::retune(const Request& request) {
  const auto body = parse_json(request.body);
  if (!body || !body->is_object()) return;
  const auto number = [&](std::string_view key) -> std::optional<std::int64_t> {
    const json::value* value = body->get_object().if_contains(key);
    if (value == nullptr || !value->is_int64() || value->get_int64() <= 0) return std::nullopt;
    return value->get_int64();
  };
  const RunRetuned event{number("parallel"), number("tokens"), number("usd"), request.by};
  if (!event.parallel && !event.tokens && !event.usd) return;
  batch_.record(event);
  if (event.parallel) setup_.policy.parallel = static_cast<std::uint32_t>(*event.parallel);
  if (event.tokens) setup_.limit_tokens = event.tokens;
  if (event.usd) setup_.limit_usd = event.usd;
  set_gateway_budget();
}

}  // namespace interlock::engine
