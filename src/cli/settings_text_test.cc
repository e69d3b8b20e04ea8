#include "cli/settings_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace interlock::cli {
namespace {

using testing::HasSubstr;

const std::vector<std::string> kPath{"mcpServers", "interlock"};
const json::value kServer = json::object{{"command", "interlock"}, {"args", json::array{"mcp"}}};

/// What the document becomes, and that it comes back.
std::string after(const std::string& document) {
  const auto added = add_member(document, kPath, kServer);
  EXPECT_TRUE(added) << added.error().message;
  if (!added || !*added) return "(nothing)";
  const std::string changed = with(document, **added);
  EXPECT_EQ(without(changed, (*added)->text), document) << "not a byte is lost";
  const auto again = add_member(changed, kPath, kServer);
  EXPECT_TRUE(again && !*again) << "what is there is not added twice: " << changed;
  return changed;
}

TEST(SettingsText, goes_into_an_empty_document) {
  EXPECT_EQ(after(""), R"({
  "mcpServers": {
    "interlock": {
      "command": "interlock",
      "args": [
        "mcp"
      ]
    }
  }
}
)");
}

TEST(SettingsText, goes_behind_what_is_there_in_its_own_indent) {
  EXPECT_EQ(after("{\n\t\"a\": 1\n}\n"),
            "{\n\t\"a\": 1,\n\t\"mcpServers\": {\n\t  \"interlock\": {\n\t    \"command\": "
            "\"interlock\",\n\t    \"args\": [\n\t      \"mcp\"\n\t    ]\n\t  }\n\t}\n}\n");
  const std::string deep = after(R"({
    "mcpServers": {
        "other": {"command": "x"} // mine
    },
    "z": []
})");
  EXPECT_THAT(deep, HasSubstr("\"other\": {\"command\": \"x\"},\n        \"interlock\": {"));
  EXPECT_THAT(deep, HasSubstr("// mine"));
}

TEST(SettingsText, keeps_comments_and_trailing_commas) {
  const std::string changed =
      after("{ // one\n  \"a\": \"x // no comment\" /* a, b */, /* two */\n}");
  EXPECT_THAT(changed, HasSubstr("\"a\": \"x // no comment\" /* a, b */,\n  \"mcpServers\""));
  EXPECT_THAT(changed, HasSubstr("}, /* two */\n}"));
  EXPECT_THAT(after("{}"), HasSubstr("{\n  \"mcpServers\""));
  EXPECT_THAT(after("{\"a\":1}"), HasSubstr("{\"a\":1,\n"));
}

TEST(SettingsText, leaves_alone_what_is_otherwise) {
  const auto why = [](const std::string& document) {
    const auto added = add_member(document, kPath, kServer);
    return added ? std::string("(taken)") : added.error().message;
  };
  EXPECT_EQ(why(R"({"mcpServers": {"interlock": {"command": "mine"}}})"),
            "it has another `interlock` already");
  EXPECT_EQ(why(R"({"mcpServers": 7})"), "`mcpServers` in it is not an object");
  EXPECT_EQ(why("[]"), "it is not an object");
  EXPECT_EQ(why("{\n\"a\" 1}"), "it is not JSON: line 2: a colon is missing");
  EXPECT_EQ(why("{\"a\": }"), "it is not JSON: line 1: a value is missing");
  EXPECT_EQ(why("{} x"), "it is not JSON: line 1: something stands after its end");
  EXPECT_EQ(why("{\"a\": 1 /* "), "it is not JSON: line 1: a comment has no end");
  EXPECT_EQ(why(std::string(100, '[')), "it is not JSON: line 1: it is too deep");
}

TEST(SettingsText, adds_to_a_list_once) {
  const std::vector<std::string> path{"hooks", "PreToolUse"};
  const json::value hook = json::object{{"command", "interlock hook"}};
  const std::string document = R"({"hooks": {"PreToolUse": [{"command": "other"}]}})";
  const auto added = add_element(document, path, hook, "interlock hook");
  ASSERT_TRUE(added && *added);
  const std::string changed = with(document, **added);
  EXPECT_THAT(changed, HasSubstr("{\"command\": \"other\"},\n"));
  const auto again = add_element(changed, path, hook, "interlock hook");
  EXPECT_TRUE(again && !*again);
  const auto fresh = add_element("{}", path, hook, "interlock hook");
  ASSERT_TRUE(fresh && *fresh);
  EXPECT_TRUE(parse_json(with("{}", **fresh)));
  EXPECT_EQ(add_element(R"({"hooks": {"PreToolUse": {}}})", path, hook, "x").error().message,
            "`PreToolUse` in it is not a list");
}

TEST(SettingsText, what_a_person_edited_is_not_taken_away) {
  EXPECT_EQ(without("{\"a\": 2}", "\"a\": 1"), std::nullopt);
}

}  // namespace
}  // namespace interlock::cli
