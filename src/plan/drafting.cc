#include "plan/drafting.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <optional>

#include "base/text.h"
#include "plan/document.h"
#include "plan/document_schema.h"

namespace interlock::plan {

namespace {

/// A word without quotes is what JSON makes of it, where that is written in the same way: `1.10`
/// stays a text, for a version is not a number.
json::value scalar_json(Node node) {
  const std::string text(node.text());
  if (node.is_null()) return nullptr;
  if (node.is_plain()) {
    auto value = parse_json(text);
    if (value && !value->is_string() && canonical_json(*value) == text) return std::move(*value);
  }
  return json::value(json::string(text));
}

json::value json_of(Node node) {
  if (node.is_scalar()) return scalar_json(node);
  if (node.is_list()) {
    json::array list;
    node.visit_items([&](Node item) { list.push_back(json_of(item)); });
    return list;
  }
  json::object object;
  node.visit_entries([&](Node key, Node value) { object[key.text()] = json_of(value); });
  return object;
}

std::vector<std::string_view> parts_of(std::string_view key) {
  std::vector<std::string_view> parts;
  for (std::size_t at = 0; at <= key.size();) {
    const std::size_t dot = std::min(key.find('.', at), key.size());
    parts.push_back(key.substr(at, dot - at));
    at = dot + 1;
  }
  return parts;
}

/// Whether the text has the line a plan begins with, or is JSON.
bool looks_like_a_plan(std::string_view text) {
  if (const std::size_t first = text.find_first_not_of(" \t\r\n");
      first != text.npos && text[first] == '{')
    return true;
  return text.starts_with("interlock:") || text.contains("\ninterlock:");
}

/// The texts between lines that begin with a fence. A fence that is indented belongs to what it
/// stands in: prompts hold such.
std::vector<std::string> fenced(std::string_view answer) {
  std::vector<std::string> blocks;
  std::optional<std::string> open;
  while (!answer.empty()) {
    const std::size_t end = std::min(answer.find('\n'), answer.size() - 1) + 1;
    const std::string_view line = answer.substr(0, end);
    answer.remove_prefix(end);
    if (!line.starts_with("```")) {
      if (open) *open += line;
    } else if (open) {
      blocks.push_back(std::move(*open));
      open.reset();
    } else {
      open.emplace();
    }
  }
  return blocks;
}

// Short, for it is paid for with each round. What it says of footprints is what the decision lives
// on, and what an agent that only sees the schema gets wrong.
constexpr std::string_view kGuide =
    R"(A plan is one YAML document. Its tasks are started by a dispatcher: it proves from what each task declares to read and write
which of them can run at the same time, and the result is always that of running them one by one in the order of `tasks`.

- Begin with `interlock: 1`.
- Each task has an `id` and either `run` (a command: a list of words, or a line of shell) or `prompt` (for an agent).
- Each task says what it touches of the workspace: `reads` and `writes`, lists of paths and patterns such as `src/**/*.cc`.
  `[]` is nothing. Say as little as is true: tasks that touch nothing in common run at the same time, and one that says nothing runs alone.
- Split the work where its parts are independent. Do not split what one agent does better in one piece: each task costs a start of its own.
- An agent sees the workspace and its own prompt, and nothing of the other tasks: say in the prompt what it needs to know.
- `output: text` or `output: json` is what a task gives back (a prompt gives `text` without being asked, a command nothing). `{outputs.ID}` in a later prompt or command
  stands for it, and makes that task wait. `needs: [ID]` waits for a task whose output is not wanted.
- `foreach: "docs/*.md"` makes one task for each file that matches; `{item}` is its path, `{item.stem}` its name without folder and ending. Give such a
  task an id such as `"check-{item.stem}"`. Quote every value that begins with a brace or a star.
- `merge` joins outputs: `merge: {all: {from: "check-*", with: concat}}`.
- Check what was made where a command can: a task such as `run: make test`, or `verify: make test` in the task itself.

An example:

```yaml
interlock: 1
agents: {writer: {kind: claude-code}}
tasks:
  - {id: outline, agent: writer, prompt: Read src and outline its manual as a list of chapters., reads: ["src/**"], writes: [], output: text}
  - id: install
    agent: writer
    prompt: "Write docs/install.md, the chapter on installing. The outline: {outputs.outline}"
    reads: ["src/**"]
    writes: [docs/install.md]
  - id: use
    agent: writer
    prompt: "Write docs/use.md, the chapter on daily use. The outline: {outputs.outline}"
    reads: ["src/**"]
    writes: [docs/use.md]
  - {id: links, run: [./check-links, docs], reads: ["docs/**"], writes: [], needs: [install, use]}
```

The JSON Schema of plans, for all that is not said here:

)";

}  // namespace

Result<json::object> members_of(std::string_view text, const std::string& file,
                                const std::vector<std::string_view>& names,
                                const std::map<std::string, std::string>& set) {
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  if (first_bad_utf8(text) || text.contains('\0'))
    return fail(Error::Kind::invalid, fmt::format("`{}` is not UTF-8 text", printable(file)));
  const SourceText source(text);
  Problems problems(source, set);
  auto document = Document::parse(source, problems);
  if (!document || problems.reported() > 0)
    return fail(Error::Kind::invalid, render(problems.finish(), file));
  std::uint32_t entry = 0;
  for (const auto& [key, value] : set) {
    if (key.contains('.') && !document->set(parts_of(key), value, entry))
      return fail(Error::Kind::invalid,
                  fmt::format("`--set {}` leads through something that is no map", printable(key)));
    ++entry;
  }
  json::object members;
  for (const std::string_view name : names) {
    if (const auto node = document->root().member(name)) members[name] = json_of(*node);
  }
  return members;
}

Result<std::string> document_in(std::string_view answer) {
  std::vector<std::string> found;
  for (std::string& block : fenced(answer)) {
    if (looks_like_a_plan(block)) found.push_back(std::move(block));
  }
  if (found.size() == 1) return std::move(found.front());
  if (found.size() > 1)
    return fail(Error::Kind::invalid,
                fmt::format("the answer holds {} plans: answer with one", found.size()));
  // A fence that is open to the end may be half an answer.
  const std::size_t first = std::min(answer.find_first_not_of(" \t\r\n"), answer.size());
  if (looks_like_a_plan(answer) && !answer.substr(first).starts_with("```"))
    return std::string(answer);
  return fail(Error::Kind::invalid,
              "the answer holds no plan: answer with the whole document, in one ```yaml fence, "
              "beginning with `interlock: 1`");
}

std::string drafting_guide() {
  return std::string(kGuide) + json::serialize(document_schema()) + "\n";
}

}  // namespace interlock::plan
