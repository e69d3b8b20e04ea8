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

bool FakeGateway::fits(const Open& door, const Usage& usage) const {
  const Tokens tokens = known_tokens(usage);
  const MicroUsd usd = usage.cost.value_or(0);
  return fits_run(usage) && (!door.wish.tokens || door.used + tokens <= *door.wish.tokens) &&
         (!door.wish.usd || door.spent + usd <= *door.wish.usd);
}

bool FakeGateway::fits_run(const Usage& usage) const {
  return (!tokens_left_ || known_tokens(usage) <= *tokens_left_) &&
         (!usd_left_ || usage.cost.value_or(0) <= *usd_left_);
}

CallEnd FakeGateway::refuse(Open& door, const Usage& usage) {
  ModelCall& told = tell(door, CallEnd::over_budget, no_usage());
  told.parked = !fits_run(usage);
  return told.end;
}

ModelCall& FakeGateway::tell(Open& door, CallEnd end, const Usage& usage) {
  ModelCall made;
  made.name = door.wish.name;
  made.number = ++door.calls;
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

void FakeGateway::charge(Open& door, const Usage& usage) {
  const Tokens tokens = known_tokens(usage);
  const MicroUsd usd = usage.cost.value_or(0);
  if (tokens_left_) *tokens_left_ -= tokens;
  if (usd_left_) *usd_left_ -= usd;
  door.used += tokens;
  door.spent += usd;
}

CallEnd FakeGateway::ask(AttemptName name, const Usage& usage, CallEnd end,
                         std::optional<agents::Failure> failure) {
  const auto found = doors_.find(name);
  if (found == doors_.end()) return CallEnd::unreachable;
  Open& door = found->second;
  if (!fits(door, usage)) return refuse(door, usage);
  charge(door, usage);
  books_[name.task] += known_tokens(usage);
  ModelCall& told = tell(door, end, usage);
  told.failure = failure;
  return told.end;
}

CallEnd FakeGateway::begin(AttemptName name, const Usage& expected) {
  const auto found = doors_.find(name);
  if (found == doors_.end()) return CallEnd::unreachable;
  Open& door = found->second;
  if (!fits(door, expected)) return refuse(door, expected);
  charge(door, expected);
  door.running.push_back(expected);
  return CallEnd::answered;
}

std::optional<AttemptName> FakeGateway::behind(std::string_view secret) const {
  for (const auto& [name, door] : doors_) {
    if (door.secret == secret) return name;
  }
  return {};
}

void FakeGateway::crash() {
  for (auto* calls : {&untaken_, &taken_}) {
    for (const ModelCall& lost : *calls) untold_[lost.name.task] += known_tokens(lost.usage);
    calls->clear();
  }
  doors_.clear();
}

Result<engine::Gateway::Door> FakeGateway::open(const Wish& wish) {
  call("open_door");
  check(!doors_.contains(wish.name), "a door is opened once");
  const std::string secret = "secret" + std::to_string(++opened_);
  doors_.emplace(wish.name, Open{.wish = wish, .secret = secret});
  return Door{"http://127.0.0.1:1/" + secret, secret};
}

std::vector<ModelCall> FakeGateway::take_calls() {
  call("take_calls");
  taken_.insert(taken_.end(), untaken_.begin(), untaken_.end());
  return std::exchange(untaken_, {});
}

std::vector<ModelCall> FakeGateway::close(AttemptName name) {
  call("close_door");
  if (const auto found = doors_.find(name); found != doors_.end()) {
    // Nobody knows what these used.
    for (std::size_t i = 0; i < found->second.running.size(); ++i)
      tell(found->second, CallEnd::cut_off, Usage()).failure = agents::Failure::aborted;
    doors_.erase(found);
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
  for (const auto& [name, door] : doors_) std::ranges::for_each(door.running, take);
}

}  // namespace interlock::testing_support
