#include "cli/run_check.h"

#include <fmt/format.h>

#include "base/text.h"
#include "decide/words.h"
#include "runs/landing_check.h"

// What a run whose plan has a `verify` of its own says when that fails: which tasks make it fail.
namespace interlock::cli {
namespace {

bool has_failed(const runs::ChosenRun& run, const plan::Task& check) {
  const auto index = static_cast<std::size_t>(&check - run.plan().tasks.data());
  const auto& attempts = run.state.tasks[index].attempts;
  return !attempts.empty() && attempts.back().outcome == engine::Outcome::verify_failed;
}

std::string names_of(const runs::ChosenRun& run, const runs::Green& green,
                     const std::vector<std::size_t>& commits) {
  std::vector<std::string> names;
  for (const std::size_t commit : commits)
    names.push_back(fmt::format("`{}`", run.plan()[green.tasks[commit]].id));
  return join_words(names, 6);
}

}  // namespace

void say_who_fails_check(const Context& context, journal::Store& store,
                         const runs::ChosenRun& run) {
  constexpr std::size_t kMostChecks = 20;
  const plan::Task* const own = runs::run_check_of(run.plan());
  if (own == nullptr || !run.state.ended || !has_failed(run, *own)) return;
  context.console.insist(fmt::format(
      "the plan's `verify` fails on what the run changed, which is in the workspace; looking for "
      "who makes it fail, in at most {} checks (Ctrl-C stops that)",
      kMostChecks));
  runs::LandingCheck check;
  check.command = own->verify;
  check.timeout = own->timeout;
  check.most_checks = kMostChecks;
  check.on_check = [&](const std::string& said) { context.console.remark(said); };
  const auto green = runs::find_green(store, context.state_folder, run, check);
  if (!green) {
    context.console.insist("who makes it fail cannot be told: " + green.error().message);
  } else if (green->interrupted) {
    context.console.insist("stopped looking");
  } else if (green->subset.red.empty() && green->subset.untried.empty()) {
    context.console.insist(
        "upon HEAD all of it passes: what the workspace had besides HEAD makes it fail");
  } else {
    context.console.insist(fmt::format(
        "{} {} it fail, as {} showed{}", names_of(run, *green, green->subset.red),
        green->subset.red.size() == 1 ? "makes" : "make",
        decide::count_of(green->subset.checks, "check"),
        green->subset.untried.empty() ? ""
                                      : fmt::format("; {} stand on that, or were not tried",
                                                    names_of(run, *green, green->subset.untried))));
    context.console.insist(fmt::format(
        " hint: `interlock land {0}` makes a branch of the others; `interlock undo {0}` "
        "takes all of it back",
        run.id()));
  }
}

}  // namespace interlock::cli
