#include <algorithm>
#include <cctype>
#include <charconv>

#include "metering/model_call.h"
#include "metering/reported_error.h"

namespace interlock::metering {
namespace {

std::optional<std::int64_t> read_count(std::string_view text) {
  std::int64_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc() || end != text.data() + text.size() || count < 0) return {};
  return count;
}

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
  while (text.ends_with(' ') || text.ends_with('\t')) text.remove_suffix(1);
  return text;
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

/// How long until an instant; 0 when it has passed, nothing when it is more than a year away.
std::optional<Duration> until(Time instant, Time now) {
  const Duration left = std::max(instant - now, Duration(0));
  return left <= std::chrono::days(365) ? std::optional(left) : std::nullopt;
}

/// What is told of one dimension: `limit`, `remaining` or `reset`.
void read_one(LimitNews::One& one, std::string_view what, std::string_view value, Time now) {
  if (what == "limit") one.limit = read_count(value);
  if (what == "remaining") one.remaining = read_count(value);
  if (what != "reset") return;
  if (const auto instant = read_instant(value)) {
    one.reset = until(*instant, now);
  } else {
    one.reset = read_reset(value);
  }
}

LimitNews::One* named(LimitNews& news, std::string_view dimension) {
  if (dimension == "requests") return &news.requests;
  if (dimension == "input-tokens") return &news.input_tokens;
  if (dimension == "output-tokens") return &news.output_tokens;
  if (dimension == "tokens") return &news.tokens;
  return nullptr;
}

/// `anthropic-ratelimit-DIMENSION-WHAT`.
void read_anthropic(LimitNews& news, std::string_view name, std::string_view value, Time now) {
  const std::size_t dash = name.rfind('-');
  if (dash == std::string_view::npos) return;
  if (auto* one = named(news, name.substr(0, dash)))
    read_one(*one, name.substr(dash + 1), value, now);
}

/// `x-ratelimit-WHAT-DIMENSION`.
void read_openai(LimitNews& news, std::string_view name, std::string_view value, Time now) {
  const std::size_t dash = name.find('-');
  if (dash == std::string_view::npos) return;
  if (auto* one = named(news, name.substr(dash + 1)))
    read_one(*one, name.substr(0, dash), value, now);
}

/// OpenAI does not say whether its limit of requests is a minute's or a day's, but how long what is
/// gone takes to come back: that tells them apart. (Anthropic's are a minute's, and its times too
/// coarse.)
void find_period(LimitNews::One& one) {
  if (!one.limit || !one.remaining || !one.reset || *one.limit <= *one.remaining) return;
  const double gone = static_cast<double>(*one.limit - *one.remaining);
  const double whole = to_seconds(*one.reset) * static_cast<double>(*one.limit) / gone;
  if (whole > 6 * 3600) one.per = std::chrono::days(1);
}

void read_retry_after(LimitNews& news, std::string_view value, Time now) {
  if (const auto instant = read_instant(value)) {
    news.retry_after = until(*instant, now);
  } else {
    news.retry_after = read_reset(value);
  }
}

}  // namespace

LimitNews read_limits(Headers headers, Time now) {
  LimitNews news;
  std::optional<Duration> in_milliseconds;
  bool is_openai = false;
  for (const auto& [given, raw] : headers) {
    const std::string name = lower(given);
    const std::string_view value = trimmed(raw);
    const std::string_view view = name;
    constexpr std::string_view kAnthropic = "anthropic-ratelimit-";
    constexpr std::string_view kOpenai = "x-ratelimit-";
    if (view.starts_with(kAnthropic))
      read_anthropic(news, view.substr(kAnthropic.size()), value, now);
    if (view.starts_with(kOpenai)) {
      is_openai = true;
      read_openai(news, view.substr(kOpenai.size()), value, now);
    }
    if (view == "retry-after") read_retry_after(news, value, now);
    if (view == "retry-after-ms") in_milliseconds = read_reset(std::string(value) + "ms");
  }
  if (in_milliseconds) news.retry_after = in_milliseconds;  // the finer of the two
  if (is_openai) find_period(news.requests);
  return news;
}

}  // namespace interlock::metering
