#include "report/ways_json.h"

namespace interlock::report {
namespace {

json::value ms(const std::optional<Duration>& time) {
  return time ? json::value(time->count() / 1000) : json::value(nullptr);
}

json::array bars_of(const schedule::Timeline& timeline, std::size_t tasks) {
  std::vector<std::int64_t> ends(2 * tasks, -1);
  for (const schedule::Slot& slot : timeline.slots) {
    ends[2 * slot.task.index()] = slot.start.count() / 1000;
    ends[2 * slot.task.index() + 1] = slot.end.count() / 1000;
  }
  return json::array(ends.begin(), ends.end());
}

/// Of one agent nobody made a timeline: it does one task after another.
json::array bars_one_by_one(const std::vector<decide::Expected>& expected, Duration elapsed) {
  Duration sum(1);
  for (const decide::Expected& one : expected) sum += one.time;
  json::array bars;
  Duration at{};
  const auto place = [&](Duration time) {
    return static_cast<std::int64_t>(static_cast<double>(time.count()) *
                                     static_cast<double>(elapsed.count()) /
                                     static_cast<double>(sum.count()) / 1000);
  };
  for (const decide::Expected& one : expected) {
    bars.emplace_back(place(at));
    at += one.time;
    bars.emplace_back(place(at));
  }
  return bars;
}

}  // namespace

json::array ways_json(const runs::DecisionRecord& record) {
  json::array ways;
  for (const auto& way : record.ways) {
    ways.push_back(
        json::object{{"name", way.name},
                     {"n", way.n},
                     {"elapsed_ms", ms(way.elapsed + way.join)},
                     {"p50_ms", ms(way.p50)},
                     {"p90_ms", ms(way.p90)},
                     {"tokens", way.tokens ? json::value(*way.tokens) : json::value(nullptr)},
                     {"cost_usd", way.cost ? json::value(static_cast<double>(*way.cost) / 1e6)
                                           : json::value(nullptr)},
                     {"chosen", way.chosen}});
  }
  return ways;
}

json::array bars_json(const runs::DecisionRecord& record, const decide::Decision& decision,
                      const std::vector<decide::Expected>& expected) {
  json::array made;
  for (const auto& way : record.ways) {
    const decide::Forecast& forecast = way.name == "sequential" ? decision.sequential
                                       : way.name == "parallel" ? decision.parallel
                                                                : decision.queue;
    made.push_back(way.name == "one agent" ? bars_one_by_one(expected, way.elapsed)
                                           : bars_of(forecast.timeline, expected.size()));
  }
  return made;
}

}  // namespace interlock::report
