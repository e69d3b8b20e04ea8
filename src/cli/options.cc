#include "cli/options.h"

#include <fmt/format.h>

namespace interlock::cli {

Result<PlanWish> wish_of(const Options& options) {
  PlanWish wish;
  if (!options.pattern.empty()) {
    wish.pattern = options.pattern == "sequential" ? decide::Pattern::sequential
                   : options.pattern == "parallel" ? decide::Pattern::parallel
                                                   : decide::Pattern::queue;
  }
  if (options.parallel > 0) wish.parallel = static_cast<std::uint32_t>(options.parallel);
  for (const std::string& name : options.isolation) {
    wish.isolation.push_back(name == "direct"  ? plan::Isolation::direct
                             : name == "guard" ? plan::Isolation::guard
                             : name == "view"  ? plan::Isolation::view
                                               : plan::Isolation::worktree);
  }
  if (!options.effort.empty()) {
    const auto effort = parse_duration(options.effort);
    if (!effort) {
      return fail(Error::Kind::invalid,
                  fmt::format("`--effort {}` is not a duration", options.effort),
                  "such as `100ms` or `2s`");
    }
    wish.effort = *effort;
  }
  for (const std::string& one : options.set) {
    const std::size_t equals = one.find('=');
    if (equals == std::string::npos || equals == 0) {
      return fail(Error::Kind::invalid, fmt::format("`--set {}` has no value", one),
                  "write `--set key=value`");
    }
    wish.set[one.substr(0, equals)] = one.substr(equals + 1);
  }
  wish.reuse = !options.fresh;
  wish.wait_at_gates = options.wait;
  wish.record = options.record;
  wish.replay = options.replay;
  return wish;
}

namespace {

/// `--tokens` and `--usd`, as far as they are there.
Result<void> read_limits(const Options& options, std::optional<Tokens>& tokens,
                         std::optional<MicroUsd>& usd) {
  if (!options.tokens.empty()) {
    tokens = parse_count(options.tokens);
    if (!tokens)
      return fail(Error::Kind::invalid, fmt::format("`--tokens {}` is not a count", options.tokens),
                  "such as `400k`");
  }
  if (!options.usd.empty()) {
    usd = parse_usd(options.usd);
    if (!usd)
      return fail(Error::Kind::invalid, fmt::format("`--usd {}` is not an amount", options.usd),
                  "such as `5.00`");
  }
  return {};
}

}  // namespace

Result<ResumeWish> resume_wish_of(const Options& options) {
  ResumeWish wish;
  wish.wait_at_gates = options.wait;
  wish.which = which_plan_of(options);
  if (auto read = read_limits(options, wish.tokens, wish.usd); !read)
    return std::unexpected(read.error());
  return wish;
}

WhichPlan which_plan_of(const Options& options) {
  if (options.which_plan == "old") return WhichPlan::old_one;
  return options.which_plan == "new" ? WhichPlan::new_one : WhichPlan::ask;
}

Result<GatewayWish> gateway_wish_of(const Options& options) {
  GatewayWish wish = options.gateway;
  if (auto read = read_limits(options, wish.tokens, wish.usd); !read)
    return std::unexpected(read.error());
  if (wish.plan.empty() && !wish.agent.empty())
    return fail(Error::Kind::invalid, "`--agent` names an agent of a plan, and there is none",
                "add `--plan FILE`");
  return wish;
}

std::optional<Duration> parse_age(std::string text) {
  const bool in_days = text.ends_with('d');
  if (in_days) text.back() = 'h';
  const auto age = parse_duration(text);
  if (!age) return std::nullopt;
  return in_days ? *age * 24 : *age;
}

Result<PruneOptions> prune_wish_of(const Options& options) {
  PruneOptions wish{options.run, {}, options.force};
  if (options.older.empty()) return wish;
  const auto age = parse_age(options.older);
  if (!age) {
    return fail(Error::Kind::invalid, fmt::format("`--older {}` is not an age", options.older),
                "such as `30d` or `12h`");
  }
  wish.older = age;
  return wish;
}

Face face_of(const Options& options) {
  if (options.face == "panel") return Face::panel;
  if (options.face == "lines") return Face::lines;
  return Face::automatic;
}

}  // namespace interlock::cli
