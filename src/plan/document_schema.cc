#include "plan/document_schema.h"

#include <fmt/format.h>

#include <array>
#include <map>
#include <span>
#include <string>
#include <string_view>

#include "base/check.h"
#include "plan/keys.h"

namespace interlock::plan {

namespace {

using Keys = std::span<const std::string_view>;

json::value parsed(std::string_view text) {
  auto value = parse_json(text);
  check(value.has_value(), "what is written here is JSON");
  return std::move(*value);
}

json::object ref(std::string_view name) { return {{"$ref", fmt::format("#/$defs/{}", name)}}; }

json::value one_of(Keys words) {
  json::array all;
  for (const std::string_view word : words) all.emplace_back(json::string(word));
  return json::object{{"enum", std::move(all)}};
}

/// What each key holds, wherever it stands; a key that means something else somewhere has the
/// place before it.
const std::map<std::string, json::value, std::less<>>& values() {
  static const std::map<std::string, json::value, std::less<>> kValues = [] {
    std::map<std::string, json::value, std::less<>> all;
    const auto put = [&](std::initializer_list<const char*> keys, const json::value& value) {
      for (const char* key : keys) all[key] = value;
    };
    put({"timeout", "grace", "backoff", "join", "min_saving", "answer", "time", "burst",
         "ready_within"},
        ref("duration"));
    put({"idle_timeout"},
        parsed(R"({"anyOf": [{"$ref": "#/$defs/duration"}, {"const": "none"}]})"));
    put({"limits.tokens", "estimate.tokens"}, ref("count"));
    put({"usd", "usd_per_minute"}, ref("dollars"));
    put({"requests", "input_tokens", "output_tokens", "quota.usd"}, ref("rate"));
    put({"reads", "writes", "foreach", "from", "headings", "columns", "pass_env", "args",
         "unmetered", "services", "files"},
        ref("texts"));
    put({"needs"}, ref("needs"));
    put({"post", "read"}, ref("texts"));
    put({"round"}, parsed(R"({"type": "integer", "minimum": 1, "maximum": 1000})"));
    put({"run", "verify", "repair", "resume", "setup", "ready"}, ref("command"));
    put({"env"}, parsed(R"({"type": "object", "additionalProperties":
                            {"type": ["string", "number", "boolean"]}})"));
    put({"id", "agent", "prompt_file", "model", "name", "workspace", "bin", "base_url", "account",
         "merge.key", "task.prompt", "merge.prompt", "judge.prompt"},
        parsed(R"({"type": "string"})"));
    put({"when", "until"}, parsed(R"({"type": ["string", "boolean"],
        "description": "A condition: outputs.review.approved == false and outcome.build != 'failed'"})"));
    put({"retries"}, parsed(R"({"type": "integer", "minimum": 0, "maximum": 100})"));
    put({"tries"}, parsed(R"({"type": "integer", "minimum": 2, "maximum": 10,
        "description": "So many attempts do it side by side, each in its own copy; one counts"})"));
    put({"at_most"}, parsed(R"({"type": "integer", "minimum": 1, "maximum": 10000})"));
    put({"parallel", "gate_every", "calls", "repeats", "capacity", "concurrency"},
        parsed(R"({"type": "integer", "minimum": 1})"));
    put({"failures", "conflicts"}, parsed(R"({"type": ["number", "string"]})"));
    put({"login", "gateway", "strict"}, parsed(R"({"type": "boolean"})"));
    put({"batch"}, parsed(R"({"anyOf": [{"enum": ["auto", "none"]},
                                        {"type": "integer", "minimum": 2, "maximum": 100}]})"));
    put({"gate"}, parsed(R"({"anyOf": [{"enum": ["before", "after"]},
        {"type": "array", "items": {"enum": ["before", "after"]}}]})"));
    put({"on_failure"}, parsed(R"({"type": "string",
        "description": "continue, stop, or a share such as 20%"})"));
    put({"speculate"}, parsed(R"({"anyOf": [{"type": "boolean"}, {"type": "object",
        "properties": {"tokens": {"$ref": "#/$defs/count"}, "usd": {"$ref": "#/$defs/dollars"}},
        "additionalProperties": false}]})"));
    put({"budget"}, parsed(R"({"type": "object",
        "properties": {"tokens": {"$ref": "#/$defs/count"}, "usd": {"$ref": "#/$defs/dollars"}},
        "additionalProperties": false, "minProperties": 1})"));
    put({"slowing"}, parsed(R"({"type": "object", "properties": {"beyond": {"type": "integer"},
        "by": {"type": "number"}}, "additionalProperties": false})"));
    put({"window"}, parsed(R"({"enum": ["bucket", "sliding"]})"));
    put({"charge"}, parsed(R"({"enum": ["actual", "reserve_max"]})"));
    put({"cached_input"}, parsed(R"({"enum": ["free", "counted"]})"));
    put({"commits"}, parsed(R"({"enum": ["none", "task"]})"));
    put({"task.merge"}, parsed(R"({"const": "text"})"));
    put({"agent.prompt"}, parsed(R"({"enum": ["stdin", "argument", "file"]})"));
    put({"agent.key"}, parsed(R"({"anyOf": [{"type": "string"}, {"type": "object",
        "properties": {"command": {"type": "array", "items": {"type": "string"}}},
        "additionalProperties": false}]})"));
    put({"events", "uses"}, parsed(R"({"type": ["object", "array", "string"]})"));
    put({"interlock"}, parsed(R"({"const": 1})"));
    all["isolation"] = json::object{
        {"anyOf", json::array{one_of(kIsolations),
                              json::object{{"type", "array"}, {"items", one_of(kIsolations)}}}}};
    all["observe"] = one_of(kObserves);
    all["network"] =
        json::object{{"anyOf", json::array{one_of(kNetworks), parsed(R"({"type": "object",
            "properties": {"allow": {"$ref": "#/$defs/texts"}}, "required": ["allow"],
            "additionalProperties": false})")}}};
    all["pick"] =
        json::object{{"anyOf", json::array{one_of(kPicks), ref("pick")}},
                     {"description", "Which try counts: the first that is good, or a judge's"}};
    all["judge"] = ref("judge");
    all["on_quota"] = one_of(kOnQuotas);
    all["with"] = one_of(kMergeWiths);
    all["api"] = one_of(kAgentApis);
    all["agent.kind"] = one_of(kAgentKinds);
    all["format"] = parsed(R"({"enum": ["text", "json"]})");
    all["schema"] = parsed(R"({"type": ["string", "object", "boolean"]})");
    all["output.from"] = parsed(R"({"type": "string"})");
    put({"quota.kind"}, parsed(R"({"const": "quota"})"));
    put({"lock.kind"}, parsed(R"({"const": "lock"})"));
    put({"slots.kind"}, parsed(R"({"const": "slots"})"));
    for (const char* part : {"output", "estimate", "repeat", "retry_with", "defaults", "limits"})
      all[part] = ref(part);
    all["agents"] =
        parsed(R"({"type": "object", "additionalProperties": {"$ref": "#/$defs/agent"}})");
    all["resources"] =
        parsed(R"({"type": "object", "additionalProperties": {"$ref": "#/$defs/resource"}})");
    all["plan.services"] =
        parsed(R"({"type": "object", "additionalProperties": {"$ref": "#/$defs/service"}})");
    all["plan.board"] =
        json::object{{"type", "object"}, {"additionalProperties", one_of(kTopicKinds)}};
    all["task.board"] = json::object{{"anyOf", json::array{ref("texts"), ref("board_use")}}};
    all["plan.merge"] = parsed(R"({"type": ["object", "null"], "properties": {"driver": {"anyOf":
        [{"type": "array", "items": {"$ref": "#/$defs/merge_driver"}}, {"$ref": "#/$defs/merge"}]}},
        "additionalProperties": {"$ref": "#/$defs/merge"}})");
    all["tasks"] = parsed(R"({"type": "array", "items": {"anyOf":
        [{"$ref": "#/$defs/task"}, {"$ref": "#/$defs/group"}]}})");
    return all;
  }();
  return kValues;
}

/// A map with these keys and no others.
json::object map_of(std::string_view place, Keys keys, json::array required = {}) {
  json::object properties;
  for (const std::string_view key : keys) {
    auto value = values().find(fmt::format("{}.{}", place, key));
    if (value == values().end()) value = values().find(key);
    check(value != values().end(), "it is known what every key holds");
    properties[key] = value->second;
  }
  json::object made{{"type", "object"}, {"properties", std::move(properties)}};
  made["additionalProperties"] = false;
  if (!required.empty()) made["required"] = std::move(required);
  return made;
}

json::object definitions() {
  json::object defs;
  defs["duration"] = parsed(R"({"type": "string", "pattern": "^([0-9.]+(ms|s|m|h))+$",
    "description": "1500ms, 45s, 2.5m, 1h30m"})");
  defs["count"] = parsed(R"({"type": ["integer", "string"], "description": "15000, 12k, 1.5M"})");
  defs["dollars"] = parsed(R"({"type": ["number", "string"], "description": "5.00, $5"})");
  defs["rate"] = parsed(R"({"type": "string", "description": "50/min, 2/s, 1000/h, 5M/day"})");
  defs["texts"] =
      parsed(R"({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]})");
  defs["command"] = parsed(R"({"anyOf": [{"type": "string", "description": "run by sh -c"},
    {"type": "array", "items": {"type": ["string", "number", "boolean"]}, "minItems": 1}]})");
  defs["needs"] = parsed(R"({"anyOf": [{"type": "string"}, {"$ref": "#/$defs/any_of"},
      {"type": "array", "items": {"anyOf": [{"type": "string"}, {"$ref": "#/$defs/any_of"}]}}]})");
  defs["any_of"] = parsed(R"({"type": "object", "properties": {"any_of": {"$ref": "#/$defs/texts"}},
    "required": ["any_of"], "additionalProperties": false})");
  defs["task"] = map_of("task", kTaskKeys, {"id"});
  defs["group"] = map_of("group", std::array{std::string_view("repeat"), std::string_view("tasks")},
                         {"repeat", "tasks"});
  defs["agent"] = map_of("agent", kAgentKeys, {"kind"});
  defs["service"] = map_of("service", kServiceKeys, {"run"});
  defs["board_use"] = map_of("board_use", kBoardUseKeys);
  defs["merge"] = map_of("merge", kMergeKeys, {"from"});
  defs["merge_driver"] = map_of("merge_driver", kMergeDriverKeys, {"files", "run"});
  defs["defaults"] = map_of("defaults", kDefaultsKeys);
  defs["limits"] = map_of("limits", kLimitsKeys);
  defs["estimate"] = map_of("estimate", kEstimateKeys);
  defs["repeat"] = map_of("repeat", kRepeatKeys, {"until", "at_most"});
  defs["pick"] = map_of("pick", kPickKeys, {"judge"});
  defs["judge"] = map_of("judge", kJudgeKeys);
  defs["retry_with"] = map_of("retry_with", kRetryKeys);
  defs["output"] =
      json::object{{"anyOf", json::array{one_of(kOutputForms), map_of("output", kOutputKeys)}}};
  defs["resource"] =
      json::object{{"anyOf", json::array{map_of("quota", kQuotaKeys, {"kind"}),
                                         map_of("lock", kLockKeys, {"kind"}),
                                         map_of("slots", kSlotsKeys, {"kind", "capacity"})}}};
  return defs;
}

}  // namespace

json::object document_schema() {
  json::object schema = map_of("plan", kPlanKeys, {"interlock", "tasks"});
  schema["$schema"] = "https://json-schema.org/draft/2020-12/schema";
  schema["title"] = "An Interlock plan";
  schema["$defs"] = definitions();
  return schema;
}

}  // namespace interlock::plan
