#include "cli/messages.h"

#include <fmt/format.h>

#include <variant>

#include "base/text.h"
#include "cli/models.h"

namespace interlock::cli {

std::unique_ptr<Messages> Messages::of(const plan::Plan& plan, TaskId task,
                                       const engine::AttemptRecord& attempt, std::uint32_t phase) {
  const plan::Task& it = plan[task];
  const plan::Agent& agent = plan.agents[it.agent.index()];
  const agents::Adapter* adapter = agents::adapter_for(agent);
  const bool mends_by_command =
      attempt.because == engine::AttemptStarted::Trigger::repair && !it.repair.empty();
  if (adapter == nullptr || phase != 0 || mends_by_command) return nullptr;
  return std::make_unique<Messages>(adapter->reader(agent), secrets_in(plan, own_environment()));
}

std::vector<std::string> Messages::line(const std::string& line) {
  std::vector<std::string> said;
  for (const agents::Event& event : reader_->line(line)) take(event, line, said);
  return said;
}

std::vector<std::string> Messages::rest() {
  std::vector<std::string> said;
  for (const agents::Event& event : reader_->end()) take(event, {}, said);
  flush(said);
  return said;
}

void Messages::take(const agents::Event& event, const std::string& line,
                    std::vector<std::string>& said) {
  if (const auto* text = std::get_if<agents::Text>(&event)) {
    if (text->partial) {
      pieces_ += text->text;
      return;
    }
    flush(said);
    return say(text->text, said);
  }
  if (std::holds_alternative<agents::UsageReported>(event)) return;
  // A final answer has its pieces whole, and without the secrets that were cut apart in them.
  const auto* whole = std::get_if<agents::Final>(&event);
  if (whole != nullptr && !whole->text.empty()) pieces_.clear();
  flush(said);
  if (const auto* used = std::get_if<agents::ToolUsed>(&event)) {
    say(fmt::format("[{}{}{}]{}", used->tool, used->detail.empty() ? "" : " ", used->detail,
                    used->denied ? " not allowed" : ""),
        said);
  } else if (const auto* changed = std::get_if<agents::FileChanged>(&event)) {
    say(fmt::format("[changed {}]", changed->path), said);
  } else if (const auto* limited = std::get_if<agents::RateLimited>(&event)) {
    say(fmt::format("[waits{}{}{}]",
                    limited->wait ? fmt::format(" {}", show_duration(*limited->wait)) : "",
                    limited->detail.empty() ? "" : ": ", limited->detail),
        said);
  } else if (const auto* final = std::get_if<agents::Final>(&event)) {
    if (final->text != last_said_) say(final->text, said);
  } else if (const auto* failed = std::get_if<agents::Failed>(&event)) {
    say(fmt::format("[{}: {}]", failed->part_only ? "warning" : "failed", failed->detail), said);
  } else if (std::holds_alternative<agents::Unknown>(event) && !line.starts_with('{')) {
    say(line, said);  // No event at all: a warning of its runtime, a message of its shell.
  }
}

void Messages::say(const std::string& text, std::vector<std::string>& said) {
  const std::string shown = secrets_.apply(text);
  for (const std::string_view line : split_lines(shown)) said.emplace_back(line);
  if (!text.empty()) last_said_ = text;
}

void Messages::flush(std::vector<std::string>& said) {
  if (pieces_.empty()) return;
  const std::string text = std::exchange(pieces_, {});
  say(text, said);
}

}  // namespace interlock::cli
