#include "chat/answer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.h"
#include "chat/binding.h"

namespace interlock::chat {

using agents::Failure;
using metering::Api;
using metering::Refusal;

namespace {

/// As much of an error's body as is looked at.
constexpr std::size_t kBodyMax = std::size_t{64} << 10;

Failure failure_of(Refusal::Kind kind) {
  switch (kind) {
    case Refusal::Kind::rate_limited: return Failure::rate_limited;
    case Refusal::Kind::quota_spent: return Failure::quota_spent;
    case Refusal::Kind::overloaded: return Failure::api;
    case Refusal::Kind::authentication: return Failure::authentication;
    case Refusal::Kind::bad_request: return Failure::bad_request;
    case Refusal::Kind::too_long: return Failure::too_long;
    case Refusal::Kind::server: return Failure::api;
  }
  return Failure::other;
}

/// The words with which the APIs say that an answer is whole.
bool is_whole(std::string_view finish) {
  constexpr std::array kWhole{"end_turn", "stop_sequence", "tool_use", "stop", "completed", "STOP"};
  return std::ranges::find(kWhole, finish) != kWhole.end();
}

/// ... and those with which they say that the model, or a filter, declined.
bool is_refusal(std::string_view finish) {
  constexpr std::array kRefusal{"refusal",    "content_filter", "SAFETY",
                                "RECITATION", "BLOCKLIST",      "PROHIBITED_CONTENT",
                                "SPII",       "IMAGE_SAFETY",   "LANGUAGE"};
  return std::ranges::find(kRefusal, finish) != kRefusal.end();
}

std::string without(std::string text, const std::string& key) {
  for (std::size_t at = text.find(key); !key.empty() && at != std::string::npos;
       at = text.find(key)) {
    text.replace(at, key.size(), "[key]");
  }
  return text;
}

std::string message_of(const Refusal& refusal, int status) {
  std::string message =
      status == 200 ? refusal.message : fmt::format("{}: {}", status, refusal.message);
  if (refusal.retry_after) {
    message += fmt::format(" (again in {})", show_duration(*refusal.retry_after));
  }
  return message;
}

}  // namespace

Answer::Answer(const CallSpec& spec)
    : api_(spec.api),
      wrapped_(bind(spec.api, spec.schema).wrapped),
      pieces_(spec.api, spec.api == Api::anthropic && spec.schema.has_value()),
      reader_(spec.api, true) {}

void Answer::take_head(Head head) { head_ = std::move(head); }

bool Answer::streams() const {
  return head_.status == 200 && head_.content_type.starts_with("text/event-stream");
}

std::string Answer::take(std::string_view bytes) {
  if (!streams()) {
    body_.append(bytes.substr(0, kBodyMax - std::min(kBodyMax, body_.size())));
    return {};
  }
  reader_.take(bytes);
  const std::string said = pieces_.take(bytes);
  text_ += said;
  // Pieces of a wrapping would be taken for pieces of the answer.
  return said.empty() || wrapped_ ? std::string() : agents::chat_text(said);
}

Ended Answer::end(const Transport& transport, Time now, const std::string& key) {
  reader_.end();
  was_sent_ = transport.was_sent;
  key_ = key;
  return conclude(transport, now);
}

Ended Answer::abort(std::string_view why) { return failed(Failure::aborted, why); }

/// What was never taken in, or was refused at once, used nothing, for certain.
Usage Answer::usage() const {
  const bool refused_at_once = head_.status != 0 && head_.status != 200;
  return !was_sent_ || refused_at_once ? no_usage() : reader_.answered().usage;
}

Ended Answer::conclude(const Transport& transport, Time now) {
  const metering::Answered& answered = reader_.answered();
  if (head_.status != 0 && head_.status != 200) {
    const Refusal refusal = metering::read_refusal(api_, head_.status, head_.headers, body_, now);
    return failed(failure_of(refusal.kind), message_of(refusal, head_.status));
  }
  if (answered.refusal) {
    return failed(failure_of(answered.refusal->kind), message_of(*answered.refusal, 200));
  }
  if (head_.status == 0) {
    return failed(Failure::api,
                  transport.trouble.empty() ? "there was no answer" : transport.trouble);
  }
  if (!streams()) {
    return failed(Failure::api,
                  fmt::format("no stream of events came, but `{}`: is this the right API?",
                              printable(head_.content_type)));
  }
  if (!answered.complete) {
    return failed(Failure::cut_off, transport.trouble.empty()
                                        ? "the stream ended before the answer did"
                                        : transport.trouble);
  }
  return finished();
}

Ended Answer::finished() {
  const metering::Answered& answered = reader_.answered();
  const std::string text = wrapped_ ? unwrapped(text_) : text_;
  const auto with = [&](agents::Finish finish) {
    return Ended{agents::chat_usage(usage()) + agents::chat_final(text, finish),
                 finish == agents::Finish::stop};
  };
  if (answered.cut) return with(agents::Finish::cut_off);
  if (pieces_.refused() || is_refusal(answered.finish)) return with(agents::Finish::refused);
  if (!is_whole(answered.finish)) {
    return failed(Failure::other,
                  fmt::format("the answer ended with `{}`", printable(answered.finish)));
  }
  if (text.empty()) return failed(Failure::empty, "the answer is empty");
  return with(agents::Finish::stop);
}

Ended Answer::failed(Failure failure, std::string_view message) {
  const std::string shown = without(printable(message), key_);
  return {agents::chat_usage(usage()) + agents::chat_failed(failure, shown), false};
}

}  // namespace interlock::chat
