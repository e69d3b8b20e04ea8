#include "plan/fill.h"

#include <algorithm>
#include <array>

#include "plan/shell_context.h"

namespace interlock::plan {

namespace {

/// A name in braces: `opens` of them before it, `closes` after it.
struct Hole {
  std::size_t begin = 0;  ///< Of the first brace.
  std::size_t end = 0;    ///< After the last.
  std::size_t opens = 0;
  std::size_t closes = 0;
  std::string_view name;

  bool doubled() const { return opens >= 2 && closes >= 2; }
};

bool begins_name(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool goes_on_name(char c) {
  return begins_name(c) || (c >= '0' && c <= '9') || std::string_view(".-:*?").contains(c);
}

/// The next name in braces at or after `from`. `${x}` belongs to a shell.
std::optional<Hole> next_hole(std::string_view text, std::size_t from) {
  for (auto open = text.find('{', from); open != text.npos; open = text.find('{', open)) {
    const auto name = std::min(text.size(), text.find_first_not_of('{', open));
    auto end = name;
    while (end < text.size() && goes_on_name(text[end])) ++end;
    const bool named =
        end > name && begins_name(text[name]) && end < text.size() && text[end] == '}';
    if (named && !(open > 0 && text[open - 1] == '$')) {
      const auto after = std::min(text.size(), text.find_first_not_of('}', end));
      return Hole{open, after, name - open, after - end, text.substr(name, end - name)};
    }
    open = std::max(end, open + 1);
  }
  return std::nullopt;
}

/// What a value holds of placeholders, with one brace more on each side.
std::string with_doubled_braces(std::string_view value) {
  std::string out;
  std::size_t at = 0;
  while (const auto hole = next_hole(value, at)) {
    const auto whole = value.substr(hole->begin, hole->end - hole->begin);
    out += value.substr(at, hole->begin - at);
    out += is_reserved(hole->name) ? "{" + std::string(whole) + "}" : std::string(whole);
    at = hole->end;
  }
  return out += value.substr(at);
}

/// Whether `before` ends inside the name of an output: `{outputs.summary-` with `{item.stem}}` to
/// follow.
bool inside_output_name(std::string_view before) {
  const auto brace = before.rfind('{');
  if (brace == before.npos) return false;
  const auto name = before.substr(brace + 1);
  return (name.starts_with("outputs.") || name.starts_with("output_files.")) &&
         std::ranges::all_of(name, goes_on_name);
}

/// Takes the pieces of a text in turn: what stands as it is, and what a placeholder stands for.
class Pieces {
 public:
  virtual ~Pieces() = default;
  virtual void text(std::string_view text) = 0;
  /// `as_written` is the placeholder with its braces.
  virtual void value(std::string_view value, std::string_view as_written) = 0;
};

void walk(std::string_view text, const Lookup& lookup, Stage stage, Pieces& pieces) {
  std::size_t at = 0;
  while (const auto hole = next_hole(text, at)) {
    pieces.text(text.substr(at, hole->begin - at));
    at = hole->end;
    const auto whole = text.substr(hole->begin, hole->end - hole->begin);
    const auto value = lookup(hole->name);
    const bool means_braces = hole->doubled() && (value || is_reserved(hole->name));
    if (means_braces && stage == Stage::early && is_reserved(hole->name)) {
      pieces.text(whole);
    } else if (means_braces) {
      pieces.text(whole.substr(1, whole.size() - 2));
    } else if (!value) {
      pieces.text(whole);
    } else {
      // Only the innermost braces are the placeholder's: `{"a": {item}}`.
      pieces.text(whole.substr(0, hole->opens - 1));
      if (inside_output_name(text.substr(0, hole->begin + hole->opens - 1))) {
        pieces.text(as_id(*value));
      } else {
        pieces.value(stage == Stage::early ? with_doubled_braces(*value) : *value,
                     whole.substr(hole->opens - 1, hole->name.size() + 2));
      }
      pieces.text(whole.substr(whole.size() - (hole->closes - 1)));
    }
  }
  pieces.text(text.substr(at));
}

class PlainText : public Pieces {
 public:
  void text(std::string_view text) override { out += text; }
  void value(std::string_view value, std::string_view) override { out += value; }

  std::string out;
};

class ShellText : public Pieces {
 public:
  void text(std::string_view text) override {
    out += text;
    context_.feed(text);
  }
  void value(std::string_view value, std::string_view as_written) override {
    if (!context_.unsafe().empty()) return text(as_written);
    out += context_.quoted(value);
    context_.value_follows();
  }

  std::string out;

 private:
  ShellContext context_;
};

/// `[sh, -c, script]`, also `/bin/bash -ec`.
bool runs_script(const std::vector<std::string>& arguments) {
  static constexpr std::array kShells = {std::string_view("sh"), std::string_view("bash"),
                                         std::string_view("dash"), std::string_view("ksh"),
                                         std::string_view("zsh")};
  if (arguments.size() < 3) return false;
  const std::string_view program = arguments[0];
  const auto name = program.substr(program.rfind('/') + 1);
  const auto& option = arguments[1];
  return std::ranges::find(kShells, name) != kShells.end() && option.size() >= 2 &&
         option[0] == '-' && option[1] != '-' && option.back() == 'c';
}

}  // namespace

std::string as_id(std::string_view value) {
  std::string id;
  for (const char c : value) {
    const bool allowed = goes_on_name(c) && !std::string_view(":*?").contains(c);
    if (allowed) {
      id += c;
    } else if (!id.empty() && !id.ends_with('-')) {
      id += '-';
    }
  }
  while (id.ends_with('-')) id.pop_back();
  return id;
}

bool is_reserved(std::string_view name) {
  static constexpr std::array kWords = {
      std::string_view("item"),        std::string_view("index"),    std::string_view("outputs"),
      std::string_view("run.id"),      std::string_view("task.id"),  std::string_view("workspace"),
      std::string_view("tmp"),         std::string_view("deadline"), std::string_view("prompt"),
      std::string_view("prompt_file"), std::string_view("session")};
  return std::ranges::find(kWords, name) != kWords.end() || name.starts_with("item.") ||
         name.starts_with("outputs.") || name.starts_with("output_files.");
}

const std::vector<std::string>& known_placeholders() {
  static const std::vector<std::string> kNames = {
      "item",    "item.name",   "item.stem", "item.ext",  "item.dir", "index",
      "outputs", "run.id",      "task.id",   "workspace", "tmp",      "deadline",
      "prompt",  "prompt_file", "session",   "outputs.ID"};
  return kNames;
}

std::string with_plain_braces(std::string_view text, const Lookup& lookup) {
  std::string out;
  std::size_t at = 0;
  while (const auto hole = next_hole(text, at)) {
    auto whole = text.substr(hole->begin, hole->end - hole->begin);
    out += text.substr(at, hole->begin - at);
    at = hole->end;
    if (hole->doubled() && !is_reserved(hole->name) && !lookup(hole->name))
      whole = whole.substr(1, whole.size() - 2);
    out += whole;
  }
  return out += text.substr(at);
}

std::vector<std::string> braced_names(std::string_view text) {
  std::vector<std::string> names;
  for (auto hole = next_hole(text, 0); hole; hole = next_hole(text, hole->end)) {
    if (!hole->doubled()) names.emplace_back(hole->name);
  }
  return names;
}

std::vector<std::string> placeholders(std::string_view text) {
  auto names = braced_names(text);
  std::erase_if(names, [](const std::string& name) { return !is_reserved(name); });
  return names;
}

std::string fill(std::string_view text, const Lookup& lookup, Stage stage) {
  if (!has_braces(text)) return std::string(text);
  PlainText pieces;
  walk(text, lookup, stage, pieces);
  return std::move(pieces.out);
}

std::string replace_placeholder(std::string_view text, std::string_view name, std::string_view by) {
  std::string out;
  std::size_t at = 0;
  while (const auto hole = next_hole(text, at)) {
    const auto whole = text.substr(hole->begin, hole->end - hole->begin);
    out += text.substr(at, hole->begin - at);
    out += hole->name == name && !hole->doubled() ? by : whole;
    at = hole->end;
  }
  return out += text.substr(at);
}

std::string fill_shell(std::string_view text, const Lookup& lookup, Stage stage) {
  if (!has_braces(text)) return std::string(text);
  ShellText pieces;
  walk(text, lookup, stage, pieces);
  return std::move(pieces.out);
}

std::optional<UnsafePlace> unsafe_for_shell(std::string_view text, const Lookup& lookup) {
  if (!has_braces(text)) return std::nullopt;
  ShellContext context;
  std::size_t at = 0;
  while (const auto hole = next_hole(text, at)) {
    context.feed(text.substr(at, hole->begin - at));
    at = hole->end;
    if (hole->doubled() || !(is_reserved(hole->name) || lookup(hole->name))) {
      context.feed(text.substr(hole->begin, hole->end - hole->begin));
      continue;
    }
    if (!context.unsafe().empty())
      return UnsafePlace{std::string(hole->name), std::string(context.unsafe())};
    context.value_follows();
  }
  return std::nullopt;
}

std::optional<std::string_view> script_of(const Command& command) {
  if (!command.shell.empty()) return command.shell;
  if (runs_script(command.arguments)) return command.arguments[2];
  return std::nullopt;
}

Command fill_command(Command command, const Lookup& lookup, Stage stage) {
  if (has_braces(command.shell)) command.shell = fill_shell(command.shell, lookup, stage);
  const bool script = runs_script(command.arguments);
  for (std::size_t at = 0; at < command.arguments.size(); ++at) {
    auto& argument = command.arguments[at];
    if (!has_braces(argument)) continue;
    argument =
        script && at == 2 ? fill_shell(argument, lookup, stage) : fill(argument, lookup, stage);
  }
  return command;
}

}  // namespace interlock::plan
