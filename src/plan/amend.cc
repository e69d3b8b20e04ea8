#include "plan/amend.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <boost/json/string.hpp>
#include <optional>

#include "base/text.h"
#include "plan/document.h"

namespace interlock::plan {
namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

/// A stretch of the document and what is to stand there instead.
struct TextEdit {
  std::size_t begin = 0, length = 0;
  std::string text;
};

/// As JSON writes it, which YAML reads likewise, whatever the name holds.
std::string in_yaml(const std::string& pattern) {
  return boost::json::serialize(boost::json::string(pattern));
}
std::string in_yaml(const std::vector<std::string>& patterns) {
  std::vector<std::string> quoted;
  for (const std::string& pattern : patterns) quoted.push_back(in_yaml(pattern));
  return fmt::format("[{}]", fmt::join(quoted, ", "));
}

/// Where a list or map in brackets ends that begins at `begin`: after its closing bracket.
std::size_t end_of_flow(std::string_view text, std::size_t begin) {
  std::size_t open = 0;
  for (std::size_t at = begin; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '[' || c == '{') {
      ++open;
    } else if (c == ']' || c == '}') {
      if (--open == 0) return at + 1;
    } else if (c == '"' || c == '\'') {
      // A quote inside a plain word is a letter.
      const bool begins = std::string_view(" \t\r\n,[{:").contains(text[at - 1]);
      if (!begins) continue;
      for (++at; at < text.size() && text[at] != c; ++at) {
        if (c == '"' && text[at] == '\\') ++at;
      }
    } else if (c == '#' && std::string_view(" \t\r\n").contains(text[at - 1])) {
      at = std::min(text.find('\n', at), text.size());
    }
  }
  return text.size();
}

/// Where a value begins, with its quote or the star of an alias: a token's mark stands behind it.
std::size_t start_of(std::string_view text, Node value) {
  const std::size_t begin = value.span().begin;
  const bool marked = begin > 0 && !(value.is_scalar() && value.is_plain()) &&
                      std::string_view("\"'*").contains(text[begin - 1]);
  return marked ? begin - 1 : begin;
}

/// Where it ends; of a plain text of several lines, its first: what comes of that is found out in
/// the end.
std::size_t end_of(std::string_view text, Node value) {
  const std::size_t begin = start_of(text, value);
  const char first = begin < text.size() ? text[begin] : ' ';
  if (first == '[' || first == '{') return end_of_flow(text, begin);
  const bool quoted = value.is_scalar() && !value.is_plain() && (first == '"' || first == '\'');
  if (!quoted) return value.span().begin + value.span().length;
  std::size_t at = begin + 1;
  for (; at < text.size() && text[at] != first; ++at) {
    if (first == '"' && text[at] == '\\') ++at;
  }
  return std::min(at + 1, text.size());
}

bool is_alias(std::string_view text, Node value) { return text[start_of(text, value)] == '*'; }

/// Finds out what to change in the text of a document for one of its tasks.
class TaskEdits {
 public:
  TaskEdits(std::string_view text, Node task, std::vector<TextEdit>& edits)
      : text_(text), task_(task), edits_(edits), in_braces_(text[task.span().begin] == '{') {}

  void set(std::string_view key, const std::vector<std::string>& patterns);

 private:
  void add_entry(std::string_view key, const std::vector<std::string>& patterns);
  void replace(Node key, Node value, const std::vector<std::string>& patterns);
  bool append(Node value, const std::vector<std::string>& missing);
  void replace_block(Node key, Node value, const std::vector<std::string>& patterns);

  std::size_t line_begin(std::size_t at) const {
    const auto newline = at == 0 ? text_.npos : text_.rfind('\n', at - 1);
    return newline == text_.npos ? 0 : newline + 1;
  }
  /// After the line's end.
  std::size_t line_end(std::size_t at) const {
    const auto newline = text_.find('\n', at);
    return newline == text_.npos ? text_.size() : newline + 1;
  }
  std::string_view line_break() const {
    const auto newline = text_.find('\n');
    return newline != text_.npos && newline > 0 && text_[newline - 1] == '\r' ? "\r\n" : "\n";
  }
  std::size_t end_of_block() const;
  bool is_flow_list(Node value) const {
    return value.is_list() && text_[value.span().begin] == '[';
  }

  std::string_view text_;
  Node task_;
  std::vector<TextEdit>& edits_;
  bool in_braces_;
};

/// After the last line of the task that holds more than a comment.
std::size_t TaskEdits::end_of_block() const {
  const std::size_t first = task_.span().begin;
  const std::size_t indent = first - line_begin(first);
  std::size_t end = line_end(first);
  for (std::size_t at = end; at < text_.size(); at = line_end(at)) {
    const auto word = std::min(text_.find_first_not_of(' ', at), text_.size());
    const bool is_idle = word == text_.size() || std::string_view("#\r\n").contains(text_[word]);
    if (is_idle) continue;
    if (word - at < indent) break;
    end = line_end(at);
  }
  return end;
}

void TaskEdits::add_entry(std::string_view key, const std::vector<std::string>& patterns) {
  if (in_braces_) {
    const auto [last_key, last] = task_.entries().back();
    const std::string_view quote = text_[start_of(text_, last_key)] == '"' ? "\"" : "";
    edits_.push_back({last.is_null() ? end_of(text_, last_key) : end_of(text_, last), 0,
                      fmt::format(", {0}{1}{0}: {2}", quote, key, in_yaml(patterns))});
    return;
  }
  const std::size_t first = task_.span().begin;
  const std::size_t end = end_of_block();
  // The document's last line may have no end; what was put behind it before gave it one.
  const bool is_first = edits_.empty() || edits_.back().begin != end || edits_.back().text.empty();
  const bool is_open = end > 0 && text_[end - 1] != '\n' && is_first;
  edits_.push_back({end, 0,
                    fmt::format("{}{}{}: {}{}", is_open ? line_break() : "",
                                std::string(first - line_begin(first), ' '), key, in_yaml(patterns),
                                line_break())});
}

/// Keeps the list as it is written and adds to its end. False where it is written in another way.
bool TaskEdits::append(Node value, const std::vector<std::string>& missing) {
  const auto items = value.items();
  if (!value.is_list() || items.empty() || is_alias(text_, value)) return false;
  if (!std::ranges::all_of(items, [](Node item) { return item.is_scalar(); })) return false;
  const std::size_t last = items.back().span().begin;
  if (is_flow_list(value)) {
    std::string text;
    for (const std::string& pattern : missing) text += ", " + in_yaml(pattern);
    edits_.push_back({end_of(text_, items.back()), 0, std::move(text)});
    return true;
  }
  const std::size_t begin = line_begin(last);
  const auto dash = text_.find_first_not_of(' ', begin);
  if (dash == text_.npos || text_[dash] != '-') return false;
  const std::size_t end = line_end(last);
  std::string text = text_[end - 1] == '\n' ? "" : std::string(line_break());
  for (const std::string& pattern : missing) {
    text +=
        fmt::format("{}- {}{}", text_.substr(begin, dash - begin), in_yaml(pattern), line_break());
  }
  edits_.push_back({end, 0, std::move(text)});
  return true;
}

/// A list with a line for each item becomes one in brackets; what stands behind its key stays.
void TaskEdits::replace_block(Node key, Node value, const std::vector<std::string>& patterns) {
  const auto items = value.items();
  const std::size_t colon = text_.find(':', key.span().begin + key.span().length);
  edits_.push_back({colon + 1, 0, " " + in_yaml(patterns)});
  const std::size_t first = line_end(colon);
  edits_.push_back({first, line_end(items.back().span().begin) - first, ""});
}

void TaskEdits::replace(Node key, Node value, const std::vector<std::string>& patterns) {
  const Span span = value.span();
  if (value.is_null() && span.length <= 1) {  // `reads:` with nothing behind it.
    const std::size_t colon = text_.find(':', key.span().begin + key.span().length);
    edits_.push_back({colon + 1, 0, " " + in_yaml(patterns)});
  } else if (value.is_list() && !is_flow_list(value) && !is_alias(text_, value)) {
    replace_block(key, value, patterns);
  } else {
    const std::size_t begin = start_of(text_, value);
    edits_.push_back({begin, end_of(text_, value) - begin, in_yaml(patterns)});
  }
}

void TaskEdits::set(std::string_view key, const std::vector<std::string>& patterns) {
  for (const auto& [name, value] : task_.entries()) {
    if (name.text() != key) continue;
    std::vector<std::string> missing = patterns;
    bool keeps_all = true;
    for (const auto& item : value.is_list() ? value.items() : std::vector<Node>{value}) {
      const auto erased = std::erase(missing, item.text());
      keeps_all = keeps_all && (erased > 0 || value.is_null());
    }
    if (keeps_all && missing.empty() && !value.is_null()) return;
    if (!keeps_all || !append(value, missing)) replace(name, value, patterns);
    return;
  }
  add_entry(key, patterns);
}

/// The document as a text that is equal for equal values, however they are written, without the
/// lists that were to change.
std::string without_footprints(Node node, bool is_task, const std::vector<Place>& tasks,
                               const SourceText& source) {
  if (node.is_scalar())
    return fmt::format("{}{}", node.is_plain() ? "" : "'", in_yaml(std::string(node.text())));
  std::string text;
  if (node.is_list()) {
    for (const auto& item : node.items()) {
      const bool edited = std::ranges::find(tasks, source.place(item.span())) != tasks.end();
      text += without_footprints(item, edited, tasks, source) + ",";
    }
    return "[" + text + "]";
  }
  for (const auto& [key, value] : node.entries()) {
    if (is_task && (key.text() == "reads" || key.text() == "writes")) continue;
    text += in_yaml(std::string(key.text())) + ":" +
            without_footprints(value, false, tasks, source) + ",";
  }
  return "{" + text + "}";
}

std::vector<std::string> listed(Node task, std::string_view key) {
  std::vector<std::string> texts;
  const auto value = task.member(key);
  if (!value) return texts;
  for (const auto& item : value->is_list() ? value->items() : std::vector<Node>{*value})
    texts.emplace_back(item.text());
  std::ranges::sort(texts);
  return texts;
}

std::vector<std::string> sorted(std::vector<std::string> texts) {
  std::ranges::sort(texts);
  texts.erase(std::ranges::unique(texts).begin(), texts.end());
  return texts;
}

/// A document and its tasks, in document order.
struct Parsed {
  explicit Parsed(std::string_view text) : source(text), problems(source, kNoSet) {
    document = Document::parse(source, problems);
    if (!document) return;
    const auto list = document->root().is_map() ? document->root().member("tasks") : std::nullopt;
    if (list && list->is_list()) tasks = list->items();
  }

  static inline const std::map<std::string, std::string> kNoSet;
  SourceText source;
  Problems problems;
  std::optional<Document> document;
  std::vector<Node> tasks;
};

/// Whether `after` says what was asked for, and nothing else than before.
bool is_as_meant(const Parsed& before, const Parsed& after,
                 const std::vector<FootprintEdit>& edits) {
  if (!after.document || after.tasks.size() != before.tasks.size()) return false;
  std::vector<Place> old_places, new_places;
  for (std::size_t at = 0; at < before.tasks.size(); ++at) {
    const Place place = before.source.place(before.tasks[at].span());
    const auto edit = std::ranges::find(edits, place, &FootprintEdit::task);
    if (edit == edits.end()) continue;
    old_places.push_back(place);
    new_places.push_back(after.source.place(after.tasks[at].span()));
    if (!after.tasks[at].is_map() || listed(after.tasks[at], "reads") != sorted(edit->reads) ||
        listed(after.tasks[at], "writes") != sorted(edit->writes))
      return false;
  }
  return without_footprints(before.document->root(), false, old_places, before.source) ==
         without_footprints(after.document->root(), false, new_places, after.source);
}

std::string apply_edits(std::string_view text, std::vector<TextEdit> edits) {
  std::ranges::stable_sort(edits, {}, &TextEdit::begin);
  std::string out;
  std::size_t at = 0;
  for (const TextEdit& edit : edits) {
    out += text.substr(at, edit.begin - at);
    out += edit.text;
    at = edit.begin + edit.length;
  }
  return out += text.substr(at);
}

std::unexpected<Error> by_hand(const FootprintEdit& edit) {
  return fail(Error::Kind::refused,
              fmt::format("the task in line {} is written in a way that cannot be changed safely",
                          edit.task.line),
              fmt::format("change it by hand: reads: {}, writes: {}", in_yaml(edit.reads),
                          in_yaml(edit.writes)));
}

}  // namespace

Result<std::string> with_footprints(std::string_view document, std::vector<FootprintEdit> edits) {
  const bool marked = document.starts_with(kByteOrderMark);
  const std::string_view text = document.substr(marked ? kByteOrderMark.size() : 0);
  const Parsed before(text);
  std::vector<TextEdit> changes;
  for (FootprintEdit& edit : edits) {
    const auto task = std::ranges::find_if(before.tasks, [&](Node one) {
      return one.is_map() && before.source.place(one.span()) == edit.task;
    });
    if (task == before.tasks.end())
      return fail(Error::Kind::invalid, "the plan is not the one that was read");
    // An alias, whose map stands elsewhere and is another task's too.
    if (is_alias(text, *task)) return by_hand(edit);
    TaskEdits one(text, *task, changes);
    one.set("reads", edit.reads);
    one.set("writes", edit.writes);
  }
  std::string amended = apply_edits(text, std::move(changes));
  const Parsed after(amended);
  if (!first_bad_utf8(amended) && is_as_meant(before, after, edits))
    return (marked ? std::string(kByteOrderMark) : std::string()) + amended;
  return by_hand(edits.front());
}

}  // namespace interlock::plan
