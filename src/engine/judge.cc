#include "engine/judge.h"

#include <fmt/format.h>
#include <string.h>

#include "base/json.h"
#include "base/text.h"
#include "engine/json_answer.h"

namespace interlock::engine {

namespace {

/// Real-time signals have numbers only.
std::string signal_name(int signal) {
  const char* name = ::sigabbrev_np(signal);
  return name != nullptr ? fmt::format("SIG{}", name) : fmt::format("signal {}", signal);
}

/// As the task names it, so that its agent knows what is meant.
std::string source_of(const plan::OutputSpec& output) {
  return output.file.empty() ? std::string("standard output") : fmt::format("`{}`", output.file);
}

bool is_blank(std::string_view text) { return text.find_first_not_of(" \t\r\n") == text.npos; }

/// What is wrong with a text that has to be JSON.
std::optional<std::string> complaint_about(const plan::OutputSpec& spec, std::string_view text,
                                           Validator& validator) {
  if (spec.schema) return validator.complaint(*spec.schema, text);
  const auto parsed = check_json(text);
  return parsed ? std::nullopt : std::optional(say_no_json(text, parsed.error()));
}

/// A model wraps what it was asked for in Markdown; a command that does so means it.
bool may_be_fenced(const plan::Task& task) { return !task.prompt.empty() && !task.output.strict; }

}  // namespace

Judgement judge_exit(const plan::Task& task, const Exited& exited,
                     std::optional<Outcome> stopped_for) {
  // How it ended then is our doing, and says nothing of its work.
  if (stopped_for) {
    switch (*stopped_for) {
      case Outcome::timed_out:
        return {
            Outcome::timed_out, fmt::format("timed out after {}", show_duration(task.timeout)), {}};
      case Outcome::went_silent:
        return {Outcome::went_silent,
                fmt::format("wrote nothing for {}", show_duration(task.idle_timeout)),
                {}};
      default: return {*stopped_for, {}, {}};
    }
  }
  // Before its exit status: that is of a process which could not begin its work.
  if (!exited.hindered.empty()) return {Outcome::setup_failed, exited.hindered, {}};
  // Not ours, as `stopped_for` would say: the kernel's, or its own.
  if (exited.signal)
    return {Outcome::crashed, fmt::format("ended by {}", signal_name(*exited.signal)), {}};
  if (exited.exit_code.value_or(0) != 0) {
    return {Outcome::exited_nonzero, fmt::format("exit status {}", *exited.exit_code), {}};
  }
  return {};
}

std::string with_unproven(std::string detail, const std::vector<std::string>& unproven) {
  // Whatever came of the attempt, something of it may still write: people have to know.
  if (unproven.empty()) return detail;
  if (!detail.empty()) detail += "; ";
  return detail + fmt::format("{} could not be proven gone", join_words(unproven, 4));
}

Judgement judge_output(const plan::Task& task, std::optional<std::string_view> output, bool cut,
                       bool corrected, Validator& validator) {
  using Form = plan::OutputSpec::Form;
  const plan::OutputSpec& spec = task.output;
  // What it printed is its log, and may be anything.
  if (spec.form == Form::exit_status) return {};
  // Judged before its content: half an answer can look like a whole one.
  if (cut) {
    return {Outcome::output_too_large,
            fmt::format("more output on {} than is kept", source_of(spec)),
            {}};
  }
  if (!output) {
    return {Outcome::output_missing, fmt::format("did not write {}", source_of(spec)),
            fmt::format("The file {} was not there when you ended.", source_of(spec))};
  }
  if (is_blank(*output)) {
    return {Outcome::output_missing, fmt::format("{} is empty", source_of(spec)),
            "Your answer was empty."};
  }
  // Text promises nothing but that it is there.
  if (spec.form == Form::text) return {};
  auto complaint = complaint_about(spec, *output, validator);
  if (!complaint) return {};
  if (may_be_fenced(task)) {
    auto block = only_fenced_block(*output);
    // With words around it once more only after it was told: then it will not learn.
    if (block && (block->alone || corrected) && !complaint_about(spec, block->content, validator))
      return {Outcome::succeeded, {}, {}, std::move(block->content)};
  }
  return {Outcome::output_invalid, *complaint, *complaint};
}

bool depends_on_what_was_found(Outcome outcome) {
  switch (outcome) {
    case Outcome::succeeded:
    case Outcome::lingered:
    case Outcome::cancelled:
    case Outcome::interrupted:
    case Outcome::conflicted:
    case Outcome::changes_lost:
    case Outcome::rate_limited:
    case Outcome::quota_spent:
    case Outcome::over_budget:
    case Outcome::api_failed:
    case Outcome::auth_failed:
    case Outcome::bad_request:
    // Others, a person or a limit ended it, whatever the workspace held.
    case Outcome::runaway: return false;
    case Outcome::exited_nonzero:
    case Outcome::crashed:
    case Outcome::not_started:
    case Outcome::timed_out:
    case Outcome::went_silent:
    case Outcome::output_missing:
    case Outcome::output_too_large:
    case Outcome::output_invalid:
    case Outcome::verify_failed:
    case Outcome::outside_footprint:
    case Outcome::too_long:
    case Outcome::cut_off:
    case Outcome::declined:
    case Outcome::no_final:
    case Outcome::client_limit:
    // Upon other files it might have ended otherwise.
    case Outcome::setup_failed: return true;
  }
  return true;
}

}  // namespace interlock::engine
