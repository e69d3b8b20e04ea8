#include "workspace/walk.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <limits.h>
#include <stdlib.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>

#include "base/text.h"
#include "sys/asked_to_end.h"
#include "workspace/beneath.h"

namespace interlock::workspace {
namespace {

using footprint::Glob;
using footprint::PatternSet;

struct CloseFolder {
  void operator()(DIR* folder) const { ::closedir(folder); }
};
using Folder = std::unique_ptr<DIR, CloseFolder>;

/// A link where a folder was is as good as gone.
bool is_gone(int number) { return number == ENOENT || number == ENOTDIR || number == ELOOP; }

std::unexpected<Error> unreadable(const std::string& path, int number) {
  return fail(Error::Kind::io,
              fmt::format("cannot read `{}`: {}", printable(path), std::strerror(number)));
}

class Walk {
 public:
  Walk(const std::string& root, const PatternSet& patterns, const std::string& skip, Links links)
      : root_(root),
        patterns_(patterns),
        skip_(skip),
        links_(links),
        top_(::open(root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)) {}

  Result<std::vector<Entry>> run() {
    if (!top_) return unreadable(root_, errno);
    for (const std::string& start : starts()) {
      if (auto begun = begin(start); !begun) return std::unexpected(begun.error());
    }
    while (!to_enter_.empty()) {
      const Place folder = std::move(to_enter_.back());
      to_enter_.pop_back();
      if (auto entered = enter(folder); !entered) return std::unexpected(entered.error());
    }
    std::ranges::sort(found_, {}, &Entry::path);
    return std::move(found_);
  }

 private:
  /// Something by the name a pattern has for it, and where that really is.
  struct Place {
    std::string path;
    std::string real;  ///< Below the root and without links; absolute where links lead out of it.
  };

  /// The literal prefixes, without those that lie below another.
  std::vector<std::string> starts() const {
    std::vector<std::string> prefixes;
    for (const Glob& glob : patterns_.include) prefixes.push_back(glob.literal_prefix());
    std::ranges::sort(prefixes);
    std::vector<std::string> starts;
    for (const std::string& prefix : prefixes) {
      const auto covers = [&](const std::string& start) { return is_at_or_below(prefix, start); };
      if (std::ranges::none_of(starts, covers)) starts.push_back(prefix);
    }
    return starts;
  }

  using Real = std::optional<std::string>;

  /// Nothing where it is not there, or where we do not go.
  Result<Real> resolved(const std::string& path) const {
    if (path.empty()) return Real(path);
    std::array<char, PATH_MAX> real{};
    if (::realpath((root_ + "/" + path).c_str(), real.data()) == nullptr)
      return is_gone(errno) ? Result<Real>(std::nullopt) : unreadable(path, errno);
    const std::string place = real.data();
    const std::string top = root_ == "/" ? "" : root_;
    if (place == root_) return Real("");
    if (is_at_or_below(place, top)) return Real(place.substr(top.size() + 1));
    return links_ == Links::anywhere ? Real(place) : std::nullopt;
  }

  sys::Descriptor open(const std::string& real, int flags) const {
    if (real.starts_with('/')) return sys::Descriptor(::open(real.c_str(), flags | O_CLOEXEC));
    return open_beneath(top_.get(), real, flags);
  }

  Result<void> begin(const std::string& start) {
    if (start.empty()) return to_enter_.push_back({}), Result<void>();
    const auto folder = resolved(std::string(folder_of(start)));
    if (!folder) return std::unexpected(folder.error());
    if (*folder) {
      const std::string real = join(**folder, name_of(start));
      struct stat status{};
      const sys::Descriptor one = open(real, O_PATH | O_NOFOLLOW);
      if (one && ::fstat(one.get(), &status) == 0) {
        add({start, real}, status);
      } else if (!is_gone(errno)) {
        return unreadable(start, errno);
      }
    }
    // A person who names a link to a folder means the folder.
    const auto real = may_hold(start) ? resolved(start) : Result<Real>(std::nullopt);
    if (!real) return std::unexpected(real.error());
    if (*real && open(**real, O_PATH | O_DIRECTORY)) to_enter_.push_back({start, **real});
    return {};
  }

  void add(const Place& at, const struct stat& status) {
    if (!patterns_.matches(at.path)) return;
    Entry entry{at.path, status};
    if (at.real != at.path)
      entry.place = at.real.starts_with('/') ? at.real : root_ + "/" + at.real;
    found_.push_back(std::move(entry));
  }

  Result<void> enter(const Place& folder) {
    const sys::Descriptor opened = open(folder.real, O_RDONLY | O_DIRECTORY);
    const Folder listing(opened ? ::fdopendir(::dup(opened.get())) : nullptr);
    if (!listing) {
      if (is_gone(errno) && !folder.path.empty()) return {};
      return unreadable(folder.path.empty() ? root_ : folder.path, errno);
    }
    errno = 0;
    while (const dirent* one = ::readdir(listing.get())) {
      if (check_.is_due()) return unreadable(folder.path.empty() ? root_ : folder.path, EINTR);
      const std::string_view name = one->d_name;
      if (name == "." || name == ".." || name == ".git") continue;
      const Place at{join(folder.path, name), join(folder.real, name)};
      if (auto looked = look(opened.get(), one->d_name, at, one->d_type); !looked) return looked;
      errno = 0;
    }
    if (errno != 0) return unreadable(folder.path, errno);
    return {};
  }

  Result<void> look(int folder, const char* name, const Place& at, unsigned char type) {
    struct stat status{};
    const bool matches = patterns_.matches(at.path);
    if (matches || type == DT_UNKNOWN) {  // Some file systems do not tell.
      if (::fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) != 0)
        return is_gone(errno) ? Result<void>() : unreadable(at.path, errno);
      type = S_ISDIR(status.st_mode) ? DT_DIR : DT_REG;
    }
    if (matches) add(at, status);
    if (type == DT_DIR && may_hold(at.path)) to_enter_.push_back(at);
    return {};
  }

  /// Whether some path below `folder` can match.
  bool may_hold(const std::string& folder) const {
    if (!skip_.empty() && folder == skip_) return false;
    const auto shuts_out = [&](const Glob& glob) {
      return (glob.is_literal() || glob.is_all_below()) &&
             is_at_or_below(folder, glob.literal_prefix());
    };
    if (std::ranges::any_of(patterns_.exclude, shuts_out)) return false;
    const auto all_below = Glob::parse(footprint::escape(folder) + "/**");
    if (!all_below) return true;  // A name too long for a pattern.
    return std::ranges::any_of(
        patterns_.include, [&](const Glob& glob) { return footprint::overlaps(glob, *all_below); });
  }

  const std::string& root_;
  const PatternSet& patterns_;
  const std::string& skip_;
  Links links_;
  sys::Descriptor top_;
  std::vector<Place> to_enter_;
  std::vector<Entry> found_;
  sys::InterruptionCheck check_;
};

}  // namespace

Result<std::vector<Entry>> walk(const std::string& root, const PatternSet& patterns,
                                const std::string& skip, Links links) {
  return Walk(root, patterns, skip, links).run();
}

}  // namespace interlock::workspace
