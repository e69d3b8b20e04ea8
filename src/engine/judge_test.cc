#include "engine/judge.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <csignal>

#include "base/json.h"
#include "engine/json_answer.h"

namespace interlock::engine {
namespace {

/// Refuses whatever is not the schema's own text.
class Pedant final : public Validator {
 public:
  std::optional<std::string> complaint(const std::string& schema, std::string_view text) override {
    if (text == schema) return std::nullopt;
    return fmt::format("at /: expected {}", schema);
  }
};

std::string say(const Judgement& judgement) {
  return fmt::format("{}: {}", name_of(judgement.outcome), judgement.detail);
}

plan::Task task_with(plan::OutputSpec::Form form, std::optional<std::string> schema = {}) {
  plan::Task task;
  task.timeout = std::chrono::minutes(5);
  task.idle_timeout = std::chrono::seconds(90);
  task.output.form = form;
  task.output.schema = std::move(schema);
  return task;
}

TEST(JudgeExit, TellsWhatEndedIt) {
  const plan::Task task = task_with(plan::OutputSpec::Form::exit_status);
  EXPECT_EQ(say(judge_exit(task, {.exit_code = 0}, {})), "succeeded: ");
  EXPECT_EQ(say(judge_exit(task, {.exit_code = 3}, {})), "exited-nonzero: exit status 3");
  EXPECT_EQ(say(judge_exit(task, {.signal = SIGSEGV}, {})), "crashed: ended by SIGSEGV");
  EXPECT_EQ(say(judge_exit(task, {.signal = SIGKILL}, Outcome::timed_out)),
            fmt::format("timed-out: timed out after {}", show_duration(task.timeout)));
  EXPECT_EQ(say(judge_exit(task, {.exit_code = 0}, Outcome::went_silent)),
            fmt::format("went-silent: wrote nothing for {}", show_duration(task.idle_timeout)));
}

TEST(JudgeExit, AnAttemptThatWasStoppedIsNoSuccessEvenWhenItsExitStatusIsZero) {
  const plan::Task task = task_with(plan::OutputSpec::Form::exit_status);
  EXPECT_EQ(judge_exit(task, {.exit_code = 0}, Outcome::cancelled).outcome, Outcome::cancelled);
}

TEST(JudgeOutput, ProseHasToBeThere) {
  Pedant validator;
  const plan::Task task = task_with(plan::OutputSpec::Form::text);
  EXPECT_EQ(say(judge_output(task, "fine", false, false, validator)), "succeeded: ");
  EXPECT_EQ(say(judge_output(task, " \n", false, false, validator)),
            "output-missing: standard output is empty");
  EXPECT_EQ(say(judge_output(task, "half", true, false, validator)),
            "output-too-large: more output on standard output than is kept");
}

TEST(JudgeOutput, AMissingFileIsNamed) {
  Pedant validator;
  plan::Task task = task_with(plan::OutputSpec::Form::text);
  task.output.file = "out/notes.md";
  EXPECT_EQ(say(judge_output(task, std::nullopt, false, false, validator)),
            "output-missing: did not write `out/notes.md`");
}

TEST(JudgeOutput, JsonIsHeldToItsSchemaAndTheAgentIsToldWhatIsWrong) {
  Pedant validator;
  const plan::Task task = task_with(plan::OutputSpec::Form::json, "{}");
  EXPECT_EQ(judge_output(task, "{}", false, false, validator).outcome, Outcome::succeeded);
  const Judgement bad = judge_output(task, "[]", false, false, validator);
  EXPECT_EQ(say(bad), "output-invalid: at /: expected {}");
  EXPECT_EQ(bad.complaint, "at /: expected {}");
}

TEST(JudgeOutput, JsonWithoutASchemaStillHasToBeJson) {
  Pedant validator;
  const plan::Task task = task_with(plan::OutputSpec::Form::json);
  EXPECT_EQ(judge_output(task, R"({"a": 1})", false, false, validator).outcome, Outcome::succeeded);
  EXPECT_EQ(judge_output(task, "here you are: {}", false, false, validator).outcome,
            Outcome::output_invalid);
}

/// Takes what parses as JSON.
class Lenient final : public Validator {
 public:
  std::optional<std::string> complaint(const std::string&, std::string_view text) override {
    const auto parsed = parse_json(text);
    return parsed ? std::nullopt : std::optional(say_no_json(text, parsed.error()));
  }
};

std::string taken(const plan::Task& task, const std::string& output, bool corrected) {
  Lenient validator;
  const Judgement judged = judge_output(task, output, false, corrected, validator);
  return judged.outcome == Outcome::succeeded ? judged.instead.value_or(output) : judged.detail;
}

TEST(JudgeOutput, AFenceIsTakenOffWhenItIsTheWholeAnswerOrStillThereAfterACorrection) {
  const std::string alone = "```json\n{\"a\": 1}\n```\n";
  const std::string inside = "Here it is:\n\n~~~~ JSON\n{\"a\": 1}\n~~~~\n\nHope this helps!";
  const std::string around =
      "expected bare JSON, found it wrapped in a Markdown fence (```) with other text around it: "
      "give the "
      "JSON alone";
  for (const bool with_schema : {false, true}) {
    plan::Task task = task_with(plan::OutputSpec::Form::json);
    if (with_schema) task.output.schema = "{}";
    task.prompt = "List them.";
    EXPECT_EQ(taken(task, alone, false), "{\"a\": 1}\n");
    EXPECT_EQ(taken(task, inside, false), around);
    EXPECT_EQ(taken(task, inside, true), "{\"a\": 1}\n");
    task.output.strict = true;
    EXPECT_EQ(taken(task, inside, true), around);
    EXPECT_NE(taken(task, alone, true), "{\"a\": 1}\n");
  }
}

TEST(JudgeOutput, ACommandWithoutAPromptIsAProgramThatCanBeMended) {
  const plan::Task task = task_with(plan::OutputSpec::Form::json);
  EXPECT_EQ(taken(task, "```json\n{}\n```", true),
            "expected bare JSON, found it wrapped in a Markdown fence (```): give the JSON alone");
}

TEST(JudgeOutput, WhatCouldBeMeantInTwoWaysIsNotTaken) {
  plan::Task task = task_with(plan::OutputSpec::Form::json);
  task.prompt = "List them.";
  for (const std::string text : {"```\n{}\n```\nor\n```\n[]\n```", "```json\n{\"a\": 1}",
                                 "```\nno JSON\n```", "`` `{}` ``", "{} and {}"}) {
    Lenient validator;
    EXPECT_EQ(judge_output(task, text, false, true, validator).outcome, Outcome::output_invalid)
        << text;
  }
}

TEST(JudgeOutput, AnExitStatusIsAllThatACommandOwes) {
  Pedant validator;
  EXPECT_EQ(judge_output(task_with(plan::OutputSpec::Form::exit_status), std::nullopt, true, false,
                         validator)
                .outcome,
            Outcome::succeeded);
}

}  // namespace
}  // namespace interlock::engine
