#include "plan/merge_fit.h"

#include <gtest/gtest.h>

namespace interlock::plan {
namespace {

Task task_giving(const std::string& id, OutputSpec::Form form,
                 std::optional<std::string> schema = {}) {
  Task task;
  task.id = id;
  task.output.form = form;
  task.output.schema = std::move(schema);
  return task;
}

/// What is said of a merge over two tasks of one schema.
std::string said(Merge::With with, const std::string& schema, std::vector<std::string> columns = {},
                 const std::string& key = {}) {
  Merge merge;
  merge.with = with;
  merge.columns = std::move(columns);
  merge.key = key;
  const Task a = task_giving("a", OutputSpec::Form::json, schema);
  const Task b = task_giving("b", OutputSpec::Form::json, schema);
  const auto misfit = MergeFit().misfit(merge, {&a, &b});
  return misfit ? misfit->message + " | " + misfit->hint : "fits";
}

using With = Merge::With;
const std::string kObject = R"({"type": "object", "required": ["source"]})";
const std::string kRows =
    R"({"$ref": "#/$defs/rows", "$defs": {"row": {"type": "object", "properties": {"file": {}, "risk": {}},
        "additionalProperties": false}, "rows": {"type": "array", "items": {"$ref": "#/$defs/row"}}}})";

TEST(MergeFit, OneObjectATaskIsAListAndNothingElse) {
  EXPECT_EQ(said(With::list, kObject), "fits");
  EXPECT_EQ(said(With::concat, kObject),
            "a merge `with: concat` joins texts or JSON arrays, and task `a` gives an object | "
            "`with: list` makes "
            "one list of all answers");
  EXPECT_EQ(said(With::union_, kObject),
            "a merge `with: union` joins arrays of rows, and task `a` gives an object | `with: "
            "list` makes one list "
            "of all answers");
  EXPECT_EQ(said(With::table, kObject),
            "a merge `with: table` joins arrays of rows, and task `a` gives an object | `with: "
            "list` makes one list "
            "of all answers");
  EXPECT_EQ(said(With::object, kObject),
            "tasks `a` and `b` both give a member `source`, and a merge `with: object` takes only "
            "one value for it | "
            "`with: list` makes one list of all answers");
}

TEST(MergeFit, ArraysOfRowsFitWhatJoinsRows) {
  for (const With with : {With::list, With::concat, With::union_, With::table})
    EXPECT_EQ(said(with, kRows, {}), "fits") << name_of(with);
  EXPECT_EQ(said(With::object, kRows),
            "a merge `with: object` joins objects, and task `a` gives an array | `with: list` "
            "makes one list of all "
            "answers");
  EXPECT_EQ(said(With::table, kRows, {"file", "rsik"}),
            "the rows of task `a` have no member `rsik` | did you mean `risk`?");
  EXPECT_EQ(said(With::union_, kRows, {}, "id"),
            "the rows of task `a` have no member `id` | known are file and risk");
  EXPECT_EQ(said(With::table, R"({"type": "array", "items": {"type": ["string", "null"]}})"),
            "the rows of a merge `with: table` are objects, and in the arrays of task `a` each is "
            "null or a string | "
            "`with: list` makes one list of all answers");
}

TEST(MergeFit, WhatASchemaLeavesOpenMayWork) {
  for (const std::string schema :
       {"true", "{}", "not JSON", R"({"$ref": "other.json"})",
        R"({"anyOf": [{"type": "array"}, {}]})", R"({"$ref": "#"})",
        R"({"type": "array", "prefixItems": [{"type": "string"}], "items": {"type": "object"}})",
        R"({"enum": [[], {}]})"}) {
    for (const With with : {With::list, With::union_})
      EXPECT_EQ(said(with, schema), "fits") << schema;
  }
  EXPECT_EQ(said(With::object, R"({"properties": {"source": {}}})"), "fits");
  EXPECT_EQ(said(With::object, R"({"required": ["v"], "properties": {"v": {"const": 1}}})"),
            "fits");
  EXPECT_EQ(
      said(With::concat, "true"),
      "a merge `with: concat` joins texts or JSON arrays, and task `a` gives JSON of any form | "
      "`with: list` "
      "makes one list of all answers; for arrays, give the task a schema that says `type: array`");
}

TEST(MergeFit, KindsAreFoundThroughReferencesAndCombinations) {
  EXPECT_EQ(
      say_kinds(
          SchemaFacts(R"({"allOf": [{"type": ["object", "null"]}, {"type": ["null", "array"]}]})")
              .kinds()),
      "null");
  EXPECT_EQ(say_kinds(SchemaFacts(R"({"oneOf": [{"const": 1}, {"enum": ["x", true]}]})").kinds()),
            "true or false, a number or a string");
  EXPECT_EQ(SchemaFacts(R"({"type": "array", "items": {"$ref": "#/definitions/a~1b"},
                            "definitions": {"a/b": {"type": "integer"}}})")
                .item_kinds(),
            JsonKinds::number);
}

TEST(MergeFit, PlacesOfAFanOutAreCalledByItsIdUntilTheirItemsAreKnown) {
  Merge merge;
  merge.with = With::object;
  Task a = task_giving("do[1]", OutputSpec::Form::json, kObject);
  a.family = 0;
  Task b = a;
  b.id = "do[2]";
  EXPECT_EQ(MergeFit({"do-{item}"}).misfit(merge, {&a, &b})->message,
            "all tasks of `do-{item}` give a member `source`, and a merge `with: object` takes "
            "only one value for it");
  merge.with = With::union_;
  EXPECT_EQ(MergeFit({"do-{item}"}).misfit(merge, {&a, &b})->message,
            "a merge `with: union` joins arrays of rows, and task `do-{item}` gives an object");
  a.id = "do-x";
  a.item = "x";
  EXPECT_EQ(MergeFit({"do-{item}"}).misfit(merge, {&a, &b})->message,
            "a merge `with: union` joins arrays of rows, and task `do-x` gives an object");
}

TEST(MergeFit, TextAndJsonAreNotMixed) {
  const Task text = task_giving("t", OutputSpec::Form::text);
  const Task value = task_giving("v", OutputSpec::Form::json);
  Merge merge;
  merge.with = With::list;
  EXPECT_EQ(MergeFit().misfit(merge, {&value, &text})->message,
            "a merge `with: list` joins JSON, and task `t` gives text");
  merge.with = With::sections;
  EXPECT_EQ(MergeFit().misfit(merge, {&text, &value})->message,
            "a merge `with: sections` joins texts, and task `v` gives JSON");
  EXPECT_FALSE(MergeFit().misfit(merge, {&text}));
}

}  // namespace
}  // namespace interlock::plan
