#include "base/json_stream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <random>

namespace interlock {
namespace {

using testing::HasSubstr;

/// The canonical text of what `text` says, or why it says nothing.
std::string read(std::string_view text) {
  const Result<json::value> value = parse_json(text);
  return value ? canonical_json(*value) : value.error().message;
}

TEST(ParseJson, reads_every_kind_of_value) {
  EXPECT_EQ(read(R"( {"a": [1, -2, 3.5, true, false, null, "x", {}, []]} )"),
            R"({"a":[1,-2,3.5,true,false,null,"x",{},[]]})");
  EXPECT_EQ(read("5"), "5");
  EXPECT_EQ(read(R"("alone")"), R"("alone")");
}

TEST(ParseJson, passes_over_a_byte_order_mark) { EXPECT_EQ(read("\xef\xbb\xbf{}"), "{}"); }

TEST(ParseJson, says_line_and_column) {
  EXPECT_EQ(read("{\n  \"a\": 1,\n  \"größe\": x\n}"), "line 3, column 12: unexpected `x`");
  EXPECT_EQ(read("[1,]"), "line 1, column 4: unexpected `]`");
  EXPECT_EQ(read("{'a': 1}"), "line 1, column 2: unexpected `'`");
  EXPECT_EQ(read("[1] 2"), "line 1, column 5: something follows the end of the document");
  EXPECT_EQ(read(""), "line 1, column 1: the document ends too early");
  EXPECT_EQ(read("[1,\n2"), "line 2, column 2: the document ends too early");
  EXPECT_EQ(read("\"open"), "line 1, column 6: the document ends too early");
  EXPECT_EQ(read("// no comments\n1"), "line 1, column 1: unexpected `/`");
}

TEST(ParseJson, refuses_a_key_given_twice) {
  EXPECT_EQ(read(R"({"a": 1, "b": 2, "a": 3})"), "line 1, column 18: the key `a` is given twice");
  EXPECT_EQ(read("{\"a\": {\n\"x\\ny\": 1,\n  \"x\\u000ay\": 2}}"),
            "line 3, column 3: the key `x␊y` is given twice");
  EXPECT_EQ(read(R"({"q\"\\": 1, "q\"\\": 2})"),
            "line 1, column 14: the key `q\"\\` is given twice");
  EXPECT_EQ(read(R"({"": 1, "": 2})"), "line 1, column 9: the key `` is given twice");
  EXPECT_EQ(read(R"({"a": {"a": [{"a": 1}, {"a": 2}]}})"), R"({"a":{"a":[{"a":1},{"a":2}]}})");
}

TEST(ParseJson, shows_a_key_without_its_tricks) {
  const std::string key = "\\u001b[31m" + std::string(1'000, 'k');
  const std::string message = read("{\"" + key + "\": 1, \"" + key + "\": 2}");
  EXPECT_THAT(message, HasSubstr("the key `kkkk"));
  EXPECT_LT(message.size(), 120);
}

TEST(ParseJson, goes_sixty_four_deep) {
  const auto nested = [](std::size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  EXPECT_EQ(read(nested(64)), nested(64));
  EXPECT_EQ(read(nested(65)), "line 1, column 65: nested more than 64 deep");
  EXPECT_EQ(read(std::string(1'000'000, '[')), "line 1, column 65: nested more than 64 deep");
  std::string objects;
  for (int i = 0; i < 65; ++i) objects += R"({"a":)";
  EXPECT_EQ(read(objects), "line 1, column 321: nested more than 64 deep");
}

TEST(ParseJson, keeps_every_digit_of_an_integer_or_refuses_it) {
  EXPECT_EQ(read("9007199254740993"), "9007199254740993");
  EXPECT_EQ(read("-9223372036854775808"), "-9223372036854775808");
  EXPECT_EQ(read("18446744073709551615"), "18446744073709551615");
  EXPECT_EQ(read("18446744073709551616"),
            "line 1, column 1: the number 18446744073709551616 is too large to keep exactly");
  EXPECT_EQ(read("[1, -9223372036854775809]"),
            "line 1, column 5: the number -9223372036854775809 is too large to keep exactly");
  EXPECT_THAT(read(std::string(100'000, '9')), HasSubstr("is too large to keep exactly"));
}

TEST(ParseJson, takes_a_larger_integer_that_a_double_writes_so) {
  EXPECT_EQ(read("295147905179352830000"), "295147905179352830000");
  EXPECT_THAT(read("295147905179352830001"), HasSubstr("is too large to keep exactly"));
}

TEST(ParseJson, reads_numbers_to_the_nearest_double) {
  EXPECT_EQ(read("0.30000000000000004"), "0.30000000000000004");
  EXPECT_EQ(read("9.007199254740993e15"), "9007199254740992");
  EXPECT_EQ(read("2.2250738585072014e-308"), "2.2250738585072014e-308");
  EXPECT_EQ(read("5e-324"), "5e-324");
  EXPECT_EQ(read("1.7976931348623157e308"), "1.7976931348623157e+308");
  EXPECT_EQ(read("[0.1,123456.789e-3]"), "[0.1,123.456789]");
  EXPECT_EQ(read("1e-400"), "0");
  EXPECT_EQ(read("0.000000000000000000000000000000000000000000000000001e51"), "1");
}

TEST(ParseJson, reads_back_every_double_that_is_written) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 20'000; ++i) {
    const auto number = std::bit_cast<double>(random());
    if (!std::isfinite(number)) continue;
    const std::string text = canonical_json(number);
    const Result<json::value> value = parse_json(text);
    ASSERT_TRUE(value) << text;
    ASSERT_EQ(value->to_number<double>(), number) << text;
  }
}

TEST(ParseJson, refuses_numbers_that_are_none) {
  EXPECT_EQ(read("9007199254740993"), "9007199254740993");
  EXPECT_EQ(read("9007199254740992.0"), "9007199254740992");
  EXPECT_EQ(read("9007199254740993.0"),
            "line 1, column 1: the number 9007199254740993.0 is too large to keep exactly");
  EXPECT_EQ(read("1e23"), "1e+23");
  EXPECT_EQ(read("123456789012345678901234567890.5"), "1.2345678901234568e+29");
  EXPECT_EQ(read("-0.0"), "0");
  EXPECT_EQ(read("[1e400]"), "line 1, column 2: the number 1e400 is too large to keep exactly");
  EXPECT_EQ(read("-1e309"), "line 1, column 1: the number -1e309 is too large to keep exactly");
  EXPECT_THAT(read("1e99999999999999999999"), HasSubstr("too large"));
  for (const char* text :
       {"NaN", "Infinity", "-Infinity", "+1", "01", ".5", "5.", "0x10", "1e", "--1", "1_000"}) {
    EXPECT_THAT(read(text), HasSubstr("line 1, column")) << text;
  }
}

TEST(ParseJson, refuses_what_is_no_utf8) {
  EXPECT_EQ(read("{\"a\":\n \"x\xff\"}"), "line 2, column 4: not UTF-8");
  EXPECT_EQ(read("\"\xed\xa0\x80\""), "line 1, column 2: not UTF-8");
  EXPECT_EQ(read("\xff"), "line 1, column 1: not UTF-8");
}

TEST(ParseJson, reads_escapes_and_refuses_halves_of_pairs) {
  EXPECT_EQ(read(R"("\u00e9\ud83d\ude86\/\b")"), "\"é🚆/\\b\"");
  EXPECT_EQ(read(R"("a\u0000b")"), R"("a\u0000b")");
  EXPECT_THAT(read(R"("\ud800")"), HasSubstr("line 1, column"));
  EXPECT_THAT(read(R"("\ude86")"), HasSubstr("line 1, column"));
  EXPECT_THAT(read(R"("\x41")"), HasSubstr("line 1, column"));
  EXPECT_THAT(read("\"a\nb\""), HasSubstr("line 1, column 3"));
}

TEST(CheckJson, judges_as_if_the_value_were_read) {
  for (const char* text :
       {"{}", "[1, 2.5, \"x\\n\", null]", R"({"a": [1, {"b": true}], "c": ""})", "", "[1,", "nul",
        R"({"a": 1, "a": 2})", R"({"a": {"a": 1}, "b": [{"a": 1}, {"a": 1}]})",
        "18446744073709551616", "[1] x", "\"\xff\"", "1e999"}) {
    const auto value = parse_json(text);
    const auto checked = check_json(text);
    ASSERT_EQ(checked.has_value(), value.has_value()) << text;
    if (!value) {
      EXPECT_EQ(checked.error().message, value.error().message) << text;
    }
  }
}

TEST(ParseJson, reads_long_strings_with_escapes_whole) {
  std::string text;
  for (int i = 0; i < 10'000; ++i) text += "abc\\n";
  const Result<json::value> value = parse_json("[\"" + text + "\", {\"" + text + "\": 1}]");
  ASSERT_TRUE(value);
  EXPECT_EQ(value->at(0).as_string().size(), 40'000);
  EXPECT_EQ(value->at(1).as_object().begin()->key().size(), 40'000);
}

TEST(CanonicalJson, sorts_keys_by_code_point) {
  EXPECT_EQ(read(R"({"b":1,"a":2,"":3,"B":4,"aa":5,"é":6,"€":7,"🚆":8,"\ufb33":9,"\r":10,"1":11})"),
            "{\"\":3,\"\\r\":10,\"1\":11,\"B\":4,\"a\":2,\"aa\":5,\"b\":1,\"é\":6,\"€\":7,"
            "\"\ufb33\":9,\"🚆\":8}");
}

TEST(CanonicalJson, writes_numbers_as_rfc_8785_does) {
  // Appendix B of RFC 8785.
  const std::pair<std::uint64_t, const char*> cases[] = {
      {0x0000000000000000, "0"},
      {0x8000000000000000, "0"},
      {0x0000000000000001, "5e-324"},
      {0x8000000000000001, "-5e-324"},
      {0x7fefffffffffffff, "1.7976931348623157e+308"},
      {0xffefffffffffffff, "-1.7976931348623157e+308"},
      {0x4340000000000000, "9007199254740992"},
      {0xc340000000000000, "-9007199254740992"},
      {0x4430000000000000, "295147905179352830000"},
      {0x44b52d02c7e14af5, "9.999999999999997e+22"},
      {0x44b52d02c7e14af6, "1e+23"},
      {0x44b52d02c7e14af7, "1.0000000000000001e+23"},
      {0x444b1ae4d6e2ef4e, "999999999999999700000"},
      {0x444b1ae4d6e2ef4f, "999999999999999900000"},
      {0x444b1ae4d6e2ef50, "1e+21"},
      {0x3eb0c6f7a0b5ed8c, "9.999999999999997e-7"},
      {0x3eb0c6f7a0b5ed8d, "0.000001"},
      {0x41b3de4355555553, "333333333.3333332"},
      {0x41b3de4355555554, "333333333.33333325"},
      {0x41b3de4355555555, "333333333.3333333"},
      {0x41b3de4355555556, "333333333.3333334"},
      {0x41b3de4355555557, "333333333.33333343"},
      {0xbecbf647612f3696, "-0.0000033333333333333333"},
      {0x43143ff3c1cb0959, "1424953923781206.2"},
  };
  for (const auto& [bits, text] : cases)
    EXPECT_EQ(canonical_json(std::bit_cast<double>(bits)), text);
}

TEST(CanonicalJson, gives_equal_numbers_one_text) {
  EXPECT_EQ(read("[1, 1.0, 10e-1, 0.1e1]"), "[1,1,1,1]");
  EXPECT_EQ(read("[0, -0, -0.0, 0e5]"), "[0,0,0,0]");
}

TEST(CanonicalJson, has_no_number_where_there_is_none) {
  EXPECT_EQ(canonical_json(std::numeric_limits<double>::quiet_NaN()), "null");
  EXPECT_EQ(canonical_json(-std::numeric_limits<double>::infinity()), "null");
}

TEST(CanonicalJson, escapes_only_what_it_must) {
  EXPECT_EQ(canonical_json("\b\t\n\f\r\"\\/\x01\x1f\x7f é🚆"),
            "\"\\b\\t\\n\\f\\r\\\"\\\\/\\u0001\\u001f\x7f é🚆\"");
}

TEST(CanonicalJson, is_its_own_canonical_form) {
  const std::string once = read(R"({"z":[1.5e300,{"y":"\u001f","x":[]}],"a":{"c":{},"b":-0.001}})");
  EXPECT_EQ(read(once), once);
}

TEST(PrettyJson, indents_and_keeps_the_order_of_keys) {
  const Result<json::value> value = parse_json(R"({"b":[1,{"z":"x\ny"}],"a":{},"c":[]})");
  ASSERT_TRUE(value);
  EXPECT_EQ(pretty_json(*value), R"({
  "b": [
    1,
    {
      "z": "x\ny"
    }
  ],
  "a": {},
  "c": []
}
)");
  EXPECT_EQ(pretty_json("alone"), "\"alone\"\n");
}

TEST(PrettyJson, says_the_same_as_the_canonical_form) {
  const Result<json::value> value = parse_json(R"({"b":[1.5,{"z":"é"}],"a":null})");
  ASSERT_TRUE(value);
  EXPECT_EQ(read(pretty_json(*value)), canonical_json(*value));
}

TEST(ObjectStream, writes_what_pretty_json_would) {
  json::array many;
  for (int i = 0; i < 5000; ++i) many.push_back(json::object{{"n", i}, {"deep", {1, "x\ty"}}});
  const json::object whole{{"a", 1}, {"none", json::array{}}, {"many", many}, {"b", {{"c", {}}}}};
  std::string text;
  std::size_t longest = 0;
  ObjectStream stream([&](std::string_view piece) {
    longest = std::max(longest, piece.size());
    text += piece;
  });
  stream.member("a", 1);
  stream.list("none", 0, [](std::size_t) { return json::value(); });
  stream.list("many", many.size(), [&](std::size_t i) { return many[i]; });
  stream.member("b", whole.at("b"));
  stream.finish();
  EXPECT_EQ(text, pretty_json(whole));
  EXPECT_LT(longest, 100'000u);

  std::string empty;
  ObjectStream nothing([&](std::string_view piece) { empty += piece; });
  nothing.finish();
  EXPECT_EQ(empty, pretty_json(json::object{}));
}

}  // namespace
}  // namespace interlock
