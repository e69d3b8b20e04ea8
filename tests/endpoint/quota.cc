#include "endpoint/quota.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace interlock::endpoint {
namespace {

/// OpenAI's way: `1h2m3s`, `6m0s`, `20ms`.
std::string go_duration(Duration span) {
  const std::int64_t ms = span.count() / 1000;
  if (ms < 1000) return fmt::format("{}ms", ms);
  if (ms < 60'000) return fmt::format("{}s", static_cast<double>(ms) / 1000);
  return fmt::format("{}m{}s", ms / 60'000, static_cast<double>(ms % 60'000) / 1000);
}

/// RFC 3339 in whole seconds, rounded up: nobody who waits until then comes too early.
std::string reset_time(Time time) {
  const std::string text = show_time(std::chrono::ceil<std::chrono::seconds>(time));
  return text.substr(0, 19) + "Z";
}

}  // namespace

Quota::Quota(const Limits& limits) : limits_(limits) {
  const auto add = [&](const char* name, const std::optional<Bucket>& bucket) {
    if (!bucket) return;
    levels_.push_back({name, *bucket, static_cast<double>(bucket->capacity)});
    levels_.back().counts_windows = limits.counts_windows;
  };
  add("requests", limits.requests);
  add("input-tokens", limits.input_tokens);
  add("output-tokens", limits.output_tokens);
}

double Quota::Level::a_second() const {
  return static_cast<double>(bucket.capacity) / to_seconds(bucket.per);
}

void Quota::Level::fill(Time now) {
  if (counts_windows) {
    at = std::max(at, now);
    while (!taken.empty() && taken.front().first + bucket.per <= at) taken.pop_front();
    left = static_cast<double>(bucket.capacity);
    for (const auto& [when, amount] : taken) left -= amount;
    return;
  }
  if (at != Time{} && now > at) {
    left = std::min(static_cast<double>(bucket.capacity), left + a_second() * to_seconds(now - at));
  }
  at = std::max(at, now);
}

void Quota::Level::take(double amount) {
  left -= amount;
  if (counts_windows) taken.emplace_back(at, amount);
}

Duration Quota::Level::until(double needed) const {
  double freed = left;
  for (const auto& [when, amount] : taken) {
    if (freed >= needed) break;
    freed += amount;
    if (freed >= needed) return when + bucket.per - at;
  }
  if (counts_windows) return Duration{};
  return Duration(
      static_cast<std::int64_t>(std::ceil(std::max(0.0, needed - left) / a_second() * 1e6)));
}

Quota::Level* Quota::level(const char* name) {
  const auto found = std::ranges::find(levels_, name, &Level::name);
  return found == levels_.end() ? nullptr : &*found;
}

std::optional<Duration> Quota::admit(const Demand& demand, Time now) {
  struct Need {
    Level* level;
    double needed, charged;
  };
  std::vector<Need> needs;
  if (auto* requests = level("requests")) needs.push_back({requests, 1, 1});
  if (auto* input = level("input-tokens")) {
    const auto tokens = static_cast<double>(demand.input);
    needs.push_back({input, tokens, tokens});
  }
  if (auto* output = level("output-tokens")) {
    const auto most = limits_.reserves_max ? static_cast<double>(demand.output_max) : 0.0;
    needs.push_back({output, std::max(1.0, most), most});
  }
  std::optional<Duration> wait;
  for (const Need& need : needs) {
    need.level->fill(now);
    // A breath of tolerance: what was computed to fit to the microsecond does fit.
    if (need.level->left + 1e-6 * need.level->a_second() >= need.needed) continue;
    if (!wait || need.level->until(need.needed) > *wait) {
      wait = need.level->until(need.needed);
      refused_by_ = need.level->name;
    }
  }
  if (!wait && limits_.concurrency && running_ >= *limits_.concurrency) {
    wait = std::chrono::seconds(1);
    refused_by_ = "concurrency";
  }
  if (wait) {
    ++refused_;
    return wait;
  }
  for (const Need& need : needs) {
    need.level->take(need.charged);
    need.level->used += static_cast<std::int64_t>(need.charged);
  }
  ++running_;
  ++admitted_;
  if (!first_) first_ = now;
  last_ = now;
  return {};
}

void Quota::settle(const Demand& demand, Tokens output, Time now) {
  --running_;
  auto* out = level("output-tokens");
  if (out == nullptr) return;
  out->fill(now);
  const Tokens reserved = limits_.reserves_max ? demand.output_max : 0;
  out->take(static_cast<double>(output - reserved));
  out->left = std::min(static_cast<double>(out->bucket.capacity), out->left);
  out->used += output - reserved;
}

std::int64_t Quota::told(const Level& level, double amount) const {
  const double scale = limits_.tells_a_minute ? 60 / to_seconds(level.bucket.per) : 1;
  return static_cast<std::int64_t>(std::floor(std::max(0.0, amount) * scale));
}

Headers Quota::headers(Api api, Time now) {
  Headers headers;
  if (!limits_.tells_headers || api == Api::gemini) return headers;
  for (Level& level : levels_) {
    level.fill(now);
    const std::int64_t limit = told(level, static_cast<double>(level.bucket.capacity));
    const std::int64_t left = told(level, level.left);
    const Duration full = level.until(static_cast<double>(level.bucket.capacity));
    if (api == Api::anthropic) {
      const std::string name = "anthropic-ratelimit-" + level.name;
      headers.emplace_back(name + "-limit", std::to_string(limit));
      headers.emplace_back(name + "-remaining", std::to_string(left));
      headers.emplace_back(name + "-reset", reset_time(now + full));
    } else if (level.name != "output-tokens") {
      const std::string name = level.name == "requests" ? "requests" : "tokens";
      headers.emplace_back("x-ratelimit-limit-" + name, std::to_string(limit));
      headers.emplace_back("x-ratelimit-remaining-" + name, std::to_string(left));
      headers.emplace_back("x-ratelimit-reset-" + name, go_duration(full));
    }
  }
  return headers;
}

json::object Quota::account_of(const Level& level) const {
  const Duration span = first_ ? *last_ - *first_ : Duration{};
  const double allowed =
      static_cast<double>(level.bucket.capacity) + level.a_second() * to_seconds(span);
  return {{"used", level.used},
          {"capacity", level.bucket.capacity},
          {"per_s", to_seconds(level.bucket.per)},
          {"allowed", allowed},
          {"share", static_cast<double>(level.used) / allowed}};
}

json::object Quota::account() const {
  json::object account;
  for (const Level& level : levels_) {
    std::string name = level.name;
    std::ranges::replace(name, '-', '_');
    account[name] = account_of(level);
  }
  account["admitted"] = admitted_;
  account["refused"] = refused_;
  account["span_s"] = first_ ? to_seconds(*last_ - *first_) : 0;
  return account;
}

}  // namespace interlock::endpoint
