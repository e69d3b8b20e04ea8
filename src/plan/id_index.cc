#include "plan/id_index.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "plan/keys.h"

namespace interlock::plan {

namespace {

/// Comparisons of ids with patterns, in all.
constexpr std::size_t kMostLooks = 10'000'000;

}  // namespace

IdIndex::IdIndex(Reading& reading, const TaskList& list) : reading_(reading), list_(list) {
  by_id_.reserve(list.tasks.size());
  for (std::uint32_t at = 0; at < list.tasks.size(); ++at) {
    const auto& task = list.tasks[at];
    const auto [first, is_new] = by_id_.try_emplace(task.id, at);
    if (is_new) continue;
    const auto& other = list.tasks[first->second];
    if (!task.item.empty() && other.place == task.place) {
      reading.problems.add(
          list.id_spans[at],
          fmt::format("two {} give the same id {}: {} and {}", task.family ? "items" : "files",
                      quoted(task.id), quoted(other.item), quoted(task.item)),
          task.family ? "put `{index}` into the id"
                      : "put more of the path into the id: `{item}`, or "
                        "`{index}`");
    } else {
      reading.problems.add(
          list.id_spans[at], fmt::format("task id {} is given twice", quoted(task.id)),
          fmt::format("first on line {}",
                      reading.problems.source().place(list.id_spans[first->second]).line));
    }
  }
}

const std::vector<std::uint32_t>& IdIndex::matching(const footprint::Glob& pattern) {
  const auto [entry, is_new] = matches_.try_emplace(pattern.text());
  auto& found = entry->second;
  if (!is_new) return found;
  const auto id = [&](std::uint32_t at) -> const std::string& { return list_.tasks[at].id; };
  if (sorted_.empty()) {
    sorted_.resize(list_.tasks.size());
    std::iota(sorted_.begin(), sorted_.end(), 0u);
    std::ranges::sort(sorted_, {}, id);
  }
  // Only what begins like the pattern is looked at.
  const std::string_view text = pattern.text();
  const auto prefix = text.substr(0, text.find_first_of("*?[{\\"));
  auto at = std::ranges::lower_bound(sorted_, prefix, {}, id);
  for (; at != sorted_.end() && id(*at).starts_with(prefix); ++at) {
    if (++looks_ > kMostLooks) break;
    const Task& task = list_.tasks[*at];
    if (!task.coordinates && task.id != kRunCheck && pattern.matches(id(*at))) found.push_back(*at);
  }
  std::ranges::sort(found);
  return found;
}

bool IdIndex::gave_up() const { return looks_ > kMostLooks; }

std::string IdIndex::hint(std::string_view name) {
  if (ids_for_hints_.empty()) {
    for (const auto& task : list_.tasks) ids_for_hints_.push_back(task.id);
  }
  return did_you_mean(reading_, name, ids_for_hints_);
}

bool is_pattern(std::string_view name) {
  return std::ranges::any_of(
      name, [](char c) { return c == '*' || c == '?' || c == '[' || c == '{' || c == '\\'; });
}

bool may_name(std::string_view id, std::string_view name) {
  const auto literal = [](std::string_view text) {
    return text.substr(0, text.find_first_of("*?[{\\"));
  };
  const auto a = literal(id);
  const auto b = literal(name);
  if (a.size() == id.size() && b.size() == name.size()) return a == b;
  if (a.size() == id.size()) return a.starts_with(b);
  if (b.size() == name.size()) return b.starts_with(a);
  return a.starts_with(b) || b.starts_with(a);
}

}  // namespace interlock::plan
