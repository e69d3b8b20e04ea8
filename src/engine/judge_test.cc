#include "engine/judge.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <csignal>

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
  EXPECT_EQ(say(judge_output(task, "fine", false, validator)), "succeeded: ");
  EXPECT_EQ(say(judge_output(task, " \n", false, validator)),
            "output-missing: standard output is empty");
  EXPECT_EQ(say(judge_output(task, "half", true, validator)),
            "output-too-large: more output on standard output than is kept");
}

TEST(JudgeOutput, AMissingFileIsNamed) {
  Pedant validator;
  plan::Task task = task_with(plan::OutputSpec::Form::text);
  task.output.file = "out/notes.md";
  EXPECT_EQ(say(judge_output(task, std::nullopt, false, validator)),
            "output-missing: it left no `out/notes.md`");
}

TEST(JudgeOutput, JsonIsHeldToItsSchemaAndTheAgentIsToldWhatIsWrong) {
  Pedant validator;
  const plan::Task task = task_with(plan::OutputSpec::Form::json, "{}");
  EXPECT_EQ(judge_output(task, "{}", false, validator).outcome, Outcome::succeeded);
  const Judgement bad = judge_output(task, "[]", false, validator);
  EXPECT_EQ(say(bad), "output-invalid: at /: expected {}");
  EXPECT_EQ(bad.complaint, "at /: expected {}");
}

TEST(JudgeOutput, JsonWithoutASchemaStillHasToBeJson) {
  Pedant validator;
  const plan::Task task = task_with(plan::OutputSpec::Form::json);
  EXPECT_EQ(judge_output(task, R"({"a": 1})", false, validator).outcome, Outcome::succeeded);
  EXPECT_EQ(judge_output(task, "here you are: {}", false, validator).outcome,
            Outcome::output_invalid);
}

TEST(JudgeOutput, AnExitStatusIsAllThatACommandOwes) {
  Pedant validator;
  EXPECT_EQ(
      judge_output(task_with(plan::OutputSpec::Form::exit_status), std::nullopt, true, validator)
          .outcome,
      Outcome::succeeded);
}

}  // namespace
}  // namespace interlock::engine
