#include <fmt/format.h>

#include <boost/json/serialize.hpp>
#include <charconv>
#include <cmath>

#include "base/json.h"
#include "plan/keys.h"
#include "plan/tasks.h"

namespace interlock::plan {

namespace {

constexpr std::size_t kMostSchemaBytes = 4u << 20;

/// A number that is written as JSON has it, and that JSON cannot keep.
bool json_refuses(std::string_view number) {
  const bool written_as_json = !number.ends_with('.') &&
                               number.find_first_not_of('-') != number.npos &&
                               number[number.find_first_not_of('-')] != '.';
  return written_as_json && !parse_json(number);
}

/// A plain scalar by the YAML 1.2 core schema.
json::value scalar_to_json(Reading& reading, Node node) {
  const auto text = node.text();
  if (!node.is_plain()) return json::value(text);
  if (node.is_null()) return nullptr;
  if (text == "true" || text == "True" || text == "TRUE") return true;
  if (text == "false" || text == "False" || text == "FALSE") return false;
  const auto* begin = text.data() + (text.starts_with('+') ? 1 : 0);
  const auto* end = text.data() + text.size();
  std::int64_t whole = 0;
  if (const auto read = std::from_chars(begin, end, whole);
      read.ec == std::errc() && read.ptr == end)
    return whole;
  std::uint64_t large = 0;
  if (const auto read = std::from_chars(begin, end, large);
      read.ec == std::errc() && read.ptr == end)
    return large;
  const bool numeric = text.find_first_not_of("0123456789+-.eE") == text.npos;
  // Not what a double would make of it: the schema would say another number than the plan does.
  const std::string_view unsigned_text(begin, end);
  if (numeric && parse_json(unsigned_text)) return *parse_json(unsigned_text);
  double number = 0;
  const auto read = std::from_chars(begin, end, number);
  const bool is_number = numeric && read.ptr == end && begin != end;
  const bool is_exact = read.ec == std::errc() && std::isfinite(number) &&
                        unsigned_text.find_first_of(".eE") != unsigned_text.npos;
  if (is_number && is_exact && !json_refuses(unsigned_text)) return number;
  if (is_number) {
    reading.problems.add(node.span(), fmt::format("{} is too large to keep exactly", quoted(text)));
    return nullptr;
  }
  if (text == ".inf" || text == "-.inf" || text == ".nan") {
    reading.problems.add(node.span(), fmt::format("{} has no JSON", quoted(text)));
  }
  return json::value(text);
}

/// Depth is bounded by the document's.
json::value to_json(Reading& reading, Node node) {
  if (node.is_scalar()) return scalar_to_json(reading, node);
  if (node.is_list()) {
    json::array array;
    for (const auto& item : node.items()) array.push_back(to_json(reading, item));
    return array;
  }
  json::object object;
  for (const auto& [key, value] : node.entries()) object[key.text()] = to_json(reading, value);
  return object;
}

void read_schema(Reading& reading, Node node, OutputSpec& output) {
  output.form = OutputSpec::Form::json;
  if (node.is_map()) {
    output.schema = json::serialize(to_json(reading, node));
    return;
  }
  const auto path = read_filled(reading, node,
                                "a JSON Schema: the path of a file, or the schema itself as a map");
  if (!path) return;
  output.schema_path = *path;
  auto text = reading.files.read(reading.path_of(*path), kMostSchemaBytes);
  if (!text) return reading.problems.add(node.span(), text.error().message, text.error().hint);
  if (const auto parsed = parse_json(*text); !parsed) {
    return reading.problems.add(
        node.span(), fmt::format("{} is not JSON: {}", quoted(*path), parsed.error().message),
        parsed.error().hint);
  }
  output.schema = std::move(*text);
}

std::optional<OutputSpec::Form> read_form(Reading& reading, Node node,
                                          std::span<const std::string_view> words) {
  const auto index = read_choice(reading, node, words);
  if (!index) return std::nullopt;
  const auto word = words[*index];
  if (word == "text") return OutputSpec::Form::text;
  if (word == "json") return OutputSpec::Form::json;
  return OutputSpec::Form::exit_status;
}

}  // namespace

OutputSpec read_output(Reading& reading, Node node, std::optional<Item>& file) {
  OutputSpec output;
  if (!node.is_map() || node.is_unquoted_placeholder()) {
    output.form = read_form(reading, node, kOutputForms).value_or(OutputSpec::Form::text);
    return output;
  }
  const Fields fields(reading, node, "output", kOutputKeys);
  output.form = OutputSpec::Form::text;
  if (const auto format = fields["format"]) {
    output.form =
        read_form(reading, *format, std::span(kOutputForms).first(2)).value_or(output.form);
  }
  if (const auto schema = fields["schema"]) {
    if (fields["format"] && output.form == OutputSpec::Form::text) {
      reading.problems.add(fields["format"]->span(), "an output with a schema is JSON",
                           "leave `format` out");
    }
    read_schema(reading, *schema, output);
  }
  if (const auto strict = fields["strict"]) {
    output.strict = read_bool(reading, *strict).value_or(false);
    // `{strict: true}` alone says what it is strict about.
    if (!fields["format"] && !fields["schema"]) output.form = OutputSpec::Form::json;
    if (output.form == OutputSpec::Form::text)
      reading.problems.add(strict->span(), "only JSON can be `strict`, and this output is text");
  }
  if (const auto from = fields["from"]) {
    if (auto name = read_text(reading, *from, "`stdout` or the path of a file");
        name && *name != "stdout") {
      file = Item{std::move(*name), *from};
    }
  }
  return output;
}

Estimate read_estimate(Reading& reading, Node node) {
  const Fields fields(reading, node, "estimate", kEstimateKeys);
  Estimate estimate;
  if (const auto value = fields["time"]) estimate.time = read_duration(reading, *value);
  if (const auto value = fields["tokens"]) estimate.tokens = read_count(reading, *value);
  if (const auto value = fields["usd"]) estimate.usd = read_usd(reading, *value);
  if (const auto value = fields["failures"]) estimate.failures = read_part(reading, *value, 0.99);
  if (const auto value = fields["conflicts"]) estimate.conflicts = read_part(reading, *value, 1);
  return estimate;
}

}  // namespace interlock::plan
