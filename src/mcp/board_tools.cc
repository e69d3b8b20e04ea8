#include "mcp/board_tools.h"

#include <fmt/format.h>

#include <utility>

#include "mcp/answers.h"
#include "mcp/arguments.h"

namespace interlock::mcp {

namespace {

/// Inside an attempt no run is named: the board is that of the attempt.
void add_run(Arguments& arguments, std::vector<std::string>& words) {
  const std::string run = arguments.text("run");
  if (!run.empty()) words.push_back(fmt::format("--run={}", run));
}

Result<Command> command_to_post(const json::object& given) {
  Arguments arguments(given);
  std::vector<std::string> words{"board", "post", "--json"};
  add_run(arguments, words);
  const std::string topic = arguments.required_text("topic");
  const json::value* text = arguments.find("text");
  if (text == nullptr || !text->is_string() || text->get_string().empty())
    arguments.fail("`text` is not text", "it is the note: what others are to know");
  if (auto checked = arguments.checked(); !checked) return std::unexpected(checked.error());
  words.insert(words.end(), {topic, "-"});
  return Command{std::move(words), std::string(text->get_string())};
}

Result<Command> command_to_read(const json::object& given) {
  Arguments arguments(given);
  std::vector<std::string> words{"board", "read", "--json"};
  add_run(arguments, words);
  constexpr std::int64_t kMostNumber = 1'000'000'000;
  const std::int64_t after = arguments.number("after", 0, 0, kMostNumber);
  arguments.number("max_bytes", kTextBytes, 1, kTextBytesMax);
  words.push_back(fmt::format("--after={}", after));
  words.push_back(arguments.required_text("topic"));
  if (auto checked = arguments.checked(); !checked) return std::unexpected(checked.error());
  return Command{std::move(words), {}};
}

/// As many notes as go into one answer, and at least one.
Result<json::object> answer_notes(const json::object& given, const Ended& ended) {
  Arguments arguments(given);
  const std::int64_t most = arguments.number("max_bytes", kTextBytes, 1, kTextBytesMax);
  auto document = answer_document(given, ended);
  if (!document) return document;
  json::value* posts = document->if_contains("posts");
  if (posts == nullptr || !posts->is_array()) return document;
  json::array kept;
  std::int64_t bytes = 0;
  json::value last = document->contains("last") ? document->at("last") : json::value(0);
  bool more = false;
  for (json::value& one : posts->get_array()) {
    const json::value* text = one.is_object() ? one.get_object().if_contains("text") : nullptr;
    bytes += text != nullptr && text->is_string()
                 ? static_cast<std::int64_t>(text->get_string().size())
                 : 0;
    more = bytes > most && !kept.empty();
    if (more) break;
    if (one.is_object() && one.get_object().contains("number")) last = one.at("number");
    kept.push_back(std::move(one));
  }
  (*document)["posts"] = std::move(kept);
  (*document)["last"] = std::move(last);
  (*document)["more"] = more;
  if (more) (*document)["complete"] = false;
  return document;
}

}  // namespace

std::vector<Tool> board_tools() {
  return {
      {.name = "board_post",
       .title = "Post a note for other tasks",
       .description =
           "Leaves a note on a topic of the plan's board, for other tasks of the run and for "
           "people; "
           "at most 16 KiB. Inside a task of a run leave `run` out: the note counts when the task "
           "succeeds.",
       .input = R"({"type":"object","properties":{
"topic":{"type":"string","description":"A topic of the plan's board"},
"text":{"type":"string","description":"What others are to know"},
"run":{"type":"string","description":"From outside a run's tasks: the run's id, or last"}},"required":["topic","text"]})",
       .output = R"({"type":"object"})",
       .reads_only = false,
       .command = command_to_post,
       .answer = answer_document},
      {.name = "board_read",
       .title = "Read the notes of other tasks",
       .description =
           "What was left on a topic of the plan's board. Inside a task of a run leave `run` out: "
           "it shows what that task is to see.",
       .input = R"({"type":"object","properties":{
"topic":{"type":"string","description":"A topic of the plan's board"},
"run":{"type":"string","description":"From outside a run's tasks: the run's id, or last"},
"after":{"type":"integer","minimum":0,"description":"Only notes with a larger number; last of the answer before"},
"max_bytes":{"type":"integer","minimum":1,"maximum":40000}},"required":["topic"]})",
       .output = R"({"type":"object","properties":{"topic":{"type":"string"},
"kind":{"type":"string","enum":["rounds","ordered","live"]},
"posts":{"type":"array","items":{"type":"object","properties":{"number":{"type":"integer"},"by":{"type":"string"},"is_person":{"type":"boolean"},"text":{"type":"string"}},"required":["number","by","text"]}},
"last":{"type":"integer","description":"For after: where to go on"},
"more":{"type":"boolean","description":"There are more notes now"},
"complete":{"type":"boolean","description":"No more can come"}},"required":["topic","posts","last","more"]})",
       .command = command_to_read,
       .answer = answer_notes}};
}

}  // namespace interlock::mcp
