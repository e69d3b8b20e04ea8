#include "merge/merge.h"

#include <fmt/format.h>

#include "base/check.h"
#include "merge/ways.h"

namespace interlock::merge {

Result<std::string> join(const plan::Merge& merge, std::span<const Part> parts) {
  using With = plan::Merge::With;
  switch (merge.with) {
    case With::concat: return parts.empty() && merge.of_json ? "[]" : concat(parts);
    case With::list: return list(parts);
    case With::object: return unite_objects(parts);
    case With::union_: return unite_rows(parts, merge.key);
    case With::table: return make_table(parts, merge.key, merge.columns);
    case With::lines: return unite_lines(parts);
    case With::sections: return unite_sections(parts, merge.headings);
    case With::agent: break;
  }
  check(parts.empty(), "what an agent merges is that agent's output");
  return {};
}

Result<json::value> parse(const Part& part) {
  auto value = parse_json(part.content);
  if (value) return value;
  Error error = value.error();
  error.kind = Error::Kind::invalid;
  if (error.hint.empty())
    error.hint = fmt::format(
        "give `{}` an output schema, so that its answer is checked when it comes", part.task);
  return within(std::move(error), fmt::format("output of `{}`", part.task));
}

std::string_view kind_of(const json::value& value) {
  switch (value.kind()) {
    case json::kind::null: return "null";
    case json::kind::bool_: return "a truth value";
    case json::kind::int64:
    case json::kind::uint64:
    case json::kind::double_: return "a number";
    case json::kind::string: return "a string";
    case json::kind::array: return "an array";
    case json::kind::object: return "an object";
  }
  return "nothing";
}

Digest digest_of_run(std::span<const TaskResult> tasks, std::span<const MergeResult> merges) {
  Hasher hasher;
  hasher.add_field("interlock run 1");
  hasher.add_field(std::to_string(tasks.size()));
  for (const TaskResult& one : tasks) {
    hasher.add_field(one.task).add_field(one.state).add_field(one.output).add_field(one.wrote);
  }
  hasher.add_field(std::to_string(merges.size()));
  for (const MergeResult& one : merges) hasher.add_field(one.merge).add_field(one.output);
  return hasher.finish();
}

}  // namespace interlock::merge
