#pragma once

#include "base/json.h"
#include "base/result.h"
#include "mcp/tools.h"

// What is made of the answers of Interlock's commands for a model: short, and with what to do next.
namespace interlock::mcp {

Result<json::object> answer_plan(const json::object& given, const Ended& ended);
Result<json::object> answer_run(const json::object& given, const Ended& ended);
Result<json::object> answer_status(const json::object& given, const Ended& ended);
/// The command's own document.
Result<json::object> answer_document(const json::object& given, const Ended& ended);
/// A text page by page: from `offset`, else its beginning or its last part.
Result<json::object> answer_page(const json::object& given, const Ended& ended);
Result<json::object> answer_tail(const json::object& given, const Ended& ended);

}  // namespace interlock::mcp
