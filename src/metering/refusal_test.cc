#include <fmt/format.h>
#include <gtest/gtest.h>

#include "metering/model_call.h"
#include "metering/reported_error.h"

namespace interlock::metering {
namespace {

using namespace std::chrono_literals;

constexpr Time kNow = std::chrono::sys_days(std::chrono::year(2026) / 1 / 31) + 12h;

std::string read(int status, std::string_view body, std::vector<Header> headers = {}) {
  const Refusal refusal = read_refusal(Api::anthropic, status, headers, body, kNow);
  std::string shown = fmt::format("{}: {}", name_of(refusal.kind), refusal.message);
  if (refusal.retry_after) shown += fmt::format(" ({} s)", to_seconds(*refusal.retry_after));
  return shown;
}

TEST(ReadRefusal, tells_anthropic_errors_apart) {
  const auto error = [](std::string_view type, std::string_view message) {
    return fmt::format(R"({{"type":"error","error":{{"type":"{}","message":"{}"}}}})", type,
                       message);
  };
  EXPECT_EQ(read(401, error("authentication_error", "bad key")), "authentication: bad key");
  EXPECT_EQ(read(403, error("permission_error", "no")), "authentication: no");
  EXPECT_EQ(read(429, error("rate_limit_error", "slow"), {{"Retry-After", "7"}}),
            "rate_limited: slow (7 s)");
  EXPECT_EQ(read(529, error("overloaded_error", "Overloaded")), "overloaded: Overloaded");
  EXPECT_EQ(read(400, error("invalid_request_error", "prompt is too long: 9 tokens > 8 maximum")),
            "too_long: prompt is too long: 9 tokens > 8 maximum");
  EXPECT_EQ(read(400, error("invalid_request_error", "Your credit balance is too low")),
            "quota_spent: Your credit balance is too low");
  EXPECT_EQ(read(403, error("invalid_request_error", "Your credit balance is too low")),
            "quota_spent: Your credit balance is too low");
  EXPECT_EQ(read(404, error("not_found_error", "model: x")), "bad_request: model: x");
  EXPECT_EQ(read(413, error("request_too_large", "big")), "too_long: big");
  EXPECT_EQ(read(500, error("api_error", "oh")), "server: oh");
}

TEST(ReadRefusal, tells_openai_errors_apart) {
  const auto error = [](std::string_view code, std::string_view message) {
    return fmt::format(R"({{"error":{{"message":"{}","type":"{}","code":"{}","param":null}}}})",
                       message, code == "insufficient_quota" ? code : "invalid_request_error",
                       code);
  };
  EXPECT_EQ(read(429, error("insufficient_quota", "You exceeded your current quota")),
            "quota_spent: You exceeded your current quota");
  EXPECT_EQ(read(403, error("x", "You exceeded your current quota, please check your plan")),
            "quota_spent: You exceeded your current quota, please check your plan");
  EXPECT_EQ(read(429, error("rate_limit_exceeded", "Please try again in 6m0s."),
                 {{"retry-after-ms", "250"}, {"retry-after", "1"}}),
            "rate_limited: Please try again in 6m0s. (0.25 s)");
  EXPECT_EQ(read(429, error("rate_limit_exceeded", "Please try again in 20ms.")),
            "rate_limited: Please try again in 20ms. (0.02 s)");
  EXPECT_EQ(read(400, error("context_length_exceeded", "too many")), "too_long: too many");
  EXPECT_EQ(read(401, error("invalid_api_key", "no")), "authentication: no");
  EXPECT_EQ(read(503, error("slow_down", "later")), "overloaded: later");
}

TEST(ReadRefusal, tells_google_errors_apart) {
  EXPECT_EQ(
      read(
          429,
          R"([{"error":{"code":429,"status":"RESOURCE_EXHAUSTED","message":"You exceeded your current quota",)"
          R"("details":[{"@type":"type.googleapis.com/google.rpc.QuotaFailure","violations":)"
          R"([{"quotaId":"GenerateRequestsPerMinutePerProject"}]},)"
          R"({"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"13.5s"}]}}])"),
      "rate_limited: You exceeded your current quota (13.5 s)");
  EXPECT_EQ(
      read(429, R"({"error":{"status":"RESOURCE_EXHAUSTED","message":"q","details":[{"violations":)"
                R"([{"quotaId":"GenerateRequestsPerDayPerProjectPerModel-FreeTier"}]}]}})"),
      "quota_spent: q");
  EXPECT_EQ(read(400, R"({"error":{"status":"INVALID_ARGUMENT","message":"API key not valid."}})"),
            "authentication: API key not valid.");
  EXPECT_EQ(
      read(
          400,
          R"({"error":{"status":"INVALID_ARGUMENT","message":"The input token count (9) exceeds"}})"),
      "too_long: The input token count (9) exceeds");
}

TEST(ReadRefusal, takes_a_far_reset_for_a_spent_quota) {
  EXPECT_EQ(read(429, "{}", {{"retry-after", "3600"}}), "quota_spent: {} (3600 s)");
  EXPECT_EQ(
      read(429, "{}",
           {{"x-ratelimit-remaining-requests", "0"}, {"x-ratelimit-reset-requests", "8h30m"}}),
      "quota_spent: {} (30600 s)");
  EXPECT_EQ(
      read(429, "{}",
           {{"x-ratelimit-remaining-requests", "5"}, {"x-ratelimit-reset-requests", "8h30m"}}),
      "rate_limited: {}");
}

TEST(ReadRefusal, takes_a_rejected_window_for_a_spent_quota_until_its_reset) {
  constexpr std::string_view kBody =
      R"({"type":"error","error":{"type":"rate_limit_error","message":"limit"}})";
  const std::string in_ten_minutes = std::to_string(
      std::chrono::floor<std::chrono::seconds>(kNow + 10min).time_since_epoch().count());
  const auto with = [&](std::string status) {
    return read(429, kBody,
                {{"retry-after", "7"},
                 {"Anthropic-RateLimit-Unified-Status", std::move(status)},
                 {"anthropic-ratelimit-unified-reset", in_ten_minutes}});
  };
  EXPECT_EQ(with("rejected"), "quota_spent: limit (600 s)");
  EXPECT_EQ(with("allowed_warning"), "rate_limited: limit (7 s)");
  EXPECT_EQ(read(429, kBody, {{"anthropic-ratelimit-unified-status", "rejected"}}),
            "quota_spent: limit");
}

TEST(ReadRefusal, has_words_for_a_body_that_is_no_json) {
  EXPECT_EQ(read(502, "<html>\x1b[31mBad gateway\n</html>"), "server: <html>Bad gateway");
  EXPECT_EQ(read(500, ""), "server: status 500");
}

TEST(RefusalBody, is_understood_by_the_reader_of_its_own_api) {
  using Kind = Refusal::Kind;
  for (const Api api : {Api::anthropic, Api::openai_chat, Api::openai_responses, Api::gemini}) {
    for (const Kind kind :
         {Kind::rate_limited, Kind::overloaded, Kind::bad_request, Kind::server}) {
      int status = 0;
      const std::string body = refusal_body(api, {kind, "why", {}}, status);
      EXPECT_EQ(read_refusal(api, status, {}, body, kNow).message, "why");
      EXPECT_EQ(read_refusal(api, status, {}, body, kNow).kind, kind) << body;
    }
  }
}

TEST(RefusalBody, has_a_status_that_clients_do_not_repeat) {
  int status = 0;
  refusal_body(Api::openai_responses, {Refusal::Kind::quota_spent, "no", {}}, status);
  EXPECT_EQ(status, 400);
  refusal_body(Api::anthropic, {Refusal::Kind::overloaded, "no", {}}, status);
  EXPECT_EQ(status, 529);
  EXPECT_EQ(refusal_body(Api::anthropic, {Refusal::Kind::rate_limited, "no", {}}, status),
            R"({"error":{"message":"no","type":"rate_limit_error"},"type":"error"})");
  EXPECT_EQ(status, 429);
}

std::string show(const LimitNews::One& one) {
  const auto number = [](const std::optional<std::int64_t>& value) {
    return value ? std::to_string(*value) : "?";
  };
  return fmt::format("{}/{} of {} back in {}", number(one.limit), write_duration(one.per),
                     number(one.remaining), one.reset ? write_duration(*one.reset) : "?");
}

TEST(ReadLimits, reads_anthropic_headers) {
  const std::vector<Header> headers{
      {"anthropic-ratelimit-requests-limit", "50"},
      {"Anthropic-Ratelimit-Requests-Remaining", " 49 "},
      {"anthropic-ratelimit-requests-reset", "2026-01-31T12:00:02Z"},
      {"anthropic-ratelimit-input-tokens-limit", "40000"},
      {"anthropic-ratelimit-input-tokens-reset", "2026-01-31T14:00:30.5+02:00"},
      {"anthropic-ratelimit-output-tokens-remaining", "8000"},
      {"anthropic-ratelimit-tokens-reset", "2026-01-31T11:00:00Z"},
      {"retry-after", "Sat, 31 Jan 2026 12:01:00 GMT"}};
  const LimitNews news = read_limits(headers, kNow);
  EXPECT_EQ(show(news.requests), "50/1m of 49 back in 2s");
  EXPECT_EQ(show(news.input_tokens), "40000/1m of ? back in 30.5s");
  EXPECT_EQ(show(news.output_tokens), "?/1m of 8000 back in ?");
  EXPECT_EQ(show(news.tokens), "?/1m of ? back in 0s");
  EXPECT_EQ(news.retry_after, Duration(60s));
}

TEST(ReadLimits, reads_openai_headers_and_finds_the_period) {
  const auto requests = [](std::string_view reset) {
    const std::vector<Header> headers{{"x-ratelimit-limit-requests", "10000"},
                                      {"x-ratelimit-remaining-requests", "9999"},
                                      {"x-ratelimit-reset-requests", std::string(reset)}};
    return show(read_limits(headers, kNow).requests);
  };
  EXPECT_EQ(requests("6ms"), "10000/1m of 9999 back in 6ms");
  EXPECT_EQ(requests("8.64s"), "10000/24h of 9999 back in 8.64s");
  EXPECT_EQ(requests("nonsense"), "10000/1m of 9999 back in ?");
}

TEST(ReadReset, reads_spans_of_every_form) {
  const auto read_span = [](std::string_view text) {
    const auto span = read_reset(text);
    return span ? write_duration(*span) : "?";
  };
  EXPECT_EQ(read_span("1s"), "1s");
  EXPECT_EQ(read_span("6m0s"), "6m");
  EXPECT_EQ(read_span("20ms"), "20ms");
  EXPECT_EQ(read_span("1h2m"), "62m");
  EXPECT_EQ(read_span("1m30.5s"), "90.5s");
  EXPECT_EQ(read_span("7"), "7s");
  EXPECT_EQ(read_span("0s"), "0s");
  for (const char* wrong : {"", "s", "-1s", "1x", "1e9s", "1s2", "9999999h", "1..2s", "inf", "nan"})
    EXPECT_EQ(read_span(wrong), "?") << wrong;
}

TEST(ReadInstant, refuses_what_is_no_date) {
  for (const char* wrong : {"", "2026-02-30T00:00:00Z", "2026-01-31", "2026-01-31T25:00:00Z",
                            "Sat, 31 Foo 2026 12:01:00 GMT", "2026-01-31T12:00:00"})
    EXPECT_FALSE(read_instant(wrong)) << wrong;
}

}  // namespace
}  // namespace interlock::metering
