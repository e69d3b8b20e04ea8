#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

// What is needed to have a plan document written by an agent (ADR 80). Pure: no agent is asked
// here.
namespace interlock::plan {

/// The members of a document that are named, as JSON; what is not there is left out. Keys of `set`
/// with dots replace a value first, as `--set` does. Errors: what is no document, rendered with
/// `file`.
Result<json::object> members_of(std::string_view text, const std::string& file,
                                const std::vector<std::string_view>& names,
                                const std::map<std::string, std::string>& set = {});

/// The plan document in what an agent answered: a Markdown fence that holds one, else the whole
/// answer. An error says what the agent is to do instead.
Result<std::string> document_in(std::string_view answer);

/// How plans are written, for an agent that has not seen one, with the schema of plan documents.
std::string drafting_guide();

}  // namespace interlock::plan
