#include "support/fake_gateway.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace interlock::testing_support {

using engine::AttemptName;
using engine::CallEnd;
using engine::ModelCall;

Tokens known_tokens(const Usage& usage) {
  Tokens sum = 0;
  for (const auto& part : {usage.input, usage.output, usage.cache_read, usage.cache_write})
    sum += part.value_or(0);
  return sum;
}

bool FakeGateway::fits(const Open& route, const Usage& usage) const {
  const Tokens tokens = known_tokens(usage);
  const MicroUsd usd = usage.cost.value_or(0);
  return fits_run(usage) && (!route.spec.tokens || route.used + tokens <= *route.spec.tokens) &&
         (!route.spec.usd || route.spent + usd <= *route.spec.usd);
}

bool FakeGateway::fits_run(const Usage& usage) const {
  return (!tokens_left_ || known_tokens(usage) <= *tokens_left_) &&
         (!usd_left_ || usage.cost.value_or(0) <= *usd_left_);
}

CallEnd FakeGateway::refuse(Open& route, const Usage& usage) {
  ModelCall& told = tell(route, CallEnd::over_budget, no_usage());
  told.parked = !fits_run(usage);
  return told.end;
}

ModelCall& FakeGateway::tell(Open& route, CallEnd end, const Usage& usage) {
  ModelCall made;
  made.name = route.spec.name;
  made.number = ++route.calls;
  made.model = "fake-1";
  made.end = end;
  made.status = end == CallEnd::answered ? 200 : 403;
  made.bytes = 400;
  made.usage = usage;
  made.saved = 0;
  if (end == CallEnd::over_budget) made.detail = "the budget is spent";
  untaken_.push_back(std::move(made));
  return untaken_.back();
}

void FakeGateway::charge(Open& route, const Usage& usage) {
  const Tokens tokens = known_tokens(usage);
  const MicroUsd usd = usage.cost.value_or(0);
  if (tokens_left_) *tokens_left_ -= tokens;
  if (usd_left_) *usd_left_ -= usd;
  route.used += tokens;
  route.spent += usd;
}

CallEnd FakeGateway::ask(AttemptName name, const Usage& usage, CallEnd end,
                         std::optional<agents::Failure> failure) {
  const auto found = routes_.find(name);
  if (found == routes_.end()) return CallEnd::unreachable;
  Open& route = found->second;
  if (!fits(route, usage)) return refuse(route, usage);
  charge(route, usage);
  books_[name.task] += known_tokens(usage);
  ModelCall& told = tell(route, end, usage);
  told.failure = failure;
  return told.end;
}

CallEnd FakeGateway::begin(AttemptName name, const Usage& expected) {
  const auto found = routes_.find(name);
  if (found == routes_.end()) return CallEnd::unreachable;
  Open& route = found->second;
  if (!fits(route, expected)) return refuse(route, expected);
  charge(route, expected);
  route.running.push_back(expected);
  return CallEnd::answered;
}

std::optional<AttemptName> FakeGateway::behind(std::string_view secret) const {
  for (const auto& [name, route] : routes_) {
    if (route.secret == secret) return name;
  }
  return {};
}

void FakeGateway::ask_board(AttemptName name, bool posts, std::string topic, std::string text) {
  const auto route = routes_.find(name);
  if (route == routes_.end() || !route->second.spec.board) return;
  untaken_board_calls_.push_back(
      {++board_calls_, name, posts, std::move(topic), std::move(text), 0});
}

std::vector<engine::BoardCall> FakeGateway::take_board_calls() {
  call("take_board_calls");
  for (const engine::BoardCall& one : untaken_board_calls_) open_board_calls_[one.id] = one;
  return std::exchange(untaken_board_calls_, {});
}

void FakeGateway::answer(std::uint64_t id, engine::BoardAnswer answer) {
  const auto found = open_board_calls_.find(id);
  if (found == open_board_calls_.end()) return;
  const engine::BoardCall asked = found->second;
  open_board_calls_.erase(found);
  if (routes_.contains(asked.name) && on_board_answer) on_board_answer(asked, answer);
}

void FakeGateway::crash() {
  untaken_board_calls_.clear();
  open_board_calls_.clear();
  for (auto* calls : {&untaken_, &taken_}) {
    for (const ModelCall& lost : *calls) unreported_[lost.name.task] += known_tokens(lost.usage);
    calls->clear();
  }
  routes_.clear();
}

Result<engine::Gateway::Route> FakeGateway::open(const RouteSpec& spec) {
  call("open_door");
  check(!routes_.contains(spec.name), "a door is opened once");
  const std::string secret = "secret" + std::to_string(++opened_);
  routes_.emplace(spec.name, Open{.spec = spec, .secret = secret});
  return Route{"http://127.0.0.1:1/" + secret, secret};
}

std::vector<ModelCall> FakeGateway::take_calls() {
  call("take_calls");
  taken_.insert(taken_.end(), untaken_.begin(), untaken_.end());
  return std::exchange(untaken_, {});
}

std::vector<ModelCall> FakeGateway::close(AttemptName name) {
  call("close_door");
  if (const auto found = routes_.find(name); found != routes_.end()) {
    // Nobody knows what these used.
    for (std::size_t i = 0; i < found->second.running.size(); ++i)
      tell(found->second, CallEnd::cut_off, Usage()).failure = agents::Failure::aborted;
    routes_.erase(found);
  }
  std::vector<ModelCall> its;
  std::erase_if(untaken_, [&](ModelCall& one) {
    if (one.name != name) return false;
    taken_.push_back(one);
    its.push_back(std::move(one));
    return true;
  });
  return its;
}

void FakeGateway::set_budget(std::optional<Tokens> tokens, std::optional<MicroUsd> usd) {
  call("set_budget");
  tokens_left_ = tokens;
  usd_left_ = usd;
  const auto take = [&](const Usage& usage) {
    if (tokens_left_) *tokens_left_ -= known_tokens(usage);
    if (usd_left_) *usd_left_ -= usage.cost.value_or(0);
  };
  // Who sets a bound has counted the calls that he took, and no others.
  for (const ModelCall& untaken : untaken_) take(untaken.usage);
  for (const auto& [name, route] : routes_) std::ranges::for_each(route.running, take);
}

}  // namespace interlock::testing_support
