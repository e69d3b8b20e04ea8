#include "contract/memory_measurements.h"

#include <algorithm>
#include <ranges>
#include <tuple>

#include "decide/learn.h"

namespace interlock::testing_support {
namespace {

/// So many are kept: of a task, agent and model; of an account and model.
constexpr std::size_t kSamplesKept = 20, kCallsKept = 400;

auto place_of(const history::Sample& it) {
  return std::tie(it.workspace, it.task, it.agent, it.model);
}
auto place_of(const history::Call& it) { return std::tie(it.account, it.model); }
auto moment_of(const history::Sample& it) { return it.at; }
auto moment_of(const history::Call& it) { return it.ended; }
bool is_same(const history::Sample& one, const history::Sample& other) {
  return place_of(one) == place_of(other) && one.at == other.at;
}
bool is_same(const history::Call& one, const history::Call& other) {
  return place_of(one) == place_of(other) && one.ended == other.ended && one.began == other.began &&
         one.run == other.run;
}

/// In the place of what says the same, and what is then too old goes.
template <typename Row>
void keep(std::vector<Row>& rows, const Row& row, std::size_t most) {
  std::erase_if(rows, [&](const Row& one) { return is_same(one, row); });
  rows.push_back(row);
  std::vector<Time> moments;
  for (const Row& one : rows) {
    if (place_of(one) == place_of(row)) moments.push_back(moment_of(one));
  }
  if (moments.size() <= most) return;
  std::ranges::sort(moments, std::greater());
  std::erase_if(rows, [&](const Row& one) {
    return place_of(one) == place_of(row) && moment_of(one) <= moments[most];
  });
}

bool fits(const journal::SampleFilter& filter, const history::Sample& it) {
  const auto is = [](const std::string& wanted, const std::string& value) {
    return wanted.empty() || wanted == value;
  };
  return is(filter.workspace, it.workspace) && is(filter.task, it.task) &&
         is(filter.agent, it.agent) && is(filter.model, it.model) && is(filter.plan, it.plan) &&
         (!filter.before || it.at < *filter.before);
}

}  // namespace

void keep_measured(MemoryRows& rows, const journal::Measured& measured) {
  for (const history::Sample& it : measured.samples) keep(rows.samples, it, kSamplesKept);
  for (const history::Call& it : measured.calls) keep(rows.calls, it, kCallsKept);
  for (const auto& [task, attempt, met] : measured.met) {
    for (history::Sample& it : rows.samples) {
      if (it.run == measured.run && it.task == task && it.attempt == attempt) it.met = met;
    }
  }
}

Result<decide::History> MemoryMeasurements::history(const std::string& workspace,
                                                    const decide::SaidSlowings& said) {
  const journal::Samples all = samples({}).value();
  std::vector<history::Sample> known;
  for (const bool ours : {true, false}) {
    for (const history::Sample& it : all.good) {
      if ((it.workspace == workspace) == ours) known.push_back(it);
    }
  }
  return decide::learn(known, calls().value(), workspace, said);
}

Result<journal::Samples> MemoryMeasurements::samples(const journal::SampleFilter& filter) {
  journal::Samples found;
  for (const history::Sample& it : rows_.samples | std::views::reverse) {
    if (fits(filter, it)) found.good.push_back(it);
  }
  std::ranges::stable_sort(found.good, std::greater(), &history::Sample::at);
  if (filter.most != 0 && found.good.size() > filter.most) found.good.resize(filter.most);
  return found;
}

Result<void> MemoryMeasurements::add_samples(const std::vector<history::Sample>& samples,
                                             const std::vector<history::Call>& calls) {
  keep_measured(rows_, {samples, calls, {}, {}});
  return {};
}

Result<std::vector<history::Call>> MemoryMeasurements::calls() {
  std::vector<history::Call> all = rows_.calls;
  std::ranges::stable_sort(all, {}, &history::Call::ended);
  return all;
}

Result<std::size_t> MemoryMeasurements::forget_samples(const journal::SampleFilter& filter) {
  const std::size_t gone =
      std::erase_if(rows_.samples, [&](const history::Sample& it) { return fits(filter, it); });
  const bool is_of_all = filter.workspace.empty() && filter.task.empty() && filter.agent.empty() &&
                         filter.plan.empty();
  if (!is_of_all) return gone;
  const auto is_old = [&](Time at) { return !filter.before || at < *filter.before; };
  std::erase_if(rows_.calls, [&](const history::Call& it) {
    return (filter.model.empty() || it.model == filter.model) && is_old(it.ended);
  });
  std::erase_if(rows_.regrets,
                [&](const history::Regret& it) { return filter.model.empty() && is_old(it.at); });
  return gone;
}

Result<void> MemoryMeasurements::sample_run(const std::string& run,
                                            std::vector<journal::TaskLabel> tasks) {
  const MemoryRun* const found = rows_.find(run);
  if (found == nullptr) return fail(Error::Kind::missing, "there is no run `" + run + "`");
  journal::Projection projection({run, found->head.plan_name, found->head.workspace},
                                 std::move(tasks));
  for (const engine::RecordedEvent& recorded : found->events) projection.apply(recorded);
  keep_measured(rows_, projection.take());
  return {};
}

Result<std::vector<std::pair<std::string, Tokens>>> MemoryMeasurements::past_outputs(
    const std::string& account) {
  std::vector<std::pair<std::string, Tokens>> outputs;
  const auto all = calls().value();
  for (const history::Call& it : all) {
    if (it.account == account && it.output_tokens)
      outputs.emplace_back(it.model, *it.output_tokens);
  }
  return outputs;
}

Result<void> MemoryMeasurements::keep_regret(const history::Regret& regret) {
  std::erase_if(rows_.regrets, [&](const auto& one) { return one.run == regret.run; });
  rows_.regrets.push_back(regret);
  return {};
}

Result<std::vector<history::Regret>> MemoryMeasurements::regrets(const std::string& workspace) {
  std::vector<history::Regret> found = rows_.regrets;
  std::erase_if(found, [&](const history::Regret& it) {
    return !workspace.empty() && it.workspace != workspace;
  });
  std::ranges::stable_sort(found, std::greater(), &history::Regret::at);
  return found;
}

}  // namespace interlock::testing_support
