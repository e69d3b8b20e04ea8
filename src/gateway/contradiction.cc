#include "gateway/contradiction.h"

#include <fmt/format.h>

#include <cmath>
#include <optional>
#include <string_view>

namespace interlock::gateway {
namespace {

double a_minute(double amount, Duration per) {
  return amount * to_seconds(std::chrono::minutes(1)) / to_seconds(per);
}

void add(std::string& text, std::string_view what, const std::optional<Rate>& declared,
         const metering::LimitNews::One& reported) {
  if (!declared || !reported.limit || *reported.limit <= 0 || declared->per <= Duration{}) return;
  const double ours = a_minute(static_cast<double>(declared->amount), declared->per);
  const double theirs = a_minute(static_cast<double>(*reported.limit), reported.per);
  if (std::abs(ours - theirs) * 100 < ours) return;
  text += fmt::format("{}{:.6g} {} a minute, the provider {:.6g}", text.empty() ? "" : "; ", ours,
                      what, theirs);
}

}  // namespace

std::string contradiction_in(const QuotaOption& quota, const metering::LimitNews& news) {
  std::string text;
  add(text, "requests", quota.limits.requests, news.requests);
  add(text, "input tokens", quota.limits.input_tokens, news.input_tokens);
  add(text, "output tokens", quota.limits.output_tokens, news.output_tokens);
  add(text, "tokens", quota.limits.tokens, news.tokens);
  if (text.empty()) return text;
  return fmt::format("quota `{}`: the plan says {}; the lower one holds", quota.name, text);
}

}  // namespace interlock::gateway
