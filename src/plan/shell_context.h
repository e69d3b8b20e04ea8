#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace interlock::plan {

/// Follows a shell script (POSIX sh, and bash where they differ) character by character, to know
/// how a value must be written to be data at this point.
///
/// It understands words, `'...'`, `"..."`, backslashes, comments and nested `$(...)`. Everything
/// else that changes how text is read (backquotes, `${...}`, arithmetic, `$'...'`, here-documents,
/// `case` inside `$(...)`) makes the place unsafe: for the span of the construct where its end is
/// certain, else for the rest of the script.
class ShellContext {
 public:
  void feed(std::string_view text);

  /// Why no value can stand here; empty where one can.
  std::string_view unsafe() const;
  /// `value` written so that it is data here. Only where `unsafe()` is empty.
  std::string quoted(std::string_view value) const;
  /// A value was put here: it belongs to the word before and after it.
  void value_follows() {
    at_word_start_ = false;
    previous_ = 'x';
  }

 private:
  enum class Mode : unsigned char {
    bare,
    single_quoted,
    double_quoted,
    backquoted,
    parameter,
    comment
  };
  struct Frame {
    Mode mode = Mode::bare;
    int parentheses = 0;  ///< Open `(` of its own, in a bare frame.
  };

  void step(char c, char next);
  void step_bare(char c);
  void step_dollar(char opens);
  void end_word();
  Mode mode() const { return frames_.back().mode; }

  std::vector<Frame> frames_{Frame{}};
  bool escaped_ = false;
  bool dollar_ = false;  ///< The last character was a live `$`.
  bool at_word_start_ = true;
  char previous_ = '\n';
  std::string word_;       ///< The plain letters of the word so far.
  std::string_view lost_;  ///< Why the rest of the script cannot be followed.
};

}  // namespace interlock::plan
