#pragma once

#include <string>
#include <vector>

#include "report/plan_view.h"

namespace interlock::report {

/// What the signs of the plan screen look like, on a terminal that can show them or cannot.
struct PlanSigns {
  std::string_view bar, line, left_end, right_end, chosen, holds, fails, dot, item;
};
PlanSigns plan_signs(bool unicode);

/// A way to run the plan, as the screen heads it: `sequential`, `parallel, 3 at once`, `queue of
/// 2`.
std::string heading_of(decide::Pattern pattern, std::uint32_t n);

/// The three ways with one bar per task on a common time scale; the longest tasks where there are
/// many, none where there are too many to look at.
std::vector<std::string> draw_bars(const plan::Plan& plan,
                                   const std::vector<decide::Expected>& expected,
                                   const decide::Decision& decision, const PlanScreen& screen);

/// The way that is taken, in at most `most` lines; nothing where that is too few to tell anything.
std::vector<std::string> draw_chosen_bars(const plan::Plan& plan,
                                          const std::vector<decide::Expected>& expected,
                                          const decide::Decision& decision,
                                          const PlanScreen& screen, std::size_t most);

}  // namespace interlock::report
