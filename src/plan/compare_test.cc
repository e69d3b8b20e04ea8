#include "plan/compare.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "plan/read.h"
#include "support/fake_files.h"

namespace interlock::plan {
namespace {

Plan read(const std::string& text) {
  testing_support::FakeFiles files;
  auto result = read_plan("interlock: 1\n" + text,
                          {.file = "p", .folder = "/plan", .set = {}, .isolation = {}}, files);
  EXPECT_EQ(render(result.problems, "p"), "");
  return std::move(result.plan);
}

std::string differ(const std::string& before, const std::string& after) {
  const Plan old = read(before);
  const auto changes = changes_between(old, read(after));
  std::string text = changes.apart;
  for (const TaskId task : changes.tasks) text += old[task].id + " ";
  for (const auto merge : changes.merges) text += fmt::format("merge{} ", merge);
  if (changes.added > 0) text += fmt::format("+{} ", changes.added);
  if (changes.limits) text += "limits";
  EXPECT_EQ(changes.any(), !text.empty());
  return text;
}

const std::string kPlan = R"(agents:
  m: {kind: command, run: [m]}
resources: {gpu: {kind: slots, capacity: 2}, db: {kind: lock}}
tasks:
  - {id: a, run: x, reads: [in], uses: {gpu: 1}, output: text}
  - {id: b, agent: m, prompt: Do it., needs: a, output: text}
merge: {all: {from: "*"}}
)";

TEST(Compare, LayoutNamesAndPlacesDoNotCount) {
  std::string other = "# a comment\nname: other\n" + kPlan;
  EXPECT_EQ(differ(kPlan, kPlan), "");
  EXPECT_EQ(differ(kPlan, other), "");
}

std::string with(std::string text, const std::string& what, const std::string& by) {
  text.replace(text.find(what), what.size(), by);
  return text;
}

TEST(Compare, NamesWhatDoesSomethingElse) {
  EXPECT_EQ(differ(kPlan, with(kPlan, "run: x", "run: y")), "a ");
  EXPECT_EQ(differ(kPlan, with(kPlan, "[in]", "[in, too]")), "a ");
  EXPECT_EQ(differ(kPlan, with(kPlan, "gpu: 1", "gpu: 2")), "a ");
  EXPECT_EQ(differ(kPlan, with(kPlan, "capacity: 2", "capacity: 3")), "a ");
  EXPECT_EQ(differ(kPlan, with(kPlan, "run: [m]", "run: [n]")), "b ");
  EXPECT_EQ(differ(kPlan, with(kPlan, "Do it.", "Do that.")), "b ");
  EXPECT_EQ(differ(kPlan, with(kPlan, "{from: \"*\"}", "{from: a}")), "merge0 ");
  EXPECT_EQ(differ(kPlan, "limits: {parallel: 2}\n" + kPlan), "limits");
}

TEST(Compare, TasksMayComeAtTheEndAndNowhereElse) {
  EXPECT_EQ(differ(kPlan, with(kPlan, "merge:", "  - {id: c, run: z, output: text}\nmerge:")),
            "merge0 +1 ");
  EXPECT_EQ(differ(kPlan, with(kPlan, "tasks:\n", "tasks:\n  - {id: c, run: z, output: text}\n")),
            "task `a` is at another place in plan order");
  EXPECT_EQ(differ(kPlan, with(with(kPlan, "{id: a,", "{id: c,"), "needs: a", "needs: c")),
            "task `a` is gone");
}

}  // namespace
}  // namespace interlock::plan
