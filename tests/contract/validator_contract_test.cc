#include <gtest/gtest.h>

#include <memory>

#include "schema/json_schema.h"
#include "support/fake_validator.h"

// What engine::Validator promises, held against the fake and the real one.
namespace interlock {
namespace {

class ValidatorContract : public testing::TestWithParam<std::string> {
 protected:
  ValidatorContract() {
    if (GetParam() == "fake")
      validator_ = std::make_unique<testing_support::FakeValidator>();
    else
      validator_ = std::make_unique<schema::JsonSchema>();
  }
  std::string complaint(const std::string& schema, std::string_view text) {
    return validator_->complaint(schema, text).value_or("");
  }

  std::unique_ptr<engine::Validator> validator_;
};

TEST_P(ValidatorContract, HasNothingToSayOfJsonThatTheSchemaAccepts) {
  EXPECT_EQ(complaint(R"({"const": {"a": 1, "b": [2]}})", R"({"b": [2.0], "a": 1})"), "");
  EXPECT_EQ(complaint("{}", "null"), "");
}

TEST_P(ValidatorContract, SaysWhereWhatWasFoundAndWhatWasExpected) {
  EXPECT_EQ(complaint(R"({"const": 1})", "2"), "at the top: found 2, expected 1");
}

TEST_P(ValidatorContract, SaysWhatIsNoJsonWhateverTheSchema) {
  for (const char* text : {"", "[", "[1,]", "plain words", "1 2"}) {
    EXPECT_EQ(complaint("{}", text).find("expected JSON"), 0u) << text;
  }
}

TEST_P(ValidatorContract, JudgesTheSameTextAlike) {
  const std::string schema = R"({"const": 1})";
  const std::string first = complaint(schema, "2");
  EXPECT_EQ(complaint(schema, "1"), "");
  EXPECT_EQ(complaint(schema, "2"), first);
}

INSTANTIATE_TEST_SUITE_P(Of, ValidatorContract, testing::Values("fake", "json_schema"),
                         [](const auto& of) { return of.param; });

}  // namespace
}  // namespace interlock
