#include "agents/clients.h"
#include "agents/json_fields.h"

namespace interlock::agents {

namespace {

void add_block(const json::value& block, bool of_sub_agent, std::vector<Event>& events) {
  const auto type = text_at(block, "type");
  if (type == "tool_use") {
    events.push_back(
        ToolUsed{std::string(text_at(block, "name")), tool_detail(value_at(block, "input"))});
  } else if (type == "text" && !of_sub_agent) {
    // What a sub-agent says goes to the agent, not to us.
    events.push_back(Text{std::string(end_of(text_at(block, "text")))});
  }
}

}  // namespace

std::vector<Event> events_of_message(const json::value& reported) {
  std::vector<Event> events;
  const bool is_answer = text_at(reported, "type") == "assistant";
  const bool of_sub_agent = !text_at(reported, "parent_tool_use_id").empty();
  const json::array* blocks = list_at(reported, "message.content");
  if (is_answer && blocks) {
    for (const json::value& block : *blocks) add_block(block, of_sub_agent, events);
  }
  // Told of tools that write; what reads tells its path elsewhere.
  if (const auto path = text_at(reported, "tool_use_result.filePath"); !path.empty())
    events.push_back(FileChanged{std::string(path)});
  return events;
}

std::vector<Event> denials_in(const json::value& reported, std::size_t already) {
  std::vector<Event> events;
  const json::array* denials = list_at(reported, "permission_denials");
  for (std::size_t at = already; denials && at < denials->size(); ++at) {
    const json::value& denial = (*denials)[at];
    events.push_back(ToolUsed{std::string(text_at(denial, "tool_name")),
                              tool_detail(value_at(denial, "tool_input")), true});
  }
  return events;
}

}  // namespace interlock::agents
