#pragma once

#include <string>
#include <vector>

#include "engine/status.h"
#include "panel/style.h"

namespace interlock::panel {

/// What there is for keys to act on, now.
struct KeyTargets {
  std::vector<std::string> gates;  ///< Tasks that wait for approval; empty name: the run's review.
  std::vector<std::string> logs;   ///< Tasks that wrote something: those that run, then the failed.
  bool is_paused = false;
  bool is_over = false;
};

/// What a key asks of the run.
struct KeyRequest {
  enum class Kind : unsigned char { nothing, approve, reject, pause, go_on, leave };
  Kind kind = Kind::nothing;
  std::string task;  ///< Of `approve` and `reject`; empty: the run's review.

  bool operator==(const KeyRequest&) const = default;
};

/// What one press means depends on what was pressed before: an approval is asked about once more.
///
/// `a` approve, `l` log (again: the next task's), `p` pause and go on, `q` leave, Escape back. A
/// key that means nothing now does nothing.
class Keys {
 public:
  static constexpr char kEscape = '\x1b';

  KeyRequest press(char key, const KeyTargets& targets);
  /// The task whose log is to be seen; empty: none. It goes when the task is no target any more.
  const std::string& log(const KeyTargets& targets);
  /// What the keys mean now, in one line.
  std::string footer(const KeyTargets& targets, Size size, Style style);
  /// Said in the footer's place until the next press: why something could not be done.
  void say(std::string text) { said_ = std::move(text); }

 private:
  KeyRequest press_while_asking(char key, const KeyTargets& targets);
  void forget_gone(const KeyTargets& targets);

  bool asks_ = false;
  std::string gate_;  ///< What is asked about.
  std::string log_;
  std::string said_;
};

/// The panel with the end of a task's log below it, and the keys in the last line. As many rows and
/// columns as `size` has, at most. `log`: lines of the task that `keys` wants to see.
std::vector<std::string> draw_with_keys(const engine::RunStatus& run, Keys& keys,
                                        const KeyTargets& targets,
                                        const std::vector<std::string>& log, Size size,
                                        Style style);

}  // namespace interlock::panel
