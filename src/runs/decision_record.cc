#include "runs/decision_record.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "decide/standing_reason.h"
#include "runs/chosen_run.h"
#include "runs/planning.h"

namespace interlock::runs {
namespace {

using Way = DecisionRecord::Way;

Way way_of(std::string name, const decide::Forecast& forecast, bool chosen) {
  Way way;
  way.name = std::move(name);
  way.elapsed = forecast.elapsed;
  way.join = forecast.join;
  if (forecast.range.draws > 0) {
    way.p50 = forecast.range.p50;
    way.p90 = forecast.range.p90;
    way.join = forecast.range.join;
  }
  way.tokens = forecast.tokens;
  way.cost = forecast.cost;
  way.n = forecast.n;
  way.chosen = chosen;
  return way;
}

Way way_of(const decide::OneAgent& one) {
  Way way;
  way.name = "one agent";
  way.elapsed = one.elapsed;
  if (one.range.draws > 0) {
    way.p50 = one.range.p50;
    way.p90 = one.range.p90;
  }
  way.tokens = one.tokens;
  way.cost = one.cost;
  return way;
}

json::value seconds(const std::optional<Duration>& time) {
  return time ? json::value(to_seconds(*time)) : json::value(nullptr);
}

json::object to_json(const Way& way) {
  return {{"name", way.name},
          {"elapsed_s", to_seconds(way.elapsed)},
          {"p50_s", seconds(way.p50)},
          {"p90_s", seconds(way.p90)},
          {"join_s", to_seconds(way.join)},
          {"tokens", way.tokens ? json::value(*way.tokens) : json::value(nullptr)},
          {"cost_usd",
           way.cost ? json::value(static_cast<double>(*way.cost) / 1e6) : json::value(nullptr)},
          {"n", way.n},
          {"chosen", way.chosen}};
}

json::array texts(const std::vector<std::string>& list) {
  json::array made;
  for (const std::string& one : list) made.push_back(json::string(one));
  return made;
}

/// Reads members leniently: what is not there, or of another type, is not known.
class Members {
 public:
  explicit Members(const json::value& value) : object_(value.if_object()) {}

  const json::array* list(std::string_view key) const {
    const json::value* value = find(key);
    return value == nullptr ? nullptr : value->if_array();
  }
  std::string text(std::string_view key) const {
    const json::value* value = find(key);
    const json::string* text = value == nullptr ? nullptr : value->if_string();
    return text == nullptr ? std::string() : std::string(*text);
  }
  bool is_true(std::string_view key) const {
    const json::value* value = find(key);
    return value != nullptr && value->is_bool() && value->get_bool();
  }
  /// Millionths of the number, which is how times and dollars are counted.
  std::optional<std::int64_t> millionths(std::string_view key) const {
    const auto number = this->number(key);
    return number ? std::optional(std::llround(*number * 1e6)) : std::nullopt;
  }
  std::optional<Duration> time(std::string_view key) const {
    const auto us = millionths(key);
    return us ? std::optional(Duration(*us)) : std::nullopt;
  }
  std::optional<std::int64_t> count(std::string_view key) const {
    const auto number = this->number(key);
    return number ? std::optional(std::llround(*number)) : std::nullopt;
  }
  std::vector<std::string> texts(std::string_view key) const {
    std::vector<std::string> made;
    const json::array* values = list(key);
    if (values == nullptr) return made;
    for (const json::value& one : *values) {
      if (const json::string* text = one.if_string()) made.emplace_back(*text);
    }
    return made;
  }

 private:
  const json::value* find(std::string_view key) const {
    return object_ == nullptr ? nullptr : object_->if_contains(key);
  }
  std::optional<double> number(std::string_view key) const {
    constexpr double kMost = 9e12;  // Millionths of it are still exact enough, and fit.
    const json::value* value = find(key);
    if (value == nullptr || !value->is_number()) return std::nullopt;
    const double number = value->to_number<double>();
    return std::abs(number) < kMost ? std::optional(number) : std::nullopt;
  }

  const json::object* object_;
};

Way way_from(const Members& it) {
  Way way;
  way.name = it.text("name");
  way.elapsed = it.time("elapsed_s").value_or(Duration{});
  way.p50 = it.time("p50_s");
  way.p90 = it.time("p90_s");
  way.join = it.time("join_s").value_or(Duration{});
  way.tokens = it.count("tokens");
  way.cost = it.millionths("cost_usd");
  way.n = static_cast<std::uint32_t>(it.count("n").value_or(1));
  way.chosen = it.is_true("chosen");
  return way;
}

}  // namespace

DecisionRecord record_of(const decide::Decision& decision) {
  using decide::Pattern;
  DecisionRecord record;
  record.pattern = pattern_text(decision);
  if (decision.one_agent) record.ways.push_back(way_of(*decision.one_agent));
  const auto add = [&](Pattern pattern, const decide::Forecast& forecast) {
    record.ways.push_back(
        way_of(std::string(name_of(pattern)), forecast, decision.pattern == pattern));
  };
  add(Pattern::sequential, decision.sequential);
  add(Pattern::parallel, decision.parallel);
  add(Pattern::queue, decision.queue);
  const auto test = [&](std::string_view name, const decide::Test& one) {
    record.tests.push_back({std::string(name), one.holds, one.why});
  };
  test("independent", decision.independent);
  test("mergeable", decision.mergeable);
  test("worth it", decision.worthwhile);
  record.reasons = decision.reasons;
  record.changes = decision.changes;
  record.warnings = decision.warnings;
  record.not_counted = decision.left_out;
  return record;
}

json::object to_json(const DecisionRecord& record) {
  json::array ways, tests;
  for (const Way& way : record.ways) ways.push_back(to_json(way));
  for (const DecisionRecord::Test& one : record.tests)
    tests.push_back(json::object{{"name", one.name}, {"holds", one.holds}, {"why", one.why}});
  return {{"pattern", record.pattern},
          {"ways", std::move(ways)},
          {"tests", std::move(tests)},
          {"reasons", texts(record.reasons)},
          {"changes", texts(record.changes)},
          {"warnings", texts(record.warnings)},
          {"not_counted", texts(record.not_counted)}};
}

std::optional<DecisionRecord> decision_from_text(std::string_view text) {
  const auto parsed = parse_json(text);
  if (!parsed) return std::nullopt;
  const Members it(*parsed);
  const json::array* ways = it.list("ways");
  const json::array* tests = it.list("tests");
  if (ways == nullptr || tests == nullptr) return std::nullopt;
  DecisionRecord record;
  record.pattern = it.text("pattern");
  for (const json::value& one : *ways) record.ways.push_back(way_from(Members(one)));
  for (const json::value& one : *tests) {
    const Members test(one);
    record.tests.push_back({test.text("name"), test.is_true("holds"), test.text("why")});
  }
  record.reasons = it.texts("reasons");
  record.changes = it.texts("changes");
  record.warnings = it.texts("warnings");
  record.not_counted = it.texts("not_counted");
  return record;
}

void take_retuned(DecisionRecord& record, const engine::RunRetuned& retuned, bool stands) {
  if (!retuned.parallel) return;
  const auto parallel = static_cast<std::uint32_t>(*retuned.parallel);
  if (stands) {
    record.pattern = fmt::format("queue({})", parallel);
    record.reasons = {decide::standing_reason(parallel)};
    return;
  }
  record.reasons.push_back(
      fmt::format("since then a person asked for at most {} at once", parallel));
}

std::optional<DecisionRecord> kept_decision(const ChosenRun& run) {
  auto record = decision_from_text(run.head.decision);
  if (record) take_retuned(*record, run.state.retuned, run.request.stands);
  return record;
}

void want_as_decided(PlanRequest& planning, std::string_view decision) {
  using decide::Pattern;
  if (planning.stands) return;
  const auto kept = decision_from_text(decision);
  if (!kept) return;
  for (const DecisionRecord::Way& way : kept->ways) {
    if (!way.chosen) continue;
    for (const Pattern one : {Pattern::sequential, Pattern::parallel, Pattern::queue}) {
      if (way.name == decide::name_of(one) && !planning.pattern) planning.pattern = one;
    }
    if (planning.pattern == Pattern::queue && !planning.parallel) planning.parallel = way.n;
  }
}

}  // namespace interlock::runs
