#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <vector>

#include "base/text.h"
#include "merge/ways.h"

namespace interlock::merge {
namespace {

std::string_view trimmed(std::string_view text, std::string_view what) {
  const std::size_t first = text.find_first_not_of(what);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(what) - first + 1);
}

struct Heading {
  std::size_t level = 2;
  std::string_view text;
};

/// An ATX heading of level 1 or 2 (CommonMark 4.2): `# Risks`, `## Risks ##`.
std::optional<Heading> heading_of(std::string_view line) {
  const std::size_t indent = std::min(line.find_first_not_of(' '), line.size());
  if (indent > 3) return std::nullopt;
  line.remove_prefix(indent);
  const std::size_t level = std::min(line.find_first_not_of('#'), line.size());
  if (level < 1 || level > 2 || (level < line.size() && line[level] != ' ' && line[level] != '\t'))
    return std::nullopt;
  std::string_view text = trimmed(line.substr(level), " \t\r");
  const std::size_t closing = text.find_last_not_of('#');
  if (closing == std::string_view::npos) return Heading{level, {}};
  if (closing + 1 < text.size() && text[closing] == ' ')
    text = trimmed(text.substr(0, closing), " \t");
  return Heading{level, text};
}

/// Knows whether a line lies in a fenced block of code (CommonMark 4.5), where `# x` is a comment
/// and no heading.
class Fence {
 public:
  bool covers(std::string_view line) {
    const std::string_view text = trimmed(line, " \t\r");
    const char mark = text.empty() ? '\0' : text.front();
    const std::size_t run =
        mark == '`' || mark == '~' ? std::min(text.find_first_not_of(mark), text.size()) : 0;
    if (length_ == 0) {
      if (run < 3) return false;
      mark_ = mark;
      length_ = run;
    } else if (mark == mark_ && run >= length_ && run == text.size()) {
      length_ = 0;
    }
    return true;
  }

 private:
  char mark_ = '\0';
  std::size_t length_ = 0;
};

struct Section {
  std::string heading;  ///< Empty: what came before any heading.
  std::size_t level = 2;
  std::vector<std::string> texts;
};

class Sections {
 public:
  explicit Sections(std::span<const std::string> headings) : open_(headings.empty()) {
    sections_.emplace_back();
    for (const std::string& known : headings) {
      const auto heading = heading_of(known).value_or(Heading{2, known});
      known_.emplace_back(heading.text);
      sections_.push_back({known_.back(), heading.level, {}});
    }
  }

  Result<void> add(const Part& part) {
    Fence fence;
    std::size_t section = 0;
    std::string text;
    for (const std::string_view line : split_lines(part.content)) {
      const auto heading = fence.covers(line) ? std::nullopt : heading_of(line);
      if (!heading) {
        text.append(line).append("\n");
        continue;
      }
      keep(section, text);
      const auto found = find(*heading);
      if (!found) return unknown(part, heading->text);
      section = *found;
    }
    keep(section, text);
    return {};
  }

  std::string text() const {
    std::string joined;
    for (const Section& section : sections_) {
      if (section.texts.empty()) continue;
      if (!joined.empty()) joined += '\n';
      if (!section.heading.empty())
        joined += std::string(section.level, '#') + " " + section.heading + "\n\n";
      for (std::size_t i = 0; i < section.texts.size(); ++i)
        joined += (i == 0 ? "" : "\n") + section.texts[i];
    }
    return joined;
  }

 private:
  void keep(std::size_t section, std::string& text) {
    const std::string_view body = trimmed(text, "\r\n");
    if (!trimmed(body, " \t\r\n").empty())
      sections_[section].texts.push_back(std::string(body) + "\n");
    text.clear();
  }

  std::optional<std::size_t> find(const Heading& heading) {
    const auto at = std::find_if(sections_.begin() + 1, sections_.end(),
                                 [&](const Section& one) { return one.heading == heading.text; });
    if (at != sections_.end()) return static_cast<std::size_t>(at - sections_.begin());
    if (!open_) return std::nullopt;
    sections_.push_back({std::string(heading.text), heading.level, {}});
    return sections_.size() - 1;
  }

  std::unexpected<Error> unknown(const Part& part, std::string_view heading) const {
    const auto near = nearest_word(heading, known_);
    std::vector<std::string> quoted;
    for (const std::string& known : known_) quoted.push_back("`" + known + "`");
    return fail(Error::Kind::invalid,
                fmt::format("output of `{}` has an unknown heading `{}`", part.task, heading),
                near ? fmt::format("did you mean `{}`?", *near)
                     : fmt::format("known are {}", join_words(quoted)));
  }

  bool open_;  ///< No headings were named: all are known, in the order they are met.
  std::vector<std::string> known_;
  std::vector<Section> sections_;
};

}  // namespace

Result<std::string> unite_sections(std::span<const Part> parts,
                                   std::span<const std::string> headings) {
  Sections sections(headings);
  for (const Part& part : parts) {
    if (auto added = sections.add(part); !added) return std::unexpected(added.error());
  }
  return sections.text();
}

}  // namespace interlock::merge
