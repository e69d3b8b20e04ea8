#include "agents/failures.h"

#include <algorithm>
#include <charconv>
#include <string>

namespace interlock::agents {

namespace {

struct Sign {
  std::string_view words;  ///< In small letters.
  Failure failure;
};

/// In this order: what is more exact comes first.
constexpr Sign kSigns[] = {
    {"no conversation found", Failure::no_session},
    {"session not found", Failure::no_session},
    {"no session found", Failure::no_session},
    {"no rollout found", Failure::no_session},
    {"credit balance", Failure::quota_spent},
    {"current quota", Failure::quota_spent},
    {"insufficient_quota", Failure::quota_spent},
    {"quota exceeded", Failure::quota_spent},
    {"billing details", Failure::quota_spent},
    {"usage limit", Failure::quota_spent},
    {"prompt is too long", Failure::too_long},
    {"context window", Failure::too_long},
    {"context length", Failure::too_long},
    {"maximum context", Failure::too_long},
    {"context_length_exceeded", Failure::too_long},
    {"input token count", Failure::too_long},
    {"max_output_tokens", Failure::cut_off},
    {"output token maximum", Failure::cut_off},
    {"output token limit", Failure::cut_off},
    {"error sending request", Failure::api},
    {"mid-response", Failure::cut_off},
    {"before completion", Failure::cut_off},
    {"content_filter", Failure::refused},
    {"content-filter", Failure::refused},
    {"content filter", Failure::refused},
    {"contentfilter", Failure::refused},
    {"safety settings", Failure::refused},
    {"unable to respond to this request", Failure::refused},
    {"refusal", Failure::refused},
    {"refused to", Failure::refused},
    {"empty response", Failure::empty},
    {"structured_output tool", Failure::output_invalid},
    {"maximum number of turns", Failure::limit_of_client},
    {"max session turns", Failure::limit_of_client},
    {"loop detect", Failure::limit_of_client},
    {"incorrect api key", Failure::authentication},
    {"invalid api key", Failure::authentication},
    {"not logged in", Failure::authentication},
    {"please run /login", Failure::authentication},
    {"unauthenticated", Failure::authentication},
    {"rate limit", Failure::rate_limited},
    {"too many requests", Failure::rate_limited},
    {"overloaded", Failure::api},
    {"high demand", Failure::api},
};

/// Looked for when there is no status: they are common words.
constexpr Sign kFaintSigns[] = {
    {"terminated", Failure::cut_off},
    {"socket", Failure::cut_off},
    {"premature close", Failure::cut_off},
    {"econnreset", Failure::api},
    {"connection", Failure::api},
    {"timed out", Failure::api},
    {"timeout", Failure::api},
    {"network", Failure::api},
    {"fetch failed", Failure::api},
    {"server error", Failure::api},
    {"bad gateway", Failure::api},
    {"no-such-model", Failure::bad_request},
    {"model not found", Failure::bad_request},
    {"not found", Failure::bad_request},
    {"unauthorized", Failure::authentication},
    {"aborted", Failure::aborted},
};

/// A limit that will not have gone within the hour is a spent quota: nobody waits for it.
constexpr int kFarSeconds = 3600;

template <std::size_t N>
std::optional<Failure> sign_in(std::string_view message, const Sign (&signs)[N]) {
  const auto* found =
      std::ranges::find_if(signs, [&](const Sign& sign) { return message.contains(sign.words); });
  return found == std::end(signs) ? std::nullopt : std::optional(found->failure);
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string in_small_letters(std::string_view text) {
  std::string small(text.substr(0, 4000));
  for (char& c : small) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return small;
}

bool resets_far(std::string_view message) {
  constexpr std::string_view kWords = "retry after ";
  const auto at = message.find(kWords);
  if (at == message.npos) return false;
  const std::string_view rest = message.substr(at + kWords.size());
  int seconds = 0;
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), seconds);
  const std::string_view unit = rest.substr(static_cast<std::size_t>(end - rest.data()));
  return error == std::errc() && unit.starts_with('s') && seconds >= kFarSeconds;
}

Failure failure_of_status(int status) {
  switch (status) {
    case 401:
    case 403: return Failure::authentication;
    case 408:
    case 409: return Failure::api;
    case 413: return Failure::too_long;
    case 429: return Failure::rate_limited;
    default: break;
  }
  if (status >= 500) return Failure::api;
  return status >= 400 ? Failure::bad_request : Failure::other;
}

}  // namespace

std::optional<int> status_in(std::string_view message) {
  for (std::size_t at = 0; at + 3 <= message.size(); ++at) {
    if (message[at] != '4' && message[at] != '5') continue;
    if (!is_digit(message[at + 1]) || !is_digit(message[at + 2])) continue;
    // A number of its own: not a part of another, of an address or of a count.
    const char before = at == 0 ? ' ' : message[at - 1];
    const char after = at + 3 == message.size() ? ' ' : message[at + 3];
    const bool in_json = before == ':' && at >= 2 && message[at - 2] == '"';
    if (!in_json && !std::string_view(" ([").contains(before)) continue;
    if (!std::string_view(" ,.;:)]}").contains(after)) continue;
    int status = 0;
    std::from_chars(message.data() + at, message.data() + at + 3, status);
    return status;
  }
  return {};
}

Failure failure_of(std::optional<int> status, std::string_view message) {
  const std::string small = in_small_letters(message);
  const auto sign = sign_in(small, kSigns);
  const bool limited = sign ? *sign == Failure::rate_limited : status == 429;
  if (limited && resets_far(small)) return Failure::quota_spent;
  if (sign) return *sign;
  if (status && *status >= 400) return failure_of_status(*status);
  return sign_in(small, kFaintSigns).value_or(Failure::other);
}

Failure failure_of(std::string_view message) { return failure_of(status_in(message), message); }

}  // namespace interlock::agents
