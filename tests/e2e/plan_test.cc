#include <gmock/gmock.h>

#include <algorithm>

#include "e2e/cli_harness.h"

// `interlock plan`: the decision, and everything that can be wrong with a plan.
namespace interlock::e2e {

namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kMorning = R"(
name: morning-review
tasks:
  - {id: research-auth, run: [cat, auth.md], reads: [auth.md], output: {schema: {type: object}}, estimate: {time: 45s, tokens: 15k}}
  - {id: review-pr, run: [cat, pr.md], reads: [pr.md], output: {schema: {type: object}}, estimate: {time: 30s, tokens: 10k}}
  - {id: write-notes, run: [cat, notes.md], reads: [notes.md], output: {schema: {type: object}}, estimate: {time: 20s, tokens: 6k}}
)";

class PlanCommand : public Cli {
 protected:
  /// What `plan` says of a plan that is wrong.
  std::string complaint(const std::string& content) {
    write_plan(content);
    const Ended ended = interlock({"plan", "plan.yaml"});
    EXPECT_EQ(ended.exit, 2) << ended.err;
    EXPECT_EQ(ended.out, "");
    return ended.err;
  }
};

TEST_F(PlanCommand, foretells_three_tasks_in_sequence_in_parallel_and_as_a_queue_of_two) {
  write_plan(kMorning);
  const auto plan = json_of({"plan", "plan.yaml"});
  EXPECT_EQ(at(plan, "/decision/pattern"), "parallel");
  EXPECT_EQ(std::stod(at(plan, "/forecast/sequential/elapsed_s")), 95);
  EXPECT_EQ(std::stod(at(plan, "/forecast/parallel/elapsed_s")), 45);
  EXPECT_EQ(std::stod(at(plan, "/forecast/queue/elapsed_s")), 50);
  EXPECT_EQ(at(plan, "/forecast/queue/n"), "2");
  const Ended shown = interlock({"plan", "plan.yaml"});
  EXPECT_EQ(shown.exit, 0);
  for (const char* figure : {"95 s", "45 s", "50 s"}) EXPECT_THAT(shown.out, HasSubstr(figure));
}

TEST_F(PlanCommand, gives_as_json_what_the_design_promises) {
  write_plan(R"(
agents: {claude: {kind: claude-code}}
tasks:
  - {id: first, agent: claude, prompt: Write notes., writes: ["notes/**"]}
  - {id: second, run: [true], writes: [elsewhere], needs: [first]}
)");
  const auto plan = json_of({"plan", "plan.yaml"});
  for (const char* there : {"/plan",
                            "/tasks/0/id",
                            "/tasks/0/agent",
                            "/tasks/0/footprint",
                            "/tasks/0/estimate",
                            "/decision/pattern",
                            "/decision/n",
                            "/decision/tests/independent/holds",
                            "/decision/tests/independent/why",
                            "/decision/tests/mergeable/holds",
                            "/decision/tests/worthwhile/holds",
                            "/decision/reasons",
                            "/forecast/sequential/elapsed_s",
                            "/forecast/sequential/tokens",
                            "/forecast/sequential/overhead_tokens",
                            "/forecast/sequential/cost_usd",
                            "/forecast/sequential/n",
                            "/forecast/parallel/elapsed_s",
                            "/forecast/queue/elapsed_s",
                            "/schedule/0/task",
                            "/schedule/0/start_s",
                            "/schedule/0/end_s",
                            "/schedule/0/slot"}) {
    EXPECT_THAT(at(plan, there), Not(HasSubstr("nothing at"))) << there;
  }
  EXPECT_EQ(at(plan, "/interlocking/0/before"), "first");
  EXPECT_EQ(at(plan, "/interlocking/0/after"), "second");
  EXPECT_EQ(at(plan, "/interlocking/0/why"), "needs");
  EXPECT_EQ(at(plan, "/forecast/sequential/cost_usd"), "null")
      << "what is not known is null, never 0";
}

TEST_F(PlanCommand, says_what_keeps_two_tasks_apart_and_what_would_have_to_change) {
  write_plan(R"(
tasks:
  - {id: review-pr, run: [true], writes: ["notes/**"], estimate: {time: 30s}}
  - {id: write-notes, run: [true], writes: ["notes/**"], estimate: {time: 30s}}
)");
  const Ended ended = interlock({"plan", "plan.yaml", "--full"});
  EXPECT_THAT(ended.out, HasSubstr("`review-pr` and `write-notes` both write `notes/**`"));
}

TEST_F(PlanCommand, points_at_each_mistake_with_the_line_a_caret_and_the_nearest_word) {
  EXPECT_EQ(complaint("tasks:\n"
                      "  - {id: one, run: [true], read: [a]}\n"
                      "  - {id: two, run: [true], needs: [on]}\n"),
            "plan.yaml:3:28: error: unknown key `read` in a task\n"
            "    3 |   - {id: one, run: [true], read: [a]}\n"
            "      |                            ^~~~\n"
            "  hint: did you mean `reads`?\n"
            "plan.yaml:4:36: error: no task `on`\n"
            "    4 |   - {id: two, run: [true], needs: [on]}\n"
            "      |                                    ^~\n"
            "  hint: did you mean `one`?\n");
}

TEST_F(PlanCommand, refuses_every_kind_of_bad_plan) {
  EXPECT_THAT(complaint("tasks: []\n"), HasSubstr("the plan has no tasks"));
  EXPECT_THAT(complaint("tasks: [{id: a, run: [true]}, {id: a, run: [true]}]\n"),
              HasSubstr("given twice"));
  EXPECT_THAT(
      complaint("tasks: [{id: a, run: [true], needs: [b]}, {id: b, run: [true], needs: [a]}]\n"),
      HasSubstr("in a circle"));
  EXPECT_THAT(complaint("tasks: [{id: a, run: [true], writes: [../outside]}]\n"),
              HasSubstr("../outside"));
  EXPECT_THAT(complaint("tasks: [{id: a, run: [true], timeout: 99999999999999h}]\n"),
              HasSubstr("error:"));
  EXPECT_THAT(complaint("tasks: [{id: a, run: [true], retries: -1}]\n"), HasSubstr("error:"));
  EXPECT_THAT(complaint("tasks: [{id: a, run: [true], output: {schema: absent.json}}]\n"),
              HasSubstr("absent.json"));
  EXPECT_THAT(complaint("tasks: [{id: \"a\xff\", run: [true]}]\n"), HasSubstr("UTF-8"));
  EXPECT_THAT(complaint("tasks: " + std::string(100'000, '[') + "\n"), HasSubstr("deep"));
  EXPECT_THAT(complaint("tasks: [{id: a, run: [true]\n"), HasSubstr("plan.yaml:"));
  EXPECT_THAT(complaint(""), HasSubstr("tasks"));
}

TEST_F(PlanCommand, is_not_taken_in_by_a_bomb_of_aliases) {
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 12; ++i) {
    const std::string before = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + before;
    for (int j = 0; j < 9; ++j) bomb += ", " + before;
    bomb += "]\n";
  }
  EXPECT_THAT(complaint(bomb + "tasks: *a11\n"), HasSubstr("error:"));
}

TEST_F(PlanCommand, names_a_plan_that_cannot_be_read) {
  const auto err_of = [this](const std::string& file) {
    const Ended ended = interlock({"plan", file});
    EXPECT_EQ(ended.exit, 2);
    return ended.err;
  };
  EXPECT_EQ(err_of("absent.yaml"),
            "error: cannot read plan `absent.yaml`: there is no such file\n"
            " hint: `interlock init` writes one to start from\n");
  EXPECT_EQ(err_of("."), "error: cannot read plan `.`: it is a folder\n");
}

TEST_F(PlanCommand, refuses_a_schema_that_no_output_could_be_held_against) {
  const auto err_of = [this](const std::string& schema) {
    write_plan("tasks: [{id: a, run: [echo, '1'], reads: [], output: {schema: " + schema + "}}]\n");
    const Ended ended = interlock({"plan", "plan.yaml"});
    EXPECT_EQ(ended.exit, 2);
    return ended.err;
  };
  EXPECT_THAT(err_of("{type: strin}"),
              HasSubstr("error: the schema of task `a`: `type` at the top: expected"));
  EXPECT_THAT(err_of("{$ref: 'http://example.com/x.json'}"),
              HasSubstr("schemas are never fetched"));
}

TEST_F(PlanCommand, says_what_of_a_schema_is_not_checked) {
  write_plan(
      "tasks: [{id: a, run: [echo, '1'], reads: [], output: {schema: {format: idn-email}}}]\n");
  EXPECT_THAT(interlock({"plan", "plan.yaml"}).out, HasSubstr("format `idn-email` is not checked"));
  EXPECT_THAT(interlock({"plan", "plan.yaml", "--full"}).out,
              HasSubstr("format `idn-email` is not checked"));
}

TEST_F(PlanCommand, reads_a_plan_from_standard_input_and_json_as_yaml) {
  const Ended ended =
      interlock({"plan", "-"}, R"({"interlock": 1, "tasks": [{"id": "only", "run": ["true"]}]})");
  EXPECT_EQ(ended.exit, 0) << ended.err;
  EXPECT_THAT(ended.out, HasSubstr("only"));
}

TEST_F(PlanCommand, fills_names_from_the_command_line) {
  write_plan("tasks: [{id: \"check-{target}\", run: [true]}]\n");
  EXPECT_EQ(at(json_of({"plan", "plan.yaml", "--set", "target=web"}), "/tasks/0/id"), "check-web");
  EXPECT_EQ(interlock({"plan", "plan.yaml", "--set", "target"}).exit, 2);
}

TEST_F(PlanCommand, obeys_a_pattern_but_never_against_a_proven_conflict) {
  write_plan(kMorning);
  EXPECT_EQ(at(json_of({"plan", "plan.yaml", "--pattern", "sequential"}), "/decision/pattern"),
            "sequential");
  EXPECT_EQ(
      at(json_of({"plan", "plan.yaml", "--pattern", "queue", "--parallel", "2"}), "/decision/n"),
      "2");
  write_plan(R"(
tasks:
  - {id: one, run: [true], writes: [a], estimate: {time: 30s}}
  - {id: two, run: [true], writes: [a], estimate: {time: 30s}}
)");
  const auto forced = json_of({"plan", "plan.yaml", "--pattern", "parallel"});
  EXPECT_EQ(std::stod(at(forced, "/schedule/1/start_s")), 30);
}

TEST_F(PlanCommand, prices_conflicts_whose_odds_the_plan_states) {
  const auto plan_with = [&](const std::string& limits, const std::string& odds) {
    std::string content = limits + "agents: {m: {kind: command, run: [cat]}}\ntasks:\n";
    for (const char* id : {"a", "b", "c", "d"})
      content +=
          std::string("  - {id: ") + id +
          ", agent: m, prompt: edit, writes: [src/**], isolation: view, estimate: {time: 60s, "
          "tokens: 10k" +
          odds + "}}\n";
    write_plan(content);
    return json_of({"plan", "plan.yaml"});
  };
  const auto silent = plan_with("", "");
  EXPECT_EQ(at(silent, "/decision/pattern"), "sequential");
  EXPECT_THAT(at(silent, "/decision/changes/0"),
              HasSubstr("`limits: {speculate: true}` would let 4 tasks start"));
  // The other columns say what asking for them would take.
  EXPECT_LT(std::stod(at(silent, "/forecast/parallel/mean_s")),
            std::stod(at(silent, "/forecast/sequential/mean_s")));
  EXPECT_GT(std::stod(at(silent, "/forecast/parallel/redone")), 0);
  EXPECT_EQ(at(plan_with("", ", conflicts: 5%"), "/decision/pattern"), "parallel");
  EXPECT_EQ(at(plan_with("", ", conflicts: 90%"), "/decision/pattern"), "sequential");
  EXPECT_EQ(at(plan_with("limits: {speculate: false}\n", ", conflicts: 5%"), "/decision/pattern"),
            "sequential");
  EXPECT_THAT(complaint("tasks: [{id: a, run: [true], estimate: {conflicts: often}}]"),
              HasSubstr("conflicts"));
}

TEST_F(PlanCommand, compares_with_one_agent_for_all_and_with_a_batch_at_the_provider) {
  write_plan(R"(
agents: {m: {kind: chat, api: anthropic, model: claude-sonnet-4-5, key: THE_KEY}}
defaults: {agent: m, join: 0s}
tasks:
  - {id: a, prompt: one, reads: [], writes: [], estimate: {time: 60s, tokens: 20k, usd: 0.10}}
  - {id: b, prompt: two, reads: [], writes: [], estimate: {time: 60s, tokens: 20k, usd: 0.10}}
)");
  const auto plan = json_of({"plan", "plan.yaml"});
  EXPECT_EQ(at(plan, "/forecast/one_agent/overhead_tokens"), "5000");
  EXPECT_EQ(std::stod(at(plan, "/forecast/one_agent/elapsed_s")), 120);
  EXPECT_EQ(std::stod(at(plan, "/forecast/provider_batch/cost_usd")), 0.10);
  EXPECT_EQ(at(plan, "/forecast/sequential/cached_tokens"), "3000");
  const std::string page = interlock({"plan", "plan.yaml"}).out;
  EXPECT_THAT(page, HasSubstr("one agent for all"));
  EXPECT_THAT(page, HasSubstr("provider's batch"));
}

TEST_F(PlanCommand, breakeven_says_from_how_many_on_a_queue_is_better_and_why) {
  write_plan(R"(
agents: {api: {kind: command, run: [cat], slowing: {beyond: 3, by: 1}}}
tasks:
  - {id: ask, agent: api, prompt: Hello., reads: [a], output: {schema: {type: object}}, estimate: {time: 60s}}
)");
  const auto found = json_of({"breakeven", "plan.yaml"});
  EXPECT_EQ(at(found, "/pays_from"), "2");
  EXPECT_EQ(at(found, "/queue_from"), "4") << "one more than the knee";
  EXPECT_EQ(at(found, "/queue_of"), "3");
  EXPECT_THAT(at(found, "/points/0/at_once/p90_s"), Not(HasSubstr("nothing at")));
  const Ended shown = interlock({"breakeven", "plan.yaml", "-o", "chart.svg"});
  EXPECT_EQ(shown.exit, 0) << shown.err;
  EXPECT_THAT(shown.out, HasSubstr("pays from 2 on; a queue of 3 is better than all at once"));
  EXPECT_THAT(shown.out, HasSubstr("What moves the answer most"));
  EXPECT_TRUE(exists("chart.svg"));
}

TEST_F(PlanCommand, breakeven_says_what_was_never_measured) {
  write_plan("tasks: [{id: a, run: [true], reads: [], estimate: {time: 60s}}]\n");
  EXPECT_THAT(at(json_of({"breakeven", "plan.yaml"}), "/sentence"),
              HasSubstr("never measured: how they slow each other"));
  EXPECT_EQ(interlock({"breakeven", "plan.yaml", "-o", "absent/chart.svg"}).exit, 4);
  EXPECT_EQ(interlock({"breakeven", "absent.yaml"}).exit, 2);
}

TEST_F(PlanCommand, refuses_words_of_the_decision_that_mean_nothing) {
  EXPECT_THAT(complaint("tasks: [{id: a, run: [true], join: soon}]\n"), HasSubstr("duration"));
  EXPECT_THAT(complaint("agents: {x: {kind: command, run: [cat], slowing: {beyond: 3}}}\n"
                        "tasks: [{id: a, run: [true]}]\n"),
              HasSubstr("needs both `beyond` and `by`"));
  EXPECT_THAT(complaint("agents: {x: {kind: command, run: [cat], slowing: {beyond: 0, by: 1}}}\n"
                        "tasks: [{id: a, run: [true]}]\n"),
              HasSubstr("error:"));
  EXPECT_THAT(complaint("tasks: [{id: a, run: [true], estimate: {failures: 120%}}]\n"),
              HasSubstr("a number from 0 to 0.99, or a percentage"));
  EXPECT_THAT(complaint("limits: {answer: often}\ntasks: [{id: a, run: [true]}]\n"),
              HasSubstr("duration"));
}

TEST_F(PlanCommand, fits_a_screen_and_ends_with_the_decision) {
  write_plan(kMorning);
  const std::string page = interlock({"plan", "plan.yaml"}).out;
  EXPECT_LE(std::count(page.begin(), page.end(), '\n'), 24);
  const std::size_t decision = page.find("\nDecision: ");
  ASSERT_NE(decision, std::string::npos);
  EXPECT_EQ(page.find("\n\n", decision + 1), std::string::npos);
}

TEST_F(PlanCommand, writes_nothing_anywhere) {
  write_plan(kMorning);
  ASSERT_EQ(interlock({"plan", "plan.yaml"}).exit, 0);
  EXPECT_FALSE(exists("../state")) << "planning makes no journal";
}

TEST_F(PlanCommand, takes_interlock_yaml_where_no_file_is_named) {
  const Ended none = interlock({"plan"});
  EXPECT_EQ(none.exit, 2);
  EXPECT_THAT(none.err, HasSubstr("no plan is named, and there is no `interlock.yaml` here"));
  write_plan("name: mine\ntasks: [{id: a, run: touch ran}]\n", "interlock.yaml");
  EXPECT_EQ(at(json_of({"plan"}), "/plan"), "mine");
  EXPECT_EQ(interlock({"run"}).exit, 0);
  EXPECT_TRUE(exists("ran"));
}

TEST_F(PlanCommand, tells_the_word_for_what_other_tools_call_otherwise) {
  write_plan("tasks: [{id: a, run: x}]\n");
  EXPECT_THAT(interlock({"run", "plan.yaml", "-j", "4"}).err,
              HasSubstr("hint: `--parallel N` says"));
  EXPECT_THAT(interlock({"run", "plan.yaml", "-j4"}).err, HasSubstr("hint: `--parallel N` says"));
  EXPECT_THAT(interlock({"run", "plan.yaml", "--dry-run"}).err,
              HasSubstr("hint: `interlock plan` shows"));
  EXPECT_THAT(interlock({"status"}).err, HasSubstr("hint: it is `interlock show` here"));
  EXPECT_EQ(interlock({"help"}).out, interlock({"--help"}).out);
  EXPECT_EQ(interlock({"help"}).exit, 0);
  EXPECT_EQ(interlock({"help", "run"}).out, interlock({"run", "--help"}).out);
  EXPECT_THAT(interlock({"version"}).out, HasSubstr("interlock 0."));
}

TEST_F(PlanCommand, says_which_reads_match_nothing_that_is_there_or_will_be) {
  write("src/a.cc", "");
  write_plan(R"(
tasks:
  - {id: a, run: x, reads: ["srcs/**", "src/**", gone.md, made.md], writes: [out]}
  - {id: b, run: y, reads: [], writes: ["made*"]}
)");
  const auto plan = json_of({"plan", "plan.yaml"});
  EXPECT_EQ(at(plan, "/notes/0"),
            "`reads` of `a`: nothing in the workspace matches `srcs/**`; did you mean `src/**`?");
  EXPECT_EQ(at(plan, "/notes/1"), "`reads` of `a`: nothing in the workspace matches `gone.md`");
  EXPECT_THAT(at(plan, "/notes/2"), HasSubstr("`direct` does not check"));
  EXPECT_EQ(plan.at("notes").as_array().size(), 3u);
}

TEST_F(PlanCommand, fixes_plans_through_links_with_their_line_ends_and_modes) {
  write("in", "1\n");
  const std::string text =
      "interlock: 1\r\ntasks:\r\n  - {id: t, run: \"cat in >out\", reads: [in], writes: [], "
      "isolation: view}  # keep\r\n";
  write("real.yaml", text);
  shell("chmod 640 real.yaml; ln -s real.yaml plan.yaml");
  interlock({"run", "plan.yaml"});
  const Ended fixed = interlock({"plan", "plan.yaml", "--fix"});
  EXPECT_EQ(fixed.exit, 0) << fixed.err;
  EXPECT_EQ(read("real.yaml"),
            "interlock: 1\r\ntasks:\r\n  - {id: t, run: \"cat in >out\", reads: [in], writes: "
            "[\"out\"], isolation: "
            "view}  # keep\r\n");
  EXPECT_EQ(shell("test -L plan.yaml && stat -c %a real.yaml").out, "640\n");
}

}  // namespace

}  // namespace interlock::e2e
