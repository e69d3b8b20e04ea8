#pragma once

#include <optional>
#include <vector>

#include "decide/decision.h"

namespace interlock::decide {

/// What the ways that are no dispatching would take; docs/decision.md states the models.

/// One agent that does all tasks in plan order, in one context. Nothing where there is only one
/// task, or where the tasks are not all one agent's, by one model. The times are those in sequence.
std::optional<OneAgent> one_agent_of(const plan::Plan& plan, const std::vector<Expected>& expected,
                                     const Forecast& sequential);

/// A batch at the provider of a model API; nothing where other agents are among the tasks, or a
/// person is asked.
std::optional<ProviderBatch> provider_batch_of(const plan::Plan& plan,
                                               const footprint::Interlocking& interlocking,
                                               const std::vector<Expected>& expected);

/// How many of the tokens that start agents are read from the prompt cache where attempts start as
/// in the timeline: a prefix is there from 5 s after the first start with it, until nothing used it
/// for 5 minutes.
Tokens cached_tokens_of(const plan::Plan& plan, const std::vector<Expected>& expected,
                        const schedule::Timeline& timeline);

/// The same money where so many of the tokens come from the cache or are used once more; nothing
/// where a part of it is not known.
std::optional<MicroUsd> cost_with(const std::vector<Expected>& expected, Tokens cached,
                                  std::optional<Tokens> more);

}  // namespace interlock::decide
