// Any bytes as a plan: never a crash, always bounded, and what is read without a problem holds
// together.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "../support/fake_files.h"
#include "base/check.h"
#include "plan/fill.h"
#include "plan/read.h"

using namespace interlock;

namespace {

void check_plan(const plan::Plan& plan) {
  for (std::size_t at = 0; at < plan.tasks.size(); ++at) {
    const auto& task = plan.tasks[at];
    check(!task.id.empty(), "a task has an id");
    check(task.agent.index() < plan.agents.size(), "a task's agent is there");
    for (const auto need : task.needs)
      check(need.index() < at, "a need stands earlier in plan order");
    for (const auto& use : task.uses)
      check(use.resource.index() < plan.resources.size(), "a resource is there");
  }
  for (const auto& merge : plan.merges) {
    for (const auto from : merge.from)
      check(from.index() < plan.tasks.size(), "what a merge joins is there");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  testing_support::FakeFiles files(
      {{"/plan/a.md", "Read {item}"}, {"/plan/x/b c.md", ""}, {"/plan/s.json", "{}"}});
  const auto result = plan::read_plan(
      text, {.file = "plan.yaml", .folder = "/plan", .set = {{"key", "it's"}}, .isolation = {}},
      files);
  check(result.problems.size() <= 51, "problems are capped");
  plan::render(result.problems, "plan.yaml");
  if (result.problems.empty()) check_plan(result.plan);

  const auto value = [](std::string_view) { return std::optional<std::string>("$(x)'\"`"); };
  plan::fill_shell(text, value);
  plan::fill(text, value, plan::Stage::early);
  return 0;
}
