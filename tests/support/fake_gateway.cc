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
  return (!tokens_left_ || tokens <= *tokens_left_) && (!usd_left_ || usd <= *usd_left_) &&
         (!door.wish.tokens || door.used + tokens <= *door.wish.tokens) &&
         (!door.wish.usd || door.spent + usd <= *door.wish.usd);
}

CallEnd FakeGateway::ask(AttemptName name, const Usage& usage, CallEnd end) {
  const auto found = doors_.find(name);
  if (found == doors_.end()) return CallEnd::unreachable;
  Open& door = found->second;
  ModelCall made;
  made.name = name;
  made.number = ++door.calls;
  made.model = "fake-1";
  made.end = fits(door, usage) ? end : CallEnd::over_budget;
  made.status = made.end == CallEnd::answered ? 200 : 403;
  made.bytes = 400;
  made.usage = made.end == CallEnd::over_budget ? no_usage() : usage;
  made.saved = 0;
  if (made.end == CallEnd::over_budget) made.detail = "the budget is spent";
  const Tokens tokens = known_tokens(made.usage);
  const MicroUsd usd = made.usage.cost.value_or(0);
  if (tokens_left_) *tokens_left_ -= tokens;
  if (usd_left_) *usd_left_ -= usd;
  door.used += tokens;
  door.spent += usd;
  books_[name.task] += tokens;
  const CallEnd ended = made.end;
  untaken_.push_back(std::move(made));
  return ended;
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
  doors_.emplace(wish.name, Open{wish, 0, 0, 0});
  return Door{"http://127.0.0.1:1/secret", "secret"};
}

std::vector<ModelCall> FakeGateway::take_calls() {
  call("take_calls");
  taken_.insert(taken_.end(), untaken_.begin(), untaken_.end());
  return std::exchange(untaken_, {});
}

std::vector<ModelCall> FakeGateway::close(AttemptName name) {
  call("close_door");
  doors_.erase(name);
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
}

}  // namespace interlock::testing_support
