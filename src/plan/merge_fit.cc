#include "plan/merge_fit.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"

namespace interlock::plan {

namespace {

using With = Merge::With;
using Form = OutputSpec::Form;

constexpr std::string_view kList = "`with: list` makes one list of all answers";

std::string said_near(const std::string& word, const std::set<std::string>& known) {
  const std::vector<std::string> words(known.begin(), known.end());
  if (const auto near = nearest_word(word, words)) return fmt::format("did you mean `{}`?", *near);
  return fmt::format("known are {}", join_words(words, 8));
}

}  // namespace

std::string MergeFit::id_of(const Task& task) const {
  // Of a place that nobody knows the item of yet only the whole family has a name.
  const bool is_place = task.family && *task.family < families_.size() && task.item.empty();
  return fmt::format("`{}`", is_place ? families_[*task.family] : task.id);
}

/// What the plan says the task's JSON is.
std::string MergeFit::given_by(const Task& task, unsigned kinds) const {
  return fmt::format("task {} gives {}", id_of(task),
                     kinds == JsonKinds::all ? "JSON of any form" : say_kinds(kinds));
}

const SchemaFacts& MergeFit::facts_of(const Task& task) {
  const std::string text = task.output.schema.value_or("true");
  const auto found = known_.find(text);
  return found != known_.end() ? found->second
                               : known_.emplace(text, SchemaFacts(text)).first->second;
}

/// Texts behind each other are a text, arrays one array; other JSON behind each other is neither.
std::optional<Misfit> MergeFit::of_concat(const Task& task) {
  if (task.output.form != Form::json) return std::nullopt;
  const unsigned kinds = facts_of(task).kinds();
  if (kinds == JsonKinds::array) return std::nullopt;
  std::string hint(kList);
  if ((kinds & JsonKinds::array) != 0)
    hint += "; for arrays, give the task a schema that says `type: array`";
  return Misfit{fmt::format("a merge `with: concat` joins texts or JSON arrays, and {}",
                            given_by(task, kinds)),
                std::move(hint)};
}

std::optional<Misfit> MergeFit::of_rows(const Merge& merge, const Task& task) {
  const SchemaFacts& facts = facts_of(task);
  const unsigned kinds = facts.kinds();
  if ((kinds & JsonKinds::array) == 0) {
    return Misfit{fmt::format("a merge `with: {}` joins arrays of rows, and {}",
                              name_of(merge.with), given_by(task, kinds)),
                  std::string(kList)};
  }
  const bool of_objects = merge.with == With::table || !merge.key.empty();
  if (of_objects && (facts.item_kinds() & JsonKinds::object) == 0) {
    return Misfit{
        fmt::format("the rows of a merge `with: {}`{} are objects, and in the arrays of task "
                    "{} each is {}",
                    name_of(merge.with), merge.key.empty() ? "" : " and a `key`", id_of(task),
                    say_kinds(facts.item_kinds())),
        std::string(kList)};
  }
  const auto members = facts.item_members();
  if (!members) return std::nullopt;
  std::vector<std::string> wanted = merge.columns;
  if (!merge.key.empty()) wanted.push_back(merge.key);
  for (const std::string& name : wanted) {
    if (members->contains(name)) continue;
    return Misfit{
        fmt::format("the rows of task {} have no member `{}`", id_of(task), printable(name)),
        said_near(name, *members)};
  }
  return std::nullopt;
}

/// Two that both must have a member would have to agree on its value.
std::optional<Misfit> MergeFit::of_objects(const std::vector<const Task*>& tasks) {
  struct First {
    const Task* task;
    std::optional<std::string> only;
  };
  std::map<std::string, First> owners;
  for (const Task* task : tasks) {
    const SchemaFacts& facts = facts_of(*task);
    const unsigned kinds = facts.kinds();
    if ((kinds & JsonKinds::object) == 0) {
      return Misfit{
          fmt::format("a merge `with: object` joins objects, and {}", given_by(*task, kinds)),
          std::string(kList)};
    }
    for (const auto& [name, only] : facts.required()) {
      const auto [owner, is_new] = owners.try_emplace(name, First{task, only});
      if (is_new || (only && owner->second.only == only)) continue;
      const std::string one = id_of(*owner->second.task), other = id_of(*task);
      const std::string both = one == other ? fmt::format("all tasks of {}", one)
                                            : fmt::format("tasks {} and {} both", one, other);
      return Misfit{fmt::format("{} give a member `{}`, and a merge `with: object` takes only one "
                                "value for it",
                                both, printable(name)),
                    std::string(kList)};
    }
  }
  return std::nullopt;
}

std::optional<Misfit> MergeFit::misfit(const Merge& merge, const std::vector<const Task*>& tasks) {
  const bool joins_json = merge.with == With::object || merge.with == With::union_ ||
                          merge.with == With::table || merge.with == With::list;
  const bool joins_text = merge.with == With::lines || merge.with == With::sections;
  for (const Task* task : tasks) {
    const bool is_json = task->output.form == Form::json;
    if (joins_json && !is_json) {
      return Misfit{fmt::format("a merge `with: {}` joins JSON, and task {} gives text",
                                name_of(merge.with), id_of(*task)),
                    "give the task `output: json` or a schema"};
    }
    if (joins_text && is_json) {
      return Misfit{fmt::format("a merge `with: {}` joins texts, and task {} gives JSON",
                                name_of(merge.with), id_of(*task)),
                    std::string(kList)};
    }
    std::optional<Misfit> found;
    if (merge.with == With::concat) found = of_concat(*task);
    if (merge.with == With::union_ || merge.with == With::table) found = of_rows(merge, *task);
    if (found) return found;
  }
  return merge.with == With::object ? of_objects(tasks) : std::nullopt;
}

}  // namespace interlock::plan
