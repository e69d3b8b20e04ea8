#include "plan/shell_context.h"

namespace interlock::plan {

namespace {

bool ends_words(char c) { return std::string_view(" \t\n;&|()<>").contains(c); }

std::string escaped_for_double_quotes(std::string_view value) {
  std::string out;
  for (const char c : value) {
    if (std::string_view("\\$`\"").contains(c)) out += '\\';
    out += c;
  }
  return out;
}

/// The inside of single quotes; a quote of the value closes them, stands escaped, and opens them
/// again.
std::string escaped_for_single_quotes(std::string_view value) {
  std::string out;
  for (const char c : value) {
    if (c == '\'') {
      out += "'\\''";
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace

void ShellContext::feed(std::string_view text) {
  for (std::size_t at = 0; at < text.size() && lost_.empty(); ++at) {
    step(text[at], at + 1 < text.size() ? text[at + 1] : '\0');
  }
}

void ShellContext::step(char c, char next) {
  if (escaped_) {
    escaped_ = false;
    at_word_start_ = false;
    previous_ = c;
    return;
  }
  const bool after_dollar = dollar_;
  dollar_ = false;
  switch (mode()) {
    case Mode::single_quoted:
      if (c == '\'') frames_.pop_back();
      break;
    case Mode::comment:
      if (c != '\n') return;
      frames_.pop_back();
      step_bare(c);
      break;
    case Mode::backquoted:
      // Shells differ on quotes in here; without any, it ends at the next backquote.
      if (c == '\\') escaped_ = true;
      if (c == '`') frames_.pop_back();
      if (c == '\'' || c == '"') lost_ = "after quotes in backquotes";
      break;
    case Mode::parameter:
      // And on quotes and nesting in here.
      if (c == '}') {
        frames_.pop_back();
      } else if (std::string_view("'\"`\\${(").contains(c)) {
        lost_ = "after a nested `${...}`";
      }
      break;
    case Mode::double_quoted:
      if (c == '\\') {
        escaped_ = true;
      } else if (c == '"') {
        frames_.pop_back();
      } else if (c == '`') {
        frames_.push_back({Mode::backquoted});
      } else if (after_dollar && (c == '(' || c == '{' || c == '[')) {
        step_dollar(c == '(' && next == '(' ? '2' : c);
      } else {
        dollar_ = c == '$';
      }
      break;
    case Mode::bare:
      if (after_dollar && (c == '(' || c == '{' || c == '[' || c == '\'')) {
        step_dollar(c == '(' && next == '(' ? '2' : c);
      } else {
        step_bare(c);
      }
      break;
  }
  previous_ = c;
}

/// After a live `$`: what it opens. `2` stands for the two parentheses of arithmetic.
void ShellContext::step_dollar(char opens) {
  if (opens == '(') {
    frames_.push_back({Mode::bare});
    at_word_start_ = true;
    word_.clear();
  } else if (opens == '{') {
    frames_.push_back({Mode::parameter});
  } else {
    lost_ = opens == '\'' ? "after `$'`" : "after shell arithmetic";
  }
}

void ShellContext::end_word() {
  // The `)` of a `case` pattern looks like the end of `$(`.
  if (word_ == "case" && frames_.size() > 1) lost_ = "after `case` inside `$(...)`";
  word_.clear();
  at_word_start_ = true;
}

void ShellContext::step_bare(char c) {
  auto& frame = frames_.back();
  if (ends_words(c)) {
    end_word();
    if (c == '<' && previous_ == '<') lost_ = "after a here-document";
    if (c == '(' && previous_ == '(') lost_ = "after shell arithmetic";
    if (c == '(') ++frame.parentheses;
    if (c == ')' && frame.parentheses-- == 0) {
      frame.parentheses = 0;
      if (frames_.size() > 1) {
        frames_.pop_back();
        at_word_start_ = false;
      }
    }
    return;
  }
  if (c == '#' && at_word_start_) {
    frames_.push_back({Mode::comment});
    return;
  }
  at_word_start_ = false;
  word_ += c;
  if (c == '\\') escaped_ = true;
  if (c == '$') dollar_ = true;
  if (c == '\'') frames_.push_back({Mode::single_quoted});
  if (c == '"') frames_.push_back({Mode::double_quoted});
  if (c == '`') frames_.push_back({Mode::backquoted});
}

std::string_view ShellContext::unsafe() const {
  if (!lost_.empty()) return lost_;
  if (escaped_) return "after a backslash";
  for (const auto& frame : frames_) {
    if (frame.mode == Mode::backquoted) return "in backquotes";
    if (frame.mode == Mode::parameter) return "inside `${...}`";
    if (frame.mode == Mode::comment) return "in a comment";
  }
  return {};
}

std::string ShellContext::quoted(std::string_view value) const {
  // No argument of a program can hold a NUL.
  std::string plain;
  for (const char c : value) {
    if (c != '\0') plain += c;
  }
  if (mode() == Mode::double_quoted) return escaped_for_double_quotes(plain);
  if (mode() == Mode::single_quoted) return escaped_for_single_quotes(plain);
  return "'" + escaped_for_single_quotes(plain) + "'";
}

}  // namespace interlock::plan
