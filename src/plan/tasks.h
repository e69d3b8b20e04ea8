#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "condition/expression.h"
#include "plan/settings.h"

namespace interlock::plan {

/// A task's name as another task or a merge writes it; found when all tasks are known.
struct Mention {
  std::uint32_t task = 0;  ///< Who mentions it, in document order.
  std::string name;        ///< An id, or where `may_be_pattern` a pattern over ids.
  Span where;
  bool of_output = false;
  bool may_be_pattern = false;
  std::uint32_t any_of = 0;  ///< It is one of that group, from 1, of which one has to succeed.
};

/// What the condition of a task looks at.
struct ConditionMention {
  std::uint32_t task = 0;
  condition::Reference reference;
  Span where;
};

/// Beyond this a plan is refused.
constexpr std::size_t kMostTasks = 1'000'000;

/// A `foreach` that matches no file: a pattern may name what it would have made.
struct Unmatched {
  std::string id;  ///< With its placeholders.
  bool json = false;
};

/// A `foreach` over an output, whose producer is still to be found; its first place is counted in
/// document order.
struct FamilyDraft {
  Family family;
  condition::Reference reference;
  Span where;
};

/// A task that is done in rounds, each of which is a task of its own in document order.
struct LoopDraft {
  std::string id;
  std::vector<std::uint32_t> rounds;
  std::uint32_t until = 0;  ///< The task that fails where no round was enough.
};

/// A task with `tries`, those, and their judge, as places in document order.
struct TriesDraft {
  std::uint32_t task = 0;
  std::vector<std::uint32_t> tries;
  std::optional<std::uint32_t> judge;
};

/// Tasks in document order, with what they mention still to be found.
struct TaskList {
  std::vector<Task> tasks;
  std::vector<Span> id_spans;  ///< For each task, where its id was written.
  std::vector<Mention> mentions;
  std::vector<ConditionMention> conditions;  ///< Those of a task in the order of its references.
  std::vector<FamilyDraft> families;
  std::vector<LoopDraft> loops;
  std::vector<TriesDraft> tries;
  std::vector<std::string> wrong_ids;  ///< Of tasks that have problems: to mention them is none.
  std::vector<Unmatched> unmatched;
  std::vector<std::string> without_reads;  ///< Ids of tasks that declare writes and no reads.
  std::size_t foreach_count = 0;
  std::size_t unfolded_bytes =
      0;  ///< Of prompts and commands, to bound what `foreach` makes of a small plan.
};

/// A merge, with the names it joins still to be found.
struct MergeDraft {
  Merge merge;
  std::vector<Item> from{};
};

/// A task as the document says it, before its `foreach` is unfolded: texts still hold their
/// placeholders.
struct TaskDraft {
  Node node;
  std::optional<Item> id{}, prompt{}, prompt_file{}, output_file{}, when{};
  std::vector<Item> reads{}, writes{}, needs{}, foreach{};
  bool declares_reads = false;
  bool declares_writes = false;
  bool own_run = false;
  std::vector<std::vector<Item>> any_of{};  ///< Of each group of `needs`, one has to succeed.
  std::optional<std::uint32_t> at_most{};   ///< Of a `foreach` over an output.
  std::optional<Node> at_most_node{};
  std::optional<Node> run_node{}, verify_node{}, repair_node{}, env_node{};
  std::uint32_t tries = 0;  ///< 0: it is done by itself.
  std::optional<Node> tries_node{};
  std::optional<Task> judge{};  ///< Of its tries.
  Task task{};
};

/// Reads `tasks` and unfolds every `foreach`.
TaskList read_tasks(Reading& reading, Node node, const Settings& defaults);

std::optional<TaskDraft> read_task(Reading& reading, Node node, const Settings& defaults);

/// Adds what `draft` stands for: one task, or one for each file that matches.
void unfold(Reading& reading, TaskDraft&& draft, TaskList& list);

/// What names mean in one round of a loop.
struct Round {
  std::vector<std::string> ids;  ///< Of the tasks that are done in rounds together.
  std::uint32_t number = 1;
  bool is_try = false;  ///< One of several tries, and no round: its names are those of its task.

  std::string id_of(std::string_view id, std::uint32_t round) const {
    return std::string(id) + "." + std::to_string(round);
  }
  bool has(std::string_view id) const { return std::ranges::find(ids, id) != ids.end(); }
  /// `{outputs.fix}` as `{outputs.fix.2}`, `{previous.fix}` as `{outputs.fix.1}`.
  std::string renamed(std::string text) const;
};

/// Reads `tries` and `pick` (tries.cc). The rest of the draft is read.
void read_tries(Reading& reading, const Fields& fields, const Settings& defaults, TaskDraft& draft);
/// Adds one task of `draft`, after its tries and their judge where it has some.
struct ItemNames;
void add_with_tries(Reading& reading, const TaskDraft& draft, const ItemNames* item,
                    TaskList& list);

/// A task, or a group of tasks, with `repeat` (loops.cc).
void unroll(Reading& reading, Node node, const Settings& defaults, TaskList& list);

/// Adds one task of it; without `item` it has no `foreach`.
struct ItemNames;
void add_instance(Reading& reading, const TaskDraft& draft, const ItemNames* item, TaskList& list,
                  const Round* round = nullptr);

/// A `foreach` over an output (families.cc).
bool is_over_output(const TaskDraft& draft);
void unfold_family(Reading& reading, const TaskDraft& draft, TaskList& list);

/// Reads `output`. `file` is set where it is left in a file.
OutputSpec read_output(Reading& reading, Node node, std::optional<Item>& file);
Estimate read_estimate(Reading& reading, Node node);

/// Tells names in single braces that are no placeholder and that `known` does not have: in a prompt
/// they would be sent as they stand, in a pattern they would match only themselves.
void check_braces(Reading& reading, std::string_view text, Node node, const Lookup& known);

/// Tells placeholders of `text` that mean nothing, and notes the tasks whose outputs it mentions.
void note_mentions(Reading& reading, std::string_view text, Node node, std::uint32_t task,
                   TaskList& list, bool in_foreach);

/// Reads `merge`; a merge `with: agent` adds its coordinator at the end of `list`.
std::vector<MergeDraft> read_merges(Reading& reading, Node node, const Settings& defaults,
                                    TaskList& list);

/// Reads `driver` under `merge` into the plan.
void read_merge_drivers(Reading& reading, Node node);

/// Reads `verify` of the plan: one more task, which needs all others and checks what they left.
void read_run_check(Reading& reading, Node node, const Settings& defaults, TaskList& list);

/// Whether no task has an id that one of these names, because the `foreach` they mean match
/// nothing.
bool names_nothing(const TaskList& list, const std::vector<Item>& names);

/// Finds every name that was mentioned, brings the tasks into plan order and puts them and the
/// merges into the plan.
void settle(Reading& reading, TaskList list, std::vector<MergeDraft> merges);

}  // namespace interlock::plan
