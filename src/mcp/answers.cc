#include "mcp/answers.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "mcp/arguments.h"

namespace interlock::mcp {
namespace {

/// What a command said of its failure; commands asked for JSON say it as JSON.
Error error_of(const Ended& ended) {
  const auto document = parse_json(ended.out);
  if (document && document->is_object() && document->get_object().contains("error")) {
    const json::value& error = document->get_object().at("error");
    const json::object* body = error.if_object();
    const auto text = [&](std::string_view key) {
      const json::value* found = body == nullptr ? nullptr : body->if_contains(key);
      return found != nullptr && found->is_string() ? std::string(found->get_string())
                                                    : std::string();
    };
    return {Error::Kind::invalid, text("message"), text("hint")};
  }
  std::string said = ended.err.substr(0, 2000);
  if (said.starts_with("error: ")) said.erase(0, 7);
  while (said.ends_with('\n')) said.pop_back();
  return {Error::Kind::invalid, said.empty() ? "the command ended without a word" : said, {}};
}

Result<json::object> document_of(const Ended& ended) {
  auto document = parse_json(ended.out);
  if (!document || !document->is_object() || document->get_object().contains("error"))
    return std::unexpected(error_of(ended));
  return std::move(document->get_object());
}

/// The first of a list, and how many more there are.
void put_first(json::object& to, const json::object& from, std::string_view key, std::size_t most) {
  const json::value* found = from.if_contains(key);
  if (found == nullptr || !found->is_array()) return;
  json::array first;
  for (const json::value& one : found->get_array()) {
    if (first.size() < most) first.push_back(one);
  }
  const std::size_t more = found->get_array().size() - first.size();
  to[key] = std::move(first);
  if (more > 0) to[fmt::format("{}_not_named", key)] = more;
}

/// Where a piece of at most so many bytes ends without cutting a character in two.
std::size_t end_of_piece(std::string_view text, std::size_t begin, std::size_t most) {
  std::size_t end = std::min(text.size(), begin + most);
  while (end < text.size() && end > begin && (text[end] & 0xc0) == 0x80) --end;
  return end;
}

/// What agents print may be no UTF-8 and hold control sequences; an answer holds neither. Tabs and
/// line ends stay.
std::string readable(std::string_view text) {
  std::string shown;
  while (!text.empty()) {
    const std::size_t length = std::min(text.find_first_of("\t\n"), text.size());
    shown += printable(text.substr(0, length));
    if (length < text.size()) shown += text[length];
    text.remove_prefix(std::min(length + 1, text.size()));
  }
  return shown;
}

/// A text page by page: from `offset`, or its last part where none is given and `from_end`.
Result<json::object> answer_text(const json::object& given, const Ended& ended, bool from_end) {
  if (ended.status != 0 && ended.out.empty()) return std::unexpected(error_of(ended));
  Arguments arguments(given);
  const std::string_view text = ended.out;
  const auto most =
      static_cast<std::size_t>(arguments.number("max_bytes", kTextBytes, 1, kTextBytesMax));
  const std::size_t first = from_end && text.size() > most ? text.size() - most : 0;
  const auto asked = static_cast<std::size_t>(
      arguments.number("offset", static_cast<std::int64_t>(first), 0, 1'000'000'000'000));
  if (auto checked = arguments.checked(); !checked) return std::unexpected(checked.error());
  std::size_t begin = std::min(asked, text.size());
  while (begin < text.size() && (text[begin] & 0xc0) == 0x80) ++begin;
  const std::size_t end = end_of_piece(text, begin, most);
  json::object answer{{"text", readable(text.substr(begin, end - begin))},
                      {"offset", begin},
                      {"bytes_total", text.size()}};
  if (end < text.size()) answer["next_offset"] = end;
  return answer;
}

}  // namespace

Result<json::object> answer_plan(const json::object&, const Ended& ended) {
  auto document = document_of(ended);
  if (!document) return std::unexpected(document.error());
  json::object answer{
      {"next",
       "to run it so, call `run` with the same arguments; tell the person what it costs first"}};
  if (const json::value* decision = document->if_contains("decision");
      decision != nullptr && decision->is_object()) {
    json::object short_one = decision->get_object();
    for (const auto* key : {"changes", "warnings", "reasons", "not_counted"})
      put_first(short_one, decision->get_object(), key, 8);
    answer["decision"] = std::move(short_one);
  }
  if (const json::value* forecast = document->if_contains("forecast"))
    answer["forecast"] = *forecast;
  put_first(answer, *document, "interlocking", 20);
  put_first(answer, *document, "schedule", 30);
  put_first(answer, *document, "notes", 8);
  return answer;
}

Result<json::object> answer_run(const json::object&, const Ended& ended) {
  auto document = document_of(ended);
  if (!document) return std::unexpected(document.error());
  json::object answer{{"next", "call `wait` with this run until it has ended"}};
  for (const auto* key : {"run", "workspace", "log"}) {
    if (const json::value* value = document->if_contains(key)) answer[key] = *value;
  }
  std::string said = ended.err.substr(0, 4000);
  if (!said.empty()) answer["said"] = std::move(said);
  return answer;
}

Result<json::object> answer_status(const json::object&, const Ended& ended) {
  auto document = document_of(ended);
  if (!document) return std::unexpected(document.error());
  json::object status = status_of(*document);
  status["cursor"] = cursor_of(status);
  return status;
}

Result<json::object> answer_document(const json::object&, const Ended& ended) {
  return document_of(ended);
}

Result<json::object> answer_page(const json::object& given, const Ended& ended) {
  return answer_text(given, ended, false);
}

Result<json::object> answer_tail(const json::object& given, const Ended& ended) {
  return answer_text(given, ended, true);
}

}  // namespace interlock::mcp
