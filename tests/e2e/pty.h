#pragma once

#include <sys/types.h>

#include <map>
#include <string>
#include <vector>

namespace interlock::e2e {

/// A command on a terminal of its own, as a person sees and drives it. Its end is the object's.
class Pty {
 public:
  Pty(const std::vector<std::string>& arguments, const std::string& folder,
      std::map<std::string, std::string> environment, unsigned short columns = 80,
      unsigned short rows = 24);
  Pty(const Pty&) = delete;
  ~Pty();

  /// Waits until it has written `text` after what was waited for before.
  void until_it_shows(const std::string& text);
  void press(const std::string& keys) const;
  /// Whether the terminal is as shells leave it: keys are echoed, and come line by line.
  bool is_usual() const;
  /// Waits until it is.
  void until_usual() const;
  /// All that was written so far.
  const std::string& shown() const { return shown_; }
  /// The terminal goes away.
  void hang_up();
  /// How it ended, as a shell tells it.
  int wait();

 private:
  bool read_more();

  int fd_ = -1;
  pid_t pid_ = -1;
  std::string shown_;
  std::size_t seen_ = 0;
};

}  // namespace interlock::e2e
