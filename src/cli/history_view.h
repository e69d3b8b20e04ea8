#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "decide/decision.h"
#include "history/sample.h"
#include "journal/store.h"

namespace interlock::cli {

/// What measurements are put together by.
enum class HistoryBy : unsigned char { task, agent, model };

/// What is known under one name.
struct HistoryRow {
  std::string workspace, task, agent, model;
  decide::History::Measurements measurements;
  Time last{};  ///< Of its newest sample.
};

/// Rows in the order of their names.
std::vector<HistoryRow> history_rows(const std::vector<history::Sample>& samples, HistoryBy by);

/// For people: a table that is not wider than `columns`.
std::string history_text(const std::vector<HistoryRow>& rows, HistoryBy by, std::size_t columns);
/// A line for each account and model, and each host: how what runs at once slows each other.
std::string slowings_text(const decide::History& history);
json::object history_json(const std::vector<HistoryRow>& rows, const decide::History& history,
                          std::size_t damaged);

std::string regrets_text(const std::vector<history::Regret>& regrets);
json::object regrets_json(const std::vector<history::Regret>& regrets);

}  // namespace interlock::cli
