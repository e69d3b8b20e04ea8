#include "mcp/board_tools.h"

#include <gtest/gtest.h>

namespace interlock::mcp {
namespace {

const Tool& tool(std::string_view name) {
  for (const Tool& one : tools(Approval::by_people)) {
    if (one.name == name) return one;
  }
  ADD_FAILURE() << "no tool " << name;
  return tools(Approval::by_people).front();
}

json::object given(std::string_view text) { return parse_json(text)->as_object(); }

TEST(BoardTools, ANoteGoesInByStandardInputSoThatItNeverIsAnOption) {
  const auto command =
      tool("board_post").command(given(R"({"topic":"ideas","text":"--help me","run":"r-1"})"));
  ASSERT_TRUE(command) << command.error().message;
  EXPECT_EQ(*command,
            (Command{{"board", "post", "--json", "--run=r-1", "ideas", "-"}, "--help me"}));
  EXPECT_FALSE(tool("board_post").command(given(R"({"topic":"ideas"})")));
  EXPECT_FALSE(tool("board_post").command(given(R"({"topic":"--run","text":"x"})")));
  EXPECT_FALSE(tool("board_post").reads_only);
}

TEST(BoardTools, InsideAnAttemptNoRunIsNamed) {
  const auto command = tool("board_read").command(given(R"({"topic":"ideas","after":3})"));
  ASSERT_TRUE(command) << command.error().message;
  EXPECT_EQ(command->arguments,
            (std::vector<std::string>{"board", "read", "--json", "--after=3", "ideas"}));
  EXPECT_TRUE(tool("board_read").reads_only);
}

TEST(BoardTools, AnswersAreBoundedAndSayWhereToGoOn) {
  const Ended ended{0,
                    R"({"topic":"ideas","kind":"live","posts":[
                      {"number":1,"by":"a","text":"12345"},{"number":4,"by":"b","text":"12345"},
                      {"number":6,"by":"c","text":"12345"}],"last":6,"complete":true})",
                    ""};
  const auto whole = tool("board_read").answer(given(R"({"topic":"ideas"})"), ended);
  ASSERT_TRUE(whole) << whole.error().message;
  EXPECT_EQ(whole->at("posts").as_array().size(), 3u);
  EXPECT_EQ(whole->at("last").as_int64(), 6);
  EXPECT_FALSE(whole->at("more").as_bool());
  const auto part = tool("board_read").answer(given(R"({"topic":"ideas","max_bytes":10})"), ended);
  ASSERT_TRUE(part) << part.error().message;
  EXPECT_EQ(part->at("posts").as_array().size(), 2u);
  EXPECT_EQ(part->at("last").as_int64(), 4);
  EXPECT_TRUE(part->at("more").as_bool());
  EXPECT_FALSE(part->at("complete").as_bool());
  const auto one = tool("board_read").answer(given(R"({"topic":"ideas","max_bytes":1})"), ended);
  ASSERT_TRUE(one);
  EXPECT_EQ(one->at("posts").as_array().size(), 1u) << "there is always a next step";
}

}  // namespace
}  // namespace interlock::mcp
