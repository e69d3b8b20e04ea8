#include "cli/options.h"

#include <fmt/format.h>

namespace interlock::cli {

Result<runs::PlanRequest> request_of(const Options& options) {
  runs::PlanRequest request;
  if (!options.pattern.empty()) {
    request.pattern = options.pattern == "sequential" ? decide::Pattern::sequential
                      : options.pattern == "parallel" ? decide::Pattern::parallel
                                                      : decide::Pattern::queue;
  }
  if (options.parallel > 0) request.parallel = static_cast<std::uint32_t>(options.parallel);
  for (const std::string& name : options.isolation) {
    request.isolation.push_back(name == "direct"  ? plan::Isolation::direct
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
    request.effort = *effort;
  }
  for (const std::string& one : options.set) {
    const std::size_t equals = one.find('=');
    if (equals == std::string::npos || equals == 0) {
      return fail(Error::Kind::invalid, fmt::format("`--set {}` has no value", one),
                  "write `--set key=value`");
    }
    request.set[one.substr(0, equals)] = one.substr(equals + 1);
  }
  request.reuse = !options.fresh;
  request.wait_at_gates = options.wait;
  request.record = options.record;
  request.replay = options.replay;
  return request;
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

Result<ResumeRequest> resume_request_of(const Options& options) {
  ResumeRequest request;
  request.wait_at_gates = options.wait;
  request.which = which_plan_of(options);
  if (auto read = read_limits(options, request.tokens, request.usd); !read)
    return std::unexpected(read.error());
  return request;
}

runs::WhichPlan which_plan_of(const Options& options) {
  if (options.which_plan == "old") return runs::WhichPlan::old_one;
  return options.which_plan == "new" ? runs::WhichPlan::new_one : runs::WhichPlan::ask;
}

Result<GatewayRequest> gateway_request_of(const Options& options) {
  GatewayRequest request = options.gateway;
  if (auto read = read_limits(options, request.tokens, request.usd); !read)
    return std::unexpected(read.error());
  if (request.plan.empty() && !request.agent.empty())
    return fail(Error::Kind::invalid, "`--agent` names an agent of a plan, and there is none",
                "add `--plan FILE`");
  return request;
}

Result<std::optional<WorkspaceWait>> workspace_wait_of(const Options& options) {
  if (options.lock_timeout.empty())
    return options.wait_for_workspace ? std::optional(WorkspaceWait{}) : std::nullopt;
  const auto most = parse_duration(options.lock_timeout);
  if (!most)
    return fail(Error::Kind::invalid,
                fmt::format("`--lock-timeout {}` is not a duration", options.lock_timeout),
                "such as `90s` or `10m`");
  return std::optional(WorkspaceWait{*most});
}

std::optional<Duration> parse_age(std::string text) {
  const bool in_days = text.ends_with('d');
  if (in_days) text.back() = 'h';
  const auto age = parse_duration(text);
  if (!age) return std::nullopt;
  return in_days ? *age * 24 : *age;
}

Result<PruneOptions> prune_request_of(const Options& options) {
  PruneOptions request{options.run, {}, options.force};
  if (options.older.empty()) return request;
  const auto age = parse_age(options.older);
  if (!age) {
    return fail(Error::Kind::invalid, fmt::format("`--older {}` is not an age", options.older),
                "such as `30d` or `12h`");
  }
  request.older = age;
  return request;
}

Face face_of(const Options& options) {
  if (options.face == "panel") return Face::panel;
  if (options.face == "lines") return Face::lines;
  return Face::automatic;
}

}  // namespace interlock::cli
