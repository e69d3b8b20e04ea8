#include "runs/asking.h"

#include <algorithm>
#include <csignal>
#include <functional>

#include "process/clock.h"
#include "runs/dispatch.h"
#include "runs/excerpt.h"
#include "sys/process_identity.h"

// Which run and which task the words of a person mean, and what is asked of them.
namespace interlock::runs {

namespace {

bool has_name(const ChosenRun& run, const std::string& word) {
  const auto is_of = [&](const plan::Family& family) { return family.id == word; };
  if (run.plan().find(word) || std::ranges::any_of(run.plan().families, is_of)) return true;
  return std::ranges::any_of(run.plan().merges,
                             [&](const plan::Merge& merge) { return merge.name == word; });
}

/// The run and the word that may name a task of it. A null run is not known well enough.
using Choose = std::function<Result<std::unique_ptr<ChosenRun>>(const std::string& id,
                                                                const std::string& word)>;

Result<Meant> meant_by(journal::Store& store, const Where& where, const std::string& run,
                       const std::string& name, const Choose& choose_it) {
  if (name.empty() && !run.empty() && run != "last" && !store.summary(run)) {
    const auto here = run_named(store, where, "last");
    auto chosen = here ? choose_it(*here, run) : std::unexpected(here.error());
    if (chosen && *chosen == nullptr) return Meant{};
    if (chosen && has_name(**chosen, run)) return Meant{std::move(*chosen), run};
  }
  const auto id = run_named(store, where, run);
  if (!id) return std::unexpected(id.error());
  auto chosen = choose_it(*id, name);
  if (!chosen) return std::unexpected(chosen.error());
  return Meant{std::move(*chosen), name};
}

Result<Asked> asked_of(std::unique_ptr<journal::Store> store, Result<Meant> meant) {
  if (!meant) return std::unexpected(meant.error());
  return Asked{std::move(store), std::move(meant->run), std::move(meant->name)};
}

/// Null where the whole run has to be read: it says what is wrong with a name too.
std::unique_ptr<ChosenRun> known_by_excerpt(Result<Meant>& meant) {
  if (!meant || meant->run == nullptr) return nullptr;
  if (!meant->name.empty() && !meant->run->plan().find(meant->name)) return nullptr;
  return std::move(meant->run);
}

Result<Meant> meant_in_excerpt(journal::Store& store, const Where& where, const std::string& run,
                               const std::string& name, bool at_gates) {
  auto meant =
      meant_by(store, where, run, name, [&](const std::string& id, const std::string& word) {
        return read_excerpt(store, id, {word, at_gates});
      });
  auto known = known_by_excerpt(meant);
  return Meant{std::move(known), meant ? std::move(meant->name) : std::string()};
}

Result<Meant> meant_as_kept(journal::Store& store, const Where& where, const std::string& run,
                            const std::string& name) {
  return meant_by(store, where, run, name, [&](const std::string& id, const std::string&) {
    return choose_run_as_kept(store, id);
  });
}

}  // namespace

Result<Meant> choose_meant(journal::Store& store, const Where& where, const std::string& run,
                           const std::string& name) {
  return meant_by(store, where, run, name,
                  [&](const std::string& id, const std::string&) { return choose_run(store, id); });
}

Result<Meant> choose_meant_task(journal::Store& store, const Where& where, const std::string& run,
                                const std::string& task) {
  // Which task is meant where none is named, or what is wrong, the whole run says.
  auto meant = meant_in_excerpt(store, where, run, task, false);
  if (meant && meant->run != nullptr && !meant->name.empty()) return meant;
  return choose_meant(store, where, run, task);
}

Result<Asked> open_for_asking(const StorePlace& place, const Where& where, const std::string& run,
                              const std::string& task) {
  auto store = open_store(place, journal::Access::write);
  if (!store) return std::unexpected(store.error());
  auto meant = meant_as_kept(**store, where, run, task);
  return asked_of(std::move(*store), std::move(meant));
}

Result<Asked> open_for_answering(const StorePlace& place, const Where& where,
                                 const std::string& run, const std::string& task) {
  auto store = open_store(place, journal::Access::write);
  if (!store) return std::unexpected(store.error());
  auto meant = meant_in_excerpt(**store, where, run, task, true);
  if (!meant || meant->run == nullptr) meant = meant_as_kept(**store, where, run, task);
  return asked_of(std::move(*store), std::move(meant));
}

void poke(const ChosenRun& run) {
  if (!run.state.ended && run.state.process && sys::is_alive(*run.state.process))
    ::kill(static_cast<pid_t>(run.state.process->pid), SIGUSR1);
}

Result<std::int64_t> post(journal::Store& store, const ChosenRun& run, engine::Request::Kind kind,
                          const std::string& task, const std::string& body) {
  process::SystemClock clock;
  engine::Request request;
  request.kind = kind;
  request.task = task;
  request.by = dispatcher_name();
  request.body = body;
  auto posted = store.post_request(run.id(), request, clock.now());
  if (posted) poke(run);
  return posted;
}

Result<void> ask(Asked& asked, engine::Request::Kind kind, const std::string& task,
                 const std::string& body) {
  if (auto posted = post(*asked.store, *asked.run, kind, task, body); !posted)
    return std::unexpected(posted.error());
  return {};
}

}  // namespace interlock::runs
