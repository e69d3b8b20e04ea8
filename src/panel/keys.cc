#include "panel/keys.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "panel/line.h"
#include "panel/panel.h"

namespace interlock::panel {
namespace {

bool has(const std::vector<std::string>& names, const std::string& name) {
  return std::ranges::find(names, name) != names.end();
}

/// The one behind `name`, around the end; the first where there is no such one.
const std::string& next_after(const std::vector<std::string>& names, const std::string& name) {
  const auto at = std::ranges::find(names, name);
  if (at == names.end() || at + 1 == names.end()) return names.front();
  return *(at + 1);
}

/// What stands for keys in a line: ``a approve  l log``. One that has no room is left out.
class Legend {
 public:
  Legend(Size size, Style style) : line_(size.columns, style), style_(style) {}

  Legend& add(std::string_view key, std::string_view words) {
    const std::size_t wanted = display_width(key) + 1 + display_width(words);
    if (line_.columns_left() < wanted + (is_first_ ? 0 : kGap)) return *this;
    if (!std::exchange(is_first_, false)) line_.gap(kGap);
    line_.add(key, Ink::strong).gap(1).add(words, Ink::faint);
    return *this;
  }
  /// Of many gates it says how many; a long name is cut, what may be pressed has to stay in view.
  Legend& ask(const std::string& gate, std::size_t gates, std::size_t columns) {
    constexpr std::size_t kNameMin = 8, kForOne = 39, kForSeveral = 53;
    const std::size_t rest = gates > 1 ? kForSeveral : kForOne;
    const std::size_t room = std::max(kNameMin, columns - std::min(columns, rest));
    const std::size_t wanted = display_width(showable(gate, style_));
    line_.add(signs_of(style_).ask, Ink::ask).gap(1);
    if (gate.empty()) {
      line_.add("approve the review", Ink::ask);
    } else {
      line_.add("approve `", Ink::ask).add_column(gate, std::min(room, wanted), Ink::ask);
      line_.add("`", Ink::ask);
    }
    if (gates > 1) line_.add(fmt::format(", of {}", gates), Ink::ask);
    line_.add("?", Ink::ask);
    is_first_ = false;
    return *this;
  }
  Legend& note(std::string_view text) {
    line_.add(signs_of(style_).ask, Ink::ask).gap(1).add(text, Ink::ask);
    is_first_ = false;
    return *this;
  }
  std::string text() const { return line_.text(); }

 private:
  static constexpr std::size_t kGap = 2;
  Line line_;
  Style style_;
  bool is_first_ = true;
};

}  // namespace

void Keys::forget_gone(const KeyTargets& targets) {
  if (asks_ && !has(targets.gates, gate_)) asks_ = false;
  if (!log_.empty() && !has(targets.logs, log_)) log_.clear();
}

KeyRequest Keys::press_while_asking(char key, const KeyTargets& targets) {
  if (key == 'a' && targets.gates.size() > 1) {
    gate_ = next_after(targets.gates, gate_);
    return {};
  }
  asks_ = false;
  if (key == 'y') return {KeyRequest::Kind::approve, gate_};
  if (key == 'r') return {KeyRequest::Kind::reject, gate_};
  return {};
}

KeyRequest Keys::press(char key, const KeyTargets& targets) {
  forget_gone(targets);
  said_.clear();
  if (asks_) return press_while_asking(key, targets);
  switch (key) {
    case 'a':
      if (targets.gates.empty()) return {};
      asks_ = true;
      gate_ = targets.gates.front();
      return {};
    case 'l':
      if (!targets.logs.empty()) log_ = next_after(targets.logs, log_);
      return {};
    case 'p':
      if (targets.is_over) return {};
      return {targets.is_paused ? KeyRequest::Kind::go_on : KeyRequest::Kind::pause, {}};
    case 'q': return {KeyRequest::Kind::leave, {}};
    case kEscape: log_.clear(); return {};
    default: return {};
  }
}

const std::string& Keys::log(const KeyTargets& targets) {
  forget_gone(targets);
  return log_;
}

std::string Keys::footer(const KeyTargets& targets, Size size, Style style) {
  forget_gone(targets);
  if (!said_.empty()) return Line(size.columns, style).add(said_, Ink::bad).text();
  Legend legend(size, style);
  if (asks_) {
    legend.ask(gate_, targets.gates.size(), size.columns).add("y", "yes").add("r", "reject");
    if (targets.gates.size() > 1) legend.add("a", "next");
    return legend.add("esc", "no").text();
  }
  if (targets.is_paused) legend.note("paused");
  if (!targets.gates.empty()) legend.add("a", "approve");
  if (!targets.logs.empty()) legend.add("l", log_.empty() ? "log" : "next log");
  if (!log_.empty()) legend.add("esc", "close it");
  if (!targets.is_over) legend.add("p", targets.is_paused ? "go on" : "pause");
  return legend.add("q", targets.is_over ? "leave" : "leave it running").text();
}

std::vector<std::string> draw_with_keys(const engine::RunStatus& run, Keys& keys,
                                        const KeyTargets& targets,
                                        const std::vector<std::string>& log, Size size,
                                        Style style) {
  /// With fewer rows the panel itself is worth more.
  constexpr std::size_t kRowsForKeys = 6, kRowsForLog = 10;
  if (size.rows < kRowsForKeys) return draw_panel(run, size, style);
  const std::string shown = keys.log(targets);
  const bool has_log = !shown.empty() && size.rows >= kRowsForLog;
  const std::size_t log_rows = has_log ? std::min(size.rows / 2, log.size() + 1) : 0;
  std::vector<std::string> lines =
      draw_panel(run, {.columns = size.columns, .rows = size.rows - log_rows - 1}, style);
  if (has_log) {
    Line title(size.columns, style);
    title.add("log of ", Ink::faint).add_column(shown, size.columns / 2, Ink::strong);
    if (log.empty()) title.gap(2).add("nothing so far", Ink::faint);
    lines.push_back(title.text());
    const std::size_t rest = log_rows - 1;
    for (std::size_t at = log.size() - std::min(log.size(), rest); at < log.size(); ++at)
      lines.push_back(Line(size.columns, style).gap(2).add(log[at]).text());
  }
  lines.push_back(keys.footer(targets, size, style));
  return lines;
}

}  // namespace interlock::panel
