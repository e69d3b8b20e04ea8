// `events` of a command: where in its JSON lines something is said.

#include <fmt/format.h>

#include <algorithm>

#include "plan/settings.h"

namespace interlock::plan {

namespace {

using Gives = EventRule::Gives;

/// In the order of `EventRule::Gives`.
constexpr std::string_view kGives[] = {"session",
                                       "model",
                                       "text",
                                       "final",
                                       "error",
                                       "rate_limited",
                                       "tool",
                                       "file",
                                       "input_tokens",
                                       "output_tokens",
                                       "cache_read_tokens",
                                       "cache_write_tokens",
                                       "usd"};
constexpr std::string_view kRuleKeys[] = {"when", "at", "sum"};
constexpr std::size_t kMostRules = 1000;

bool is_number(Gives gives) { return gives >= Gives::input_tokens; }
/// Of those, a line can say no more than that it is so.
bool may_stand_alone(Gives gives) {
  return gives == Gives::final || gives == Gives::error || gives == Gives::rate_limited;
}

/// `[3]` at the front, once or more, up to the end or a dot.
bool is_indices(std::string_view text) {
  while (!text.empty()) {
    const auto close = text.find(']');
    if (text.front() != '[' || close == text.npos || close < 2) return false;
    const auto digits = text.substr(1, close - 1);
    if (digits.find_first_not_of("0123456789") != digits.npos) return false;
    text.remove_prefix(close + 1);
  }
  return true;
}

/// Names parted by dots, each with indices after it: `message.content[0].text`.
bool is_path(std::string_view text) {
  std::size_t begin = 0;
  while (begin <= text.size()) {
    const auto dot = std::min(text.find('.', begin), text.size());
    const auto step = text.substr(begin, dot - begin);
    const auto bracket = std::min(step.find_first_of("[]"), step.size());
    if (bracket == 0 || !is_indices(step.substr(bracket))) return false;
    begin = dot + 1;
  }
  return true;
}

std::string read_path(Reading& reading, Node node) {
  constexpr std::string_view kWanted = "a path such as `message.content[0].text`";
  const auto text = read_filled(reading, node, kWanted);
  if (!text) return {};
  if (is_path(*text)) return *text;
  expected(reading, node, kWanted);
  return {};
}

void read_when(Reading& reading, Node node, EventRule& rule) {
  if (!node.is_map()) {
    expected(reading, node, "a map from paths to the texts they hold, such as `{type: result}`");
    return;
  }
  for (const auto& [key, value] : node.entries()) {
    const auto path = read_path(reading, key);
    const auto text = read_filled(reading, value, "a text");
    if (!path.empty() && text) rule.when.emplace_back(path, *text);
  }
}

/// What the rule lacks for what it gives.
void check_rule(Reading& reading, Node node, const EventRule& rule) {
  const auto name = kGives[static_cast<std::size_t>(rule.gives)];
  if (rule.at.empty() && !may_stand_alone(rule.gives)) {
    reading.problems.add(node.span(), fmt::format("`{}` has no `at`", name),
                         "say the path of its value, such as `at: usage.input`");
  } else if (rule.at.empty() && rule.when.empty()) {
    reading.problems.add(node.span(), fmt::format("`{}` has neither `when` nor `at`", name),
                         "it would be in every line");
  } else if (rule.sum && !is_number(rule.gives)) {
    reading.problems.add(node.span(), fmt::format("`{}` cannot be added up", name),
                         "`sum` is for tokens and `usd`");
  }
}

std::optional<EventRule> read_rule(Reading& reading, Node node, Gives gives) {
  EventRule rule;
  rule.gives = gives;
  const auto before = reading.problems.reported();
  if (node.is_scalar() && !node.is_null()) {
    rule.at = read_path(reading, node);
  } else {
    const Fields fields(reading, node, "a rule of `events`", kRuleKeys);
    if (const auto value = fields["at"]) rule.at = read_path(reading, *value);
    if (const auto value = fields["when"]) read_when(reading, *value, rule);
    if (const auto value = fields["sum"]) rule.sum = read_bool(reading, *value).value_or(false);
  }
  if (reading.problems.reported() != before) return std::nullopt;
  check_rule(reading, node, rule);
  return rule;
}

}  // namespace

std::vector<EventRule> read_events(Reading& reading, Node node) {
  std::vector<EventRule> rules;
  const Fields fields(reading, node, "`events`", kGives);
  if (!node.is_map()) return rules;
  for (std::size_t at = 0; at < std::size(kGives); ++at) {
    const auto value = fields[kGives[at]];
    if (!value) continue;
    const auto add = [&](Node each) {
      auto rule = read_rule(reading, each, static_cast<Gives>(at));
      if (rule && rules.size() < kMostRules) rules.push_back(std::move(*rule));
    };
    if (!value->is_list()) {
      add(*value);
      continue;
    }
    for (const auto& each : value->items()) add(each);
  }
  if (!fields["final"]) {
    reading.problems.add(node.span(), "`events` does not say where the final answer is",
                         "add `final`: without its final event no attempt is a success");
  }
  return rules;
}

}  // namespace interlock::plan
