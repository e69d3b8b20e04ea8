#include "schema/json_schema.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include "schema/format.h"
#include "schema/number.h"
#include "schema/pattern.h"
#include "schema/uri.h"

namespace interlock::schema {
namespace {

std::string complaint(const std::string& schema, std::string_view text) {
  JsonSchema validator;
  return validator.complaint(schema, text).value_or("fits");
}

std::string said_of(std::string_view schema) {
  const auto supported = check_schema(schema);
  if (supported)
    return fmt::format("{}: {}", supported->dialect, fmt::join(supported->notes, "; "));
  return supported.error().message +
         (supported.error().hint.empty() ? "" : " (" + supported.error().hint + ")");
}

const std::string kFindings = R"({
  "type": "array",
  "items": {
    "type": "object",
    "required": ["file", "risk"],
    "properties": {
      "file": {"type": "string", "minLength": 1},
      "risk": {"enum": ["low", "medium", "high"]},
      "line": {"type": ["integer", "null"], "minimum": 1}
    },
    "additionalProperties": false
  }
})";

TEST(Complaint, NamesEachPlaceWhatWasFoundAndWhatWasExpected) {
  EXPECT_EQ(complaint(kFindings, R"([{"file": "a.cc", "risk": "low", "line": 7}])"), "fits");
  EXPECT_EQ(complaint(kFindings,
                      R"([{"file": "", "risk": "hgih", "line": 0.5}, {"file": 3, "Risk": "low"}])"),
            "at `/0/file`: found \"\", expected at least 1 characters; "
            "at `/0/risk`: found \"hgih\", expected \"low\", \"medium\" or \"high\"; "
            "at `/0/line`: found 0.5, expected a whole number or null; "
            "at `/0/line`: found 0.5, expected at least 1; "
            "at `/1`: `risk` is missing");
}

TEST(Complaint, SaysWhyATextIsNoJson) {
  EXPECT_EQ(complaint(kFindings, ""), "expected JSON, found nothing");
  EXPECT_EQ(complaint(kFindings, "```json\n[]\n```"),
            "expected bare JSON, found it wrapped in a Markdown fence (```): give the JSON alone");
  EXPECT_EQ(complaint(kFindings, "Here you go:\n[]")
                .find("expected JSON alone, found other text before it: `Here you go:`"),
            0u);
  EXPECT_EQ(complaint(kFindings, "[1,\n 2,]").find("expected JSON: "), 0u);
  EXPECT_NE(complaint(kFindings, "[1,\n 2,]").find("line 2"), std::string::npos);
}

TEST(Complaint, OfAlternativesIsThatOfTheNearest) {
  const std::string schema =
      R"({"oneOf": [{"type": "string"}, {"type": "object", "required": ["name", "age"], "properties": {"name": {"type": "string"}}}]})";
  EXPECT_EQ(complaint(schema, R"({"name": "ann"})"),
            "at the top: fits none of the 2 alternatives of `oneOf`; of the nearest, at the top: "
            "found {\"name\":\"ann\"}, expected a string");
}

TEST(Complaint, OfASchemaThatCannotBeUsedSaysSo) {
  EXPECT_EQ(complaint(R"({"type": "text"})", "1"),
            "the schema cannot be used: `type` at the top: expected `null`, `boolean`, `object`, "
            "`array`, `number`, `integer`, `string`, or a list of these");
}

TEST(Complaint, TellsIntegersApartWhichADoubleCannot) {
  EXPECT_EQ(complaint(R"({"const": 9007199254740993})", "9007199254740993"), "fits");
  EXPECT_EQ(complaint(R"({"const": 9007199254740993})", "9007199254740992"),
            "at the top: found 9007199254740992, expected 9007199254740993");
  EXPECT_EQ(complaint(R"({"maximum": 18446744073709551614})", "18446744073709551615"),
            "at the top: found 18446744073709551615, expected at most 18446744073709551614");
  EXPECT_EQ(complaint(R"({"enum": [-9223372036854775807]})", "-9223372036854775808"),
            "at the top: found -9223372036854775808, expected -9223372036854775807");
}

TEST(Complaint, EndsForASchemaThatBranchesWithoutEnd) {
  std::string schema = R"({"$ref": "#/definitions/d0", "definitions": {"d40": {"type": "string"})";
  for (int i = 0; i < 40; ++i) {
    schema += fmt::format(
        R"(,"d{}": {{"anyOf": [{{"$ref": "#/definitions/d{}"}}, {{"$ref": "#/definitions/d{}"}}]}})",
        i, i + 1, i + 1);
  }
  EXPECT_EQ(complaint(schema + "}}", "1"),
            "the schema is too involved: checking took more than 5000000 steps");
}

TEST(CheckSchema, RefusesWhatIsWrongWithThePlaceInIt) {
  EXPECT_EQ(said_of(R"({"items": {"minItems": -1}})"),
            "`minItems` at `/items`: expected a whole number, not negative");
  EXPECT_EQ(said_of(R"({"properties": {"a/b": 3}})"),
            "`/properties/a~1b`: expected a schema: an object, `true` or `false`");
  EXPECT_EQ(said_of(R"({"requried": []})"),
            "unknown keyword `requried` at the top (did you mean `required`?)");
  EXPECT_EQ(said_of(R"({"exclusiveMinimum": true})"),
            "`exclusiveMinimum` at the top: expected a number");
  EXPECT_EQ(said_of(R"({"$ref": "#/definitions/none"})"),
            "`$ref` at the top: unresolved reference `#/definitions/none`");
  EXPECT_EQ(said_of(R"({"$ref": "other.json"})"),
            "`$ref` at the top: `other.json` is not in this document (schemas are never fetched: "
            "copy what is referred to into `$defs`, with its `$id`)");
  EXPECT_EQ(
      said_of(
          R"({"definitions": {"a": {"allOf": [{"$ref": "#/definitions/a"}]}}, "$ref": "#/definitions/a"})")
          .find("the schema at "),
      0u);
  EXPECT_EQ(said_of(R"({"$schema": "http://json-schema.org/draft-04/schema#"})")
                .find("`$schema` at the top: the dialect"),
            0u);
  EXPECT_EQ(said_of("{").find("the schema is not JSON: "), 0u);
}

TEST(CheckSchema, RefusesPatternsThatCouldNotBeMatchedInLinearTime) {
  EXPECT_EQ(said_of(R"x({"pattern": "^(?!x)"})x"),
            "`pattern` at the top: the pattern `^(?!x)` cannot be used: looking ahead or behind "
            "(`(?!`) would make matching slow");
  EXPECT_EQ(said_of(R"({"patternProperties": {"(a)\\1": true}})"),
            "`patternProperties` at the top: the pattern `(a)\\1` cannot be used: a back reference "
            "would make matching slow");
}

TEST(CheckSchema, SaysWhatIsNotChecked) {
  EXPECT_EQ(
      said_of(R"({"title": "x", "x-order": 1, "format": "iri", "colour": 3})"),
      "draft 7: unknown keyword `colour` at the top is not checked; format `iri` is not checked");
  EXPECT_EQ(said_of(R"({"$ref": "#/definitions/a", "maxItems": 1, "definitions": {"a": true}})"),
            "draft 7: `maxItems` at the top is ignored beside `$ref`, as draft 7 has it");
}

TEST(CheckSchema, TakesTheWordsOfOpenApiAndSaysWhatIsNotChecked) {
  EXPECT_EQ(
      said_of(R"({"type": "array", "nullable": true, "example": [], "xml": {"name": "x"}})"),
      "draft 7: `nullable` at the top is OpenAPI's and is not checked: in JSON Schema, write "
      "`\"type\": [..., "
      "\"null\"]`; `example` at the top is not a keyword of JSON Schema; it only describes and "
      "is not checked; "
      "`xml` at the top is not a keyword of JSON Schema; it only describes and is not checked");
  EXPECT_EQ(said_of(R"({"exampels": []})"),
            "unknown keyword `exampels` at the top (did you mean `examples`?)");
}

TEST(CheckSchema, TakesAnUnnamedDialectForTheOneItsKeywordsBelongTo) {
  EXPECT_EQ(said_of(R"({"prefixItems": [true]})"),
            "2020-12: read as 2020-12: say so with `$schema`");
  EXPECT_EQ(said_of(R"({"dependencies": {}})"), "draft 7: ");
  EXPECT_EQ(said_of(R"({"prefixItems": [true], "dependencies": {}})"),
            "`prefixItems` at the top is a keyword of 2020-12, and this schema is draft 7 (name "
            "the dialect with `$schema`)");
}

std::string pattern_said(const std::string& pattern, const std::string& text) {
  const auto parsed = Pattern::parse(pattern);
  if (!parsed) return "refused";
  return parsed->is_in(text) ? "in" : "not in";
}

TEST(Pattern, MeansWhatEcma262Says) {
  EXPECT_EQ(pattern_said("^\\d+$", "12\n"), "not in") << "`$` is the end, not the end of a line";
  EXPECT_EQ(pattern_said("^.$", "\r"), "not in");
  EXPECT_EQ(pattern_said("^\\s$", "\u00a0"), "in");
  EXPECT_EQ(pattern_said("^\\S$", "\u00a0"), "not in");
  EXPECT_EQ(pattern_said("^[\\s\\S]$", "\n"), "in");
  EXPECT_EQ(pattern_said("^[^\\s]$", "\u2003"), "not in");
  EXPECT_EQ(pattern_said("^\\w$", "é"), "not in");
  EXPECT_EQ(pattern_said("^\\p{Letter}+$", "né"), "in");
  EXPECT_EQ(pattern_said("^\\p{Script=Greek}$", "π"), "in");
  EXPECT_EQ(pattern_said("^\\u00e9\\x41\\cA\\/$", "éA\x01/"), "in");
  EXPECT_EQ(pattern_said("^\\ud83d\\ude00\\u{1F600}$", "😀😀"), "in");
  EXPECT_EQ(pattern_said("^[[:alpha:]]$", "a]"), "in")
      << "no POSIX classes: a set of characters, then `]`";
  EXPECT_EQ(pattern_said("[]", "a"), "not in");
  EXPECT_EQ(pattern_said("^[^]$", "a"), "in");
  EXPECT_EQ(pattern_said("(?<year>\\d{4})", "in 2026"), "in");
}

TEST(Pattern, RefusesWhatItCannotMatch) {
  for (const char* pattern : {"(?=a)", "(?<=a)", "(a)\\1", "\\k<n>", "(?i)a", "(", "[a", "a{2000}",
                              "\\", "\\u12", "\\u{110000}", "\\ud800", "\\p{", "\\q", "\\c1"}) {
    EXPECT_EQ(pattern_said(pattern, "a"), "refused") << pattern;
  }
}

TEST(Pattern, OfTheEvilKindTakesLinearTime) {
  EXPECT_EQ(pattern_said("^(a+)+$", std::string(100'000, 'a') + "b"), "not in");
}

TEST(Format, TellsGoodFromBad) {
  const auto judged = [](std::string_view format, std::vector<std::string> texts) {
    std::string text;
    for (const std::string& one : texts) text += *has_format(format, one) ? one + "\n" : "";
    return text;
  };
  EXPECT_EQ(judged("date", {"2024-02-29", "2023-02-29", "2024-2-9", "2024-02-29T"}),
            "2024-02-29\n");
  EXPECT_EQ(judged("time", {"12:00:00Z", "12:00:00.25+01:00", "12:00:00", "24:00:00Z", "23:59:60Z",
                            "12:59:60Z", "00:59:60+01:00"}),
            "12:00:00Z\n12:00:00.25+01:00\n23:59:60Z\n00:59:60+01:00\n");
  EXPECT_EQ(judged("date-time", {"2024-02-29T12:00:00z", "2024-02-29 12:00:00Z", "2024-02-29T"}),
            "2024-02-29T12:00:00z\n");
  EXPECT_EQ(judged("email", {"a.b+c@example.org", "a@[127.0.0.1]", "a@[IPv6:::1]",
                             "a..b@example.org", "a@-x.org", "a b@x.org", "@x", "a@"}),
            "a.b+c@example.org\na@[127.0.0.1]\na@[IPv6:::1]\n");
  EXPECT_EQ(judged("uri", {"https://u@[::1]:80/a?b#c", "urn:isbn:1", "mailto:a@b", "/a",
                           "http://x/ y", "http://x:y/", "http://x/%zz", "a:#b#c"}),
            "https://u@[::1]:80/a?b#c\nurn:isbn:1\nmailto:a@b\n");
  EXPECT_EQ(
      judged("uuid", {"2EB8AA08-aa98-11ea-b4aa-73b441d16380", "2eb8aa08aa9811eab4aa73b441d16380"}),
      "2EB8AA08-aa98-11ea-b4aa-73b441d16380\n");
  EXPECT_EQ(judged("ipv4", {"127.0.0.1", "127.0.0.01", "256.1.1.1", "1.1.1"}), "127.0.0.1\n");
  EXPECT_EQ(judged("ipv6", {"::1", "::ffff:1.2.3.4", "12345::", "fe80::1%eth0"}),
            "::1\n::ffff:1.2.3.4\n");
  EXPECT_EQ(judged("regex", {"^a$", "(", "(?=a)"}), "^a$\n");
  EXPECT_FALSE(has_format("iri", "x"));
}

bool multiple(const char* value, const char* step) {
  return is_multiple(*parse_json(value), *parse_json(step));
}

TEST(Number, MultiplesAreReckonedInDecimal) {
  EXPECT_TRUE(multiple("0.3", "0.1"));
  EXPECT_TRUE(multiple("-4.02", "0.01"));
  EXPECT_FALSE(multiple("0.00751", "0.0001"));
  EXPECT_TRUE(multiple("9007199254740993", "3"));
  EXPECT_FALSE(multiple("9007199254740993", "2"));
  EXPECT_TRUE(multiple("18446744073709551615", "5"));
  EXPECT_FALSE(multiple("18446744073709551615", "2"));
  EXPECT_FALSE(multiple("18446744073709551614", "5"));
  EXPECT_TRUE(multiple("1e308", "1e-300"));
  EXPECT_FALSE(multiple("1e308", "3"));
  EXPECT_TRUE(multiple("0", "7"));
  EXPECT_FALSE(multiple("1e-300", "1e10"));
}

TEST(Uri, IsResolvedAsRfc3986Shows) {
  const auto resolved = [](const char* reference) {
    return resolve_uri("http://a/b/c/d;p?q", reference);
  };
  EXPECT_EQ(resolved("g:h"), "g:h");
  EXPECT_EQ(resolved("g"), "http://a/b/c/g");
  EXPECT_EQ(resolved("./g/"), "http://a/b/c/g/");
  EXPECT_EQ(resolved("/g"), "http://a/g");
  EXPECT_EQ(resolved("//g"), "http://g");
  EXPECT_EQ(resolved("?y"), "http://a/b/c/d;p?y");
  EXPECT_EQ(resolved("#s"), "http://a/b/c/d;p?q#s");
  EXPECT_EQ(resolved(""), "http://a/b/c/d;p?q");
  EXPECT_EQ(resolved(".."), "http://a/b/");
  EXPECT_EQ(resolved("../../../g"), "http://a/g");
  EXPECT_EQ(resolved("g?y/../x"), "http://a/b/c/g?y/../x");
}

}  // namespace
}  // namespace interlock::schema
