#include "engine/event.h"

#include <fmt/format.h>

#include <array>
#include <limits>
#include <span>

#include "plan/plan.h"

namespace interlock::engine {

namespace {

/// Enumerators by their place; the names are the journal's format and never change.
constexpr std::array<std::string_view, 16> kOutcomes = {
    "succeeded",   "exited-nonzero", "crashed",          "not-started",    "timed-out",
    "went-silent", "output-missing", "output-too-large", "output-invalid", "verify-failed",
    "lingered",    "cancelled",      "interrupted",      "outside-footprint",
    "conflicted",  "changes-lost"};
constexpr std::array<std::string_view, 5> kHows = {"finished", "failed", "paused-at-gate",
                                                   "interrupted", "cancelled"};
constexpr std::array<std::string_view, 3> kGates = {"before", "after", "review"};
constexpr std::array<std::string_view, 6> kBecauses = {"first", "retry",    "correction",
                                                       "again", "conflict", "repair"};
constexpr std::array<std::string_view, 4> kIsolations = {"direct", "guard", "view", "worktree"};

template <typename E>
std::string_view word(std::span<const std::string_view> names, E value) {
  return names[static_cast<std::size_t>(value)];
}

/// Writes members into an object; an absent value writes none.
class Writer {
 public:
  Writer& put(std::string_view key, std::string_view value) {
    if (!value.empty()) object_[key] = value;
    return *this;
  }
  Writer& put(std::string_view key, std::int64_t value) {
    object_[key] = value;
    return *this;
  }
  Writer& put(std::string_view key, bool value) {
    if (value) object_[key] = true;
    return *this;
  }
  Writer& put(std::string_view key, TaskId task) { return put(key, std::int64_t{task.index()}); }
  Writer& put(std::string_view key, const Digest& digest) {
    if (digest != Digest{}) object_[key] = digest.hex();
    return *this;
  }
  template <typename T>
  Writer& put(std::string_view key, const std::optional<T>& value) {
    if (value) put(key, *value);
    return *this;
  }
  Writer& put(std::string_view key, const std::optional<int>& value) {
    if (value) put(key, std::int64_t{*value});
    return *this;
  }
  Writer& put(const ProcessIdentity& process) {
    return put("boot", process.boot_id).put("pid", process.pid).put("start", process.start_ticks);
  }
  Writer& put(const Usage& usage) {
    return put("input", usage.input)
        .put("output_tokens", usage.output)
        .put("cache_read", usage.cache_read)
        .put("cache_write", usage.cache_write)
        .put("cost_uusd", usage.cost);
  }
  Writer& put(const std::vector<Ingredient>& ingredients) {
    json::array list;
    for (const Ingredient& one : ingredients)
      list.push_back(json::array{one.name, one.digest.hex()});
    object_["ingredients"] = std::move(list);
    return *this;
  }
  Writer& put(std::string_view key, const std::vector<std::string>& texts) {
    if (!texts.empty()) object_[key] = json::array(texts.begin(), texts.end());
    return *this;
  }
  Writer& put(std::string_view key, const std::vector<TaskId>& tasks) {
    json::array list;
    for (const TaskId task : tasks) list.push_back(std::int64_t{task.index()});
    if (!list.empty()) object_[key] = std::move(list);
    return *this;
  }
  /// In the order needs, conflict, quota, slot, gate, back-off; microseconds.
  Writer& put(const WaitedFor& waited) {
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
class Reader {
 public:
  explicit Reader(const json::object& object) : object_(object) {}

  std::optional<std::int64_t> number(std::string_view key) {
    const json::value* value = object_.if_contains(key);
    if (value == nullptr) return std::nullopt;
    if (const auto* exact = value->if_int64()) return *exact;
    spoil(key);
    return std::nullopt;
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
  std::vector<Ingredient> ingredients() {
    std::vector<Ingredient> list;
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

  const std::string& spoiled() const { return spoiled_; }

 private:
  void spoil(std::string_view key) {
    if (spoiled_.empty()) spoiled_ = key;
  }

  const json::object& object_;
  std::string spoiled_;
};

json::object body_of(const RunBegan& f) {
  return Writer().put("by", f.dispatcher).put(f.process).put("resumed", f.resumed).take();
}
json::object body_of(const RunStopping& f) { return Writer().put("why", f.why).take(); }
json::object body_of(const RunEnded& f) {
  return Writer().put("how", word(kHows, f.how)).put("digest", f.digest).take();
}
json::object body_of(const GateReached& f) {
  return Writer().put("task", f.task).put("gate", word(kGates, f.kind)).take();
}
json::object body_of(const GateAnswered& f) {
  return Writer()
      .put("task", f.task)
      .put("gate", word(kGates, f.kind))
      .put("approved", f.approved)
      .put("by", f.by)
      .take();
}
json::object body_of(const AttemptStarted& f) {
  return Writer()
      .put("task", f.task)
      .put("attempt", std::int64_t{f.attempt})
      .put("because", word(kBecauses, f.because))
      .put("lane", std::int64_t{f.lane})
      .put("key", f.key)
      .put(f.ingredients)
      .put("changed", f.changed)
      .put(f.waited)
      .put("isolation",
           f.isolation == plan::Isolation{} ? std::string_view() : word(kIsolations, f.isolation))
      .put("seen", f.seen > 0 ? std::optional(std::int64_t{f.seen}) : std::nullopt)
      .put("speculative", f.speculative)
      .take();
}
json::object body_of(const ProcessSpawned& f) {
  return Writer().put("task", f.task).put("attempt", std::int64_t{f.attempt}).put(f.process).take();
}
json::object body_of(const AttemptEnded& f) {
  return Writer()
      .put("task", f.task)
      .put("attempt", std::int64_t{f.attempt})
      .put("outcome", word(kOutcomes, f.outcome))
      .put("exit", f.exit_code)
      .put("signal", f.signal)
      .put("detail", f.detail)
      .put("strays", std::int64_t{f.strays})
      .put("output", f.output)
      .put("elapsed_us", std::int64_t{f.elapsed.count()})
      .put(f.usage)
      .put("changes", f.changes)
      .put("reads", f.reads)
      .put("remarks", f.remarks)
      .put("denied_reads", f.denied_reads)
      .put("denied_writes", f.denied_writes)
      .put("reads_from", f.reads_from)
      .take();
}
json::object body_of(const ChangesReady& f) {
  return Writer().put("task", f.task).put("attempt", std::int64_t{f.attempt}).take();
}
json::object body_of(const ChangesMerged& f) {
  return Writer()
      .put("task", f.task)
      .put("attempt", std::int64_t{f.attempt})
      .put("changes", f.changes)
      .put("seen", std::int64_t{f.seen})
      .put(f.files)
      .take();
}
json::object body_of(const ChangesCommitted& f) {
  return Writer()
      .put("task", f.task)
      .put("attempt", std::int64_t{f.attempt})
      .put("changes", f.changes)
      .put("count", std::int64_t{f.count})
      .take();
}
json::object body_of(const CommitRefused& f) {
  return Writer()
      .put("task", f.task)
      .put("attempt", std::int64_t{f.attempt})
      .put("paths", f.paths)
      .put("count", std::int64_t{f.count})
      .put("by", f.by)
      .put("detail", f.detail)
      .take();
}
json::object body_of(const ChangesFolded& f) {
  return Writer().put("commits", std::int64_t{f.commits}).take();
}
json::object body_of(const FoldRefused& f) { return Writer().put("paths", f.paths).take(); }
json::object body_of(const TaskDone& f) {
  return Writer()
      .put("task", f.task)
      .put("attempt", std::int64_t{f.attempt})
      .put("output", f.output)
      .put("wrote", f.wrote)
      .put("from_run", f.from_run)
      .take();
}
json::object body_of(const TaskFailed& f) {
  return Writer()
      .put("task", f.task)
      .put("outcome", word(kOutcomes, f.outcome))
      .put("detail", f.detail)
      .take();
}
json::object body_of(const TaskSkipped& f) {
  return Writer().put("task", f.task).put("because", f.because).take();
}
json::object body_of(const TaskCancelled& f) {
  return Writer().put("task", f.task).put("by", f.by).take();
}
json::object body_of(const TaskRevived& f) { return Writer().put("task", f.task).take(); }
json::object body_of(const RetryPlanned& f) {
  return Writer()
      .put("task", f.task)
      .put("because", word(kBecauses, f.because))
      .put("not_before_us", std::int64_t{f.not_before.time_since_epoch().count()})
      .put("charged", f.charged)
      .put("correction", f.correction)
      .take();
}
json::object body_of(const MergeMade& f) {
  return Writer().put("merge", std::int64_t{f.merge}).put("output", f.output).take();
}
json::object body_of(const MergeFailed& f) {
  return Writer().put("merge", std::int64_t{f.merge}).put("detail", f.detail).take();
}

/// One row a fact: its name in the journal and how it is read back. In the order of the variant.
struct Row {
  std::string_view name;
  Fact (*read)(Reader&);
};

constexpr std::array<Row, std::variant_size_v<Fact>> kRows = {{
    {"run_began",
     [](Reader& r) -> Fact {
       return RunBegan{r.text("by"), r.process(), r.flag("resumed")};
     }},
    {"run_stopping", [](Reader& r) -> Fact { return RunStopping{r.text("why")}; }},
    {"run_ended",
     [](Reader& r) -> Fact {
       return RunEnded{r.choice<RunEnded::How>("how", kHows), r.text("digest")};
     }},
    {"gate_reached",
     [](Reader& r) -> Fact {
       return GateReached{r.maybe_task(), r.choice<GateKind>("gate", kGates)};
     }},
    {"gate_answered",
     [](Reader& r) -> Fact {
       return GateAnswered{r.maybe_task(), r.choice<GateKind>("gate", kGates), r.flag("approved"),
                           r.text("by")};
     }},
    {"attempt_started",
     [](Reader& r) -> Fact {
       return AttemptStarted{r.task(),
                             r.index("attempt"),
                             r.choice<AttemptStarted::Because>("because", kBecauses),
                             r.index("lane"),
                             r.digest_or_none("key"),
                             r.ingredients(),
                             r.text("changed"),
                             r.waited(),
                             r.choice_or_first<plan::Isolation>("isolation", kIsolations),
                             r.index("seen"),
                             r.flag("speculative")};
     }},
    {"process_spawned",
     [](Reader& r) -> Fact {
       return ProcessSpawned{r.task(), r.index("attempt"), r.process()};
     }},
    {"attempt_ended",
     [](Reader& r) -> Fact {
       return AttemptEnded{
           r.task(),          r.index("attempt"), r.choice<Outcome>("outcome", kOutcomes),
           r.small("exit"),   r.small("signal"),  r.text("detail"),
           r.index("strays"), r.digest("output"), Duration(r.number_or_zero("elapsed_us")),
           r.usage(),         r.digest("changes"), r.digest("reads"),
           r.texts("remarks"), r.texts("denied_reads"), r.texts("denied_writes"),
           r.text("reads_from")};
     }},
    {"task_done",
     [](Reader& r) -> Fact {
       return TaskDone{r.task(), r.index("attempt"), r.digest("output"), r.digest_or_none("wrote"),
                       r.text("from_run")};
     }},
    {"task_failed",
     [](Reader& r) -> Fact {
       return TaskFailed{r.task(), r.choice<Outcome>("outcome", kOutcomes), r.text("detail")};
     }},
    {"task_skipped",
     [](Reader& r) -> Fact {
       return TaskSkipped{r.task(), r.task("because")};
     }},
    {"task_cancelled",
     [](Reader& r) -> Fact {
       return TaskCancelled{r.task(), r.text("by")};
     }},
    {"task_revived", [](Reader& r) -> Fact { return TaskRevived{r.task()}; }},
    {"retry_planned",
     [](Reader& r) -> Fact {
       return RetryPlanned{r.task(), r.choice<AttemptStarted::Because>("because", kBecauses),
                           Time(Duration(r.number_or_zero("not_before_us"))), r.flag("charged"),
                           r.text("correction")};
     }},
    {"merge_made",
     [](Reader& r) -> Fact {
       return MergeMade{r.index("merge"), r.digest_or_none("output")};
     }},
    {"merge_failed",
     [](Reader& r) -> Fact {
       return MergeFailed{r.index("merge"), r.text("detail")};
     }},
    {"changes_ready",
     [](Reader& r) -> Fact {
       return ChangesReady{r.task(), r.index("attempt")};
     }},
    {"changes_merged",
     [](Reader& r) -> Fact {
       return ChangesMerged{r.task(), r.index("attempt"), r.digest_or_none("changes"),
                            r.index("seen"), r.ingredients()};
     }},
    {"changes_committed",
     [](Reader& r) -> Fact {
       return ChangesCommitted{r.task(), r.index("attempt"), r.digest_or_none("changes"),
                               r.index("count")};
     }},
    {"commit_refused",
     [](Reader& r) -> Fact {
       return CommitRefused{r.task(), r.index("attempt"), r.texts("paths"), r.index("count"),
                            r.tasks("by"), r.text("detail")};
     }},
    {"changes_folded", [](Reader& r) -> Fact { return ChangesFolded{r.index("commits")}; }},
    {"fold_refused", [](Reader& r) -> Fact { return FoldRefused{r.texts("paths")}; }},
}};

}  // namespace

std::string_view name_of(Outcome outcome) { return word(kOutcomes, outcome); }

std::optional<Outcome> outcome_named(std::string_view name) {
  for (std::size_t i = 0; i < kOutcomes.size(); ++i) {
    if (kOutcomes[i] == name) return static_cast<Outcome>(i);
  }
  return std::nullopt;
}

std::string_view name_of(AttemptStarted::Because because) { return word(kBecauses, because); }

std::string_view name_of(const Fact& fact) { return kRows[fact.index()].name; }

std::optional<TaskId> task_of(const Fact& fact) {
  return std::visit(
      [](const auto& one) -> std::optional<TaskId> {
        if constexpr (requires { one.task; }) {
          return one.task;
        } else {
          return std::nullopt;
        }
      },
      fact);
}

json::object to_json(const Fact& fact) {
  return std::visit([](const auto& one) { return body_of(one); }, fact);
}

Result<Fact> fact_from_json(std::string_view name, const json::object& body) {
  for (const Row& row : kRows) {
    if (row.name != name) continue;
    Reader reader(body);
    Fact fact = row.read(reader);
    if (reader.spoiled().empty()) return fact;
    return fail(Error::Kind::io,
                fmt::format("the journal's `{}` has a bad `{}`", name, reader.spoiled()),
                "the journal is damaged or was written by a newer version");
  }
  return fail(Error::Kind::io,
              fmt::format("the journal holds a `{}`, which this version does not know", name),
              "it was written by a newer version: use that one");
}

}  // namespace interlock::engine
