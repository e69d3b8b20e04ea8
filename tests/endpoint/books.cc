#include "endpoint/books.h"

#include <algorithm>
#include <map>

namespace interlock::endpoint {
namespace {

Used operator+(const Used& one, const Used& other) {
  return {one.input + other.input, one.output + other.output, one.cache_read + other.cache_read,
          one.cache_write + other.cache_write, one.reasoning + other.reasoning};
}

double moment(Time time) { return to_seconds(time.time_since_epoch()); }

json::value or_null(const std::optional<Used>& used) {
  return used ? json::value(usage_json(*used)) : json::value(nullptr);
}

json::object call_json(const Entry& entry) {
  json::object call{{"n", entry.number},
                    {"label", entry.label},
                    {"key", entry.key},
                    {"task", entry.task},
                    {"api", name_of(entry.api)},
                    {"model", entry.model},
                    {"target", entry.target},
                    {"user_agent", entry.user_agent},
                    {"rule", entry.rule},
                    {"stream", entry.streams},
                    {"bytes", entry.bytes},
                    {"tools", entry.tools},
                    {"status", entry.status},
                    {"end", name_of(entry.end)},
                    {"in_flight", entry.in_flight},
                    {"started", moment(entry.started)}};
  call["usage"] = or_null(entry.usage);
  call["told"] = or_null(entry.told);
  call["began"] = entry.began ? json::value(moment(*entry.began)) : json::value(nullptr);
  call["ended"] =
      entry.end == CallEnd::running ? json::value(nullptr) : json::value(moment(entry.ended));
  return call;
}

struct Sum {
  std::map<CallEnd, std::int64_t> ends;
  std::map<int, std::int64_t> statuses;
  std::int64_t calls = 0;
  Used usage, told;

  void add(const Entry& entry) {
    ++calls;
    ++ends[entry.end];
    ++statuses[entry.status];
    if (entry.usage) usage = usage + *entry.usage;
    if (entry.told) told = told + *entry.told;
  }
  json::object json() const {
    json::object sum{{"calls", calls}};
    for (const CallEnd end : {CallEnd::running, CallEnd::complete, CallEnd::refused,
                              CallEnd::broken, CallEnd::client_gone}) {
      const auto found = ends.find(end);
      sum[name_of(end)] = found == ends.end() ? 0 : found->second;
    }
    json::object by_status;
    for (const auto& [status, count] : statuses) by_status[std::to_string(status)] = count;
    sum["statuses"] = by_status;
    sum["usage"] = usage_json(usage);
    sum["told"] = usage_json(told);
    return sum;
  }
};

}  // namespace

std::string_view name_of(CallEnd end) {
  switch (end) {
    case CallEnd::running: return "running";
    case CallEnd::complete: return "complete";
    case CallEnd::refused: return "refused";
    case CallEnd::broken: return "broken";
    case CallEnd::client_gone: return "client_gone";
  }
  return "";
}

json::object usage_json(const Used& used) {
  return {{"input", used.input},
          {"output", used.output},
          {"cache_read", used.cache_read},
          {"cache_write", used.cache_write},
          {"reasoning", used.reasoning}};
}

json::object books_json(const std::vector<Entry>& entries, const json::object& quota) {
  json::array calls;
  std::map<std::string, Sum> tasks;
  Sum total;
  std::size_t most = 0;
  for (const Entry& entry : entries) {
    calls.push_back(call_json(entry));
    tasks[entry.task].add(entry);
    total.add(entry);
    most = std::max(most, entry.in_flight);
  }
  json::object by_task;
  for (const auto& [name, sum] : tasks) by_task[name] = sum.json();
  return {{"calls", calls},
          {"tasks", by_task},
          {"total", total.json()},
          {"quota", quota},
          {"in_flight_most", most}};
}

}  // namespace interlock::endpoint
