#include "plan/amend.h"

#include <fmt/format.h>

#include <algorithm>

namespace interlock::plan {
namespace {

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size() - 1);
    lines.emplace_back(text.substr(0, end + 1));
    text.remove_prefix(end + 1);
  }
  return lines;
}

std::size_t indent_of(const std::string& line) {
  const std::size_t at = line.find_first_not_of(' ');
  return at == std::string::npos || line[at] == '\n' || line[at] == '\r' ? std::string::npos : at;
}

bool is_idle(const std::string& line) {
  const std::size_t at = indent_of(line);
  return at == std::string::npos || line[at] == '#';
}

std::string in_yaml(const std::vector<std::string>& patterns) {
  std::string list;
  for (const std::string& pattern : patterns) {
    list += list.empty() ? "\"" : ", \"";
    for (const char c : pattern) {
      if (c == '"' || c == '\\') list += '\\';
      list += c;
    }
    list += '"';
  }
  return "[" + list + "]";
}

/// One task's lines in the document.
class Block {
 public:
  Block(std::vector<std::string>& lines, Place place)
      : lines_(lines), first_(place.line - 1), indent_(place.column - 1) {
    last_ = first_ + 1;
    while (last_ < lines_.size() && (is_idle(lines_[last_]) || indent_of(lines_[last_]) >= indent_))
      ++last_;
    while (last_ > first_ + 1 && is_idle(lines_[last_ - 1])) --last_;
  }

  bool is_flow() const { return lines_[first_].size() <= indent_ || lines_[first_][indent_] == '{'; }

  void set(std::string_view key, const std::vector<std::string>& patterns) {
    const std::string entry = fmt::format("{}: {}\n", key, in_yaml(patterns));
    const std::size_t at = find(key);
    if (at == last_) {
      if (!lines_[last_ - 1].ends_with('\n')) lines_[last_ - 1] += '\n';
      lines_.insert(lines_.begin() + static_cast<std::ptrdiff_t>(last_),
                    std::string(indent_, ' ') + entry);
      ++last_;
      return;
    }
    lines_[at] = lines_[at].substr(0, indent_) + entry;
    const std::size_t end = end_of_entry(at);
    lines_.erase(lines_.begin() + static_cast<std::ptrdiff_t>(at) + 1,
                 lines_.begin() + static_cast<std::ptrdiff_t>(end));
    last_ -= end - at - 1;
  }

 private:
  /// The line on which the task's own key stands; `last_` when it has none.
  std::size_t find(std::string_view key) const {
    for (std::size_t i = first_; i < last_; ++i) {
      const bool own = i == first_ || indent_of(lines_[i]) == indent_;
      if (own && lines_[i].compare(indent_, key.size() + 1, std::string(key) + ":") == 0) return i;
    }
    return last_;
  }

  /// Lines that lie deeper belong to the entry, and so do a list's dashes that stand right below it.
  std::size_t end_of_entry(std::size_t at) const {
    std::size_t end = at + 1;
    while (end < last_) {
      const std::size_t indent = indent_of(lines_[end]);
      const bool dash = indent == indent_ && lines_[end].compare(indent, 2, "- ") == 0;
      if (!is_idle(lines_[end]) && indent <= indent_ && !dash) break;
      ++end;
    }
    while (end > at + 1 && is_idle(lines_[end - 1])) --end;
    return end;
  }

  std::vector<std::string>& lines_;
  std::size_t first_, last_, indent_;
};

}  // namespace

Result<std::string> with_footprints(std::string_view document, std::vector<FootprintEdit> edits) {
  std::vector<std::string> lines = lines_of(document);
  // From the end, so that what is inserted does not move what is still to be found.
  std::ranges::sort(edits, std::ranges::greater(), [](const FootprintEdit& edit) { return edit.task.line; });
  for (const FootprintEdit& edit : edits) {
    if (edit.task.line == 0 || edit.task.line > lines.size())
      return fail(Error::Kind::invalid, "the plan is not the one that was read");
    Block block(lines, edit.task);
    if (block.is_flow()) {
      return fail(Error::Kind::refused,
                  fmt::format("the task in line {} is written in braces", edit.task.line),
                  fmt::format("add by hand: reads: {}, writes: {}", in_yaml(edit.reads),
                              in_yaml(edit.writes)));
    }
    block.set("reads", edit.reads);
    block.set("writes", edit.writes);
  }
  std::string text;
  for (const std::string& line : lines) text += line;
  return text;
}

}  // namespace interlock::plan
