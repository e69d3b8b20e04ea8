#include <fmt/format.h>

#include <algorithm>

#include "base/json.h"
#include "base/text.h"
#include "engine/requests.h"

// What people say while a run goes on: a note for the board, a word to a task's agent, and which of
// those that wait goes first.
namespace interlock::engine {

namespace {

/// What a request says comes from another process: what is not there, or is something else, is
/// empty.
std::string text_in(const json::object& body, std::string_view key) {
  const json::value* value = body.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

json::object object_in(const std::string& body) {
  auto value = parse_json(body);
  return value && value->is_object() ? std::move(value->get_object()) : json::object();
}

std::optional<TaskMoved::Place> place_named(std::string_view name) {
  using Place = TaskMoved::Place;
  for (const Place place : {Place::first, Place::last, Place::before, Place::after}) {
    if (name_of(place) == name) return place;
  }
  return std::nullopt;
}

}  // namespace

/// An event, as whoever asked waits for a word on it, perhaps on another machine.
void RequestHandler::refuse(const Request& request, std::string why) {
  turn_.record(RequestRefused{std::move(why), request.by, request.id});
}

void RequestHandler::post(const Request& request) {
  const json::object body = object_in(request.body);
  const std::string topic = text_in(body, "topic");
  // A person may paste a key; the journal and other agents never see it.
  std::string text = turn_.setup.secrets.apply(text_in(body, "text"));
  if (const std::string why = why_not_posted(turn_.plan, turn_.run(), topic, text); !why.empty())
    return refuse(request, why);
  turn_.record(BoardPosted{topic, std::nullopt, 0, std::move(text), request.by, request.id});
}

/// Whether its agent can still be told is known when its next attempt is made: see `spec_of`.
void RequestHandler::send(const Request& request) {
  const auto id = turn_.plan.find(request.task);
  if (!id) return refuse(request, fmt::format("no task `{}`", printable(request.task)));
  if (std::string why = why_not_sent(turn_.plan, turn_.run(), *id, request.body); !why.empty())
    return refuse(request, std::move(why));
  turn_.record(MessageSent{*id, turn_.setup.secrets.apply(request.body), request.by, request.id});
}

void RequestHandler::move(const Request& request) {
  const json::object body = object_in(request.body);
  const auto place = place_named(text_in(body, "place"));
  const std::string other_name = text_in(body, "other");
  const auto id = turn_.plan.find(request.task);
  const auto other = turn_.plan.find(other_name);
  const bool is_beside = place == TaskMoved::Place::before || place == TaskMoved::Place::after;
  const auto why_not = [&](const std::optional<TaskId>& task, const std::string& name) {
    if (!task) return fmt::format("no task `{}`", printable(name));
    // What runs has no place in any order, and what is over none either.
    if (turn_.scheduler().waits(*task)) return std::string();
    return fmt::format("task `{}` does not wait to start: it is {}", name,
                       name_of(turn_.record_of(*task).state));
  };
  if (!place) return refuse(request, "it is not said where to");
  // There the order is what was asked for, and nothing else decides.
  if (turn_.setup.policy.plan_order)
    return refuse(request, "this run does its tasks one by one in plan order");
  if (std::string why = why_not(id, request.task); !why.empty())
    return refuse(request, std::move(why));
  if (is_beside) {
    if (std::string why = why_not(other, other_name); !why.empty())
      return refuse(request, std::move(why));
    if (other == id) return refuse(request, "a task is not moved beside itself");
  }
  turn_.record(TaskMoved{*id, *place, is_beside ? other : std::nullopt, request.by, request.id});
}

}  // namespace interlock::engine
