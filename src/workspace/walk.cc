#include "workspace/walk.h"

#include <dirent.h>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

#include "base/text.h"
#include "workspace/beneath.h"

namespace interlock::workspace {
namespace {

using footprint::Glob;
using footprint::PatternSet;

struct CloseFolder {
  void operator()(DIR* folder) const { ::closedir(folder); }
};
using Folder = std::unique_ptr<DIR, CloseFolder>;

bool is_gone(int number) { return number == ENOENT || number == ENOTDIR; }

std::unexpected<Error> unreadable(const std::string& path, int number) {
  return fail(Error::Kind::io,
              fmt::format("cannot read `{}`: {}", printable(path), std::strerror(number)));
}

class Walk {
 public:
  Walk(const std::string& root, const PatternSet& patterns, const std::string& skip)
      : root_(root), patterns_(patterns), skip_(skip) {}

  Result<std::vector<Entry>> run() {
    for (const std::string& start : starts()) {
      if (auto begun = begin(start); !begun) return std::unexpected(begun.error());
    }
    while (!to_enter_.empty()) {
      const std::string folder = std::move(to_enter_.back());
      to_enter_.pop_back();
      if (auto entered = enter(folder); !entered) return std::unexpected(entered.error());
    }
    std::ranges::sort(found_, {}, &Entry::path);
    return std::move(found_);
  }

 private:
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

  Result<void> begin(const std::string& start) {
    if (start.empty()) {
      to_enter_.push_back(start);
      return {};
    }
    struct stat behind {};
    const std::string place = root_ + "/" + start;
    if (auto looked = look(start); !looked) return looked;
    // A person who names a link to a folder means the folder.
    if (::stat(place.c_str(), &behind) == 0 && S_ISDIR(behind.st_mode) && may_hold(start))
      to_enter_.push_back(start);
    return {};
  }

  /// Adds what is at `path` if it matches.
  Result<void> look(const std::string& path) {
    if (!patterns_.matches(path)) return {};
    Entry entry{path, {}};
    if (::lstat((root_ + "/" + path).c_str(), &entry.status) == 0) {
      found_.push_back(std::move(entry));
    } else if (!is_gone(errno)) {
      return unreadable(path, errno);
    }
    return {};
  }

  Result<void> enter(const std::string& folder) {
    const std::string place = folder.empty() ? root_ : root_ + "/" + folder;
    const Folder open(::opendir(place.c_str()));
    if (!open) {
      if (is_gone(errno) && !folder.empty()) return {};
      return unreadable(folder.empty() ? root_ : folder, errno);
    }
    errno = 0;
    while (const dirent* one = ::readdir(open.get())) {
      const std::string_view name = one->d_name;
      if (name == "." || name == ".." || name == ".git") continue;
      std::string path = folder.empty() ? std::string(name) : folder + "/" + one->d_name;
      if (auto looked = look(path); !looked) return looked;
      if (is_folder(*one, path) && may_hold(path)) to_enter_.push_back(std::move(path));
      errno = 0;
    }
    if (errno != 0) return unreadable(folder, errno);
    return {};
  }

  bool is_folder(const dirent& one, const std::string& path) const {
    if (one.d_type != DT_UNKNOWN) return one.d_type == DT_DIR;
    struct stat status {};  // Some file systems do not tell.
    return ::lstat((root_ + "/" + path).c_str(), &status) == 0 && S_ISDIR(status.st_mode);
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
  std::vector<std::string> to_enter_;
  std::vector<Entry> found_;
};

}  // namespace

Result<std::vector<Entry>> walk(const std::string& root, const PatternSet& patterns,
                                const std::string& skip) {
  return Walk(root, patterns, skip).run();
}

}  // namespace interlock::workspace
