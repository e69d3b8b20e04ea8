#pragma once

#include <cerrno>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "process/foreign_path.h"

// A file system made from bytes, for the fuzz target and the seeded test: links anywhere, to
// anything.
namespace interlock::process {

/// Gives bytes one by one, and zeros when there are no more.
class Bytes {
 public:
  explicit Bytes(std::string_view bytes) : rest_(bytes) {}

  std::uint8_t next() {
    if (rest_.empty()) return 0;
    const auto byte = static_cast<std::uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    return byte;
  }
  bool empty() const { return rest_.empty(); }

  /// Mostly of names that a walk treats in a way of its own.
  std::string path() {
    static const std::vector<std::string> kNames = {
        "a",    "b",    "..", ".",   "",   "self",        "proc",       "fd", "1",          "cwd",
        "root", "task", "7",  "exe", "ns", "thread-self", "\xff\xfe\n", "/",  "a (deleted)"};
    std::string text;
    for (int names = next() % 12; names > 0; --names) {
      const std::uint8_t which = next();
      text += '/';
      if (which < 240) {
        text += kNames[which % kNames.size()];
      } else {
        text += std::string(std::size_t{which} * (which % 2 == 0 ? 1 : 20), 'x');
      }
    }
    return text;
  }

 private:
  std::string_view rest_;
};

class MadeUpFiles final : public ForeignFiles {
 public:
  explicit MadeUpFiles(Bytes& bytes) : bytes_(bytes) {}

  Link read_link(const std::string& path) const override { return link_at(path); }
  There look_at(const std::string& path) const override {
    return static_cast<There>(path.size() % 4);
  }
  ForeignPath behind(const std::string& path) const override {
    ForeignPath answer;
    answer.kind = static_cast<ForeignPath::Kind>(path.size() % 4);
    answer.elsewhere = path.size() % 3 == 0;
    answer.path = link_at(path).target;
    answer.why = "made up";
    return answer;
  }

 private:
  /// The same link each time it is asked for.
  const Link& link_at(const std::string& path) const {
    const auto known = links_.find(path);
    if (known != links_.end()) return known->second;
    Link link;
    switch (bytes_.next() % 8) {
      case 0: link.error = ENOENT; break;
      case 1: link.error = EACCES; break;
      case 2: link.error = EIO; break;
      case 3: link.target = bytes_.path(); break;
      case 4: link.target = "pipe:[1]" + bytes_.path(); break;
      case 5: link.target = "a" + bytes_.path(); break;
      default: link.error = EINVAL;
    }
    return links_.emplace(path, std::move(link)).first->second;
  }

  Bytes& bytes_;
  mutable std::map<std::string, Link> links_;
};

/// What must hold of where any path leads; empty: it does.
inline std::string flaw_of(const ForeignPath& landed) {
  const auto is_plain = [](const std::string& path) {
    return path.starts_with('/') && as_text(path) == path;
  };
  if (landed.kind == ForeignPath::Kind::path && !is_plain(landed.path))
    return "not an absolute path without `.` and `..`: " + landed.path;
  if (landed.kind == ForeignPath::Kind::unknown && landed.why.empty()) return "unknown, and no why";
  if (landed.links.size() > 41) return "too many links";
  for (const std::string& link : landed.links) {
    if (!is_plain(link)) return "a link with `.` or `..` in its path: " + link;
  }
  return "";
}

}  // namespace interlock::process
