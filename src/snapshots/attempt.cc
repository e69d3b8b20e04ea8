#include "snapshots/attempt.h"

#include <unistd.h>

#include <charconv>

#include "base/json.h"
#include "snapshots/files.h"
#include "workspace/content.h"

namespace interlock::snapshots {
namespace {

constexpr std::size_t kRecordBytesMax = 1u << 20;
constexpr std::size_t kChangesBytesMax = 1u << 30;

Result<changes::Changeset> read_changes(const std::string& place) {
  const auto text = workspace::read_file(place, kChangesBytesMax);
  if (!text) return std::unexpected(text.error());
  auto changes = changes::changeset_from_text(*text);
  if (!changes) return within(changes.error(), place);
  return changes;
}

}  // namespace

Result<void> write_record(const Layout& layout, const Attempt& attempt) {
  json::array seen;
  for (const std::string& name : attempt.seen) seen.emplace_back(name);
  const json::object record{{"base", attempt.base},
                            {"isolation", plan::name_of(attempt.isolation)},
                            {"seen", std::move(seen)},
                            {"stamp_ns", attempt.stamp_ns}};
  return put_file(layout.file(attempt.name, "opened.json"), canonical_json(record));
}

Result<void> write_changes(const Layout& layout, const Attempt& attempt, const Synced& synced) {
  const std::string place = layout.file(attempt.name, "changes.json");
  auto put = put_file(place, changes::to_text(attempt.changes), true);
  if (put && synced) synced(place);
  return put;
}

Result<Attempt> read_attempt(const Layout& layout, engine::AttemptName name) {
  const std::string place = layout.file(name, "opened.json");
  const auto text = workspace::read_file(place, kRecordBytesMax);
  if (!text) return std::unexpected(text.error());
  const auto value = parse_json(*text);
  if (!value) return within(value.error(), place);
  const auto damaged = [&] { return fail(Error::Kind::io, "`" + place + "` is damaged"); };
  const json::object* record = value->if_object();
  if (record == nullptr) return damaged();
  const json::value* seen = record->if_contains("seen");
  const json::value* stamp = record->if_contains("stamp_ns");
  const json::value* base = record->if_contains("base");
  const json::value* isolation = record->if_contains("isolation");
  if (seen == nullptr || !seen->is_array() || stamp == nullptr || !stamp->is_int64() ||
      base == nullptr || !base->is_string() || isolation == nullptr || !isolation->is_string())
    return damaged();
  Attempt attempt{.name = {name.task, name.attempt, 0}};
  attempt.stamp_ns = stamp->get_int64();
  attempt.base = std::string(base->get_string());
  if (isolation->get_string() == plan::name_of(plan::Isolation::worktree))
    attempt.isolation = plan::Isolation::worktree;
  for (const json::value& one : seen->get_array()) {
    if (one.is_string()) attempt.seen.emplace(one.get_string());
  }
  auto changes = read_changes(layout.file(name, "changes.json"));
  if (!changes && changes.error().kind == Error::Kind::missing) return attempt;
  if (!changes) return std::unexpected(changes.error());
  attempt.changes = std::move(*changes);
  attempt.stage = ::access(layout.file(name, "folded").c_str(), F_OK) == 0
                      ? Attempt::Stage::checkpointed
                      : Attempt::Stage::harvested;
  return attempt;
}

std::optional<engine::AttemptName> name_from(const std::string& folder_name) {
  std::string_view rest = folder_name;
  const auto number = [&](std::string_view word) -> std::optional<std::uint32_t> {
    if (!rest.starts_with(word)) return std::nullopt;
    rest.remove_prefix(word.size());
    std::uint32_t value = 0;
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), value);
    if (error != std::errc()) return std::nullopt;
    rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
    return value;
  };
  const auto task = number("task-");
  const auto attempt = task ? number("-attempt-") : std::nullopt;
  if (!attempt || !rest.empty()) return std::nullopt;
  return engine::AttemptName{TaskId(*task), *attempt, 0};
}

}  // namespace interlock::snapshots
