#include "tidy/names.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace interlock::tidy {
namespace {

TEST(CheckDictionary, NamesTheWordAndTheBetterOne) {
  const Source source{"src/engine/a.h", "int picture_of(Door door);  // a picture\nint folder;\n"};
  EXPECT_THAT(check_dictionary(source),
              testing::ElementsAre("src/engine/a.h:1: `picture_of`: the word here is snapshot",
                                   "src/engine/a.h:1: `Door`: the word here is route",
                                   "src/engine/a.h:1: `door`: the word here is route"));
}

TEST(CheckDictionary, NamesPhrasesInAnySpelling) {
  EXPECT_THAT(check_dictionary({"src/engine/a.h", "void let_go();\nint let, go, outlet_gone;\n"}),
              testing::ElementsAre(
                  "src/engine/a.h:1: `let_go`: the word here is finish, release or requeue"));
  EXPECT_THAT(check_dictionary({"src/engine/a.h", "class PutBackLater;\n"}),
              testing::ElementsAre("src/engine/a.h:1: `PutBackLater`: the word here is requeue"));
}

TEST(CheckDictionary, LeavesTestsAndTextAlone) {
  EXPECT_THAT(check_dictionary({"src/engine/a_test.cc", "int picture;\n"}), testing::IsEmpty());
  EXPECT_THAT(check_dictionary({"src/engine/a.cc", "say(\"a door\");\n"}), testing::IsEmpty());
}

std::string class_with(int functions, int members) {
  std::string text = "class Thing final : public Port {\n public:\n  Thing() : a_(1) {}\n";
  for (int i = 1; i < functions; ++i)
    text += i % 2 == 0 ? "  int f() const { return a_; }\n" : "  int f(int x,\n        int y);\n";
  for (int i = 0; i < members; ++i) text += i % 2 == 0 ? "  int a_ = 0;\n" : "  Text b_{};\n";
  return text + "};\n";
}

TEST(CheckClasses, CountsFunctionsAndMembers) {
  EXPECT_THAT(check_classes({"src/engine/a.h", class_with(25, 15)}), testing::IsEmpty());
  EXPECT_THAT(check_classes({"src/engine/a.h", class_with(26, 15)}),
              testing::ElementsAre("src/engine/a.h:1: `Thing` has 26 functions and 15 members: "
                                   "which concept is missing?"));
  EXPECT_THAT(check_classes({"src/engine/a.h", class_with(3, 16)}), testing::SizeIs(1));
}

TEST(CheckClasses, TakesNoTypeWithinForAMember) {
  const std::string text =
      "class Outer {\n  enum class State { a, b, c };\n  struct Row {\n    int a, b;\n  };\n"
      "  using Rows = int;\n  static constexpr int kMost = 3;\n  int only_;\n};\n";
  EXPECT_THAT(check_classes({"src/engine/a.h", text}), testing::IsEmpty());
}

TEST(CheckReasons, CountsCommentsWhereTheOrderOfStepsIsHardToSee) {
  const std::string seven = "a();\n\nb();\nc();\nd();\ne();\nf();\ng();\n";
  EXPECT_THAT(check_reasons({"src/engine/committer.cc", "// Why.\n" + seven}), testing::IsEmpty());
  EXPECT_THAT(check_reasons({"src/engine/committer.cc", seven}),
              testing::ElementsAre("src/engine/committer.cc: 0 of 7 lines say why; one in eight is "
                                   "to"));
  EXPECT_EQ(check_reasons({"src/engine/any_other.cc", seven}).size(), 1U);
  for (const char* const path :
       {"src/engine/event.cc", "src/engine/any_test.cc", "src/engine/any.h", "src/plan/read.cc"})
    EXPECT_THAT(check_reasons({path, seven}), testing::IsEmpty());
}

TEST(CheckEdges, NamesTheEdgeThatNobodyUses) {
  const std::vector<Source> sources{{"src/web/a.cc", "#include \"base/text.h\"\n"}};
  EXPECT_THAT(check_edges(sources,
                          "interlock_library(base)\ninterlock_library(plan USES base)\n"
                          "interlock_library(web USES base plan LINKS fmt::fmt)\n"),
              testing::ElementsAre("CMakeLists.txt: `plan` includes nothing of `base`",
                                   "CMakeLists.txt: `web` includes nothing of `plan`"));
}

}  // namespace
}  // namespace interlock::tidy
