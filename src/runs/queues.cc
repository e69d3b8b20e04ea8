#include "runs/queues.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json/serialize.hpp>

#include "base/text.h"
#include "runs/isolation.h"

namespace interlock::runs {

namespace {

struct Client {
  std::string_view name, kind;
};
constexpr std::array<Client, 6> kClients = {{{"claude", "claude-code"},
                                             {"codex", "codex"},
                                             {"gemini", "gemini"},
                                             {"opencode", "opencode"},
                                             {"pi", "pi"},
                                             {"qwen", "qwen"}}};

/// So many runs back a queue that is over is still found by its name.
constexpr std::size_t kRunsLookedAt = 100;

bool is_resumable(const journal::RunSummary& run) {
  using How = engine::RunEnded::How;
  return !run.ended || run.ended->how == How::interrupted || run.ended->how == How::limit_reached ||
         run.ended->how == How::paused_at_gate;
}

}  // namespace

Result<std::optional<std::string>> find_queue(journal::Store& store, const Where& where,
                                              const std::string& name, bool open) {
  const auto is_it = [&](const journal::RunSummary& run) -> Result<bool> {
    if (open && !is_resumable(run)) return false;
    const auto head = store.head(run.id);
    if (!head) return std::unexpected(head.error());
    const auto request = request_from_json(head->options);
    return request && request->stands && (request->queue == name || run.id == name);
  };
  if (const auto known = store.find_run(name); known && *known == name) {
    const auto summary = store.summary(name);
    const auto is_queue = summary ? is_it(*summary) : std::unexpected(summary.error());
    if (!is_queue) return std::unexpected(is_queue.error());
    if (*is_queue) return name;
  }
  journal::RunFilter filter;
  filter.begun = true;
  if (!open) filter.most = kRunsLookedAt;
  if (!where.any) filter.folder = where.folder;
  const auto found = store.runs(filter);
  if (!found) return std::unexpected(found.error());
  for (const journal::RunSummary& run : *found) {
    const auto is_queue = is_it(run);
    if (!is_queue) return std::unexpected(is_queue.error());
    if (*is_queue) return run.id;
  }
  return std::nullopt;
}

bool takes_tasks(const ChosenRun& run) {
  using How = engine::RunEnded::How;
  if (run.state.additions_closed) return false;
  const auto& ended = run.state.ended;
  return !ended || *ended == How::interrupted || *ended == How::limit_reached ||
         *ended == How::paused_at_gate;
}

std::vector<TaskId> waiting_order(const ChosenRun& run) {
  using schedule::Change;
  using schedule::MovePlace;
  // Ranks as the scheduler has them (ADR 97): first come, first served, until a person moves one.
  std::vector<TaskId> order;
  const auto grow = [&](std::size_t to) {
    while (order.size() < to) order.emplace_back(static_cast<std::uint32_t>(order.size()));
  };
  const std::size_t all = run.plan().tasks.size();
  std::size_t come = all - run.planned.added;
  grow(come);
  for (const Change& change : run.changes) {
    if (change.kind == Change::Kind::add) grow(come = std::min(all, come + change.count));
    if (change.kind != Change::Kind::move) continue;
    std::erase(order, change.task);
    auto at = order.begin();
    const auto place = static_cast<MovePlace>(change.count);
    if (place == MovePlace::last) at = order.end();
    if (change.with)
      at = std::ranges::find(order, *change.with) + (place == MovePlace::after ? 1 : 0);
    order.insert(at, change.task);
  }
  grow(all);
  std::erase_if(order,
                [&](TaskId task) { return run.state[task].state != engine::TaskState::waiting; });
  return order;
}

Result<void> check_queue_name(const std::string& name) {
  const bool well_formed = !name.empty() && name.size() <= 64 && name != "last" &&
                           name.front() != '-' && std::ranges::all_of(name, [](char c) {
                             return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                                    (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-';
                           });
  if (well_formed) return {};
  return fail(Error::Kind::invalid, fmt::format("`{}` is not a queue's name", printable(name)),
              "letters, digits, `_`, `.` and `-`, at most 64, and not `last`");
}

std::string_view kind_of_agent(std::string_view name) {
  const auto known = std::ranges::find(kClients, name, &Client::name);
  return known == kClients.end() ? name : known->kind;
}

Document queue_document(const std::string& name, const Where& where,
                        const std::string& state_folder) {
  json::object agents;
  for (const Client& one : kClients) agents[one.name] = json::object{{"kind", one.kind}};
  json::object document{{"interlock", 1}, {"name", name}, {"workspace", "."}};
  document["agents"] = std::move(agents);
  const auto possible = [&](plan::Isolation one) {
    return can_isolate(one, where.folder, state_folder).has_value();
  };
  if (possible(plan::Isolation::view) || possible(plan::Isolation::guard))
    document["defaults"] = json::object{{"isolation", json::array{"view", "guard"}}};
  document["tasks"] = json::array();
  return {{}, where.folder, json::serialize(document)};
}

Result<std::optional<AddAnswer>> answer_to(journal::Store& store, const std::string& run,
                                           std::uint64_t after, std::int64_t request) {
  std::optional<AddAnswer> answer;
  auto replayed = store.replay(run, after, [&](engine::RecordedEvent&& recorded) {
    if (const auto* added = std::get_if<engine::TasksAdded>(&recorded.event);
        added != nullptr && added->request == request) {
      answer.emplace();
      const auto tasks = parse_json(added->tasks);
      if (!tasks || !tasks->is_array()) return;
      for (const json::value& one : tasks->get_array()) {
        const auto* id = one.is_object() ? one.get_object().if_contains("id") : nullptr;
        if (id != nullptr && id->is_string()) answer->ids.emplace_back(id->get_string());
      }
    }
    if (const auto* refused = std::get_if<engine::TasksRefused>(&recorded.event);
        refused != nullptr && refused->request == request)
      answer = AddAnswer{{}, refused->why};
  });
  if (!replayed) return std::unexpected(replayed.error());
  return answer;
}

Result<std::optional<json::object>> added_task(journal::Store& store, const std::string& run,
                                               const std::string& id) {
  std::optional<json::object> found;
  auto replayed = store.replay(run, 0, [&](engine::RecordedEvent&& recorded) {
    const auto* added = std::get_if<engine::TasksAdded>(&recorded.event);
    if (added == nullptr || found) return;
    const auto tasks = parse_json(added->tasks);
    if (!tasks || !tasks->is_array()) return;
    for (const json::value& one : tasks->get_array()) {
      const auto* own = one.is_object() ? one.get_object().if_contains("id") : nullptr;
      if (own != nullptr && own->is_string() && own->get_string() == id) found = one.get_object();
    }
  });
  if (!replayed) return std::unexpected(replayed.error());
  return found;
}

}  // namespace interlock::runs
