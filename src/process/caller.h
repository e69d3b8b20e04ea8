#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "process/foreign_path.h"
#include "sys/descriptor.h"

namespace interlock::process {

/// The process that makes a told call, and its files: through /proc, whose links pass into its
/// namespaces. It stands still meanwhile, but others of its attempt may not.
///
/// The text of such a link begins at the root folder of whoever reads it or, where that sees other
/// mounts, at the root of all mounts there. In a chroot these are not what the process calls `/`.
/// So each is read against the root folder that the attempt began in, and believed only when what
/// is at that path is the very thing that the link leads to.
class Caller final : public ForeignFiles {
 public:
  /// Where the links of /proc have the root folder of a process; nothing: it cannot be read
  /// (errno).
  static std::optional<std::string> root_of(pid_t process);

  /// `root` outlives this: what `root_of` said when the attempt began.
  Caller(pid_t process, const std::string& root);

  pid_t process() const { return process_; }
  /// The folder that a descriptor of it is open on; AT_FDCWD: its current one.
  ForeignPath folder(int descriptor) const;
  ForeignPath land(std::string_view path, bool follows) const {
    return resolve(*this, process_, path, follows);
  }

  Link read_link(const std::string& path) const override;
  There look_at(const std::string& path) const override;
  ForeignPath behind(const std::string& path) const override;
  /// How the regular file at a path without links begins.
  std::string beginning_of(const std::string& path) const;

 private:
  ForeignPath placed(const std::string& link, std::string text) const;
  bool sees_the_same(std::string_view other) const;

  pid_t process_;
  const std::string& root_;
  sys::Descriptor root_folder_;
  int root_error_ = 0;  ///< Why there is no `root_folder_`.
};

}  // namespace interlock::process
