#include "plan/drafting.h"

#include <gmock/gmock.h>

#include <boost/json/serialize.hpp>

namespace interlock::plan {
namespace {

using ::testing::HasSubstr;

std::string document(std::string_view answer) {
  const auto found = document_in(answer);
  return found ? *found : "error: " + found.error().message;
}

TEST(DocumentIn, is_the_fence_that_holds_a_plan_or_the_whole_answer) {
  EXPECT_EQ(document("interlock: 1\ntasks: []\n"), "interlock: 1\ntasks: []\n");
  EXPECT_EQ(document("Here it is:\n```yaml\ninterlock: 1\n```\nGood luck."), "interlock: 1\n");
  EXPECT_EQ(document("```sh\nls\n```\nand\n```\n# mine\ninterlock: 1\n```"),
            "# mine\ninterlock: 1\n")
      << "the other fence holds no plan";
  EXPECT_EQ(document("```json\n{\"interlock\": 1}\n```"), "{\"interlock\": 1}\n");
  EXPECT_EQ(document("```yaml\ninterlock: 1"),
            "error: the answer holds no plan: answer with the "
            "whole document, in one ```yaml fence, beginning "
            "with `interlock: 1`")
      << "one that never ends may be cut";
}

TEST(DocumentIn, leaves_fences_inside_of_prompts_alone) {
  const std::string plan =
      "interlock: 1\ntasks:\n  - id: a\n    prompt: |\n      Write\n      ```\n      x\n      "
      "```\n";
  EXPECT_EQ(document(plan), plan);
  EXPECT_EQ(document("```yaml\n" + plan + "```\n"), plan);
}

TEST(DocumentIn, tells_what_to_do_where_there_is_none_or_too_much) {
  EXPECT_THAT(document("I would rather not."), HasSubstr("error: the answer holds no plan"));
  EXPECT_THAT(document(""), HasSubstr("error: the answer holds no plan"));
  EXPECT_EQ(document("```\ninterlock: 1\n```\n```\ninterlock: 1\n```"),
            "error: the answer holds 2 plans: answer with one");
}

TEST(MembersOf, keeps_what_was_written_as_the_reader_would_read_it) {
  const auto members = members_of(
      "agents:\n  a: {kind: chat, model: 1.10, args: [--n, \"30\"], gateway: false, slowing: {by: "
      "0.5, beyond: 3}}\nother: 1\n",
      "team.yaml", {"agents", "absent"}, {{"agents.a.model", "big"}, {"goal", "x"}});
  ASSERT_TRUE(members.has_value()) << members.error().message;
  EXPECT_EQ(canonical_json(*members),
            R"({"agents":{"a":{"args":["--n","30"],"gateway":false,"kind":"chat","model":"big",)"
            R"("slowing":{"beyond":3,"by":0.5}}}})");
  const auto version = members_of("agents: {a: {model: 1.10}}", "f", {"agents"});
  ASSERT_TRUE(version.has_value());
  EXPECT_EQ(canonical_json(*version), R"({"agents":{"a":{"model":"1.10"}}})");
}

TEST(MembersOf, complains_of_what_is_no_document) {
  const auto broken = members_of("agents: [", "team.yaml", {"agents"});
  ASSERT_FALSE(broken.has_value());
  EXPECT_THAT(broken.error().message, HasSubstr("team.yaml:1:"));
  EXPECT_THAT(members_of("\xff", "team.yaml", {"agents"}).error().message, HasSubstr("not UTF-8"));
  EXPECT_THAT(
      members_of("agents: []", "f", {"agents"}, {{"agents.a.model", "big"}}).error().message,
      HasSubstr("leads through something that is no map"));
}

TEST(DraftingGuide, holds_an_example_and_the_schema) {
  const std::string guide = drafting_guide();
  EXPECT_THAT(guide, HasSubstr("interlock: 1\n"));
  EXPECT_THAT(guide, HasSubstr("\"$schema\":"));
}

}  // namespace
}  // namespace interlock::plan
