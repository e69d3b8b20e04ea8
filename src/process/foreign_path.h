#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

// Where the paths of another process lead, as it sees them. Whoever asks may be told anything:
// names of any bytes and length, links in circles, folders that are gone, links of /proc that lead
// off every path. The answer is where a path leads, or that this could not be found out; never a
// guess.
namespace interlock::process {

/// `.`, `..` and doubled slashes resolved as text; absolute paths only.
std::string as_text(std::string_view path);
/// Whether a name of the path is `..`: then where it leads cannot be said from its text.
bool goes_up(std::string_view path);

/// Where a path of another process leads.
struct ForeignPath {
  enum class Kind : unsigned char {
    path,     ///< To `path`, whether something is there or not.
    deleted,  ///< To something that was deleted since; `path` was its name.
    nowhere,  ///< To what is on no path, such as a pipe; or the kernel is going to refuse the call.
    unknown,  ///< That could not be found out: `why`.
  };
  Kind kind = Kind::path;
  std::string path;        ///< Absolute, without links.
  std::string why;         ///< `the folder of process 7 lies outside of its root folder`
  bool elsewhere = false;  ///< Reached through a process that has other mounts.
  /// Those that were followed on the way, whatever the kind. Absolute, without links but the last.
  std::vector<std::string> links;

  static ForeignPath unknown(std::string why) { return {Kind::unknown, {}, std::move(why)}; }
  static ForeignPath nowhere() { return {Kind::nowhere}; }
};

/// What a walk along a path asks the file system of a process. Paths are absolute, and without
/// links but perhaps the last name.
class ForeignFiles {
 public:
  enum class There : unsigned char { nothing, folder, other, unknown };
  struct Link {
    int error = 0;  ///< As of readlink(2); 0: it is a link, and this is its target.
    std::string target;
  };

  virtual ~ForeignFiles() = default;
  virtual Link read_link(const std::string& path) const = 0;
  virtual There look_at(const std::string& path) const = 0;
  /// What a link of /proc leads to, whatever its text says. Links are not among the answer.
  virtual ForeignPath behind(const std::string& path) const = 0;
};

/// Where an absolute path of the process leads. `follows`: also a link that it ends in. As the
/// kernel does it: `..` is the folder above what a link led to, and after 40 links it is over.
/// Where a name on the way is missing, the path is what could not be found.
ForeignPath resolve(const ForeignFiles& files, pid_t process, std::string_view path, bool follows);

}  // namespace interlock::process
