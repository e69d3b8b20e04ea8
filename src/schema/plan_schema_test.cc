// The published schema of plan documents, held against the plans there are.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <boost/json/serialize.hpp>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "plan/document.h"
#include "plan/document_schema.h"
#include "schema/json_schema.h"

namespace interlock::schema {
namespace {

namespace fs = std::filesystem;

/// As an editor sees it: plain words that are numbers or truth values are those.
json::value value_of(const plan::Node& node) {
  if (node.is_list()) {
    json::array list;
    for (const plan::Node& item : node.items()) list.push_back(value_of(item));
    return list;
  }
  if (node.is_map()) {
    json::object map;
    for (const auto& [key, value] : node.entries()) map[key.text()] = value_of(value);
    return map;
  }
  if (node.is_null()) return nullptr;
  if (node.is_plain()) {
    const auto parsed = parse_json(node.text());
    if (parsed && (parsed->is_bool() || parsed->is_number())) return *parsed;
  }
  return json::value(node.text());
}

std::string complaint_about(std::string_view text) {
  static const std::string kSchema = boost::json::serialize(plan::document_schema());
  const plan::SourceText source(text);
  const std::map<std::string, std::string> set;
  plan::Problems problems(source, set);
  const auto document = plan::Document::parse(source, problems);
  if (!document) return "no YAML";
  JsonSchema validator;
  return validator.complaint(kSchema, boost::json::serialize(value_of(document->root())))
      .value_or("fits");
}

TEST(PlanSchema, IsOneThatCanBeChecked) {
  const auto supported = check_schema(boost::json::serialize(plan::document_schema()));
  ASSERT_TRUE(supported) << supported.error().message;
  EXPECT_TRUE(supported->notes.empty()) << supported->notes.front();
}

TEST(PlanSchema, AcceptsAllPlansThatComeWithInterlock) {
  std::size_t plans = 0;
  for (const char* const root : {"src/cli/templates", "examples"}) {
    for (const auto& entry : fs::recursive_directory_iterator(root)) {
      if (entry.path().extension() != ".yaml") continue;
      std::ostringstream text;
      text << std::ifstream(entry.path()).rdbuf();
      EXPECT_EQ(complaint_about(text.str()), "fits") << entry.path();
      ++plans;
    }
  }
  EXPECT_GE(plans, 9u);
}

TEST(PlanSchema, RefusesWhatTheReaderRefuses) {
  EXPECT_NE(complaint_about("interlock: 1\ntasks:\n  - {id: a, runs: x}\n"), "fits");
  EXPECT_NE(complaint_about("interlock: 1\ntasks:\n  - {run: x}\n"), "fits");
  EXPECT_NE(complaint_about("interlock: 2\ntasks: []\n"), "fits");
  EXPECT_NE(complaint_about("interlock: 1\ntasks:\n  - {id: a, run: x, isolation: cage}\n"),
            "fits");
  EXPECT_NE(complaint_about("interlock: 1\ntasks:\n  - {id: a, run: x, repeat: {at_most: 2}}\n"),
            "fits");
  EXPECT_EQ(complaint_about("interlock: 1\ntasks:\n  - {id: a, run: x, needs: [b, {any_of: [c]}], "
                            "when: \"outcome.b == 'done'\", repeat: {until: \"true\", at_most: "
                            "2}}\n"),
            "fits");
}

}  // namespace
}  // namespace interlock::schema
