#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <map>
#include <random>

#include "plan/document.h"

// What is read fast is what the YAML parser reads.
namespace interlock::plan {
namespace {

/// All that a reader of the plan can see, a line a value.
std::string show(const Node& node, std::uint32_t shift) {
  const Span span = node.span();
  std::string text = fmt::format("{} {}+{} {} [{}]\n", static_cast<int>(node.kind()),
                                 span.begin - shift, span.length, node.is_plain(), node.text());
  for (const Node& item : node.items()) text += show(item, shift);
  for (const auto& [key, value] : node.entries()) text += show(key, shift) + show(value, shift);
  return text + fmt::format("end of {}\n", node.size());
}

std::string by_yaml(const std::string& json) {
  // Behind a line's end it is not read as JSON.
  const std::string text = "\n" + json;
  const SourceText source(text);
  const std::map<std::string, std::string> nothing_set;
  Problems problems(source, nothing_set);
  const auto document = Document::parse(source, problems);
  return document && problems.reported() == 0 ? show(document->root(), 1) : "problems";
}

std::string by_json(const std::string& json) {
  const auto document = Document::parse_json(json);
  return document ? show(document->root(), 0) : "left to the other";
}

std::string random_string(std::mt19937_64& dice) {
  static constexpr std::array kPieces{"a",   "B c", "\\n", "\\\"", "\\\\", "\\/",     "é",
                                      "\\t", "日",  ": ",  "#",    "{x}",  "\\u00e9", "-"};
  std::string text = "\"";
  for (std::uint64_t i = dice() % 6; i > 0; --i) text += kPieces[dice() % kPieces.size()];
  return text + "\"";
}

std::string random_json(std::mt19937_64& dice, int depth) {
  static constexpr std::array kWords{"true", "false", "null", "0", "-1.5e3", "12", "1e9"};
  static constexpr std::array kBlanks{"", " ", "\n  ", ""};
  const auto blank = [&] { return kBlanks[dice() % kBlanks.size()]; };
  const std::uint64_t kind = depth == 0 ? 2 + dice() % 2 : dice() % 4;
  if (kind == 2) return kWords[dice() % kWords.size()];
  if (kind == 3) return random_string(dice);
  std::string text(kind == 0 ? "{" : "[");
  const std::uint64_t count = dice() % 5;
  for (std::uint64_t i = 0; i < count; ++i) {
    text += fmt::format("{}{}", i > 0 ? "," : "", blank());
    if (kind == 0) text += fmt::format("\"k{}\"{}:{}", i, blank(), blank());
    text += random_json(dice, depth - 1) + blank();
  }
  return text + (kind == 0 ? "}" : "]");
}

TEST(JsonDocument, IsWhatTheYamlParserReads) {
  std::mt19937_64 dice(7);
  int compared = 0;
  for (int i = 0; i < 3000; ++i) {
    const std::string json = "{\"a\": " + random_json(dice, 4) + "}";
    ASSERT_EQ(by_json(json), by_yaml(json)) << json;
    compared += by_json(json) != "left to the other" ? 1 : 0;
  }
  EXPECT_EQ(compared, 3000);
}

TEST(JsonDocument, LeavesToTheOtherWhatIsNotPlainlyJson) {
  for (const char* text : {"{\"a\": 1, \"a\": 2}",
                           "{a: 1}",
                           "{\"a\": 01}",
                           "{\"a\": .5}",
                           "{\"a\": yes}",
                           "{\"a\": 1,}",
                           "{\"a\": 1} x",
                           "{\"a\": 'b'}",
                           "{\"a\": \"\\u0000\"}",
                           "{\"a\": \"\\ud83d\\ude00\"}",
                           "{\"a\": \"\\x41\"}",
                           "{\"a\": \"b\n\"}",
                           "{\"a\": 1 # c\n}",
                           "{\"a\": \"\xff\"}",
                           "{",
                           "{\"a\"",
                           "{\"a\": [}",
                           "[1]",
                           "{\"a\": \"b",
                           "{\"a\": \"\\"})
    EXPECT_FALSE(Document::parse_json(text).has_value()) << text;
  std::string deep = "{\"a\": ";
  for (int i = 0; i < 200; ++i) deep += "[";
  EXPECT_FALSE(Document::parse_json(deep + std::string(200, ']') + "}").has_value());
}

}  // namespace
}  // namespace interlock::plan
