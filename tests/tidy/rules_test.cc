#include "tidy/rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace interlock::tidy {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// Names that the rules look for are put together, or this file would be found.
const std::string kTest = "TEST";

constexpr std::string_view kBuild =
    "interlock_library(base LINKS fmt::fmt)\n"
    "interlock_library(plan USES base LINKS fyaml)\n"
    "interlock_library(engine USES plan)\n"
    "interlock_library(cli USES engine)\n";

TEST(LayersOfBuild, AreClosedOverAndLeaveOutThirdParties) {
  EXPECT_THAT(layers_of_build(kBuild),
              testing::UnorderedElementsAre(
                  testing::Pair("base", IsEmpty()), testing::Pair("plan", ElementsAre("base")),
                  testing::Pair("engine", ElementsAre("base", "plan")),
                  testing::Pair("cli", ElementsAre("base", "engine", "plan")),
                  testing::Pair("main", ElementsAre("base", "cli", "engine", "plan"))));
}

TEST(CheckLayers, AnIncludeUpwardsIsFoundAndOneDownwardsIsNot) {
  const Layers layers = layers_of_build(kBuild);
  EXPECT_THAT(
      check_layers({"src/plan/a.cc", "#include \"base/b.h\"\n#include \"engine/c.h\"\n"}, layers),
      ElementsAre("src/plan/a.cc:2: `plan` may not use `engine`"));
  EXPECT_THAT(
      check_layers({"src/engine/a.cc", "#include \"engine/a.h\"\n#include \"base/b.h\"\n"}, layers),
      IsEmpty());
  EXPECT_THAT(check_layers({"src/web/a.cc", ""}, layers),
              ElementsAre("src/web/a.cc:1: `src/web` has no layer in CMakeLists.txt"));
}

TEST(CheckPurity, TheCoreMayNotReadClocksButMaySpeakOfThem) {
  EXPECT_THAT(
      check_purity(
          {"src/engine/a.cc", "// not steady_clock\nauto t = std::chrono::steady_clock::now();\n"}),
      ElementsAre(
          "src/engine/a.cc:2: `steady_clock`: the time comes from the Clock port, once a turn"));
  EXPECT_THAT(check_purity({"src/engine/a.cc", "say(\"getenv\"); operand(); brand.rand();\n"}),
              IsEmpty());
  EXPECT_THAT(check_purity({"src/process/a.cc", "steady_clock::now();\n"}), IsEmpty());
  EXPECT_THAT(check_purity({"src/base/check.cc", "std::abort();\n"}), IsEmpty());
}

TEST(CheckConstructs, SharedOwnershipAndUnorderedContainersHaveTheirPlaces) {
  EXPECT_THAT(check_constructs({"src/process/a.cc",
                                "std::shared_ptr<int> a;\nstd::unordered_map<int, int> b;\n"}),
              IsEmpty());
  EXPECT_THAT(check_constructs({"src/decide/a.cc", "std::shared_ptr<int> a;\n"}),
              ElementsAre("src/decide/a.cc:1: `std::shared_ptr`: values and ids in the core, "
                          "unique_ptr for what is owned"));
  EXPECT_THAT(check_constructs({"src/decide/a.cc", "std::unordered_set<int> a;\n"}),
              ElementsAre("src/decide/a.cc:1: `std::unordered_set`: its order could show in a "
                          "decision: use std::map or a "
                          "vector by id"));
}

TEST(CheckConstructs, CoroutinesAndRegexesAreFoundEverywhere) {
  EXPECT_THAT(check_constructs({"src/cli/a.cc", "co_await x;\nstd::regex r;\n"}),
              testing::SizeIs(2));
  EXPECT_THAT(check_constructs({"src/cli/a.h", "using namespace std;\n"}), testing::SizeIs(1));
}

TEST(CheckIncludes, AHeaderStandsAloneAndComesFirst) {
  EXPECT_THAT(
      check_includes({"src/plan/a.h", "#include <iostream>\n"}, {}),
      ElementsAre("src/plan/a.h:1: no `<iostream>` in a header: it costs every reader its start",
                  "src/plan/a.h:1: a header begins with `#pragma once`"));
  EXPECT_THAT(
      check_includes({"src/plan/a.cc", "#include <map>\n#include \"plan/a.h\"\n"},
                     {"src/plan/a.h"}),
      ElementsAre(
          "src/plan/a.cc:1: its own header comes first, which proves that it stands alone"));
  EXPECT_THAT(check_includes({"src/plan/a.cc", "#include \"plan/a.h\"\n"}, {"src/plan/a.h"}),
              IsEmpty());
  EXPECT_THAT(check_includes({"src/plan/yaml.cc", "#include \"plan/document.h\"\n"}, {}),
              IsEmpty());
}

TEST(CheckText, UnfinishedWorkLooseSpacesAndHomesAreFound) {
  EXPECT_THAT(
      check_text({"src/plan/a.cc", std::string("a; \n\tb;\n// TO") + "DO\n\"/ho" + "me/me\"\n"}),
      ElementsAre("src/plan/a.cc:1: space at the end of the line",
                  "src/plan/a.cc:2: indented by a tab",
                  std::string("src/plan/a.cc:3: `TO") + "DO`: finish it or open an issue",
                  std::string("src/plan/a.cc:4: `/ho") + "me/`: a path of one machine"));
  EXPECT_THAT(check_text({"Makefile", "all:\n\tninja\n"}), IsEmpty());
}

TEST(CheckText, AFileOfMoreThanSixHundredLinesIsFound) {
  std::string text;
  for (int i = 0; i < 600; ++i) text += "\n";
  EXPECT_THAT(check_text({"src/plan/a.cc", text}), IsEmpty());
  EXPECT_THAT(check_text({"src/plan/a.cc", text + "\n"}), testing::SizeIs(1));
}

TEST(CheckNames, NamesThatSayNothingAreFound) {
  EXPECT_THAT(check_names({"src/utils/glob.h", ""}),
              ElementsAre("src/utils/glob.h:1: `utils` says nothing about what is inside"));
  EXPECT_THAT(check_names({"src/plan/helpers.cc", ""}), testing::SizeIs(1));
  EXPECT_THAT(check_names({"src/plan/commons_of_words.cc", ""}), IsEmpty());
}

TEST(CheckTestNames, NumbersAndSingleWordsAreNoSentences) {
  EXPECT_THAT(
      check_test_names(
          {"src/plan/a_test.cc", kTest + "(Plan, Test1) {\n" + kTest + "(Plan, Works) {\n"}),
      ElementsAre("src/plan/a_test.cc:1: a test's name is a sentence of the domain: Test1",
                  "src/plan/a_test.cc:2: a test's name is a sentence of the domain: Works"));
  EXPECT_THAT(check_test_names({"src/plan/a_test.cc", kTest + "(Plan, UnknownKeysAreErrors) {\n"}),
              IsEmpty());
}

TEST(CodeOf, KeepsCodeAndItsLinesOnly) {
  EXPECT_EQ(code_of("a(\"rand\\\" //\"); // rand\n'\"' b /* c\n */ d 1'000\n"),
            "a(           );        \n    b     \n    d 1'000\n");
  EXPECT_EQ(code_of("x = R\"y(rand \" )y\" + z;"), "x =                + z;");
}

}  // namespace
}  // namespace interlock::tidy
