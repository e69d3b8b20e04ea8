#include "process/foreign_path.h"

#include <fmt/format.h>
#include <limits.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <utility>

namespace interlock::process {
namespace {

constexpr int kLinksMax = 40;

bool is_number(std::string_view text) {
  return !text.empty() &&
         std::ranges::all_of(text, [](unsigned char c) { return std::isdigit(c) != 0; });
}

/// Whether the folder is the one of a process in /proc, or below it.
bool is_of_process(std::string_view folder) {
  constexpr std::string_view kProc = "/proc/";
  if (!folder.starts_with(kProc)) return false;
  folder.remove_prefix(kProc.size());
  return is_number(folder.substr(0, folder.find('/')));
}

/// Links of /proc lead to the thing itself, whatever their text says.
bool is_magic(std::string_view folder, std::string_view name) {
  return is_of_process(folder) &&
         (name == "root" || name == "cwd" || name == "exe" || folder.ends_with("/fd") ||
          folder.ends_with("/map_files") || folder.ends_with("/ns"));
}

/// One walk along a path.
class PathWalk {
 public:
  PathWalk(const ForeignFiles& files, pid_t process, bool follows)
      : files_(files), process_(process), follows_(follows) {}

  ForeignPath walk(std::string_view path) {
    go(path);
    while (!ahead_.empty() && !is_over_) {
      const std::string name = std::move(ahead_.back());
      ahead_.pop_back();
      step(name);
    }
    if (result_.kind == Kind::path) result_.path = path_.empty() ? "/" : path_;
    return std::move(result_);
  }

 private:
  using Kind = ForeignPath::Kind;
  using There = ForeignFiles::There;

  /// Puts the names of `path` before what is still to go.
  void go(std::string_view path) {
    std::vector<std::string> names;
    // Who ends in a slash means what a link there leads to.
    if (path.ends_with('/')) names.emplace_back(".");
    while (!path.empty()) {
      const auto slash = path.rfind('/');
      const std::string_view name = slash == std::string_view::npos ? path : path.substr(slash + 1);
      if (!name.empty()) names.emplace_back(name);
      path = slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
    }
    ahead_.insert(ahead_.end(), names.begin(), names.end());
  }

  void step(const std::string& name) {
    if (name == ".") return;
    if (name == "..") return go_up();
    if (name.size() > NAME_MAX) return end(Kind::nowhere);
    std::string next = path_ + "/";
    // These two mean whoever looks, which would be us.
    const bool means_itself = path_ == "/proc" && (name == "self" || name == "thread-self");
    next += means_itself ? fmt::format("{}", process_) : name;
    if (next.size() >= PATH_MAX) return end_unknown("is longer than can be followed");
    const bool looks = !is_missing_ && (!ahead_.empty() || follows_);
    const auto link = looks ? files_.read_link(next) : ForeignFiles::Link{EINVAL, {}};
    if (link.error == 0) return follow(next, name, link.target);
    switch (link.error) {
      case EINVAL: break;  // Something that is no link.
      case ENOENT:
      case ENOTDIR:
      case EACCES: is_missing_ = true; break;
      case ELOOP: return end(Kind::nowhere);
      default: return end_unknown(std::strerror(link.error));
    }
    path_ = std::move(next);
  }

  /// Above what is missing, or is no folder, the kernel goes nowhere: the walk ends with that.
  void go_up() {
    if (path_.empty()) return;
    if (is_missing_) return stop();
    switch (files_.look_at(path_)) {
      case There::folder: break;
      case There::nothing:
      case There::other: return stop();
      case There::unknown: return end_unknown("cannot be looked at");
    }
    path_.resize(path_.rfind('/'));
  }

  void follow(const std::string& at, std::string_view name, const std::string& target) {
    if (++links_ > kLinksMax || target.empty()) {
      result_.links.push_back(at);
      return end(Kind::nowhere);
    }
    if (is_magic(path_, name)) return follow_magic(at);
    result_.links.push_back(at);
    if (target.starts_with('/')) path_.clear();
    go(target);
  }

  void follow_magic(const std::string& at) {
    ForeignPath behind = files_.behind(at);
    result_.elsewhere = result_.elsewhere || behind.elsewhere;
    if (behind.kind == Kind::path && behind.path.starts_with('/')) {
      path_ = as_text(behind.path);
      if (path_ == "/") path_.clear();
      return;
    }
    if (behind.kind == Kind::deleted && !ahead_.empty())
      return end_unknown("begins in a folder that was deleted");
    end(behind.kind == Kind::path ? Kind::nowhere : behind.kind);
    result_.path = std::move(behind.path);
    result_.why = std::move(behind.why);
  }

  void stop() {
    ahead_.clear();
    is_over_ = true;
  }
  void end(Kind kind) {
    stop();
    result_.kind = kind;
  }
  void end_unknown(std::string_view why) {
    end(Kind::unknown);
    result_.why = fmt::format("a path of process {} {}", process_, why);
  }

  const ForeignFiles& files_;
  const pid_t process_;
  const bool follows_;
  std::string path_;                ///< So far; empty: the root.
  std::vector<std::string> ahead_;  ///< Names, the next one last.
  int links_ = 0;
  bool is_missing_ = false;  ///< Nothing is at `path_`, so nothing is below it.
  bool is_over_ = false;
  ForeignPath result_;
};

}  // namespace

std::string as_text(std::string_view path) {
  std::string result;
  while (!path.empty()) {
    const auto slash = std::min(path.find('/'), path.size());
    const std::string_view name = path.substr(0, slash);
    path.remove_prefix(std::min(slash + 1, path.size()));
    if (name.empty() || name == ".") continue;
    if (name == "..") {
      result.resize(result.empty() ? 0 : result.rfind('/'));
    } else {
      result += '/';
      result += name;
    }
  }
  return result.empty() ? "/" : result;
}

bool goes_up(std::string_view path) {
  return path == ".." || path.starts_with("../") || path.ends_with("/..") ||
         path.find("/../") != std::string_view::npos;
}

ForeignPath resolve(const ForeignFiles& files, pid_t process, std::string_view path, bool follows) {
  return PathWalk(files, process, follows).walk(path);
}

}  // namespace interlock::process
