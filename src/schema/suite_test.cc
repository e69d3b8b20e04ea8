#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/json.h"
#include "schema/json_schema.h"

// The JSON Schema Test Suite, read where it lies beside the project: a verdict is right, or the
// schema is refused up front.
namespace interlock::schema {
namespace {

namespace fs = std::filesystem;

struct Outcome {
  std::size_t right = 0, wrong = 0, refused = 0;
  std::string wrong_cases, refused_groups;
};

std::string text_of(const json::value& value) { return std::string(value.get_string()); }

void run_group(const std::string& file, const json::value& group, Outcome& outcome) {
  const json::object& object = group.get_object();
  const std::string schema = canonical_json(object.at("schema"));
  const std::string name = fmt::format("{}: {}\n", file, text_of(object.at("description")));
  const json::array& cases = object.at("tests").get_array();
  if (!check_schema(schema)) {
    outcome.refused += cases.size();
    outcome.refused_groups += name;
    return;
  }
  JsonSchema validator;
  for (const json::value& one : cases) {
    const json::object& test = one.get_object();
    const bool valid = !validator.complaint(schema, canonical_json(test.at("data")));
    if (valid == test.at("valid").get_bool()) {
      ++outcome.right;
    } else {
      ++outcome.wrong;
      outcome.wrong_cases += fmt::format("{}: {} / {}\n", file, text_of(object.at("description")),
                                         text_of(test.at("description")));
    }
  }
}

Outcome run_suite(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder)) files.push_back(entry.path());
  std::ranges::sort(files);
  Outcome outcome;
  for (const fs::path& path : files) {
    std::ifstream file(path);
    const auto groups = parse_json(std::string(std::istreambuf_iterator<char>(file), {}));
    EXPECT_TRUE(groups) << path << ": " << groups.error().message;
    if (!groups) continue;
    for (const json::value& group : groups->get_array())
      run_group(path.stem().string(), group, outcome);
  }
  return outcome;
}

const fs::path kSuite = "../shared/data/json-schema-test-suite";

/// What neither dialect's list can do without: documents that would have to be fetched.
const std::string kRemoteBoth =
    "ref: remote ref, containing refs itself\n"
    "refRemote: remote ref\n"
    "refRemote: fragment within remote ref\n";

TEST(JsonSchemaTestSuite, Draft7IsRightOrRefusedForReferringToOtherDocuments) {
  if (!fs::exists(kSuite)) GTEST_SKIP() << "the test suite is not there: " << kSuite;
  const Outcome outcome = run_suite(kSuite / "draft7");
  EXPECT_EQ(outcome.wrong_cases, "");
  EXPECT_EQ(outcome.refused_groups,
            "definitions: validate definition against metaschema\n" + kRemoteBoth +
                "refRemote: ref within remote ref\n"
                "refRemote: base URI change\n"
                "refRemote: base URI change - change folder\n"
                "refRemote: base URI change - change folder in subschema\n"
                "refRemote: root ref in remote ref\n"
                "refRemote: remote ref with ref to definitions\n"
                "refRemote: Location-independent identifier in remote ref\n"
                "refRemote: retrieved nested refs resolve relative to their URI not $id\n"
                "refRemote: $ref to $ref finds location-independent $id\n");
  EXPECT_EQ(fmt::format("{} right, {} refused", outcome.right, outcome.refused),
            "900 right, 27 refused");
}

TEST(JsonSchemaTestSuite, Draft2020IsRightOrRefusedExceptThatFormatsAreChecked) {
  if (!fs::exists(kSuite)) GTEST_SKIP() << "the test suite is not there: " << kSuite;
  const Outcome outcome = run_suite(kSuite / "draft2020-12");
  // The suite takes formats for annotations; nine of them are checked here, on purpose.
  std::string expected;
  for (const char* format :
       {"email", "regex", "ipv4", "ipv6", "date", "date-time", "time", "uri", "uuid"}) {
    expected += fmt::format(
        "format: {0} format / invalid {0} string is only an annotation by default\n", format);
  }
  EXPECT_EQ(outcome.wrong_cases, expected);
  EXPECT_EQ(
      outcome.refused_groups,
      "defs: validate definition against metaschema\n"
      "dynamicRef: strict-tree schema, guards against misspelled properties\n"
      "dynamicRef: tests for implementation dynamic anchor and reference link\n"
      "dynamicRef: $ref and $dynamicAnchor are independent of order - $defs first\n"
      "dynamicRef: $ref and $dynamicAnchor are independent of order - $ref first\n"
      "dynamicRef: $ref to $dynamicRef finds detached $dynamicAnchor\n" +
          kRemoteBoth +
          "refRemote: anchor within remote ref\n"
          "refRemote: ref within remote ref\n"
          "refRemote: base URI change\n"
          "refRemote: base URI change - change folder\n"
          "refRemote: base URI change - change folder in subschema\n"
          "refRemote: root ref in remote ref\n"
          "refRemote: remote ref with ref to defs\n"
          "refRemote: Location-independent identifier in remote ref\n"
          "refRemote: retrieved nested refs resolve relative to their URI not $id\n"
          "refRemote: remote HTTP ref with different $id\n"
          "refRemote: remote HTTP ref with different URN $id\n"
          "refRemote: remote HTTP ref with nested absolute ref\n"
          "refRemote: $ref to $ref finds detached $anchor\n"
          "vocabulary: schema that uses custom metaschema with with no validation vocabulary\n"
          "vocabulary: ignore unrecognized optional vocabulary\n");
  EXPECT_EQ(fmt::format("{} right, {} refused", outcome.right, outcome.refused),
            "1237 right, 53 refused");
}

}  // namespace
}  // namespace interlock::schema
