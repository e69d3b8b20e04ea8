#include "engine/growth.h"

#include <fmt/format.h>

#include "base/json.h"
#include "engine/requests.h"

// A run whose plan grows, and whose limits are changed by people while it goes on.
namespace interlock::engine {

void RequestHandler::add_tasks(const Request& request) {
  const auto refuse = [&](std::string why) {
    turn_.record(TasksRefused{std::move(why), request.by, request.id});
  };
  // Refused by events, as whoever asked waits for one that names the request.
  if (turn_.setup.growth == nullptr) return refuse("this run takes no more tasks");
  if (turn_.run().additions_closed)
    return refuse("no more tasks are added to this run: it was closed");
  if (turn_.run().is_stopped_for(RunStopping::Cause::cancelled))
    return refuse("this run is being cancelled");
  auto grown = turn_.setup.growth->add(request.body);
  if (!grown) {
    const Error& error = grown.error();
    return refuse(error.hint.empty() ? error.message
                                     : fmt::format("{} ({})", error.message, error.hint));
  }
  // Before the event: the scheduler takes them when that is applied, live and in a replay alike.
  turn_.batch.announce(std::move(grown->jobs), grown->links);
  turn_.record(TasksAdded{grown->count, std::move(grown->tasks), std::move(grown->files),
                          request.by, request.id});
  const std::size_t tasks = turn_.run().tasks.size();
  // These know the plan by task, and are made of it, not of events.
  tasks_.merges().grow();
  conditions_.grow();
  if (!turn_.setup.speculative.empty()) turn_.setup.speculative.resize(tasks);
  turn_.setup.expected.insert(turn_.setup.expected.end(), grown->expected.begin(),
                              grown->expected.end());
  auto& tokens = turn_.setup.around.expected_tokens;
  tokens.insert(tokens.end(), grown->expected_tokens.begin(), grown->expected_tokens.end());
}

void RequestHandler::hold(const Request& request) {
  const bool calls = request.body == "calls";
  // Asking twice is no event; to hold calls as well is.
  if (turn_.run().held && turn_.run().calls_held == calls) return;
  turn_.record(RunHeld{calls, request.by});
  // At once: should the event not become durable, this dispatcher ends, and its gateway with it.
  turn_.ports.gateway.hold(calls);
}

void RequestHandler::release_hold(const std::string& by) {
  if (!turn_.run().held) return;
  turn_.record(RunReleased{by});
  turn_.ports.gateway.hold(false);
}

std::optional<bool> on_quota_in(const json::value& body) {
  const auto* const object = body.if_object();
  const json::value* const word = object == nullptr ? nullptr : object->if_contains("on_quota");
  if (word == nullptr || (*word != "wait" && *word != "stop")) return {};
  return *word == "wait";
}

void RequestHandler::retune(const Request& request) {
  const auto body = parse_json(request.body);
  if (!body || !body->is_object()) return;
  const auto number = [&](std::string_view key) -> std::optional<std::int64_t> {
    const json::value* value = body->get_object().if_contains(key);
    // A value that makes no sense is passed over, as a request that no longer fits.
    if (value == nullptr || !value->is_int64() || value->get_int64() <= 0) return std::nullopt;
    return value->get_int64();
  };
  const RunRetuned event{number("parallel"), number("tokens"), number("usd"), request.by,
                         on_quota_in(*body)};
  if (!event.parallel && !event.tokens && !event.usd && !event.waits_for_quota) return;
  turn_.record(event);
  // Replayed, `take_retuned` does the same; the scheduler itself has it by the event.
  if (event.parallel) turn_.setup.policy.parallel = static_cast<std::uint32_t>(*event.parallel);
  if (event.tokens) turn_.setup.limit_tokens = event.tokens;
  if (event.usd) turn_.setup.limit_usd = event.usd;
  // More may be spent at once by calls that wait at the limit.
  calls_.set_gateway_budget();
}

}  // namespace interlock::engine
