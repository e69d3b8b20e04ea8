#include <gtest/gtest.h>

#include <fmt/format.h>

#include "plan/compare.h"
#include "plan/read.h"
#include "support/fake_files.h"

// What runs before a task's work and beside it, and whom it may talk to.
namespace interlock::plan {
namespace {

using testing_support::FakeFiles;

ReadResult read(std::string_view rest) {
  FakeFiles files;
  return read_plan(fmt::format("interlock: 1\n{}", rest),
                   {.file = "p", .folder = "/plan", .set = {}, .isolation = {}}, files);
}

Plan plan_of(std::string_view rest) {
  ReadResult result = read(rest);
  EXPECT_EQ(render(result.problems, "p"), "");
  return std::move(result.plan);
}

constexpr const char* kServices =
    "services:\n"
    "  db: {run: [postgres, '{port}'], ready: 'pg_isready -p {port}', ready_within: 5s}\n"
    "  cache: {run: redis}\n";

TEST(ReadServices, TasksHaveThoseOfTheDefaultsOrTheirOwn) {
  const Plan plan =
      plan_of(std::string(kServices) +
              "defaults: {services: [db], setup: make data}\n"
              "tasks: [{id: a, run: x}, {id: b, run: x, services: [cache, db, cache]},\n"
              "  {id: c, run: x, services: [], setup: null}]\n");
  ASSERT_EQ(plan.tasks.size(), 3u);
  ASSERT_EQ(plan.tasks[0].services.size(), 1u);
  EXPECT_EQ(plan.tasks[0].services[0].name, "db");
  EXPECT_EQ(plan.tasks[0].services[0].run.arguments,
            (std::vector<std::string>{"postgres", "{port}"}));
  EXPECT_EQ(plan.tasks[0].services[0].ready_within, std::chrono::seconds(5));
  EXPECT_EQ(plan.tasks[0].setup.shell, "make data");
  ASSERT_EQ(plan.tasks[1].services.size(), 2u);
  EXPECT_EQ(plan.tasks[1].services[0].name, "cache");
  EXPECT_TRUE(plan.tasks[2].services.empty());
  EXPECT_TRUE(plan.tasks[2].setup.empty());
}

TEST(ReadServices, SetupKnowsWhatTheTaskKnows) {
  const Plan plan = plan_of(
      "tasks: [{id: a, run: x, output: text}, {id: b, run: x, setup: 'load {outputs.a}'}]\n");
  EXPECT_EQ(plan.tasks[1].output_of.size(), 1u);
}

TEST(ReadServices, AServiceThatIsAnotherMakesTheTaskAnother) {
  const std::string tasks = "tasks: [{id: a, run: x, services: [db]}, {id: b, run: x}]\n";
  const Plan before = plan_of(kServices + tasks);
  const Plan after = plan_of("services: {db: {run: mysql}}\n" + tasks);
  EXPECT_EQ(changes_between(before, after).tasks, std::vector<TaskId>{TaskId(0)});
}

TEST(ReadServices, AJoiningAgentHasNone) {
  const Plan plan = plan_of(std::string(kServices) +
                            "agents: {c: {kind: command, run: cat}}\n"
                            "defaults: {services: [db], setup: x}\n"
                            "tasks: [{id: a, run: x, output: text}]\n"
                            "merge: {all: {from: [a], with: agent, agent: c, prompt: join}}\n");
  ASSERT_EQ(plan.tasks.size(), 2u);
  EXPECT_TRUE(plan.tasks[1].services.empty());
  EXPECT_TRUE(plan.tasks[1].setup.empty());
}

TEST(ReadNetwork, HostsThatAreAllowed) {
  const Plan plan = plan_of(
      "defaults: {network: {allow: [example.com, '*.a.org', 'b.net:8443']}}\n"
      "tasks: [{id: a, run: x}, {id: b, run: x, network: host}, {id: c, run: x, network: "
      "gateway}]\n");
  EXPECT_EQ(plan.tasks[0].allowed_hosts,
            (std::vector<std::string>{"example.com", "*.a.org", "b.net:8443"}));
  EXPECT_TRUE(plan.tasks[0].own_network && plan.tasks[0].needs_gateway);
  EXPECT_TRUE(plan.tasks[1].allowed_hosts.empty());
  EXPECT_FALSE(plan.tasks[1].own_network);
  EXPECT_TRUE(plan.tasks[2].allowed_hosts.empty());
  EXPECT_TRUE(plan.tasks[2].own_network);
}

TEST(ReadNetwork, WhatIsNoHost) {
  for (const char* const bad :
       {"https://a.b", "a.b/c", "a.b:", "a.b:0", "a.b:65536", "*.", ".a", "*", "a b", "a.*.b"}) {
    const ReadResult result =
        read(fmt::format("tasks: [{{id: a, run: x, network: {{allow: [\"{}\"]}}}}]\n", bad));
    ASSERT_EQ(result.problems.size(), 1u) << bad;
    EXPECT_NE(result.problems[0].message.find("is not a host"), std::string::npos) << bad;
  }
}

}  // namespace
}  // namespace interlock::plan
