// Tasks that are done in rounds: each round is a task of its own, which runs where the rounds
// before were not enough.

#include <fmt/format.h>

#include <algorithm>

#include "plan/conditions.h"
#include "plan/keys.h"
#include "plan/tasks.h"

namespace interlock::plan {

namespace {

constexpr std::int64_t kMostRounds = 50;

struct Repeat {
  Item until;
  std::uint32_t at_most = 0;
};

std::optional<Repeat> read_repeat(Reading& reading, Node node) {
  const Fields fields(reading, node, "a `repeat`", kRepeatKeys);
  if (!node.is_map()) return std::nullopt;
  const auto until = fields["until"], at_most = fields["at_most"];
  if (!until || !until->is_scalar()) {
    reading.problems.add(until.value_or(node).span(), "`repeat` needs `until`",
                         "a condition: `until: \"outputs.review.approved == true\"`");
    return std::nullopt;
  }
  if (!at_most) {
    reading.problems.add(node.span(), "`repeat` needs `at_most`",
                         "say how many rounds there may be: `at_most: 3`");
    return std::nullopt;
  }
  const auto most = read_integer(reading, *at_most, 1, kMostRounds);
  if (!most) return std::nullopt;
  return Repeat{{std::string(until->text()), *until}, static_cast<std::uint32_t>(*most)};
}

/// Unrolls one `repeat`.
class Unroller {
 public:
  Unroller(Reading& reading, Repeat repeat, std::vector<TaskDraft> drafts, TaskList& list)
      : reading_(reading), repeat_(std::move(repeat)), drafts_(std::move(drafts)), list_(list) {
    for (const TaskDraft& draft : drafts_) round_.ids.push_back(draft.id->text);
  }

  void unroll() {
    const auto reported = reading_.problems.reported();
    if (!read_until()) return;
    std::vector<LoopDraft> loops;
    for (const std::string& id : round_.ids) loops.push_back({id, {}, 0});
    for (round_.number = 1; round_.number <= repeat_.at_most; ++round_.number) {
      for (std::size_t i = 0; i < drafts_.size(); ++i) {
        loops[i].rounds.push_back(static_cast<std::uint32_t>(list_.tasks.size()));
        add_instance(reading_, drafts_[i], nullptr, list_, &round_);
        add_condition(drafts_[i]);
        // The same trouble comes in each round.
        if (reading_.problems.reported() != reported) return;
      }
    }
    add_until();
    for (LoopDraft& loop : loops) {
      loop.until = static_cast<std::uint32_t>(list_.tasks.size() - 1);
      list_.loops.push_back(std::move(loop));
    }
  }

 private:
  bool read_until() {
    condition::Mistake mistake;
    until_ = condition::Expression::parse(repeat_.until.text, reading_.set, mistake);
    if (!until_) reading_.problems.add(repeat_.until.node.span(), mistake.message, mistake.hint);
    return until_.has_value();
  }

  /// What the condition looks at, of one round.
  void look_at(const condition::Expression& expression, std::uint32_t round, Node node) {
    for (condition::Reference reference : expression.references()) {
      std::string& name = reference.steps.front().name;
      if (round_.has(name)) name = round_.id_of(name, round);
      list_.conditions.push_back(
          {static_cast<std::uint32_t>(list_.tasks.size() - 1), std::move(reference), node.span()});
    }
  }

  void need_round(std::uint32_t round) {
    for (const std::string& id : round_.ids)
      list_.mentions.push_back({static_cast<std::uint32_t>(list_.tasks.size() - 1),
                                round_.id_of(id, round), repeat_.until.node.span(), false, false});
  }

  /// It runs where no round before was enough; asked from the first on, so that nothing is asked
  /// about a round that there was none of.
  void add_condition(const TaskDraft& draft) {
    // All of the round before goes first, whether or not the two touch the same.
    if (round_.number > 1) need_round(round_.number - 1);
    std::string text;
    for (std::uint32_t before = 1; before < round_.number; ++before) {
      text += fmt::format("{}not ({})", text.empty() ? "" : " and ", until_->text());
      look_at(*until_, before, repeat_.until.node);
    }
    if (draft.when) {
      condition::Mistake mistake;
      const auto own = condition::Expression::parse(draft.when->text, reading_.set, mistake);
      if (!own) {
        reading_.problems.add(draft.when->node.span(), mistake.message, mistake.hint);
        return;
      }
      text = text.empty() ? own->text() : fmt::format("{} and ({})", text, own->text());
      look_at(*own, round_.number, draft.when->node);
    }
    if (text.size() > condition::Expression::kMaxBytes)
      reading_.problems.add(repeat_.until.node.span(),
                            "the condition is too long for so many rounds");
    list_.tasks.back().when = std::move(text);
  }

  /// A task that does nothing, and fails where no round was enough: whoever needs what is repeated
  /// needs that too.
  void add_until() {
    const auto& agents = reading_.plan.agents;
    Task task;
    task.id = drafts_.front().id->text + ".until";
    task.agent = AgentId(
        static_cast<std::size_t>(std::ranges::find(agents, "sh", &Agent::name) - agents.begin()));
    task.run.arguments = {"true"};
    task.timeout = Settings{}.timeout;
    task.grace = Settings{}.grace;
    task.must_hold = true;
    task.place = reading_.problems.source().place(repeat_.until.node.span());
    list_.id_spans.push_back(repeat_.until.node.span());
    list_.tasks.push_back(std::move(task));
    std::string text;
    for (std::uint32_t round = 1; round <= repeat_.at_most; ++round) {
      need_round(round);
      text += fmt::format("{}({})", text.empty() ? "" : " or ", until_->text());
      look_at(*until_, round, repeat_.until.node);
    }
    list_.tasks.back().when = std::move(text);
  }

  Reading& reading_;
  Repeat repeat_;
  std::vector<TaskDraft> drafts_;
  TaskList& list_;
  Round round_;
  std::optional<condition::Expression> until_;
};

std::optional<TaskDraft> read_body(Reading& reading, Node node, const Settings& defaults) {
  auto draft = read_task(reading, node, defaults);
  if (!draft) return draft;
  if (draft->tries_node) {
    reading.problems.add(draft->tries_node->span(), "a task that is repeated has no `tries`",
                         "it is done again as long as it is not good enough: that is `repeat`");
  } else if (!draft->foreach.empty()) {
    reading.problems.add(draft->foreach.front().node.span(),
                         "a task that is repeated has no `foreach`",
                         "let the tasks of the `foreach` need what is repeated, or the other way");
  } else if (!placeholders(draft->id->text).empty()) {
    reading.problems.add(draft->id->node.span(), "the id of a task that is repeated is plain text");
  } else if (draft->task.board.round_said) {
    reading.problems.add(node.member("board").value_or(node).span(),
                         "a task that is repeated has the rounds of its `repeat`",
                         "leave `round` out");
  } else {
    return draft;
  }
  return std::nullopt;
}

}  // namespace

std::string Round::renamed(std::string text) const {
  for (const std::string& id : ids) {
    for (const std::string_view kind : {"outputs.", "output_files."}) {
      text = replace_placeholder(text, std::string(kind) + id,
                                 fmt::format("{{{}{}}}", kind, id_of(id, number)));
    }
    text = replace_placeholder(
        text, "previous." + id,
        number == 1 ? std::string() : fmt::format("{{outputs.{}}}", id_of(id, number - 1)));
  }
  return text;
}

void unroll(Reading& reading, Node node, const Settings& defaults, TaskList& list) {
  static constexpr std::string_view kGroupKeys[] = {"repeat", "tasks"};
  const auto repeat = read_repeat(reading, *node.member("repeat"));
  std::vector<TaskDraft> drafts;
  if (const auto tasks = node.member("tasks")) {
    const Fields fields(reading, node, "a group of tasks", kGroupKeys);
    if (!tasks->is_list() || tasks->size() == 0) {
      expected(reading, *tasks, "a list of tasks", "each begins with `- id: `");
      return;
    }
    for (const auto& one : tasks->items()) {
      auto draft = read_body(reading, one, defaults);
      if (!draft) return;
      drafts.push_back(std::move(*draft));
    }
  } else {
    auto draft = read_body(reading, node, defaults);
    if (!draft) return;
    drafts.push_back(std::move(*draft));
  }
  if (repeat) Unroller(reading, *repeat, std::move(drafts), list).unroll();
}

}  // namespace interlock::plan
