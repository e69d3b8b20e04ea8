// The mapping that docs/agents.md gives people to copy, as it stands there.
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "agents/fixture.h"
#include "plan/read.h"
#include "support/fake_files.h"

namespace interlock::agents {
namespace {

std::string example_in(const std::string& path) {
  std::ifstream file(path);
  const std::string text(std::istreambuf_iterator<char>(file), {});
  constexpr std::string_view kOpen = "```yaml\n";
  const auto begin = text.find(kOpen, text.find("\n## Commands with a mapping"));
  if (begin == text.npos) return {};
  const auto from = begin + kOpen.size();
  return text.substr(from, text.find("```", from) - from);
}

TEST(DocumentedMapping, CanBeCopiedAndReadsWhatItSays) {
  testing_support::FakeFiles files;
  const auto read =
      plan::read_plan("interlock: 1\n" + example_in("docs/agents.md"),
                      {.file = "plan.yaml", .folder = "/plan", .set = {}, .isolation = {}}, files);
  ASSERT_EQ(plan::render(read.problems, "plan.yaml"), "");
  const plan::Agent& agent = read.plan.agents.at(0);
  const Adapter* adapter = adapter_for(agent);
  ASSERT_NE(adapter, nullptr);
  const Read good = read_lines(
      *adapter,
      {R"({"type":"start","session_id":"x1"})",
       R"({"type":"message","content":[{"text":"I look."}]})", R"({"type":"tool","name":"grep"})",
       R"({"type":"call","usage":{"input":10,"output":2}})", R"({"type":"backoff","seconds":3})",
       R"({"type":"call","usage":{"input":20,"output":5}})",
       R"({"type":"result","ok":true,"result":"All is well."})"},
      agent);
  EXPECT_EQ(good.events,
            "started session=x1 model= version=\n"
            "text \"I look.\"\n"
            "tool grep \"\"\n"
            "usage 10/2/?/? cost=? total\n"
            "waits 3 s \"\"\n"
            "usage 30/7/?/? cost=? total\n"
            "final \"All is well.\"\n");
  const Read bad =
      read_lines(*adapter, {R"({"type":"result","ok":false,"message":"no disk"})"}, agent);
  EXPECT_EQ(ending_of(*adapter, bad), "other: no disk");
}

}  // namespace
}  // namespace interlock::agents
