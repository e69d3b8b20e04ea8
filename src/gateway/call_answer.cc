#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/text.h"
#include "gateway/contradiction.h"
#include "gateway/credentials.h"
#include "gateway/proxied_call.h"

// A call's way back: what comes from the provider, and what of it the client sees.
namespace interlock::gateway {

using engine::CallEnd;
using metering::Refusal;

namespace {

constexpr int kFirstError = 400;
constexpr std::size_t kLongestError = std::size_t{4} << 20U;
/// Answers beyond that are passed on and not recorded.
constexpr std::size_t kLongestRecorded = std::size_t{64} << 20U;

std::optional<std::uint64_t> length_of(const http::HeaderList& headers) {
  const std::string* const text = http::find_header(headers, "content-length");
  std::uint64_t length = 0;
  if (text == nullptr) return {};
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), length);
  if (error != std::errc() || end != text->data() + text->size()) return {};
  return length;
}

/// Whether the same request may fare better in a while.
bool may_pass(Refusal::Kind kind) {
  return kind == Refusal::Kind::rate_limited || kind == Refusal::Kind::overloaded ||
         kind == Refusal::Kind::server;
}

}  // namespace

bool is_event_stream(const http::HeaderList& headers) {
  const std::string* const type = http::find_header(headers, "content-type");
  return type != nullptr && type->starts_with("text/event-stream");
}

agents::Failure failure_for(Refusal::Kind kind) {
  using agents::Failure;
  switch (kind) {
    case Refusal::Kind::rate_limited: return Failure::rate_limited;
    case Refusal::Kind::quota_spent: return Failure::quota_spent;
    case Refusal::Kind::overloaded:
    case Refusal::Kind::server: return Failure::api;
    case Refusal::Kind::authentication: return Failure::authentication;
    case Refusal::Kind::bad_request: return Failure::bad_request;
    case Refusal::Kind::too_long: return Failure::too_long;
  }
  return Failure::other;
}

void ProxiedCall::on_head(int status, http::HeaderList headers) {
  last_byte_at_ = sys::Loop::now();
  status_ = status;
  headers_ = std::move(headers);
  if (!asked_) return;
  if (is_reported() && !route_->quotas.empty()) {
    const metering::LimitNews news = metering::read_limits(headers_, board_.options.now());
    for (const std::size_t quota : route_->quotas) {
      board_.admission->account(quota).learn(news, quota::now());
      const QuotaOption& option = board_.admission->option(quota);
      std::string said = contradiction_in(option, news);
      if (!said.empty() && board_.contradictions.insert(option.name).second)
        reported_.remark = std::move(said);
    }
  }
  if (status >= kFirstError) return;
  reader_.emplace(asked_->api, is_event_stream(headers_));
  if (asking_) board_.takes_usage_option.try_emplace(usage_key(), is_asking_);
  // Some tell usage whether they are asked or not; this client did not ask.
  if (asking_ && is_event_stream(headers_)) filter_.emplace();
}

bool ProxiedCall::on_bytes(std::string_view bytes) {
  if (session_ == nullptr || state_ == State::over) return true;
  if (session_->is_behind()) return false;
  last_byte_at_ = sys::Loop::now();
  if (asked_ && status_ >= kFirstError) {
    if (unpassed_.size() < kLongestError) unpassed_.append(bytes);
    return true;
  }
  if (reader_) {
    reader_->take(bytes);
    // A stream whose first words are an error: nothing of it is the client's yet, so it can be
    // tried again.
    if (holds_back()) {
      unpassed_.append(bytes);
      return true;
    }
    if (shares_prefix_ && !is_filled_ && reader_->answered().began) {
      is_filled_ = true;
      // Not from here: curl starts no transfer from within another's callback.
      board_.loop.when_idle(
          [&board = board_, going = board_.leads.filled(prefix_, id_, sys::Loop::now())] {
            board.release_waiting(going);
          });
    }
  }
  pass(bytes);
  return true;
}

bool ProxiedCall::holds_back() const {
  const metering::Answered& answered = reader_->answered();
  return state_ == State::sending && answered.refusal && !answered.began;
}

void ProxiedCall::begin_passing() {
  if (state_ == State::passing) return;
  state_ = State::passing;
  reported_.status = status_;
  http::HeaderList headers = headers_for_client(headers_);
  for (auto& [name, value] : headers) board_.redaction.apply_to(value);
  // What we may take out of has no length that is known.
  const bool may_change = filter_ || !board_.redaction.empty();
  session_->begin(status_, std::move(headers),
                  may_change ? std::optional<std::uint64_t>() : length_of(headers_));
}

void ProxiedCall::pass(std::string_view bytes) {
  begin_passing();
  std::string filtered;
  if (filter_) {
    filtered = filter_->take(bytes);
    bytes = filtered;
  }
  if (board_.redaction.empty()) return give(bytes);
  give(redacted_.take(board_.redaction, bytes));
}

/// What the client gets, and nothing else is kept.
void ProxiedCall::give(std::string_view bytes) {
  if (bytes.empty()) return;
  if (board_.records() && recorded_.size() < kLongestRecorded) {
    recorded_.append(bytes);
    chunks_.push_back(bytes.size());
  }
  session_->write(bytes);
}

void ProxiedCall::on_done(Result<void> how) {
  if (state_ == State::over) return;
  stall_.reset();
  is_sent_ = how || transfer_->was_sent() || status_ != 0;
  transfer_.reset();
  if (!how) return on_broken(how.error());
  if (asked_ && status_ >= kFirstError) return on_refused();
  if (reader_) reader_->end();
  if (reader_ && holds_back()) return on_refused();
  if (filter_) {
    const std::string rest = filter_->end();
    filter_.reset();
    if (!rest.empty()) pass(rest);
  }
  if (redacted_.holds()) give(redacted_.end());
  finish_passing();
}

Refusal ProxiedCall::read_refusal() const {
  if (reader_) return *reader_->answered().refusal;
  return metering::read_refusal(asked_->api, status_, headers_, unpassed_, board_.options.now());
}

/// Before anything is given back, which would let the next one through.
void ProxiedCall::report_spent(const Refusal& refusal) {
  std::optional<quota::Moment> until;
  if (refusal.retry_after) until = quota::now() + *refusal.retry_after;
  reported_.spent_for = refusal.retry_after;
  for (const std::size_t quota : route_->quotas) board_.admission->spent(quota, until);
}

void ProxiedCall::note_slow_down(const Refusal& refusal, bool is_rate) {
  for (const Admission::Held& held : held_) {
    if (!is_rate) {
      board_.admission->account(held.quota).refused(refusal.retry_after, quota::now());
      continue;
    }
    std::string said = board_.admission->refused(held, refusal.retry_after);
    if (!said.empty()) reported_.remark = std::move(said);
  }
}

void ProxiedCall::on_refused() {
  const Refusal refusal = read_refusal();
  const bool is_rate = refusal.kind == Refusal::Kind::rate_limited;
  const bool is_slow_down = is_rate || refusal.kind == Refusal::Kind::overloaded;
  if (is_slow_down) note_slow_down(refusal, is_rate);
  if (refusal.kind == Refusal::Kind::quota_spent) report_spent(refusal);
  // What was refused was counted as a request, and as nothing else.
  const quota::Cost only_request;
  release(&only_request);
  failure_ = failure_for(refusal.kind);
  if (ask_without_usage(refusal)) return;
  if (refusal.kind == Refusal::Kind::quota_spent) return refuse(CallEnd::quota_spent, refusal);
  if (may_pass(refusal.kind)) return try_again(refusal, refusal.retry_after.has_value());

  // As the provider said it: the client knows its words.
  reported_.status = status_;
  begin_passing();
  board_.redaction.apply_to(unpassed_);
  session_->write(unpassed_);
  std::exchange(session_, nullptr)->finish();
  if (board_.records() && is_reported()) {
    recorded_ = unpassed_;
    chunks_ = {unpassed_.size()};
    if (refusal.kind != Refusal::Kind::authentication) keep_recording();
  }
  end(CallEnd::refused, fmt::format("{}: {}", metering::name_of(refusal.kind), refusal.message));
}

void ProxiedCall::on_broken(const Error& error) {
  if (state_ == State::passing) return end(CallEnd::cut_off, error.message);
  const quota::Cost nothing{.requests = 0};
  // Sent and not answered: what it took stays taken.
  release(is_sent_ ? nullptr : &nothing);
  if (!asked_) {
    reported_.status = 502;
    session_->answer(502, {{"content-type", "text/plain"}}, without_secrets(error.message) + "\n");
    session_ = nullptr;
    return end(CallEnd::unreachable, error.message);
  }
  if (error.kind == Error::Kind::refused)
    return refuse(CallEnd::unreachable,
                  {.kind = Refusal::Kind::bad_request, .message = error.message});
  try_again({.kind = Refusal::Kind::server, .message = error.message}, false);
}

std::string ProxiedCall::usage_key() const {
  return route_->provider->base_url + " " + asked_->model;
}

/// Servers that speak the API and do not know `stream_options` refuse a request for it. Whether
/// that was the reason, the same request without it shows; where it once was taken, only words can
/// say so.
bool ProxiedCall::ask_without_usage(const Refusal& refusal) {
  if (!is_asking_ || refusal.kind != Refusal::Kind::bad_request) return false;
  const bool is_named = refusal.message.find("stream_options") != std::string::npos ||
                        refusal.message.find("include_usage") != std::string::npos;
  if (board_.takes_usage_option.contains(usage_key()) && !is_named) return false;
  is_asking_ = false;
  if (is_named) board_.takes_usage_option.insert_or_assign(usage_key(), false);
  state_ = State::backing_off;
  ++reported_.retries;
  // Not from here: curl starts no transfer from within another's callback.
  stall_ = board_.loop.after(Duration::zero(), [this] { follow(); });
  return true;
}

void ProxiedCall::try_again(const Refusal& why, bool is_asked_to_wait) {
  const Options& options = board_.options;
  const Duration delay = is_asked_to_wait
                             ? *why.retry_after
                             : back_off(options.retries, reported_.retries, options.chance());
  const auto latest = deadline();
  const sys::Loop::Moment due = sys::Loop::now() + delay;
  const bool is_late = latest && due >= *latest;
  failure_ = failure_for(why.kind);
  route_->wait_request = AttemptRoute::WaitRequest{*failure_, why.message};
  if (is_late || (!is_asked_to_wait && !board_.retries.spend())) {
    const std::string message =
        fmt::format("{}; {} after {} retries", why.message,
                    is_late ? "its time is up" : "no more retries are allowed", reported_.retries);
    return refuse(CallEnd::unreachable, {.kind = Refusal::Kind::bad_request, .message = message});
  }
  state_ = State::backing_off;
  ++reported_.retries;
  waits_for(fmt::format("the provider said {}{}{}", status_ > 0 ? fmt::format("{}", status_) : "",
                        status_ > 0 && !why.message.empty() ? ": " : "", why.message),
            due);
  // Others with this prefix need not wait for one that does.
  if (shares_prefix_) board_.release_waiting(board_.leads.ended(prefix_, id_));
  stall_ = board_.loop.at(due, [this] {
    if (is_reported()) return follow();
    send();
  });
}

void ProxiedCall::finish_passing() {
  begin_passing();
  std::exchange(session_, nullptr)->finish();
  if (!reader_) return end(CallEnd::answered, {});
  const metering::Answered& answered = reader_->answered();
  if (answered.refusal) {
    const bool is_spent = answered.refusal->kind == Refusal::Kind::quota_spent;
    failure_ = failure_for(answered.refusal->kind);
    if (is_spent) report_spent(*answered.refusal);
    return end(is_spent ? CallEnd::quota_spent : CallEnd::refused, answered.refusal->message);
  }
  failure_.reset();
  route_->wait_request.reset();
  if (!answered.complete && is_reported()) return end(CallEnd::cut_off, what_is_missing());
  for (const std::size_t quota : route_->quotas)
    if (is_reported()) board_.admission->account(quota).went_well(quota::now());
  if (board_.records()) keep_recording();
  end_answered();
}

std::string ProxiedCall::what_is_missing() const {
  const metering::Answered& answered = reader_->answered();
  if (answered.began || !answered.model.empty() || answered.stop != metering::Stop::unsaid)
    return "the answer stopped before its end";
  const std::string* const type = http::find_header(headers_, "content-type");
  return fmt::format("what came is not an answer of this API: status {}, {}", status_,
                     type == nullptr ? std::string("of no type") : "`" + printable(*type) + "`");
}

}  // namespace interlock::gateway
