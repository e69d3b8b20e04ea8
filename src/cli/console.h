#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "panel/terminal.h"

namespace interlock::cli {

/// How the command ends, for the shell.
enum class Exit : int {
  done = 0,     ///< All tasks done.
  failed = 1,   ///< Some task failed.
  wrong = 2,    ///< The plan or the command line is wrong.
  refused = 3,  ///< A conflict, a budget, a gate.
  broken = 4,   ///< Interlock itself failed.
  interrupted = 130,
};
Exit exit_for(Error::Kind kind);

/// Results go to standard output, everything else to standard error. On a terminal control
/// sequences are taken out of whatever is said, but for our own colours: texts of agents are in it.
class Console {
 public:
  /// `json`: errors are results as well (docs/json.md).
  Console(panel::ColorMode color, bool quiet, bool json = false);

  /// A result. A reader that has gone away is no error: what follows is dropped.
  void result(std::string_view text);
  /// A remark for a person; dropped when quiet.
  void remark(std::string_view text);
  /// A remark on a file that was made: where the terminal takes links, its name is one.
  void remark_file(std::string_view before, const std::string& file, std::string_view after = {});
  /// A remark that is made even when quiet.
  void insist(std::string_view text);
  /// ``error: ...`` and ``hint: ...``. A message of several lines is printed as it is.
  Exit complain(const Error& error);
  /// To be called last: how the command ends, which is `exit` unless results could not be written.
  Exit close(Exit exit);

  const panel::Terminal& out() const { return out_; }
  const panel::Terminal& err() const { return err_; }
  bool quiet() const { return quiet_; }

 private:
  panel::Terminal out_, err_;
  void write_error(std::string_view text) const;
  std::string text_of(const Error& error) const;

  bool quiet_, json_;
  bool out_gone_ = false;
  int out_error_ = 0;  ///< Why a result could not be written.
};

}  // namespace interlock::cli
