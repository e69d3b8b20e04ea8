#include <gtest/gtest.h>

#include "report/plan_view.h"
#include "support/plan_builder.h"

namespace interlock::report {
namespace {

using testing_support::PlanBuilder;

TEST(PlanJson, SaysWhatTheDesignAsksFor) {
  PlanBuilder builder("pair");
  builder.agent("claude", plan::AgentKind::claude_code);
  builder.task("a").by("claude").writes("notes/**").takes("30s");
  builder.task("b").reads("notes/a.md").takes("20s");
  const plan::Plan& plan = builder.plan();
  const footprint::Interlocking interlocking = plan::interlocking_of(plan);
  const auto expected = decide::expect(plan, {});
  std::string text = "\n";
  write_plan_json(plan, interlocking, expected, decide::decide(plan, interlocking, expected, {}),
                  [&](std::string_view piece) { text += piece; });
  EXPECT_EQ(text, R"json(
{
  "version": 1,
  "plan": "pair",
  "tasks": [
    {
      "id": "a",
      "agent": "claude",
      "when": null,
      "footprint": {
        "reads": [],
        "writes": [
          "notes/**"
        ],
        "unknown": false
      },
      "estimate": {
        "time_s": 30,
        "time_from": "plan",
        "time_of": null,
        "samples": 0,
        "spread": 0.6931,
        "failures": null,
        "failures_from": null,
        "tokens": null,
        "tokens_from": null,
        "overhead_tokens": 5000,
        "overhead_from": "prior",
        "cost_usd": null,
        "cost_from": null,
        "cores": null,
        "memory_bytes": null
      },
      "joining": null,
      "alone": null
    },
    {
      "id": "b",
      "agent": "sh",
      "when": null,
      "footprint": {
        "reads": [
          "notes/a.md"
        ],
        "writes": [],
        "unknown": false
      },
      "estimate": {
        "time_s": 20,
        "time_from": "plan",
        "time_of": null,
        "samples": 0,
        "spread": 0.6931,
        "failures": null,
        "failures_from": null,
        "tokens": 0,
        "tokens_from": "prior",
        "overhead_tokens": 0,
        "overhead_from": "prior",
        "cost_usd": 0,
        "cost_from": "prior",
        "cores": null,
        "memory_bytes": null
      },
      "joining": null,
      "alone": null
    }
  ],
  "interlocking": [
    {
      "before": "a",
      "after": "b",
      "why": "write-read",
      "on": "notes/a.md"
    }
  ],
  "decision": {
    "pattern": "sequential",
    "n": 1,
    "tests": {
      "independent": {
        "holds": false,
        "why": "each task waits for the one before it; `b` reads `notes/a.md`, which `a` writes"
      },
      "mergeable": {
        "holds": true,
        "why": "nothing has to be joined by hand"
      },
      "worthwhile": {
        "holds": false,
        "why": "it saves nothing, under the 10 s that `limits.min_saving` asks for"
      }
    },
    "saving": {
      "sequential_s": 50,
      "critical_path_s": 50,
      "quota_s": 0,
      "overhead_s": 0,
      "conflict_s": 0,
      "merge_s": 0,
      "saved_s": 0,
      "required_s": 10,
      "mean_sequential_s": 63.69471,
      "mean_saved_s": 0
    },
    "reasons": [
      "Tasks run one by one in plan order: overlapping is not possible and not worth it"
    ],
    "changes": [],
    "warnings": [],
    "not_counted": []
  },
  "forecast": {
    "sequential": {
      "elapsed_s": 50,
      "mean_s": 63.69471,
      "p50_s": 60.459347,
      "p90_s": 102.447986,
      "draws": 32,
      "join_s": 0,
      "redone": 0,
      "wasted_tokens": 0,
      "tokens": null,
      "overhead_tokens": 5000,
      "cached_tokens": 0,
      "cost_usd": null,
      "n": 1
    },
    "parallel": {
      "elapsed_s": 50,
      "mean_s": 63.69471,
      "p50_s": 60.459347,
      "p90_s": 102.447986,
      "draws": 32,
      "join_s": 0,
      "redone": 0,
      "wasted_tokens": 0,
      "tokens": null,
      "overhead_tokens": 5000,
      "cached_tokens": 0,
      "cost_usd": null,
      "n": 1
    },
    "queue": {
      "elapsed_s": 50,
      "mean_s": 63.69471,
      "p50_s": 60.459347,
      "p90_s": 102.447986,
      "draws": 32,
      "join_s": 0,
      "redone": 0,
      "wasted_tokens": 0,
      "tokens": null,
      "overhead_tokens": 5000,
      "cached_tokens": 0,
      "cost_usd": null,
      "n": 1
    },
    "one_agent": null,
    "provider_batch": null
  },
  "batches": null,
  "schedule": [
    {
      "task": "a",
      "start_s": 0,
      "end_s": 30,
      "slot": 0
    },
    {
      "task": "b",
      "start_s": 30,
      "end_s": 50,
      "slot": 0
    }
  ],
  "notes": []
}
)json");
}

}  // namespace
}  // namespace interlock::report
