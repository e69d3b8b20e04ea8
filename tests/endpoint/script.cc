#include "endpoint/script.h"

#include <fmt/format.h>
#include <re2/re2.h>

#include <numeric>

namespace interlock::endpoint {

struct Chooser::Patterns {
  RE2 prompt, body, model;
  explicit Patterns(const Rule& rule)
      : prompt(rule.prompt, RE2::Quiet),
        body(rule.body, RE2::Quiet),
        model(rule.model, RE2::Quiet) {}
};

Chooser::Chooser(const Script& script) : script_(script) {
  for (const Rule& rule : script.rules) patterns_.push_back(std::make_unique<Patterns>(rule));
}
Chooser::~Chooser() = default;

Result<bool> Chooser::verify(const Script& script) {
  for (const Rule& rule : script.rules) {
    const Patterns patterns(rule);
    for (const RE2* pattern : {&patterns.prompt, &patterns.body, &patterns.model}) {
      if (!pattern->ok()) {
        return fail(Error::Kind::invalid,
                    fmt::format("the pattern `{}`: {}", pattern->pattern(), pattern->error()));
      }
    }
    if (rule.steps.empty()) return fail(Error::Kind::invalid, "a rule has no steps");
  }
  return true;
}

namespace {

bool asks_for(const Rule& rule, const Asked& asked) {
  if (rule.after_tool && *rule.after_tool != asked.after_tool) return false;
  return !rule.has_tools || *rule.has_tools == !asked.tools.empty();
}

const Step& step_at(const Rule& rule, std::uint32_t matched) {
  const auto total = std::accumulate(rule.steps.begin(), rule.steps.end(), std::uint32_t{0},
                                     [](auto sum, const Step& step) { return sum + step.times; });
  if (rule.loops && total > 0) matched %= total;
  for (const Step& step : rule.steps) {
    if (matched < step.times) return step;
    matched -= step.times;
  }
  return rule.steps.back();
}

}  // namespace

Chooser::Choice Chooser::choose(const Asked& asked, std::string_view body) {
  for (std::size_t i = 0; i < script_.rules.size(); ++i) {
    const Rule& rule = script_.rules[i];
    if (!asks_for(rule, asked)) continue;
    const Patterns& patterns = *patterns_[i];
    if (!rule.prompt.empty() && !RE2::PartialMatch(asked.prompt, patterns.prompt)) continue;
    if (!rule.body.empty() &&
        !RE2::PartialMatch(re2::StringPiece(body.data(), body.size()), patterns.body)) {
      continue;
    }
    if (!rule.model.empty() && !RE2::PartialMatch(asked.model, patterns.model)) continue;
    const int number = static_cast<int>(i);
    const std::uint32_t before = matched_[{number, rule.together ? "" : asked.task}]++;
    return {&step_at(rule, before), number};
  }
  return {&script_.otherwise, -1};
}

}  // namespace interlock::endpoint
