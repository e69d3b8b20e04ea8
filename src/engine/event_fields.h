#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "engine/event.h"

// How the fields of events stand in the journal's JSON.
namespace interlock::engine {

/// Writes members into an object; an absent value writes none.
class FieldWriter {
 public:
  FieldWriter& put(std::string_view key, std::string_view value) {
    if (!value.empty()) object_[key] = value;
    return *this;
  }
  FieldWriter& put(std::string_view key, std::int64_t value) {
    object_[key] = value;
    return *this;
  }
  FieldWriter& put(std::string_view key, bool value) {
    if (value) object_[key] = true;
    return *this;
  }
  FieldWriter& put(std::string_view key, TaskId task) {
    return put(key, std::int64_t{task.index()});
  }
  FieldWriter& put(std::string_view key, const Digest& digest) {
    if (digest != Digest{}) object_[key] = digest.hex();
    return *this;
  }
  template <typename T>
  FieldWriter& put(std::string_view key, const std::optional<T>& value) {
    if (value) put(key, *value);
    return *this;
  }
  FieldWriter& put(std::string_view key, const std::optional<int>& value) {
    if (value) put(key, std::int64_t{*value});
    return *this;
  }
  FieldWriter& put(std::string_view key, const std::optional<Duration>& value) {
    if (value) put(key, std::int64_t{value->count()});
    return *this;
  }
  FieldWriter& put(const ProcessIdentity& process) {
    return put("boot", process.boot_id).put("pid", process.pid).put("start", process.start_ticks);
  }
  FieldWriter& put(const Usage& usage) {
    return put("input", usage.input)
        .put("output_tokens", usage.output)
        .put("cache_read", usage.cache_read)
        .put("cache_write", usage.cache_write)
        .put("cost_uusd", usage.cost);
  }
  FieldWriter& put(const std::vector<CacheKeyPart>& cache_key_parts) {
    json::array list;
    for (const CacheKeyPart& one : cache_key_parts)
      list.push_back(json::array{one.name, one.digest.hex()});
    object_["ingredients"] = std::move(list);
    return *this;
  }
  FieldWriter& put(std::string_view key, const std::vector<std::string>& texts) {
    if (!texts.empty()) object_[key] = json::array(texts.begin(), texts.end());
    return *this;
  }
  FieldWriter& put(std::string_view key, const std::vector<TaskId>& tasks) {
    json::array list;
    for (const TaskId task : tasks) list.push_back(std::int64_t{task.index()});
    if (!list.empty()) object_[key] = std::move(list);
    return *this;
  }
  /// In the order needs, conflict, quota, slot, gate, back-off; microseconds.
  FieldWriter& put(const WaitedFor& waited) {
    if (waited == WaitedFor{}) return *this;
    json::array list;
    for (const Duration one :
         {waited.needs, waited.conflict, waited.quota, waited.slot, waited.gate, waited.backoff}) {
      list.push_back(std::int64_t{one.count()});
    }
    object_["waited_us"] = std::move(list);
    return *this;
  }
  json::object take() { return std::move(object_); }

 private:
  json::object object_;
};

/// Reads members of an object. What is missing reads as its default; what is of the wrong kind
/// spoils the reader.
class FieldReader {
 public:
  explicit FieldReader(const json::object& object) : object_(object) {}

  std::optional<std::int64_t> number(std::string_view key) {
    const json::value* value = object_.if_contains(key);
    if (value == nullptr) return std::nullopt;
    if (const auto* exact = value->if_int64()) return *exact;
    spoil(key);
    return std::nullopt;
  }
  std::optional<Duration> duration(std::string_view key) {
    const auto value = number(key);
    return value ? std::optional(Duration(*value)) : std::nullopt;
  }
  std::int64_t number_or_zero(std::string_view key) { return number(key).value_or(0); }
  std::uint32_t index(std::string_view key) {
    const std::int64_t value = number_or_zero(key);
    if (value < 0 || value > std::numeric_limits<std::uint32_t>::max()) return spoil(key), 0;
    return static_cast<std::uint32_t>(value);
  }
  std::optional<int> small(std::string_view key) {
    const auto value = number(key);
    if (!value) return std::nullopt;
    if (*value < std::numeric_limits<int>::min() || *value > std::numeric_limits<int>::max())
      spoil(key);
    return static_cast<int>(*value);
  }
  std::string text(std::string_view key) {
    const json::value* value = object_.if_contains(key);
    if (value == nullptr) return {};
    if (const auto* string = value->if_string()) return std::string(*string);
    spoil(key);
    return {};
  }
  bool flag(std::string_view key) {
    const json::value* value = object_.if_contains(key);
    if (value == nullptr) return false;
    if (value->is_bool()) return value->get_bool();
    spoil(key);
    return false;
  }
  std::optional<Digest> digest(std::string_view key) {
    if (!object_.contains(key)) return std::nullopt;
    auto digest = Digest::from_hex(text(key));
    if (!digest) spoil(key);
    return digest;
  }
  Digest digest_or_none(std::string_view key) { return digest(key).value_or(Digest{}); }
  TaskId task(std::string_view key = "task") { return TaskId(index(key)); }
  std::optional<TaskId> maybe_task(std::string_view key = "task") {
    return object_.contains(key) ? std::optional(task(key)) : std::nullopt;
  }
  ProcessIdentity process() {
    return {text("boot"), number_or_zero("pid"), number_or_zero("start")};
  }
  Usage usage() {
    return {number("input"), number("output_tokens"), number("cache_read"), number("cache_write"),
            number("cost_uusd")};
  }
  std::vector<CacheKeyPart> cache_key_parts() {
    std::vector<CacheKeyPart> list;
    const json::value* value = object_.if_contains("ingredients");
    if (value == nullptr) return list;
    if (!value->is_array()) return spoil("ingredients"), list;
    for (const json::value& one : value->get_array()) {
      const auto* pair = one.if_array();
      if (pair == nullptr || pair->size() != 2 || !(*pair)[0].is_string() ||
          !(*pair)[1].is_string()) {
        return spoil("ingredients"), list;
      }
      const auto digest = Digest::from_hex(std::string((*pair)[1].get_string()));
      if (!digest) return spoil("ingredients"), list;
      list.push_back({std::string((*pair)[0].get_string()), *digest});
    }
    return list;
  }
  std::vector<std::string> texts(std::string_view key) {
    std::vector<std::string> list;
    const json::value* value = object_.if_contains(key);
    if (value == nullptr) return list;
    if (!value->is_array()) return spoil(key), list;
    for (const json::value& one : value->get_array()) {
      if (!one.is_string()) return spoil(key), list;
      list.emplace_back(one.get_string());
    }
    return list;
  }
  std::vector<TaskId> tasks(std::string_view key) {
    std::vector<TaskId> list;
    const json::value* value = object_.if_contains(key);
    if (value == nullptr) return list;
    if (!value->is_array()) return spoil(key), list;
    for (const json::value& one : value->get_array()) {
      const auto* number = one.if_int64();
      if (number == nullptr || *number < 0 || *number > std::numeric_limits<std::uint32_t>::max())
        return spoil(key), list;
      list.emplace_back(static_cast<std::uint32_t>(*number));
    }
    return list;
  }
  WaitedFor waited() {
    const json::value* value = object_.if_contains("waited_us");
    if (value == nullptr) return {};
    std::array<Duration, 6> parts{};
    const auto* list = value->if_array();
    if (list == nullptr || list->size() != parts.size()) return spoil("waited_us"), WaitedFor{};
    for (std::size_t i = 0; i < parts.size(); ++i) {
      if (!(*list)[i].is_int64()) return spoil("waited_us"), WaitedFor{};
      parts[i] = Duration((*list)[i].get_int64());
    }
    return {parts[0], parts[1], parts[2], parts[3], parts[4], parts[5]};
  }
  /// What older journals do not say was the first of the names.
  template <typename E>
  E choice_or_first(std::string_view key, std::span<const std::string_view> names) {
    return object_.contains(key) ? choice<E>(key, names) : E{};
  }
  template <typename E>
  E choice(std::string_view key, std::span<const std::string_view> names) {
    const std::string name = text(key);
    for (std::size_t i = 0; i < names.size(); ++i) {
      if (names[i] == name) return static_cast<E>(i);
    }
    spoil(key);
    return E{};
  }

  CallEnd call_end() {
    const auto end = call_end_named(text("end"));
    if (!end) spoil("end");
    return end.value_or(CallEnd::answered);
  }

  /// None where it is absent, as in older journals.
  std::optional<agents::Failure> failure() {
    if (!object_.contains("failure")) return {};
    const std::string name = text("failure");
    const auto failure = agents::failure_named(name);
    if (!failure && !name.empty()) spoil("failure");
    return failure;
  }

  const std::string& spoiled() const { return spoiled_; }

 private:
  void spoil(std::string_view key) {
    if (spoiled_.empty()) spoiled_ = key;
  }

  const json::object& object_;
  std::string spoiled_;
};

}  // namespace interlock::engine
