#include "web/metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "runs/run_models.h"
#include "runs/windows.h"
#include "schedule/problem.h"

namespace interlock::web {
namespace {

constexpr std::size_t kRunsRead = 200;

std::string escaped(std::string_view text, bool in_label) {
  std::string made;
  for (const char c : text) {
    if (c == '\\')
      made += "\\\\";
    else if (c == '\n')
      made += "\\n";
    else if (c == '"' && in_label)
      made += "\\\"";
    else
      made += c;
  }
  return made;
}

double dollars(MicroUsd cost) { return static_cast<double>(cost) / 1e6; }

std::string_view name_of(engine::RunEnded::How how) {
  using enum engine::RunEnded::How;
  switch (how) {
    case finished: return "finished";
    case failed: return "failed";
    case paused_at_gate: return "paused_at_gate";
    case interrupted: return "interrupted";
    case cancelled: return "cancelled";
    case limit_reached: return "limit_reached";
  }
  return "unknown";
}

}  // namespace

void MetricsPage::add(std::string_view name, std::string_view type, std::string_view help,
                      const Labels& labels, double value) {
  const std::string full = fmt::format("interlock_{}", name);
  Family& family = families_[full];
  family.type = type;
  family.help = escaped(help, false);
  std::string shown;
  for (const auto& [key, text] : labels)
    shown +=
        fmt::format("{}{}=\"{}\"", shown.empty() ? "" : ",", key, escaped(printable(text), true));
  family.lines += fmt::format("{}{} {}\n", full, shown.empty() ? "" : "{" + shown + "}",
                              std::isfinite(value) ? fmt::format("{}", value) : "NaN");
}

std::string MetricsPage::text() const {
  std::string text;
  for (const auto& [name, family] : families_)
    text += fmt::format("# HELP {} {}\n# TYPE {} {}\n{}", name, family.help, name, family.type,
                        family.lines);
  return text;
}

void RunCounters::begin(journal::Store* store) {
  // What cannot be read now is counted later, or not at all: it is no reason not to serve.
  if (store != nullptr) static_cast<void>(read(*store));
  has_begun_ = true;
}

Result<void> RunCounters::read(journal::Store& store) {
  journal::RunFilter filter;
  filter.most = kRunsRead;
  const auto runs = store.runs(filter);
  if (!runs) return std::unexpected(runs.error());
  std::map<std::string, std::uint64_t> still;
  for (const journal::RunSummary& run : *runs) {
    const auto known = seen_.find(run.id);
    std::uint64_t after = known != seen_.end() ? known->second : has_begun_ ? 0 : run.events;
    if (run.events > after) {
      const auto read = store.replay(run.id, after, [&](engine::RecordedEvent&& recorded) {
        after = recorded.seq;
        take(recorded.event);
      });
      if (!read) return read;
    }
    still[run.id] = after;
  }
  seen_ = std::move(still);
  return {};
}

void RunCounters::take_usage(const std::string& model, const Usage& usage) {
  const auto add = [&](const char* kind, const std::optional<Tokens>& tokens) {
    if (tokens) tokens_[{model, kind}] += *tokens;
  };
  add("input", usage.input);
  add("output", usage.output);
  add("cache_read", usage.cache_read);
  add("cache_write", usage.cache_write);
  if (usage.cost) cost_[model] += *usage.cost;
}

void RunCounters::take(const engine::Event& event) {
  if (const auto* ended = std::get_if<engine::AttemptEnded>(&event)) {
    Sum& sum = attempts_[std::string(engine::name_of(ended->outcome))];
    ++sum.count;
    sum.time += ended->elapsed;
    if (ended->outcome == engine::Outcome::conflicted) ++conflicts_;
    // What the gateway counted came with its calls.
    if (ended->usage_from == "client") take_usage("unknown", ended->usage);
  } else if (const auto* called = std::get_if<engine::ModelCalled>(&event)) {
    Sum& sum = calls_[{called->call.model, std::string(engine::name_of(called->call.end))}];
    ++sum.count;
    sum.time += called->call.elapsed;
    waited_["quota_of_calls"] += called->call.waited_quota;
    if (!called->call.replayed) take_usage(called->call.model, called->call.usage);
  } else if (const auto* started = std::get_if<engine::AttemptStarted>(&event)) {
    const engine::WaitedFor& waited = started->waited;
    waited_["needs"] += waited.needs;
    waited_["conflict"] += waited.conflict;
    waited_["quota"] += waited.quota;
    waited_["slot"] += waited.slot;
    waited_["gate"] += waited.gate;
    waited_["backoff"] += waited.backoff;
  } else if (const auto* over = std::get_if<engine::RunEnded>(&event)) {
    ++runs_[std::string(name_of(over->how))];
  }
}

void RunCounters::write(MetricsPage& page) const {
  for (const auto& [outcome, sum] : attempts_) {
    page.counter("attempts_total", "Attempts that ended, by outcome.", {{"outcome", outcome}},
                 static_cast<double>(sum.count));
    page.counter("attempt_seconds_total", "Time that attempts which ended took, by outcome.",
                 {{"outcome", outcome}}, to_seconds(sum.time));
  }
  for (const auto& [how, count] : runs_)
    page.counter("runs_ended_total", "Runs that ended or stopped, by how.", {{"how", how}},
                 static_cast<double>(count));
  for (const auto& [key, tokens] : tokens_)
    page.counter("tokens_total", "Tokens that were used, by model and kind.",
                 {{"model", key.first}, {"kind", key.second}}, static_cast<double>(tokens));
  for (const auto& [model, cost] : cost_)
    page.counter("cost_dollars_total", "What models cost, as far as prices are known, by model.",
                 {{"model", model}}, dollars(cost));
  for (const auto& [key, sum] : calls_) {
    const MetricsPage::Labels labels{{"model", key.first}, {"end", key.second}};
    page.counter("model_calls_total", "Model calls that passed the gateway, by model and end.",
                 labels, static_cast<double>(sum.count));
    page.counter("model_call_seconds_total", "Time that model calls took, by model and end.",
                 labels, to_seconds(sum.time));
  }
  for (const auto& [reason, time] : waited_)
    page.counter("waited_seconds_total", "Time that tasks and their calls waited, by reason.",
                 {{"reason", reason}}, to_seconds(time));
  page.counter("conflicts_total", "Attempts done again because others changed what they saw.", {},
               static_cast<double>(conflicts_));
}

namespace {

/// Of a quota whose calls pass no gateway nobody knows how much is used.
bool is_counted(const plan::Plan& plan, std::size_t resource) {
  return std::ranges::any_of(plan.tasks, [&](const plan::Task& task) {
    return runs::asks_through_gateway(plan, task) &&
           std::ranges::any_of(
               task.uses, [&](const plan::Use& use) { return use.resource.index() == resource; });
  });
}

}  // namespace

void write_quotas(MetricsPage& page, const runs::ChosenRun& run, const std::string& state_folder,
                  Time now, std::set<std::string>& shown) {
  for (const runs::LoginWindow& one : runs::login_windows(run, state_folder, now)) {
    if (!shown.insert(one.provider + "\n" + one.login + "\n" + one.name).second) continue;
    const MetricsPage::Labels labels{
        {"provider", one.provider}, {"login", one.login}, {"window", one.name}};
    page.gauge("window_used_ratio", "Part of a subscription's window that is used, as last seen.",
               labels, one.used);
    page.gauge("window_resets_in_seconds", "When a subscription's window begins anew.", labels,
               to_seconds(one.resets - now));
  }
  const auto backlogs = runs::backlogs_of(run.plan(), state_folder);
  for (std::size_t i = 0; i < backlogs.size(); ++i) {
    const plan::Resource& resource = run.plan().resources[i];
    if (resource.kind != plan::Resource::Kind::quota || !is_counted(run.plan(), i)) continue;
    const std::string& name = resource.account.empty() ? resource.name : resource.account;
    if (!shown.insert(name).second) continue;
    const auto add = [&](const char* what, const std::optional<Rate>& rate, Duration full,
                         double unit = 1) {
      if (!rate) return;
      const Duration holds =
          resource.counts_windows ? rate->per : resource.burst.value_or(schedule::kBurst);
      const MetricsPage::Labels labels{{"quota", name}, {"what", what}};
      page.gauge("quota_limit_per_second", "What a quota of a run that goes on lets through.",
                 labels, static_cast<double>(rate->amount) / unit / to_seconds(rate->per));
      page.gauge("quota_used_ratio",
                 "Part of what may be used at once that is used; above 1: used ahead of time.",
                 labels, to_seconds(full) / to_seconds(holds));
      page.gauge("quota_free_in_seconds", "When all of a quota may be used again.", labels,
                 to_seconds(full));
    };
    add("requests", resource.rates.requests, backlogs[i].requests);
    add("input_tokens", resource.rates.input_tokens, backlogs[i].input_tokens);
    add("output_tokens", resource.rates.output_tokens, backlogs[i].output_tokens);
    add("dollars", resource.rates.usd, backlogs[i].usd, 1e6);
    page.gauge("quota_shut_seconds", "For how long the provider asked to be sent nothing.",
               {{"quota", name}}, to_seconds(backlogs[i].floor));
  }
}

}  // namespace interlock::web
