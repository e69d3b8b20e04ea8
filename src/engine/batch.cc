#include "engine/batch.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <ranges>

#include "base/json.h"
#include "engine/json_answer.h"

namespace interlock::engine {

namespace {

/// Numbers, and not ids: an agent would read something into a name.
std::string name_of_part(std::size_t index) { return fmt::format("{}", index + 1); }

bool is_json(const plan::Task& task) { return task.output.form == plan::OutputSpec::Form::json; }

/// Nothing where it is not what the task asked for; it fails then, and is done again alone.
std::optional<std::string> part_of(const plan::Task& task, const json::value& value) {
  // As it came: the task's own schema judges it, as if it had been alone.
  if (is_json(task)) return json::serialize(value);
  if (const auto* text = value.if_string()) return std::string(*text);
  return std::nullopt;
}

/// The first ones get one more, so that all parts sum up to the whole.
std::int64_t even_part(std::int64_t whole, std::size_t count, std::size_t index) {
  const auto parts = static_cast<std::int64_t>(count);
  return whole / parts + (static_cast<std::int64_t>(index) < whole % parts ? 1 : 0);
}

}  // namespace

std::string batch_prompt(const std::vector<std::string>& prompts) {
  std::string text = fmt::format(
      "Do the following {} tasks. They are independent of each other: answer each as if it were "
      "the "
      "only one.\n",
      prompts.size());
  for (std::size_t i = 0; i < prompts.size(); ++i)
    text += fmt::format("\n=== Task {} ===\n\n{}\n", i + 1, prompts[i]);
  return text + fmt::format(
                    "\n=== End of the tasks ===\n\nAnswer with one JSON object alone, with the "
                    "members \"1\" to \"{}\": the answer to each task under its number.\n",
                    prompts.size());
}

std::string batch_schema(const std::vector<const plan::Task*>& tasks) {
  json::object properties;
  json::array required;
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    const plan::OutputSpec& output = tasks[i]->output;
    json::value schema = json::object();
    // A text is wrapped, as all of it has to be one JSON object.
    if (!is_json(*tasks[i])) {
      schema = json::object{{"type", "string"}};
    } else if (output.schema) {
      // It was read and compiled with the plan.
      if (auto read = parse_json(*output.schema)) schema = std::move(*read);
    }
    // Inside another schema it would begin a document of its own.
    if (auto* object = schema.if_object()) object->erase("$schema");
    properties.emplace(name_of_part(i), std::move(schema));
    // A client that is held to the schema cannot leave one out.
    required.emplace_back(name_of_part(i));
  }
  return json::serialize(json::object{{"type", "object"},
                                      {"properties", std::move(properties)},
                                      {"required", std::move(required)},
                                      {"additionalProperties", false}});
}

/// What any of them may read, all may; none of them writes.
footprint::Footprint batch_footprint(const std::vector<const plan::Task*>& tasks) {
  footprint::Footprint all = tasks.front()->footprint;
  for (const plan::Task* const task : tasks | std::views::drop(1)) {
    const auto& more = task->footprint.reads.include;
    all.reads.include.insert(all.reads.include.end(), more.begin(), more.end());
  }
  return all;
}

Result<std::vector<std::optional<std::string>>> take_batch_apart(
    const std::vector<const plan::Task*>& tasks, std::string_view answer) {
  auto read = parse_json(answer);
  if (!read) {
    // A model that answers many at once is not corrected for a fence.
    const auto block = only_fenced_block(answer);
    if (!block) return fail(Error::Kind::invalid, say_no_json(answer, read.error()));
    read = parse_json(block->content);
    if (!read) return fail(Error::Kind::invalid, say_no_json(block->content, read.error()));
  }
  const json::object* const object = read->if_object();
  if (object == nullptr)
    return fail(Error::Kind::invalid,
                "the answer is JSON, but not an object with a member for each task");
  std::vector<std::optional<std::string>> parts;
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    const json::value* const value = object->if_contains(name_of_part(i));
    // One that is missing is missing for its own task alone.
    parts.push_back(value == nullptr ? std::nullopt : part_of(*tasks[i], *value));
  }
  return parts;
}

std::vector<Usage> even_parts(const Usage& whole, std::size_t count) {
  std::vector<Usage> parts(count);
  for (std::size_t i = 0; i < count; ++i) {
    const auto part = [&](const std::optional<std::int64_t>& of) {
      // Of what is not known, no part is known.
      return of ? std::optional(even_part(*of, count, i)) : std::nullopt;
    };
    parts[i] = {part(whole.input), part(whole.output), part(whole.cache_read),
                part(whole.cache_write), part(whole.cost)};
  }
  return parts;
}

std::vector<Duration> even_parts(Duration whole, std::size_t count) {
  std::vector<Duration> parts;
  for (std::size_t i = 0; i < count; ++i) parts.emplace_back(even_part(whole.count(), count, i));
  return parts;
}

}  // namespace interlock::engine
