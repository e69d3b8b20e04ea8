#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "base/units.h"
#include "plan/plan.h"

namespace interlock::testing_support {

/// A plan from short calls, for tests that begin behind the plan reader:
///
///     PlanBuilder plan("morning-review");
///     plan.task("review-pr").reads("src/**").writes("notes/review.md").takes("30s").tokens(15000);
///
/// Tasks are done by the command agent `sh` unless told otherwise, return no more than an exit
/// status, and declare an empty footprint.
class PlanBuilder {
 public:
  class TaskBuilder {
   public:
    TaskBuilder(PlanBuilder& builder, TaskId id) : builder_(&builder), id_(id) {}

    TaskBuilder& reads(std::string_view pattern) { return add(task().footprint.reads, pattern); }
    TaskBuilder& writes(std::string_view pattern) { return add(task().footprint.writes, pattern); }
    TaskBuilder& in(plan::Isolation isolation) { return task().isolation = isolation, *this; }
    TaskBuilder& unknown() { return task().footprint.unknown = true, *this; }
    TaskBuilder& needs(std::string_view other) {
      task().needs.push_back(builder_->id_of(other));
      return *this;
    }
    TaskBuilder& uses_output_of(std::string_view other) {
      task().output_of.push_back(builder_->id_of(other));
      return needs(other);
    }
    TaskBuilder& uses(std::string_view resource, std::int64_t amount = 1) {
      plan::Use use;
      use.resource = builder_->resource_of(resource);
      use.amount = amount;
      task().uses.push_back(use);
      return *this;
    }
    TaskBuilder& draws(std::string_view resource, Tokens input, Tokens output) {
      uses(resource);
      task().uses.back().input_tokens = input;
      task().uses.back().output_tokens = output;
      return *this;
    }
    TaskBuilder& takes(std::string_view duration) {
      task().estimate.time = parse_duration(duration);
      check(task().estimate.time.has_value(), "a duration is well formed");
      return *this;
    }
    TaskBuilder& joins(std::string_view duration) {
      return task().join = parse_duration(duration), *this;
    }
    TaskBuilder& tokens(Tokens tokens) { return task().estimate.tokens = tokens, *this; }
    TaskBuilder& costs(MicroUsd usd) { return task().estimate.usd = usd, *this; }
    TaskBuilder& conflicts(double part) { return task().estimate.conflicts = part, *this; }
    TaskBuilder& fails(double part, int retries, std::string_view backoff) {
      task().estimate.failures = part;
      task().retries = retries;
      task().backoff = *parse_duration(backoff);
      return *this;
    }
    TaskBuilder& prompt(std::string text) { return task().prompt = std::move(text), *this; }
    TaskBuilder& by(std::string_view agent) {
      for (std::size_t i = 0; i < builder_->plan_.agents.size(); ++i) {
        if (builder_->plan_.agents[i].name == agent) task().agent = AgentId(i);
      }
      return *this;
    }
    TaskBuilder& prose() { return task().output.form = plan::OutputSpec::Form::text, *this; }
    TaskBuilder& json(std::string schema = "{}") {
      task().output.form = plan::OutputSpec::Form::json;
      if (!schema.empty()) task().output.schema = std::move(schema);
      return *this;
    }
    TaskBuilder& gate_before() { return task().gate_before = true, *this; }

   private:
    plan::Task& task() { return builder_->plan_.tasks[id_.index()]; }
    TaskBuilder& add(footprint::PatternSet& set, std::string_view pattern) {
      const std::string text(pattern);
      auto parsed = footprint::PatternSet::parse(std::span(&text, 1));
      check(parsed.has_value(), "a pattern is well formed");
      set.include.insert(set.include.end(), parsed->include.begin(), parsed->include.end());
      set.exclude.insert(set.exclude.end(), parsed->exclude.begin(), parsed->exclude.end());
      return *this;
    }

    PlanBuilder* builder_;
    TaskId id_;
  };

  explicit PlanBuilder(std::string name) {
    plan_.name = std::move(name);
    agent("sh", plan::AgentKind::command);
  }

  PlanBuilder& agent(std::string name, plan::AgentKind kind, std::string model = {}) {
    plan::Agent made;
    made.name = std::move(name);
    made.kind = kind;
    made.model = std::move(model);
    plan_.agents.push_back(std::move(made));
    return *this;
  }
  PlanBuilder& slots(std::string name, std::int64_t capacity) {
    resource(std::move(name), plan::Resource::Kind::slots).capacity = capacity;
    return *this;
  }
  PlanBuilder& lock(std::string name) {
    return resource(std::move(name), plan::Resource::Kind::lock), *this;
  }
  PlanBuilder& quota(std::string name, plan::QuotaRates rates) {
    resource(std::move(name), plan::Resource::Kind::quota).rates = rates;
    return *this;
  }
  PlanBuilder& burst(std::string_view quota, Duration burst) {
    plan_.resources[resource_of(quota).index()].burst = burst;
    return *this;
  }
  /// Tasks of the agent slow each other.
  PlanBuilder& slowing(std::string_view agent, std::int64_t beyond, double by) {
    for (plan::Agent& it : plan_.agents) {
      if (it.name == agent) it.slowing = plan::Slowing{beyond, by};
    }
    return *this;
  }
  PlanBuilder& merge(std::string name, plan::Merge::With with,
                     const std::vector<std::string_view>& from) {
    plan::Merge made;
    made.name = std::move(name);
    made.with = with;
    for (const std::string_view id : from) made.from.push_back(id_of(id));
    plan_.merges.push_back(std::move(made));
    return *this;
  }
  TaskBuilder task(std::string id) {
    plan::Task made;
    made.id = std::move(id);
    made.run.shell = "true";
    plan_.tasks.push_back(std::move(made));
    return {*this, TaskId(plan_.tasks.size() - 1)};
  }

  /// Valid as long as the builder.
  const plan::Plan& plan() const { return plan_; }
  plan::Limits& limits() { return plan_.limits; }

 private:
  plan::Resource& resource(std::string name, plan::Resource::Kind kind) {
    plan::Resource made;
    made.name = std::move(name);
    made.kind = kind;
    plan_.resources.push_back(std::move(made));
    return plan_.resources.back();
  }
  TaskId id_of(std::string_view id) const {
    const auto found = plan_.find(id);
    check(found.has_value(), "tasks are added before they are named");
    return *found;
  }
  ResourceId resource_of(std::string_view name) const {
    for (std::size_t i = 0; i < plan_.resources.size(); ++i) {
      if (plan_.resources[i].name == name) return ResourceId(i);
    }
    check(false, "resources are added before they are named");
    return {};
  }

  plan::Plan plan_;
};

}  // namespace interlock::testing_support
