#include "gateway/proxied_call.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "gateway/credentials.h"

namespace interlock::gateway {

using engine::CallEnd;
using metering::Refusal;

GatewayState::~GatewayState() = default;

void GatewayState::release_waiting(const std::vector<CallId>& calls_to_go) {
  for (const CallId id : calls_to_go) {
    if (const auto found = calls.find(id); found != calls.end()) found->second->go_ahead();
  }
}

void GatewayState::run_limit_moved() {
  if (std::exchange(looks_at_limit, true)) return;
  loop.when_idle([this] {
    looks_at_limit = false;
    std::vector<CallId> all;
    for (const auto& [id, call] : calls) all.push_back(id);
    for (const CallId id : all) {
      if (const auto found = calls.find(id); found != calls.end()) found->second->look_at_limit();
    }
  });
}

ProxiedCall::ProxiedCall(GatewayState& board, std::shared_ptr<AttemptRoute> route,
                         http::Session& session, http::Request request, std::string rest,
                         std::optional<metering::Asked> asked, CallId id)
    : board_(board),
      route_(std::move(route)),
      session_(&session),
      request_(std::move(request)),
      rest_(std::move(rest)),
      asked_(std::move(asked)),
      id_(id),
      began_(board.options.now()) {
  session.answered_by(this);
  ++route_->in_flight;
  ordinal_ = ++route_->requests;
  reported_.name = route_->spec.name;
  if (is_reported()) reported_.number = ++route_->calls;
  if (!asked_) return;
  reported_.model = asked_->model;
  reported_.offers_tools = asked_->offers_tools;
}

ProxiedCall::~ProxiedCall() { --route_->in_flight; }

void ProxiedCall::begin() {
  board_.retries.earn();
  if (replay()) return;
  watch_clock();
  if (!is_reported()) return send();
  if (!passes_brakes()) return;
  const RetryRules& rules = board_.options.retries;
  const Duration pause = route_->brakes.pause_for(asked_->identity, rules.first, rules.longest);
  if (pause == Duration::zero()) return set_out();
  state_ = State::backing_off;
  stall_ = board_.loop.after(pause, [this] { set_out(); });
}

void ProxiedCall::set_out() {
  asking_ = metering::asking_for_usage(asked_->api, request_.body);
  const auto known = board_.takes_usage_option.find(usage_key());
  is_asking_ = asking_ && (known == board_.takes_usage_option.end() || known->second);
  estimate();
  ask_budgets();
}

void ProxiedCall::estimate() {
  const Estimates& known = board_.estimates;
  double ratio = known.ratio(asked_->model);
  if (!route_->quotas.empty())
    ratio = board_.admission->account(route_->quotas.front()).tokens_per_byte(asked_->model, ratio);
  input_estimate_ = static_cast<Tokens>(ratio * static_cast<double>(asked_->bytes)) + 1;
  output_estimate_ = known.output(route_->spec.name.task, asked_->model, asked_->output_max);

  const Usage expected{
      .input = input_estimate_, .output = output_estimate_, .cache_read = 0, .cache_write = 0};
  reserved_ = {
      .tokens = input_estimate_ + output_estimate_,
      .usd = metering::cost_of(board_.options.prices, asked_->model, expected).value_or(0)};
  const Tokens prefix = static_cast<Tokens>(ratio * static_cast<double>(asked_->prefix_bytes));
  shares_prefix_ = asked_->prefix_bytes > 0 && prefix >= asked_->cache_least && leads_pay();
  if (!shares_prefix_) return;
  // Providers keep caches apart by key; two routes with the client's own keys never share.
  Hasher hasher;
  hasher.add_field(asked_->prefix).add_field(asked_->model).add_field(route_->provider->base_url);
  if (route_->provider->key.is_set()) {
    hasher.add_field(route_->provider->key.reveal());
  } else {
    hasher.add_field(route_->secret);
  }
  prefix_ = hasher.finish();
  shared_key_ = metering::with_shared_key(asked_->api, request_.body, asked_->prefix);
}

bool ProxiedCall::leads_pay() const {
  const metering::Price* const price = board_.options.prices.find(asked_->model);
  // Unknown prices: every provider with a cache sells reads from it for less.
  return price == nullptr || !price->input || !price->cache_read ||
         *price->cache_read < *price->input;
}

void ProxiedCall::ask_budgets() {
  if (board_.run.is_paused()) {
    state_ = State::at_limit;
    return waits_for("the run is paused", {}, true);
  }
  if (const auto passed = route_->budget.passed_by(reserved_))
    return pass_budget("the task's", *passed);
  const engine::AttemptName name = route_->spec.name;
  switch (board_.run.judge(name, reserved_)) {
    case RunLimit::Verdict::go: break;
    case RunLimit::Verdict::wait:
      if (std::exchange(state_, State::at_limit) != State::at_limit) {
        waits_for(
            fmt::format("the run's limit of {}: what is left goes to tasks that are nearer their "
                        "end, or is held by calls in flight",
                        board_.run.scarce(reserved_)),
            {}, true);
      }
      return;
    case RunLimit::Verdict::park:
      board_.run.park(name);
      reported_.parked = true;
      return pass_budget("the run's", board_.run.scarce(reserved_));
  }
  waits_no_more();
  holds_ = true;
  route_->budget.take(reserved_);
  board_.run.hold(name, reserved_);
  ticket_ = board_.admission->draw_ticket();
  follow();
}

void ProxiedCall::look_at_limit() {
  if (state_ == State::at_limit) ask_budgets();
}

void ProxiedCall::pass_budget(std::string_view whose, std::string_view what) {
  refuse(
      CallEnd::over_budget,
      {.kind = Refusal::Kind::bad_request,
       .message = fmt::format("not sent: with about {} tokens ({}) it would pass {} budget of {}",
                              show_count(reserved_.tokens), show_usd(reserved_.usd), whose, what)});
}

void ProxiedCall::follow() {
  state_ = State::following;
  waiting_since_ = sys::Loop::now();
  if (!shares_prefix_ || board_.leads.may_go(prefix_, id_, waiting_since_)) return stand_in_line();
  waits_for("another call fills the prompt cache they share");
}

void ProxiedCall::go_ahead() {
  if (state_ != State::following) return;
  reported_.waited_lead += std::chrono::duration_cast<Duration>(sys::Loop::now() - waiting_since_);
  stand_in_line();
}

std::vector<Admission::Want> ProxiedCall::wants() const {
  std::vector<Admission::Want> wants;
  for (const std::size_t quota : route_->quotas) {
    const bool is_max = board_.admission->option(quota).charge == QuotaOption::Charge::reserve_max;
    wants.push_back({quota,
                     {.requests = 1,
                      .input_tokens = input_estimate_,
                      .output_tokens =
                          is_max ? asked_->output_max.value_or(output_estimate_) : output_estimate_,
                      .usd = reserved_.usd}});
  }
  return wants;
}

void ProxiedCall::stand_in_line() {
  state_ = State::in_line;
  if (route_->quotas.empty()) return send();
  waiting_since_ = sys::Loop::now();
  std::string names;
  for (const std::size_t quota : route_->quotas)
    names +=
        fmt::format("{}`{}`", names.empty() ? "" : " and ", board_.admission->option(quota).name);
  waits_for("quota " + names);
  board_.admission->join(ticket_, wants(), deadline(), *this);
}

/// Told only when it lasts: calls that come in while others go are usual. `until` is told at once.
void ProxiedCall::waits_for(std::string on, std::optional<sys::Loop::Moment> until, bool at_limit) {
  constexpr auto kLasting = std::chrono::milliseconds(500);
  if (!is_reported()) return;
  const sys::Loop::Moment now = sys::Loop::now();
  std::optional<Time> at;
  if (until) {
    if (*until < now + kLasting) return;
    at = board_.options.now() + std::chrono::duration_cast<Duration>(*until - now);
  }
  engine::Gateway::Waiting waiting{route_->spec.name, without_secrets(std::move(on)), at, at_limit};
  const auto report = [this, waiting = std::move(waiting), until] {
    waits_reported_ = true;
    waits_reported_until_ = until;
    board_.report_waiting(id_, waiting);
  };
  notice_.reset();
  if (until) return report();
  notice_ = board_.loop.at(now + kLasting, report);
}

void ProxiedCall::waits_no_more() {
  notice_.reset();
  waits_reported_until_.reset();
  if (std::exchange(waits_reported_, false)) board_.report_waiting(id_, {});
}

void ProxiedCall::admitted(std::vector<Admission::Held> held) {
  held_ = std::move(held);
  reported_.waited_quota += std::chrono::duration_cast<Duration>(sys::Loop::now() - waiting_since_);
  send();
}

/// The moment moves a little with each look at the account, and a great deal when another call
/// turns out larger than it was thought: only that is news.
void ProxiedCall::deferred(const QuotaOption& quota, std::optional<quota::Moment> until) {
  constexpr auto kNews = std::chrono::seconds(1);
  if (!until) return;
  if (waits_reported_until_ && std::chrono::abs(*until - *waits_reported_until_) < kNews) return;
  waits_for(fmt::format("quota `{}`", quota.name), until);
}

void ProxiedCall::turned_away(const QuotaOption& quota, bool is_spent) {
  reported_.waited_quota += std::chrono::duration_cast<Duration>(sys::Loop::now() - waiting_since_);
  failure_ = is_spent ? agents::Failure::quota_spent : agents::Failure::rate_limited;
  if (is_spent) {
    return refuse(
        CallEnd::quota_spent,
        {.kind = Refusal::Kind::quota_spent,
         .message = fmt::format("the provider's quota behind `{}` is used up", quota.name)});
  }
  refuse(CallEnd::unreachable,
         {.kind = Refusal::Kind::bad_request,
          .message = fmt::format("quota `{}` admits nothing before the attempt's time is up",
                                 quota.name)});
}

void ProxiedCall::send() {
  state_ = State::sending;
  waits_no_more();
  const Provider& provider = *route_->provider;
  Outgoing outgoing;
  outgoing.method = request_.method;
  outgoing.url = provider.base_url + rest_for_upstream(rest_, route_->secret, provider.key);
  outgoing.headers = headers_for_upstream(request_.headers, route_->secret, provider.key);
  outgoing.body = request_.body;
  if (is_asking_) {
    outgoing.body = *asking_;
  } else if (shared_key_) {
    outgoing.body = *shared_key_;
  }
  status_ = 0;
  headers_.clear();
  unpassed_.clear();
  reader_.reset();
  filter_.reset();
  failure_.reset();  // Of an earlier try.
  transfer_ = board_.upstream.start(outgoing, *this);
  is_sent_ = true;
  last_byte_at_ = sys::Loop::now();
  on_stall();
}

std::optional<sys::Loop::Moment> ProxiedCall::deadline() const {
  if (route_->spec.deadline == Time{}) return {};
  const Duration left = route_->spec.deadline - board_.options.now();
  return sys::Loop::now() + std::max(left, Duration::zero());
}

void ProxiedCall::watch_clock() {
  if (const auto moment = deadline()) clock_ = board_.loop.at(*moment, [this] { on_deadline(); });
}

void ProxiedCall::on_deadline() {
  if (state_ == State::passing) return end(CallEnd::cut_off, "the attempt's time was up");
  if (state_ == State::at_limit) {
    board_.run.park(route_->spec.name);
    reported_.parked = true;
    return pass_budget("the run's", board_.run.scarce(reserved_));
  }
  std::string message = "no answer within the attempt's time";
  if (const auto& before = route_->wait_request) {
    failure_ = before->failure;
    message += "; the try before: " + before->message;
  }
  refuse(CallEnd::unreachable, {.kind = Refusal::Kind::bad_request, .message = std::move(message)});
}

void ProxiedCall::on_stall() {
  const sys::Loop::Moment due = last_byte_at_ + board_.options.stall;
  if (due > sys::Loop::now()) {
    // Moved on at most once a period, however many bytes come.
    stall_ = board_.loop.at(due, [this] { on_stall(); });
    return;
  }
  const std::string detail =
      fmt::format("nothing came for {}", show_duration(board_.options.stall));
  if (state_ == State::passing) return end(CallEnd::cut_off, detail);
  refuse(CallEnd::cut_off, {.kind = Refusal::Kind::bad_request, .message = detail});
}

void ProxiedCall::client_ready() {
  if (transfer_) transfer_->resume();
}

void ProxiedCall::client_left() {
  session_ = nullptr;
  failure_ = agents::Failure::aborted;
  end(CallEnd::cut_off, "the client left before its answer was whole");
}

void ProxiedCall::close() {
  failure_ = agents::Failure::aborted;
  end(CallEnd::cut_off, "the attempt was over");
}

}  // namespace interlock::gateway
