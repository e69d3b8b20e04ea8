#include "history/sample.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cmath>

#include "base/text.h"

namespace interlock::history {
namespace {

constexpr std::array<std::string_view, 3> kOrigins{"run", "imported", "calibration"};

/// Longer than any attempt may take (400 days).
constexpr double kLongest_s = 400.0 * 86400;
constexpr std::int64_t kMost = 1'000'000'000'000'000;

void put(json::object& object, std::string_view key, const std::string& text) {
  if (!text.empty()) object[key] = text;
}
void put(json::object& object, std::string_view key, const std::optional<Duration>& time) {
  if (time) object[key] = to_seconds(*time);
}
void put(json::object& object, std::string_view key, const std::optional<Tokens>& count) {
  if (count) object[key] = *count;
}

struct WaitKey {
  std::string_view name;
  Duration Sample::Waits::* member;
};
constexpr std::array kWaits{WaitKey{"needs", &Sample::Waits::needs},
                            WaitKey{"conflict", &Sample::Waits::conflict},
                            WaitKey{"quota", &Sample::Waits::quota},
                            WaitKey{"slot", &Sample::Waits::slot},
                            WaitKey{"gate", &Sample::Waits::gate},
                            WaitKey{"backoff", &Sample::Waits::backoff},
                            WaitKey{"calls_quota", &Sample::Waits::calls_quota},
                            WaitKey{"calls_cache", &Sample::Waits::calls_cache}};

json::object waits_json(const Sample::Waits& waits) {
  json::object object;
  for (const WaitKey& key : kWaits) {
    if (waits.*key.member != Duration{}) object[key.name] = to_seconds(waits.*key.member);
  }
  return object;
}

/// RFC 3339 in UTC, to the microsecond, so that what was exported is known again.
std::string write_moment(Time time) {
  const auto at = std::chrono::floor<std::chrono::seconds>(time);
  std::string text = show_time(at);
  text.resize(text.size() - std::string_view(".000Z").size());
  return fmt::format("{}.{:06}Z", text, (time - at).count());
}

/// So many digits at the beginning of `text`, which go.
std::optional<int> take_digits(std::string_view& text, std::size_t count) {
  int number = 0;
  if (text.size() < count) return std::nullopt;
  const auto [end, error] = std::from_chars(text.data(), text.data() + count, number);
  if (error != std::errc() || end != text.data() + count || text.front() == '-')
    return std::nullopt;
  text.remove_prefix(count);
  return number;
}

std::optional<Time> read_moment(std::string_view text) {
  constexpr std::string_view kForm = "0000-00-00T00:00:00";
  std::array<int, 6> parts{};
  std::size_t part = 0;
  for (std::size_t i = 0; i < kForm.size(); ++i) {
    if (kForm[i] != '0') {
      if (!text.starts_with(kForm[i])) return std::nullopt;
      text.remove_prefix(1);
      continue;
    }
    const std::size_t digits = part == 0 ? 4 : 2;
    const auto number = take_digits(text, digits);
    if (!number) return std::nullopt;
    parts[part++] = *number;
    i += digits - 1;
  }
  Duration fraction{};
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    std::int64_t scale = 100'000, digits = 0;
    for (; !text.empty() && text.front() >= '0' && text.front() <= '9'; text.remove_prefix(1)) {
      fraction += Duration((text.front() - '0') * scale);
      scale /= 10;
      ++digits;
    }
    if (digits == 0) return std::nullopt;
  }
  const std::chrono::year_month_day date{std::chrono::year(parts[0]),
                                         std::chrono::month(static_cast<unsigned>(parts[1])),
                                         std::chrono::day(static_cast<unsigned>(parts[2]))};
  if (text != "Z" || !date.ok() || parts[0] < 1970 || parts[3] > 23 || parts[4] > 59 ||
      parts[5] > 60)
    return std::nullopt;
  return std::chrono::sys_days(date) + std::chrono::hours(parts[3]) +
         std::chrono::minutes(parts[4]) + std::chrono::seconds(parts[5]) + fraction;
}

/// Takes members out of an object by name and remembers the first that is wrong.
class Members {
 public:
  explicit Members(const json::object& object) : rest_(object) {}

  void text(std::string_view key, std::string& into) {
    if (const json::value* value = take(key)) {
      if (!value->is_string()) return wrong(key, "a text");
      into = std::string(value->as_string());
    }
  }
  void count(std::string_view key, std::optional<std::int64_t>& into) {
    if (const json::value* value = take(key)) {
      const bool whole = value->is_int64() && value->as_int64() >= 0 && value->as_int64() <= kMost;
      if (!whole) return wrong(key, "a whole number, not negative");
      into = value->as_int64();
    }
  }
  void seconds(std::string_view key, std::optional<Duration>& into) {
    if (const json::value* value = take(key)) {
      const double number = value->is_number() ? value->to_number<double>() : -1;
      if (!(number >= 0 && number <= kLongest_s))
        return wrong(key, "a number of seconds from 0 to 400 days");
      into = Duration(static_cast<std::int64_t>(std::llround(number * 1e6)));
    }
  }
  void flag(std::string_view key, std::optional<bool>& into) {
    if (const json::value* value = take(key)) {
      if (!value->is_bool()) return wrong(key, "true or false");
      into = value->as_bool();
    }
  }
  void moment(std::string_view key, Time& into) {
    const json::value* value = take(key);
    const auto at =
        value != nullptr && value->is_string() ? read_moment(value->as_string()) : std::nullopt;
    if (!at) return wrong(key, "a moment such as `2026-11-26T12:00:00Z`");
    into = *at;
  }
  const json::value* take(std::string_view key) {
    const auto found = rest_.find(key);
    if (found == rest_.end()) return nullptr;
    taken_ = found->value();
    rest_.erase(found);
    return taken_.is_null() ? nullptr : &taken_;
  }
  void wrong(std::string_view key, std::string_view wanted) {
    if (fault_.empty()) fault_ = fmt::format("`{}` is not {}", key, wanted);
  }
  std::string fault() const {
    if (!fault_.empty() || rest_.empty()) return fault_;
    return fmt::format("unknown key `{}`", printable(std::string(rest_.begin()->key())));
  }

 private:
  json::object rest_;
  json::value taken_;
  std::string fault_;
};

}  // namespace

std::string_view name_of(Sample::Origin origin) {
  return kOrigins[static_cast<std::size_t>(origin)];
}

std::optional<Sample::Origin> origin_named(std::string_view name) {
  const auto found = std::ranges::find(kOrigins, name);
  if (found == kOrigins.end()) return std::nullopt;
  return static_cast<Sample::Origin>(found - kOrigins.begin());
}

Verdict verdict_on(std::string_view outcome) {
  constexpr std::array<std::string_view, 11> kNeither{
      "",           "cancelled",   "interrupted", "conflicted", "rate-limited",
      "answered",   "quota-spent", "over-budget", "lingered",   "changes-lost",
      "not-started"};
  if (outcome == "succeeded") return Verdict::succeeded;
  return std::ranges::find(kNeither, outcome) == kNeither.end() ? Verdict::failed
                                                                : Verdict::neither;
}

double Regret::ratio() const {
  if (best_took <= Duration::zero()) return 0;
  return static_cast<double>(took.count()) / static_cast<double>(best_took.count()) - 1;
}

std::string fault_of(const Sample& sample) {
  const auto bad = [](const std::optional<Duration>& time) {
    return time && (*time < Duration::zero() || to_seconds(*time) > kLongest_s);
  };
  const auto amiss = [](const std::optional<std::int64_t>& count) {
    return count && (*count < 0 || *count > kMost);
  };
  if (sample.agent.empty()) return "no agent";
  if (sample.at < Time{}) return "a moment before 1970";
  if (bad(sample.elapsed) || bad(sample.join) || bad(sample.startup)) return "a time out of range";
  // Of many processors more than there was of time.
  if (sample.cpu_time && *sample.cpu_time < Duration::zero()) return "a time out of range";
  for (const WaitKey& key : kWaits) {
    if (bad(sample.waits.*key.member)) return "a wait out of range";
  }
  const Usage& usage = sample.usage;
  for (const auto& count :
       {usage.input, usage.output, usage.cache_read, usage.cache_write, usage.cost,
        sample.spawn_tokens, sample.return_tokens, sample.joined, sample.memory_peak_bytes}) {
    if (amiss(count)) return "an amount out of range";
  }
  return {};
}

json::object to_json(const Sample& sample) {
  json::object object;
  object["at"] = write_moment(sample.at);
  object["origin"] = name_of(sample.origin);
  put(object, "workspace", sample.workspace);
  put(object, "plan", sample.plan);
  put(object, "run", sample.run);
  if (sample.attempt > 0) object["attempt"] = std::int64_t{sample.attempt};
  put(object, "task", sample.task);
  if (sample.shape != sample.task) put(object, "shape", sample.shape);
  put(object, "agent", sample.agent);
  put(object, "model", sample.model);
  put(object, "host", sample.host);
  put(object, "account", sample.account);
  put(object, "outcome", sample.outcome);
  put(object, "elapsed_s", sample.elapsed);
  put(object, "startup_s", sample.startup);
  if (sample.size > 0) object["prompt_bytes"] = sample.size;
  put(object, "input_tokens", sample.usage.input);
  put(object, "output_tokens", sample.usage.output);
  put(object, "cache_read_tokens", sample.usage.cache_read);
  put(object, "cache_write_tokens", sample.usage.cache_write);
  if (sample.usage.cost) object["cost_usd"] = static_cast<double>(*sample.usage.cost) / 1e6;
  put(object, "spawn_tokens", sample.spawn_tokens);
  put(object, "return_tokens", sample.return_tokens);
  if (json::object waits = waits_json(sample.waits); !waits.empty())
    object["waited_s"] = std::move(waits);
  put(object, "join_s", sample.join);
  put(object, "joined_outputs", sample.joined);
  put(object, "cpu_s", sample.cpu_time);
  put(object, "memory_peak_bytes", sample.memory_peak_bytes);
  if (sample.met) object["met"] = *sample.met;
  return object;
}

json::object to_json(const Call& call) {
  json::object object;
  object["kind"] = "call";
  object["began"] = write_moment(call.began);
  object["ended"] = write_moment(call.ended);
  put(object, "account", call.account);
  put(object, "model", call.model);
  put(object, "run", call.run);
  put(object, "output_tokens", call.output_tokens);
  return object;
}

bool is_call(const json::value& value) {
  if (!value.is_object()) return false;
  const auto kind = value.get_object().find("kind");
  return kind != value.get_object().end() && kind->value() == "call";
}

Result<Call> call_from_json(const json::value& value) {
  const auto refuse = [](std::string why) { return fail(Error::Kind::invalid, std::move(why)); };
  if (!is_call(value)) return refuse("it is not a call");
  Members members(value.get_object());
  Call call;
  std::string kind;
  members.text("kind", kind);
  members.moment("began", call.began);
  members.moment("ended", call.ended);
  members.text("account", call.account);
  members.text("model", call.model);
  members.text("run", call.run);
  members.count("output_tokens", call.output_tokens);
  if (!members.fault().empty()) return refuse(members.fault());
  if (call.account.empty()) return refuse("it names no `account`");
  if (call.ended <= call.began) return refuse("it `ended` before it `began`");
  return call;
}

namespace {

void read_amounts(Members& members, Sample& sample) {
  members.count("input_tokens", sample.usage.input);
  members.count("output_tokens", sample.usage.output);
  members.count("cache_read_tokens", sample.usage.cache_read);
  members.count("cache_write_tokens", sample.usage.cache_write);
  members.count("spawn_tokens", sample.spawn_tokens);
  members.count("return_tokens", sample.return_tokens);
  if (const json::value* cost = members.take("cost_usd")) {
    const double usd = cost->is_number() ? cost->to_number<double>() : -1;
    if (usd >= 0 && usd <= 1e9)
      sample.usage.cost = static_cast<MicroUsd>(std::llround(usd * 1e6));
    else
      members.wrong("cost_usd", "an amount of dollars");
  }
}

void read_waits(Members& members, Sample& sample) {
  const json::value* value = members.take("waited_s");
  if (value == nullptr) return;
  if (!value->is_object()) return members.wrong("waited_s", "an object");
  Members inner(value->as_object());
  for (const WaitKey& key : kWaits) {
    std::optional<Duration> time;
    inner.seconds(key.name, time);
    sample.waits.*key.member = time.value_or(Duration{});
  }
  if (!inner.fault().empty()) members.wrong("waited_s", "an object of waits: " + inner.fault());
}

}  // namespace

Result<Sample> sample_from_json(const json::value& value) {
  const auto refuse = [](std::string why) { return fail(Error::Kind::invalid, std::move(why)); };
  if (!value.is_object()) return refuse("it is not a JSON object");
  Members members(value.as_object());
  Sample sample;
  std::string origin = "imported";
  members.moment("at", sample.at);
  members.text("origin", origin);
  if (!origin_named(origin)) members.wrong("origin", "run, imported or calibration");
  sample.origin = origin_named(origin).value_or(Sample::Origin::imported);
  members.text("workspace", sample.workspace);
  members.text("plan", sample.plan);
  members.text("run", sample.run);
  std::optional<std::int64_t> attempt, size;
  members.count("attempt", attempt);
  sample.attempt = static_cast<std::uint32_t>(std::min<std::int64_t>(attempt.value_or(0), 1 << 30));
  members.text("task", sample.task);
  members.text("shape", sample.shape);
  if (sample.shape.empty()) sample.shape = sample.task;
  members.text("agent", sample.agent);
  members.text("model", sample.model);
  members.text("host", sample.host);
  members.text("account", sample.account);
  members.text("outcome", sample.outcome);
  members.seconds("elapsed_s", sample.elapsed);
  members.seconds("startup_s", sample.startup);
  members.count("prompt_bytes", size);
  sample.size = size.value_or(0);
  read_amounts(members, sample);
  read_waits(members, sample);
  members.seconds("join_s", sample.join);
  members.count("joined_outputs", sample.joined);
  members.seconds("cpu_s", sample.cpu_time);
  members.count("memory_peak_bytes", sample.memory_peak_bytes);
  members.flag("met", sample.met);
  if (sample.outcome.empty() && sample.elapsed) sample.outcome = "succeeded";
  if (!members.fault().empty()) return refuse(members.fault());
  if (sample.agent.empty()) return refuse("it names no `agent`");
  if (!sample.workspace.empty() && sample.workspace.front() != '/')
    return refuse("`workspace` is not an absolute path");
  return sample;
}

}  // namespace interlock::history
