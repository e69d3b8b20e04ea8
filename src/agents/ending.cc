#include <fmt/format.h>

#include "agents/adapter.h"
#include "agents/json_fields.h"

namespace interlock::agents {

namespace {

/// What a shell and many clients make of a signal that ended them.
constexpr int kSignalBase = 128;
constexpr int kSignalMax = 64;

std::string with_wait(std::string detail, const Transcript& transcript) {
  if (!transcript.waits_for.empty())
    detail += fmt::format(", while it waited: {}", transcript.waits_for);
  return detail;
}

/// The stream ended, and no final event was in it.
Ending unfinished(const Transcript& transcript, std::optional<int> exit_code) {
  if (exit_code && *exit_code > kSignalBase && *exit_code <= kSignalBase + kSignalMax) {
    return {Failure::aborted, with_wait(fmt::format("ended by signal {} (exit status {})",
                                                    *exit_code - kSignalBase, *exit_code),
                                        transcript)};
  }
  std::string detail = "it ended without its final event";
  if (exit_code && *exit_code != 0) detail += fmt::format(", with exit status {}", *exit_code);
  if (transcript.denied > 0 && !transcript.remarks.empty())
    detail += fmt::format("; {}", transcript.remarks.back());
  return {Failure::no_final, with_wait(std::move(detail), transcript)};
}

}  // namespace

Ending Adapter::ending(const Transcript& transcript, std::optional<int> exit_code,
                       std::optional<int> signal) const {
  if (transcript.failed) {
    const std::string& detail = transcript.failed->detail;
    return {transcript.failed->failure,
            detail.empty() ? std::string(name_of(transcript.failed->failure)) : one_line(detail)};
  }
  if (signal)
    return {Failure::aborted, with_wait(fmt::format("ended by signal {}", *signal), transcript)};
  if (!transcript.final) return unfinished(transcript, exit_code);
  if (exit_code && *exit_code != 0) {
    return {Failure::other,
            fmt::format("it told of success and ended with exit status {}", *exit_code)};
  }
  if (transcript.final->text.empty() && !transcript.final->structured)
    return {Failure::empty, "it ended well and said nothing"};
  return {};
}

std::string Adapter::version_in(std::string_view printed) const {
  // The first word that begins with a digit and has a dot: `2.1.330 (Claude Code)`, `codex-cli
  // 0.169.0`.
  std::size_t at = 0;
  while ((at = printed.find_first_not_of(" \t\r\n", at)) != printed.npos) {
    const auto end = std::min(printed.find_first_of(" \t\r\n", at), printed.size());
    std::string_view word = printed.substr(at, end - at);
    if (word.starts_with('v')) word.remove_prefix(1);
    if (!word.empty() && word.front() >= '0' && word.front() <= '9' && word.contains('.'))
      return std::string(word);
    at = end;
  }
  return {};
}

}  // namespace interlock::agents
