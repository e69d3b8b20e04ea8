#include "decide/shown_id.h"

namespace interlock::decide {

const plan::Family* family_of_place(const plan::Plan& plan, TaskId task) {
  const plan::Task& it = plan[task];
  const bool is_place = it.family && *it.family < plan.families.size() && it.item.empty();
  return is_place ? &plan.families[*it.family] : nullptr;
}

const std::string& shown_id(const plan::Plan& plan, TaskId task) {
  const plan::Family* family = family_of_place(plan, task);
  return family == nullptr ? plan[task].id : family->id;
}

}  // namespace interlock::decide
