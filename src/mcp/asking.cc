#include "mcp/asking.h"

#include <fmt/format.h>

#include "base/text.h"

namespace interlock::mcp {
namespace {

constexpr std::string_view kQuestion = "gate";

const json::value* at(const json::object& in, std::string_view key) { return in.if_contains(key); }

std::string text_at(const json::object& in, std::string_view key) {
  const json::value* found = at(in, key);
  return found != nullptr && found->is_string() ? std::string(found->get_string()) : std::string();
}

}  // namespace

json::object form_for(std::string_view tool, const json::object& arguments,
                      std::string_view state) {
  const std::string run = printable(text_at(arguments, "run"));
  const std::string task = printable(text_at(arguments, "task"));
  const std::string what =
      task.empty() ? fmt::format("run {}", run) : fmt::format("task {} of run {}", task, run);
  const std::string message = fmt::format(
      "Interlock asks: the model wants to {} {}, which waits for a person. `interlock "
      "diff {}{}{}` shows what it changed.",
      tool, what, run, task.empty() ? "" : " ", task);
  const json::object field{{"type", "boolean"},
                           {"title", fmt::format("{} it", tool)},
                           {"description", "Nothing happens while this is not set"},
                           {"default", false}};
  const json::object schema{{"type", "object"},
                            {"properties", json::object{{"agreed", field}}},
                            {"required", json::array{"agreed"}}};
  const json::object asked{
      {"method", "elicitation/create"},
      {"params",
       json::object{{"mode", "form"}, {"message", message}, {"requestedSchema", schema}}}};
  return {{"inputRequests", json::object{{kQuestion, asked}}}, {"requestState", state}};
}

Decided decided_by(const json::object& params, std::string_view state) {
  const json::value* responses = at(params, "inputResponses");
  if (responses == nullptr) return Decided::not_asked;
  const json::value* answer =
      responses->is_object() ? at(responses->get_object(), kQuestion) : nullptr;
  if (answer == nullptr || !answer->is_object() || text_at(params, "requestState") != state ||
      text_at(answer->get_object(), "action") != "accept")
    return Decided::no;
  const json::value* content = at(answer->get_object(), "content");
  const json::value* agreed =
      content != nullptr && content->is_object() ? at(content->get_object(), "agreed") : nullptr;
  return agreed != nullptr && agreed->is_bool() && agreed->get_bool() ? Decided::yes : Decided::no;
}

}  // namespace interlock::mcp
