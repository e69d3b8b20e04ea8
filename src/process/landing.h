#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>

#include "process/fd.h"

// Where the paths of another process lead, as it sees them: through /proc, whose links pass into
// its namespaces. The process must stand still meanwhile, as it does in a call that is being told.
namespace interlock::process {

/// `.`, `..` and doubled slashes resolved as text; absolute paths only.
std::string as_text(std::string_view path);

/// The target of a link; nothing when it is none.
std::optional<std::string> link_at(const std::string& path);

/// The folder that `descriptor` of the process is open on (AT_FDCWD: its current one).
std::optional<std::string> folder_behind(pid_t process, int descriptor);

struct Landing {
  std::string path;        ///< Without links; `pipe:[1]` and the like for what is on no path.
  bool elsewhere = false;  ///< Reached through a process that sees other mounts than this one.
};

class Sight {
 public:
  explicit Sight(pid_t process);

  /// Where an absolute path of it leads. `follows`: also a link that it ends in. At most 40 links.
  Landing land(const std::string& path, bool follows) const;
  enum class There : unsigned char { nothing, folder, other };
  /// What is at a path without links.
  There look_at(const std::string& path) const;
  /// How the regular file at a path without links begins.
  std::string beginning_of(const std::string& path) const;

 private:
  struct Way;
  void step(Way& way, std::string name, bool is_last) const;
  std::optional<std::string> link_to(const std::string& path) const;
  bool sees_the_same(const std::string& process) const;

  pid_t process_;
  Fd root_;
};

}  // namespace interlock::process
