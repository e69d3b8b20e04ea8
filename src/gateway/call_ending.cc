#include <fmt/format.h>

#include <optional>
#include <utility>

#include "base/json.h"
#include "base/text.h"
#include "gateway/proxied_call.h"

// How a call ends, whoever ends it: what it held is settled, the client is told, and so is the
// engine.
namespace interlock::gateway {

using engine::CallEnd;
using metering::Refusal;

namespace {

/// Nothing was used, for certain.
bool took_nothing(CallEnd end, bool is_sent, int status) {
  return !is_sent || end == CallEnd::over_budget || end == CallEnd::not_recorded || status >= 400;
}

/// What an answer that came to its end is worth, and why.
struct Verdict {
  std::optional<agents::Failure> failure;
  std::string_view why;
};

Verdict verdict_on(metering::Stop stop) {
  using agents::Failure;
  using metering::Stop;
  switch (stop) {
    case Stop::whole:
    case Stop::tools: return {};
    case Stop::unsaid: return {Failure::cut_off, "the answer does not say why it ended"};
    case Stop::paused: return {Failure::cut_off, "the model paused and was not asked to go on"};
    case Stop::cut: return {Failure::cut_off, "the answer was cut at a limit"};
    case Stop::failed: return {Failure::api, "the model's side broke down"};
    case Stop::declined: return {Failure::refused, "the model, or a filter, declined"};
    case Stop::unfamiliar: return {Failure::cut_off, "that is not known to be a good end"};
  }
  return {Failure::other, ""};
}

/// What a subscription has left is told with refusals, too; these use nothing.
void note_windows(const Options& options, const std::string& base_url,
                  const http::HeaderList& headers, int status, engine::ModelCall& call) {
  if (!options.on_windows || call.replayed) return;
  const auto windows = metering::read_windows(headers);
  if (windows.empty()) return;
  constexpr int kFirstError = 400;
  std::string said = options.on_windows(
      base_url, windows, status >= kFirstError ? Tokens{0} : total_tokens(call.usage));
  if (!said.empty()) call.warning = std::move(said);
}

}  // namespace

/// Null: what was used is not known, so it stays as it was reserved.
void ProxiedCall::release(const quota::Cost* actual) {
  for (const Admission::Held& held : std::exchange(held_, {}))
    board_.admission->settle(held, actual == nullptr ? held.grant.reserved : *actual);
}

quota::Cost ProxiedCall::cost_of(const Usage& usage, const Admission::Held& held) const {
  const QuotaOption& option = board_.admission->option(held.quota);
  quota::Cost cost = held.grant.reserved;
  // Anthropic does not count what its cache had; the others do.
  const bool counts_cached = option.counts_cached.value_or(asked_->api != metering::Api::anthropic);
  const std::optional<Tokens> cached = counts_cached ? usage.cache_read : 0;
  if (usage.input && cached)
    cost.input_tokens = *usage.input + *cached + usage.cache_write.value_or(0);
  if (usage.output) cost.output_tokens = *usage.output;
  if (usage.cost) cost.usd = *usage.cost;
  return cost;
}

Charge ProxiedCall::charge_of(const Usage& usage) const {
  return {.tokens = total_tokens(usage).value_or(reserved_.tokens),
          .usd = usage.cost.value_or(reserved_.usd)};
}

void ProxiedCall::settle_usage(CallEnd end) {
  if (reported_.replayed || took_nothing(end, is_sent_, status_)) {
    reported_.usage = no_usage();
  } else if (reader_) {
    const metering::Answered& answered = reader_->answered();
    reported_.usage = answered.usage;
    reported_.cut = answered.cut;
    const metering::Prices& prices = board_.options.prices;
    const std::string& model = prices.find(asked_->model) != nullptr || answered.model.empty()
                                   ? asked_->model
                                   : answered.model;
    reported_.usage.cost = metering::cost_of(prices, model, reported_.usage);
    reported_.saved = metering::saved_by_cache(prices, model, reported_.usage);
    // Counts of a stream that broke are those of its beginning.
    if (!answered.complete && answered.stop == metering::Stop::unsaid) {
      reported_.usage.output.reset();
      reported_.usage.cost.reset();
    }
  }
  for (const Admission::Held& held : std::exchange(held_, {}))
    board_.admission->settle(held, cost_of(reported_.usage, held));
}

void ProxiedCall::learn() {
  const Usage& usage = reported_.usage;
  if (reported_.end != CallEnd::answered || reported_.failure || reported_.replayed) return;
  if (usage.output)
    board_.estimates.learn_output(route_->spec.name.task, asked_->model, *usage.output);
  if (!usage.input) return;
  const Tokens input = *usage.input + usage.cache_read.value_or(0) + usage.cache_write.value_or(0);
  board_.estimates.learn_ratio(asked_->model, asked_->bytes, input);
  for (const std::size_t quota : route_->quotas)
    board_.admission->account(quota).learn_ratio(asked_->model, asked_->bytes, input);
}

/// An end that the client is told in its own API's words.
void ProxiedCall::refuse(CallEnd how, const Refusal& refusal) {
  Refusal reported = refusal;
  reported.message = without_secrets(refusal.message);
  if (session_ != nullptr && asked_) {
    const std::string body = metering::refusal_body(asked_->api, reported, reported_.status);
    std::exchange(session_, nullptr)
        ->answer(reported_.status, {{"content-type", "application/json"}}, body);
  } else if (session_ != nullptr) {
    reported_.status = 502;
    std::exchange(session_, nullptr)
        ->answer(reported_.status, {{"content-type", "text/plain"}}, reported.message + "\n");
  }
  end(how, reported.message);
}

/// The answer is there. Whether it is a good one, its own word for its end says.
void ProxiedCall::end_answered() {
  const metering::Answered& answered = reader_->answered();
  const Verdict verdict = verdict_on(answered.stop);
  failure_ = verdict.failure;
  if (!verdict.failure || !is_reported()) return end(CallEnd::answered, {});
  end(CallEnd::answered,
      answered.finish.empty()
          ? std::string(verdict.why)
          : fmt::format("the answer ended with `{}`: {}", printable(answered.finish), verdict.why));
}

void ProxiedCall::end(CallEnd how, std::string detail) {
  if (state_ == State::over) return;
  state_ = State::over;
  transfer_.reset();
  clock_.reset();
  stall_.reset();
  board_.admission->leave(ticket_);
  if (session_ != nullptr) std::exchange(session_, nullptr)->break_off();

  if (is_reported()) {
    reported_.end = how;
    reported_.failure = failure_;
    reported_.bytes = asked_ ? asked_->bytes : 0;
    if (!detail.empty()) reported_.detail = without_secrets(std::move(detail));
    settle_usage(how);
    learn();
    note_windows(board_.options, route_->provider->base_url, headers_, status_, reported_);
    reported_.elapsed = board_.options.now() - began_;
    const Charge charge = holds_ ? charge_of(reported_.usage) : Charge();
    if (std::exchange(holds_, false)) {
      route_->budget.give_back(reserved_);
      route_->budget.take(charge);
      board_.run.settle(route_->spec.name, reserved_, charge);
    }
    board_.run_limit_moved();
    note_for_brakes(reported_.usage.cost);
    board_.report(reported_, charge);
  }
  // After it is told: who sees it wait no more finds it told.
  waits_no_more();
  // Whoever reads this prompt now may find it in the cache only if it was read to its end.
  if (shares_prefix_ && how == CallEnd::answered && !is_filled_) {
    board_.release_waiting(board_.leads.filled(prefix_, id_, sys::Loop::now()));
  } else if (shares_prefix_) {
    board_.release_waiting(board_.leads.ended(prefix_, id_));
  }
  board_.loop.when_idle([&board = board_, id = id_] { board.calls.erase(id); });
}

std::string ProxiedCall::without_secrets(std::string text) const {
  route_->redaction.apply_to(text);
  return text;
}

}  // namespace interlock::gateway
