#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "tidy/names.h"
#include "tidy/rules.h"
#include "tidy/source.h"

// The project's own files, held to the house rules. docs/style.md says why they are as they are.
namespace interlock::tidy {
namespace {

const std::vector<Source>& project() {
  static const std::vector<Source> sources = sources_below(".");
  return sources;
}

template <typename Rule>
Complaints complaints_of_project(Rule rule) {
  Complaints all;
  for (const Source& source : project()) std::ranges::copy(rule(source), std::back_inserter(all));
  return all;
}

TEST(Project, IsReadFromItsRoot) {
  const auto has = [](std::string_view path) {
    return std::ranges::count(project(), path, &Source::path) == 1;
  };
  EXPECT_TRUE(has("CMakeLists.txt"));
  EXPECT_TRUE(has("src/base/check.h"));
  EXPECT_TRUE(has("tests/tidy/tidy_test.cc"));
}

TEST(Project, IncludesPointDownTheLayers) {
  const auto build = std::ranges::find(project(), "CMakeLists.txt", &Source::path);
  ASSERT_NE(build, project().end());
  const Layers layers = layers_of_build(build->text);
  EXPECT_THAT(layers.at("engine"), testing::IsSupersetOf({"base", "plan", "schedule", "merge"}));
  EXPECT_THAT(
      complaints_of_project([&](const Source& source) { return check_layers(source, layers); }),
      testing::IsEmpty());
}

TEST(Project, TheCoreAsksPortsForTimeFilesAndChance) {
  EXPECT_THAT(complaints_of_project(check_purity), testing::IsEmpty());
}

TEST(Project, UsesNoForbiddenConstructs) {
  EXPECT_THAT(complaints_of_project(check_constructs), testing::IsEmpty());
}

TEST(Project, HeadersStandAlone) {
  std::set<std::string> paths;
  for (const Source& source : project()) paths.insert(source.path);
  EXPECT_THAT(
      complaints_of_project([&](const Source& source) { return check_includes(source, paths); }),
      testing::IsEmpty());
}

TEST(Project, TextIsShortFinishedAndBoundToNoMachine) {
  EXPECT_THAT(complaints_of_project(check_text), testing::IsEmpty());
}

TEST(Project, FilesAreNamedForWhatIsInside) {
  EXPECT_THAT(complaints_of_project(check_names), testing::IsEmpty());
}

TEST(Project, NamesAreTheGlossarysWords) {
  EXPECT_THAT(complaints_of_project(check_dictionary), testing::IsEmpty());
}

TEST(Project, ClassesAreSmallOrSayWhyNot) {
  EXPECT_THAT(complaints_of_project(check_classes), testing::IsEmpty());
}

TEST(Project, WhatIsHardToSeeIsSaid) {
  EXPECT_THAT(complaints_of_project(check_reasons), testing::IsEmpty());
}

TEST(Project, EveryDeclaredEdgeIsUsed) {
  const auto build = std::ranges::find(project(), "CMakeLists.txt", &Source::path);
  ASSERT_NE(build, project().end());
  EXPECT_THAT(check_edges(project(), build->text), testing::IsEmpty());
}

TEST(Project, TestsAreNamedBySentences) {
  EXPECT_THAT(complaints_of_project(check_test_names), testing::IsEmpty());
}

}  // namespace
}  // namespace interlock::tidy
