#include "engine/judge.h"

#include <fmt/format.h>
#include <string.h>

#include "base/json.h"

namespace interlock::engine {

namespace {

std::string signal_name(int signal) {
  const char* name = ::sigabbrev_np(signal);
  return name != nullptr ? fmt::format("SIG{}", name) : fmt::format("signal {}", signal);
}

std::string source_of(const plan::OutputSpec& output) {
  return output.file.empty() ? std::string("standard output") : fmt::format("`{}`", output.file);
}

bool is_blank(const std::string& text) {
  return text.find_first_not_of(" \t\r\n") == std::string::npos;
}

}  // namespace

Judgement judge_exit(const plan::Task& task, const Exited& exited,
                     std::optional<Outcome> stopped_for) {
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
  if (exited.signal)
    return {Outcome::crashed, fmt::format("ended by {}", signal_name(*exited.signal)), {}};
  if (exited.exit_code.value_or(0) != 0) {
    return {Outcome::exited_nonzero, fmt::format("exit status {}", *exited.exit_code), {}};
  }
  return {};
}

Judgement judge_output(const plan::Task& task, const std::optional<std::string>& output, bool cut,
                       Validator& validator) {
  using Form = plan::OutputSpec::Form;
  const plan::OutputSpec& spec = task.output;
  if (spec.form == Form::exit_status) return {};
  if (cut) {
    return {Outcome::output_too_large,
            fmt::format("more output on {} than is kept", source_of(spec)),
            {}};
  }
  if (!output) {
    return {Outcome::output_missing, fmt::format("it left no {}", source_of(spec)),
            fmt::format("The file {} was not there when you ended.", source_of(spec))};
  }
  if (is_blank(*output)) {
    return {Outcome::output_missing, fmt::format("{} is empty", source_of(spec)),
            "Your answer was empty."};
  }
  if (spec.form == Form::text) return {};
  if (spec.schema) {
    if (auto complaint = validator.complaint(*spec.schema, *output)) {
      return {Outcome::output_invalid, *complaint, *complaint};
    }
    return {};
  }
  if (auto parsed = parse_json(*output); !parsed) {
    return {Outcome::output_invalid, parsed.error().message, parsed.error().message};
  }
  return {};
}

}  // namespace interlock::engine
