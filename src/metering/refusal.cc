#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>

#include "base/json.h"
#include "base/text.h"
#include "metering/model_call.h"
#include "metering/reported_error.h"

namespace interlock::metering {
namespace {

using Kind = Refusal::Kind;

/// A word of an API and what it means.
struct Word {
  std::string_view word;
  Kind kind;
};

/// Types and codes, as documented by Anthropic ("Errors"), OpenAI ("Error codes") and Google
/// (google.rpc.Code). The more telling first: OpenAI gives `insufficient_quota` with status 429.
constexpr std::array kWords{
    Word{"insufficient_quota", Kind::quota_spent},
    Word{"credit_balance_exhausted", Kind::quota_spent},
    Word{"billing_hard_limit_reached", Kind::quota_spent},
    Word{"billing_not_active", Kind::quota_spent},
    Word{"billing_error", Kind::quota_spent},
    Word{"usage_limit_reached", Kind::quota_spent},
    Word{"usage_not_included", Kind::quota_spent},
    Word{"enforced_spend_limit_reached", Kind::quota_spent},
    Word{"context_length_exceeded", Kind::too_long},
    Word{"request_too_large", Kind::too_long},
    Word{"overloaded_error", Kind::overloaded},
    Word{"server_is_overloaded", Kind::overloaded},
    Word{"slow_down", Kind::overloaded},
    Word{"UNAVAILABLE", Kind::overloaded},
    Word{"authentication_error", Kind::authentication},
    Word{"permission_error", Kind::authentication},
    Word{"invalid_api_key", Kind::authentication},
    Word{"API_KEY_INVALID", Kind::authentication},
    Word{"UNAUTHENTICATED", Kind::authentication},
    Word{"PERMISSION_DENIED", Kind::authentication},
    Word{"rate_limit_error", Kind::rate_limited},
    Word{"rate_limit_exceeded", Kind::rate_limited},
    Word{"RESOURCE_EXHAUSTED", Kind::rate_limited},
    Word{"server_error", Kind::server},
    Word{"api_error", Kind::server},
    Word{"INTERNAL", Kind::server},
    Word{"timeout_error", Kind::server},
    Word{"invalid_request_error", Kind::bad_request},
    Word{"not_found_error", Kind::bad_request},
    Word{"invalid_prompt", Kind::bad_request},
    Word{"model_not_found", Kind::bad_request},
    Word{"INVALID_ARGUMENT", Kind::bad_request},
    Word{"NOT_FOUND", Kind::bad_request},
    Word{"FAILED_PRECONDITION", Kind::bad_request},
};

/// Where an API has no word for it, only a sentence.
constexpr std::array kSayings{
    Word{"credit balance", Kind::quota_spent},
    Word{"prompt is too long", Kind::too_long},
    Word{"maximum context length", Kind::too_long},
    Word{"exceed context limit", Kind::too_long},
    Word{"exceeds the context window", Kind::too_long},
    Word{"input token count", Kind::too_long},
    Word{"api key not valid", Kind::authentication},
};

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

std::optional<Kind> kind_by_words(const ReportedError& error) {
  for (const Word& word : kWords) {
    if (error.type == word.word || error.code == word.word) return word.kind;
  }
  return {};
}

std::optional<Kind> kind_by_sayings(const ReportedError& error) {
  const std::string message = lower(error.message);
  for (const Word& saying : kSayings) {
    if (message.find(saying.word) != std::string::npos) return saying.kind;
  }
  return {};
}

Kind kind_by_status(int status) {
  switch (status) {
    case 401:
    case 403: return Kind::authentication;
    case 402: return Kind::quota_spent;
    case 408:
    case 409: return Kind::server;  // a time-out, a lock: the same again may do better
    case 413: return Kind::too_long;
    case 429: return Kind::rate_limited;
    case 503:
    case 529: return Kind::overloaded;
    default: return status >= 400 && status < 500 ? Kind::bad_request : Kind::server;
  }
}

/// The wait that OpenAI puts into words: `Please try again in 1.5s.`
std::optional<Duration> wait_in_words(std::string_view message) {
  constexpr std::string_view kBefore = "try again in ";
  const std::size_t at = message.find(kBefore);
  if (at == std::string_view::npos) return {};
  std::string_view rest = message.substr(at + kBefore.size());
  rest = rest.substr(0, rest.find_first_of(" ,\n"));
  while (rest.ends_with('.')) rest.remove_suffix(1);
  return read_reset(rest);
}

/// Google's details: which quota, and how long to wait.
void read_details(ReportedError& error, const Glance& details) {
  details.each_item([&](Glance detail) {
    const std::string type = detail["@type"].text_or_empty();
    if (type.ends_with("RetryInfo"))
      error.retry_after = read_reset(detail["retryDelay"].text_or_empty());
    if (type.ends_with("ErrorInfo") && detail["reason"].text_or_empty() == "API_KEY_INVALID")
      error.code = "API_KEY_INVALID";
    const auto is_far = [](const Glance& id) {
      return id.text().find("PerDay") != std::string_view::npos;
    };
    detail["violations"].each_item(
        [&](Glance one) { error.far = error.far || is_far(one["quotaId"]); });
    error.far = error.far || is_far(detail["metadata"]["quota_limit"]);
  });
}

/// The `error` of a body, which Gemini may put into an array.
Glance error_within(const Glance& body) {
  return body.is_array() ? body.first()["error"] : body["error"];
}

/// How each API would name it.
std::string_view type_of(Api api, Kind kind) {
  const bool anthropic = api == Api::anthropic;
  switch (kind) {
    case Kind::rate_limited: return anthropic ? "rate_limit_error" : "rate_limit_exceeded";
    case Kind::quota_spent: return anthropic ? "billing_error" : "insufficient_quota";
    case Kind::overloaded: return anthropic ? "overloaded_error" : "server_is_overloaded";
    case Kind::authentication: return anthropic ? "authentication_error" : "invalid_api_key";
    case Kind::bad_request: return "invalid_request_error";
    case Kind::too_long: return anthropic ? "invalid_request_error" : "context_length_exceeded";
    case Kind::server: return anthropic ? "api_error" : "server_error";
  }
  return "";
}

std::string_view google_status(Kind kind) {
  switch (kind) {
    case Kind::rate_limited:
    case Kind::quota_spent: return "RESOURCE_EXHAUSTED";
    case Kind::overloaded: return "UNAVAILABLE";
    case Kind::authentication: return "UNAUTHENTICATED";
    case Kind::bad_request:
    case Kind::too_long: return "INVALID_ARGUMENT";
    case Kind::server: return "INTERNAL";
  }
  return "";
}

}  // namespace

ReportedError read_error(const Glance& error) {
  ReportedError reported;
  if (error.is_string()) reported.message = error.text_or_empty();
  if (!error.is_object()) return reported;
  reported.type = error["type"].text_or_empty();
  reported.message = error["message"].text_or_empty();
  reported.code = error["code"].text_or_empty();
  if (reported.type.empty()) reported.type = error["status"].text_or_empty();
  reported.retry_after = wait_in_words(reported.message);
  if (const auto seconds = error["resets_in_seconds"].integer(); seconds && *seconds >= 0)
    reported.retry_after = read_reset(std::to_string(*seconds));
  read_details(reported, error["details"]);
  return reported;
}

Refusal::Kind kind_of(int status, const ReportedError& error) {
  if (error.far) return Kind::quota_spent;
  const auto by_words = kind_by_words(error);
  // Google says this of limits of a minute as well, and has a word for the others.
  const bool is_google = error.type == "RESOURCE_EXHAUSTED";
  if (!is_google && lower(error.message).find("exceeded your current quota") != std::string::npos)
    return Kind::quota_spent;
  const bool may_be_reported_in_words = !by_words || by_words == Kind::bad_request;
  const bool is_the_askers = status == 0 || (status >= 400 && status < 429);
  if (may_be_reported_in_words && is_the_askers) {
    if (const auto by_sayings = kind_by_sayings(error)) return *by_sayings;
  }
  // A status is surer than a type that only says whose fault it was.
  if (by_words && (status == 0 || *by_words != Kind::bad_request)) return *by_words;
  return kind_by_status(status);
}

Refusal refusal_of(int status, const ReportedError& error) {
  Refusal refusal{kind_of(status, error), error.message, error.retry_after};
  const bool is_far = refusal.retry_after && *refusal.retry_after >= kFar;
  if (refusal.kind == Kind::rate_limited && is_far) refusal.kind = Kind::quota_spent;
  return refusal;
}

namespace {

/// Whether a window of a subscription is used up, as Anthropic says with
/// `anthropic-ratelimit-unified-status: rejected`, and not a rate, which comes back by itself; then
/// it says with `-reset` when (seconds since 1970). The names are those that Claude Code 2.1.330
/// reads.
void read_window(Headers headers, Time now, ReportedError& error) {
  std::optional<Duration> left;
  for (const auto& [given, value] : headers) {
    const std::string name = lower(given);
    if (name == "anthropic-ratelimit-unified-status") {
      error.far = error.far || lower(value) == "rejected";
    }
    std::int64_t seconds = 0;
    if (name == "anthropic-ratelimit-unified-reset" &&
        std::from_chars(value.data(), value.data() + value.size(), seconds).ec == std::errc() &&
        seconds > 0 && seconds < 4'000'000'000)
      left = Time(std::chrono::seconds(seconds)) - now;
  }
  if (error.far && left) error.retry_after = std::max(*left, Duration(0));
}

}  // namespace

Refusal read_refusal(Api, int status, Headers headers, std::string_view body, Time now) {
  const auto whole = Glance::of(body);
  ReportedError error = whole ? read_error(error_within(*whole)) : ReportedError{};
  if (error.message.empty()) {
    const std::string_view line = body.substr(0, body.find('\n'));
    error.message = elide_end(printable(line.substr(0, 400)), 200);
  }
  if (error.message.empty()) error.message = "status " + std::to_string(status);

  const LimitNews news = read_limits(headers, now);
  if (news.retry_after) error.retry_after = news.retry_after;
  if (status == 429 && !error.retry_after) {
    for (const auto* one :
         {&news.requests, &news.input_tokens, &news.output_tokens, &news.tokens}) {
      // Only what is used up, and only when it is far: `reset` says when all of it is there again.
      if (one->remaining == 0 && one->reset && *one->reset >= kFar)
        error.retry_after = std::max(error.retry_after.value_or(Duration(0)), *one->reset);
    }
  }
  if (status == 429) read_window(headers, now, error);
  return refusal_of(status, error);
}

std::string refusal_body(Api api, const Refusal& refusal, int& status) {
  // 400 is the one status that no client sends again: some repeat 401 and 403.
  status = 400;
  if (refusal.kind == Kind::rate_limited) status = 429;
  if (refusal.kind == Kind::overloaded) status = api == Api::anthropic ? 529 : 503;
  json::object error{{"message", refusal.message}};
  if (api == Api::gemini) {
    error["code"] = status;
    error["status"] = google_status(refusal.kind);
    return canonical_json(json::object{{"error", std::move(error)}});
  }
  const std::string_view type = type_of(api, refusal.kind);
  error["type"] = type;
  if (api == Api::anthropic)
    return canonical_json(json::object{{"type", "error"}, {"error", std::move(error)}});
  error["code"] = type;
  error["param"] = nullptr;
  return canonical_json(json::object{{"error", std::move(error)}});
}

}  // namespace interlock::metering
