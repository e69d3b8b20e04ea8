#include "plan/read.h"

#include <fmt/format.h>

#include "support/fake_files.h"

namespace interlock::plan {
namespace {

using testing_support::FakeFiles;

std::string show(const Command& command) {
  if (!command.shell.empty()) return fmt::format("sh `{}`", command.shell);
  return fmt::format("[{}]", fmt::join(command.arguments, "|"));
}

std::string show(const Plan& plan, const std::vector<TaskId>& ids) {
  std::string out;
  for (const auto id : ids) out += (out.empty() ? "" : " ") + plan[id].id;
  return out;
}

std::string show(const OutputSpec& output) {
  static constexpr const char* kForms[] = {"exit", "text", "json"};
  std::string out = kForms[static_cast<int>(output.form)];
  if (!output.file.empty()) out += " from " + output.file;
  if (output.schema) out += " schema " + *output.schema;
  return out;
}

/// A task as its owner would tell it, without what is default.
std::string show(const Plan& plan, const Task& task) {
  const Task standard;
  auto out = fmt::format("{} by {}: {}\n", task.id, plan.agents[task.agent.index()].name,
                         show(task.output));
  const auto line = [&](std::string_view name, const std::string& value) {
    if (!value.empty()) out += fmt::format("  {}: {}\n", name, value);
  };
  if (!task.run.empty()) line("run", show(task.run));
  line("prompt", task.prompt);
  line("model", task.model);
  line("item", task.item);
  if (task.footprint.unknown) {
    line("footprint", "unknown");
  } else {
    line("reads", task.footprint.reads.text());
    line("writes", task.footprint.writes.text());
  }
  for (const auto& use : task.uses) {
    line("uses",
         fmt::format("{} {}/{}/{}/{}", plan.resources[use.resource.index()].name, use.amount,
                     use.requests, use.input_tokens.value_or(-1), use.output_tokens.value_or(-1)));
  }
  line("needs", show(plan, task.needs));
  line("output of", show(plan, task.output_of));
  if (task.estimate.time) line("time", show_duration(*task.estimate.time));
  if (task.estimate.tokens) line("tokens", show_count(*task.estimate.tokens));
  if (task.gate_before) line("gate", "before");
  if (task.gate_after) line("gate", "after");
  if (task.merge_text) line("merge", "text");
  if (!task.verify.empty()) line("verify", show(task.verify));
  for (const auto& [name, value] : task.environment) line("env", name + "=" + value);
  return out;
}

std::string show(const Plan& plan) {
  std::string out;
  for (const auto& task : plan.tasks) out += show(plan, task);
  for (const auto& merge : plan.merges) {
    out += fmt::format("merge {}: {} of {}\n", merge.name, name_of(merge.with),
                       show(plan, merge.from));
  }
  for (const auto& note : plan.notes) out += "note: " + note + "\n";
  return out;
}

FakeFiles example_files() {
  return FakeFiles({{"/plan/schemas/findings.json", R"({"type":"array"})"},
                    {"/plan/prompts/summary.md", "Summarise {item} for {{item}}."},
                    {"/plan/sources/a.md", ""},
                    {"/plan/sources/b one.md", ""},
                    {"/plan/sources/deep/c.md", ""},
                    {"/plan/sources/[x].md", ""}});
}

ReadResult read(std::string_view text, ReadOptions options = {}) {
  auto files = example_files();
  if (options.file.empty()) options.file = "plan.yaml";
  options.folder = "/plan";
  return read_plan(text, options, files);
}

/// What a plan is, or what is wrong with it.
std::string outcome(std::string_view text, ReadOptions options = {}) {
  const auto result = read(text, std::move(options));
  return result.problems.empty() ? show(result.plan) : render(result.problems, "plan.yaml");
}

/// A plan of these tasks, and what comes of it.
std::string tasks(std::string_view text, ReadOptions options = {}) {
  return outcome("interlock: 1\ntasks:\n" + std::string(text), std::move(options));
}

TEST(ReadPlan, TakesTheExampleOfTheDesign) {
  const auto result = read(R"(interlock: 1
name: morning-review
workspace: .                         # default: the plan's folder
defaults: {agent: claude, timeout: 5m, idle_timeout: 90s, retries: 1, isolation: view}
limits:   {parallel: 4, tokens: 400k, usd: 5.00, min_saving: 10s, on_failure: continue, gate_every: 5}
agents:
  claude: {kind: claude-code, model: sonnet, bin: claude, args: [], env: {}}
  codex:  {kind: codex}
  api:    {kind: chat, api: openai, base_url: "http://127.0.0.1:8080/v1", model: small}
  sh:     {kind: command}
resources:
  anthropic: {kind: quota, requests: 50/min, input_tokens: 40k/min, output_tokens: 8k/min, concurrency: 4}
  database:  {kind: lock}
  gpu:       {kind: slots, capacity: 2}
tasks:
  - id: research-auth
    prompt: Read src/auth and list the risks.
    reads: ["src/auth/**"]
    output: {schema: schemas/findings.json}
    uses: {anthropic: {input_tokens: 12k, output_tokens: 2k}}
    estimate: {time: 45s, tokens: 15k}
  - id: migrate
    agent: sh
    run: ["./migrate.sh"]
    uses: [database]
    gate: before
  - id: "summary-{item.stem}"
    foreach: "sources/*.md"
    prompt_file: prompts/summary.md
    reads: ["{item}"]
    writes: ["notes/{item.stem}.md"]
    needs: [research-auth]
    merge: text
    verify: ["make", "check"]
merge:
  findings: {from: [research-auth], with: concat}
  notes:    {from: "summary-*", with: agent, agent: claude, prompt: Join these notes.}
)");
  EXPECT_EQ(render(result.problems, "plan.yaml"), "");
  EXPECT_EQ(show(result.plan), R"(research-auth by claude: json schema {"type":"array"}
  prompt: Read src/auth and list the risks.
  model: sonnet
  reads: src/auth/**
  uses: anthropic 1/1/12000/2000
  time: 45 s
  tokens: 15k
migrate by sh: exit
  run: [./migrate.sh]
  footprint: unknown
  uses: database 1/1/-1/-1
  gate: before
summary-x by claude: text
  prompt: Summarise sources/[x].md for {{item}}.
  model: sonnet
  item: sources/[x].md
  reads: sources/\[x].md
  writes: notes/\[x].md
  needs: research-auth
  merge: text
  verify: [make|check]
)"
                               R"(summary-a by claude: text
  prompt: Summarise sources/a.md for {{item}}.
  model: sonnet
  item: sources/a.md
  reads: sources/a.md
  writes: notes/a.md
  needs: research-auth
  merge: text
  verify: [make|check]
summary-b-one by claude: text
  prompt: Summarise sources/b one.md for {{item}}.
  model: sonnet
  item: sources/b one.md
  reads: sources/b one.md
  writes: notes/b one.md
  needs: research-auth
  merge: text
  verify: [make|check]
merge:notes by claude: text
  prompt: Join these notes.

## summary-x

{outputs.summary-x}

## summary-a

{outputs.summary-a}

## summary-b-one

{outputs.summary-b-one}

  model: sonnet
  needs: summary-x summary-a summary-b-one
  output of: summary-x summary-a summary-b-one
merge findings: concat of research-auth
merge notes: agent of summary-x summary-a summary-b-one
)");
  EXPECT_EQ(result.plan.name, "morning-review");
  EXPECT_EQ(result.plan.workspace, "/plan");
  EXPECT_EQ(result.plan.limits.usd, 5'000'000);
  EXPECT_EQ(result.plan.limits.gate_every, 5);
  EXPECT_EQ(result.plan.tasks[0].timeout, std::chrono::minutes(5));
  EXPECT_EQ(result.plan.tasks[0].isolation, Isolation::view);
}

TEST(ReadPlan, TakesJson) {
  EXPECT_EQ(
      outcome(
          R"({"interlock": 1, "tasks": [{"id": "a", "run": ["make", "x"], "reads": [], "writes": "out"}]})"),
      "a by sh: exit\n  run: [make|x]\n  writes: out\n");
}

TEST(ReadPlan, FillsInEveryDefault) {
  const auto plan = read("interlock: 1\ntasks: [{id: a, run: make}]").plan;
  const auto& task = plan.tasks[0];
  EXPECT_EQ(plan.name, "plan");
  EXPECT_EQ(task.timeout, std::chrono::minutes(30));
  EXPECT_EQ(task.idle_timeout, Duration::zero());
  EXPECT_EQ(task.grace, std::chrono::seconds(10));
  EXPECT_EQ(task.backoff, std::chrono::seconds(1));
  EXPECT_EQ(task.retries, 0);
  EXPECT_EQ(task.isolation, Isolation::direct);
  EXPECT_EQ(plan.limits.parallel, 4);
  EXPECT_EQ(plan.limits.min_saving, std::chrono::seconds(10));
  EXPECT_TRUE(task.footprint.unknown);
}

TEST(ReadPlan, ReadsLimits) {
  const auto limits =
      read(
          "interlock: 1\nlimits: {parallel: 2, on_failure: 20%, speculate: {tokens: 50k}}\n"
          "tasks: [{id: a, run: make}]")
          .plan.limits;
  EXPECT_EQ(limits.parallel, 2);
  EXPECT_EQ(limits.on_failure.kind, OnFailure::Kind::share);
  EXPECT_DOUBLE_EQ(limits.on_failure.share, 0.2);
  EXPECT_TRUE(limits.speculate);
  EXPECT_EQ(limits.speculate_tokens, 50'000);
}

TEST(ReadPlan, ReadsResourcesAndWhatTasksTakeOfThem) {
  const auto plan = read(R"(interlock: 1
resources:
  api: {kind: quota, requests: 50/min, usd: 2.50/h, concurrency: 3}
  gpu: {kind: slots, capacity: 4}
  db: {kind: lock}
tasks:
  - {id: a, run: make, uses: {gpu: 3, api: , db: }}
  - {id: b, run: make, uses: gpu}
)")
                        .plan;
  EXPECT_EQ(plan.resources[0].rates.usd, (Rate{2'500'000, std::chrono::hours(1)}));
  EXPECT_EQ(plan.resources[0].concurrency, 3);
  EXPECT_EQ(show(plan), R"(a by sh: exit
  run: sh `make`
  footprint: unknown
  uses: gpu 3/1/-1/-1
  uses: api 1/1/-1/-1
  uses: db 1/1/-1/-1
b by sh: exit
  run: sh `make`
  footprint: unknown
  uses: gpu 1/1/-1/-1
)");
}

TEST(ReadPlan, JoinsEnvironmentsTheTasksOwnWinning) {
  EXPECT_EQ(outcome(R"(interlock: 1
agents:
  echo: {kind: command, run: cat, prompt: file, env: {A: agent, B: agent}}
defaults: {env: {A: default, D: default}}
tasks:
  - {id: asked, prompt: Hello, reads: [], env: {B: task}}
  - {id: run, run: make, prompt: Hello, reads: []}
)"),
            R"(asked by echo: text
  run: sh `cat`
  prompt: Hello
  env: A=agent
  env: B=task
  env: D=default
run by sh: text
  run: sh `make`
  prompt: Hello
  env: A=default
  env: D=default
)");
}

TEST(ReadPlan, MakesOutputsWhatTasksLeaveAndAddsTheirFileToTheWrites) {
  EXPECT_EQ(tasks(R"(
  - {id: a, run: make, output: text, reads: []}
  - {id: b, run: make, output: {from: out/b.json, format: json}, reads: [], writes: [src]}
  - {id: c, run: make, output: {from: src/c.txt}, reads: [], writes: [src]}
  - {id: d, run: make, output: {schema: {type: object, required: [a], maximum: 1.5, const: "1"}}, reads: []}
  - {id: e, run: make, output: {from: out/e.txt}}
  - {id: f, run: make, output: none, reads: []}
)"),
            R"(a by sh: text
  run: sh `make`
b by sh: json from out/b.json
  run: sh `make`
  writes: src, out/b.json
c by sh: text from src/c.txt
  run: sh `make`
  writes: src
d by sh: json schema {"type":"object","required":["a"],"maximum":1.5E0,"const":"1"}
  run: sh `make`
e by sh: text from out/e.txt
  run: sh `make`
  footprint: unknown
f by sh: exit
  run: sh `make`
)");
}

TEST(ReadPlan, SaysWhichTasksAreTakenToReadNothing) {
  EXPECT_EQ(tasks("  - {id: a, run: make, writes: [x]}\n"), R"(a by sh: exit
  run: sh `make`
  writes: x
note: a declares writes but no reads: taken to read nothing else; write `reads: []` to say so
)");
  const auto notes =
      read(
          "interlock: 1\ntasks:\n"
          "  - {id: a, run: make, writes: [a]}\n  - {id: b, run: make, writes: [b]}\n"
          "  - {id: c, run: make, writes: [c]}\n  - {id: d, run: make, writes: [d]}\n")
          .plan.notes;
  ASSERT_EQ(notes.size(), 1u);
  EXPECT_EQ(notes[0],
            "a, b and 2 more declare writes but no reads: taken to read nothing else; write "
            "`reads: []` to say so");
}

TEST(ReadPlan, PutsNeededTasksFirstAndSaysSo) {
  EXPECT_EQ(tasks(R"(
  - {id: report, run: "cat {output_files.scan}", needs: "test-*", reads: []}
  - {id: other, run: make, reads: []}
  - {id: scan, run: make, output: text, reads: []}
  - {id: test-a, run: make, reads: []}
  - {id: test-b, run: make, needs: other, reads: []}
)"),
            R"(scan by sh: text
  run: sh `make`
test-a by sh: exit
  run: sh `make`
other by sh: exit
  run: sh `make`
test-b by sh: exit
  run: sh `make`
  needs: other
report by sh: exit
  run: sh `cat {output_files.scan}`
  needs: scan test-a test-b
  output of: scan
note: `report` needs `scan`, which stands after it: plan order puts needed tasks first
)");
}

TEST(ReadPlan, UnfoldsOneTaskForEachFile) {
  EXPECT_EQ(tasks(R"(
  - id: "{index}-{item}"
    foreach: ["sources/**/*.md", "!sources/b*"]
    run: "wc {item} > out"
    env: {F: "{item.dir}|{item.name}|{item.stem}|{item.ext}"}
    reads: ["{item}"]
    writes: ["out/{item.dir}/{index}"]
    output: {from: "out/{item.name}"}
  - id: "again-{item.stem}"
    foreach: "sources/a.md"
    needs: ["2-{item}"]
    run: [echo, "{outputs.2-{item}}", "{item}"]
    reads: []
)"),
            R"(1-sources-x-.md by sh: text from out/[x].md
  run: sh `wc 'sources/[x].md' > out`
  item: sources/[x].md
  reads: sources/\[x].md
  writes: out/sources/1, out/\[x].md
  env: F=sources|[x].md|[x]|md
2-sources-a.md by sh: text from out/a.md
  run: sh `wc 'sources/a.md' > out`
  item: sources/a.md
  reads: sources/a.md
  writes: out/sources/2, out/a.md
  env: F=sources|a.md|a|md
3-sources-deep-c.md by sh: text from out/c.md
  run: sh `wc 'sources/deep/c.md' > out`
  item: sources/deep/c.md
  reads: sources/deep/c.md
  writes: out/sources/deep/3, out/c.md
  env: F=sources/deep|c.md|c|md
again-a by sh: exit
  run: [echo|{outputs.2-sources-a.md}|sources/a.md]
  item: sources/a.md
  needs: 2-sources-a.md
  output of: 2-sources-a.md
)");
}

TEST(ReadPlan, TakesAForeachThatMatchesNothingAsANote) {
  EXPECT_EQ(
      tasks(R"(
  - {id: "x-{item.stem}", foreach: "none/*.md", run: "cat {item}", reads: []}
  - {id: all, run: make, needs: "x-*", reads: []}
)"),
      "all by sh: exit\n  run: sh `make`\n"
      "note: the `foreach` of `x-{item.stem}` (line 4) matches no file, so no task comes of it\n");
}

TEST(ReadPlan, KeepsTheNumbersOfASchemaInThePlanExactly) {
  const auto schema = [](const std::string& number) {
    const auto result = read(fmt::format(
        "interlock: 1\ntasks: [{{id: a, run: x, output: {{schema: {{maximum: {}}}}}}}]\n", number));
    return result.problems.empty() ? result.plan.tasks[0].output.schema.value_or("")
                                   : result.problems[0].message;
  };
  EXPECT_EQ(schema("9007199254740993"), R"({"maximum":9007199254740993})");
  EXPECT_EQ(schema("18446744073709551615"), R"({"maximum":18446744073709551615})");
  EXPECT_EQ(schema("18446744073709551617"), "`18446744073709551617` is too large to keep exactly");
  EXPECT_EQ(schema("9007199254740993.0"), "`9007199254740993.0` is too large to keep exactly");
  EXPECT_EQ(schema("1e400"), "`1e400` is too large to keep exactly");
  EXPECT_EQ(schema("007"), R"({"maximum":7})");
  EXPECT_EQ(schema("+.5"), R"({"maximum":5E-1})");
}

TEST(ReadPlan, PutsTheOutputsWhereACoordinatorsPromptWantsThem) {
  const auto plan = read(R"(interlock: 1
agents: {m: {kind: codex}}
tasks:
  - {id: a, prompt: One}
  - {id: b, prompt: Two}
merge:
  all: {from: [b, a], with: agent, prompt: "Join:\n{outputs}\nBriefly.", retries: 2}
)")
                        .plan;
  ASSERT_EQ(plan.tasks.size(), 3u);
  EXPECT_EQ(plan.tasks[2].prompt, "Join:\n## a\n\n{outputs.a}\n\n## b\n\n{outputs.b}\nBriefly.");
  EXPECT_EQ(plan.tasks[2].coordinates, 0u);
  EXPECT_EQ(plan.tasks[2].retries, 2);
  EXPECT_EQ(plan.merges[0].coordinator, TaskId(2));
  EXPECT_FALSE(plan.tasks[2].footprint.unknown);
}

TEST(ReadPlan, FillsInAndReplacesWhatSetSays) {
  ReadOptions options;
  options.set = {{"target", "it's {item}"}, {"limits.parallel", "7"}, {"agents.m.model", "large"}};
  const auto result = read(R"(interlock: 1
agents: {m: {kind: codex, model: small}}
tasks: [{id: a, run: "make {target}", reads: []}, {id: b, prompt: "For {target}", reads: []}]
)",
                           options);
  EXPECT_EQ(render(result.problems, "plan.yaml"), "");
  EXPECT_EQ(show(result.plan), R"(a by sh: exit
  run: sh `make 'it'\''s {{item}}'`
b by m: text
  prompt: For it's {{item}}
  model: large
)");
  EXPECT_EQ(result.plan.limits.parallel, 7);
}

TEST(ReadPlan, LetsTheCommandLineChooseTheIsolation) {
  ReadOptions options;
  options.isolation = {Isolation::view};
  const auto plan = read(
                        "interlock: 1\ndefaults: {isolation: guard}\n"
                        "tasks: [{id: a, run: x, isolation: direct}, {id: b, run: x}]",
                        options)
                        .plan;
  EXPECT_EQ(plan.tasks[0].isolation, Isolation::view);
  EXPECT_EQ(plan.tasks[1].isolation, Isolation::view);
}

TEST(ReadPlan, TakesAliasesAMarkOfByteOrderAndWindowsLines) {
  EXPECT_EQ(
      outcome("\xef\xbb\xbfinterlock: 1\r\ntasks:\r\n  - {id: a, run: &r [make, x], reads: []}\r\n"
              "  - {id: b, run: *r, reads: []}\r\n"),
      "a by sh: exit\n  run: [make|x]\nb by sh: exit\n  run: [make|x]\n");
}

TEST(ReadPlan, TakesTextInEveryStyleOfYaml) {
  EXPECT_EQ(
      tasks(R"(
  - id: 'a'
    reads: []
    run:
      - 'it''s ''quoted'''
      - ''
      - ''''''''''''
      - 'folded)"
            "  \n"
            R"(        once

        and   twice'
      - "dq \"x\" \u00e9 \
         joined"
      - plain text
        over lines
      - |
        literal
          kept
      - >-
        folded
        text
)"),
      "a by sh: exit\n  run: [it's 'quoted'||'''''|folded once\nand   twice|dq \"x\" é joined|"
      "plain text over lines|literal\n  kept\n|folded text]\n");
}

TEST(ReadPlan, LeavesWordsTextThatOlderYamlTookForBooleans) {
  EXPECT_EQ(tasks("  - {id: no, run: [echo, yes, on, 1.10, 0o7], reads: []}\n"),
            "no by sh: exit\n  run: [echo|yes|on|1.10|0o7]\n");
}

TEST(Plan, FindsTasksByIdAndClaimsTheirLocks) {
  const auto plan = read(R"(interlock: 1
resources: {db: {kind: lock}, gpu: {kind: slots, capacity: 2}}
tasks:
  - {id: a, run: x, reads: [in], uses: [gpu, db]}
  - {id: b, run: x, writes: [in/x], uses: db, needs: a}
)")
                        .plan;
  EXPECT_EQ(plan.find("b"), TaskId(1));
  EXPECT_EQ(plan.find("c"), std::nullopt);
  std::vector<std::vector<ResourceId>> locks;
  const auto claims = claims_of(plan, locks);
  EXPECT_EQ(locks[0], std::vector<ResourceId>{ResourceId(0)});
  EXPECT_TRUE(footprint::conflicts(claims[0], claims[1]));
  std::string edges;
  for (const auto& edge : interlocking_of(plan).edges) {
    edges += fmt::format("{} -> {} {} {}\n", plan[edge.before].id, plan[edge.after].id,
                         name_of(edge.why), edge.on);
  }
  EXPECT_EQ(edges, "a -> b needs \na -> b read-write in/x\na -> b lock db\n");
}

TEST(ReadPlan, TakesWhatIsolationIsWantedAndWhatWillDo) {
  const auto plan = read(R"(interlock: 1
defaults: {isolation: [view, worktree, guard], observe: opens, network: none}
commits: task
limits: {speculate: {tokens: 50k, usd: 0.50}}
agents: {x: {kind: command, run: [./x], repair: [./x, --mend]}}
tasks:
  - {id: a, agent: x, prompt: go, reads: []}
  - {id: b, run: y, repair: "y again", isolation: direct, observe: declared, network: host, reads: []}
)")
                        .plan;
  EXPECT_EQ(plan.tasks[0].isolation, Isolation::view);
  EXPECT_EQ(plan.tasks[0].isolation_else,
            (std::vector<Isolation>{Isolation::worktree, Isolation::guard}));
  EXPECT_EQ(plan.tasks[0].observe, Observe::opens);
  EXPECT_TRUE(plan.tasks[0].own_network);
  EXPECT_EQ(plan.tasks[0].repair.arguments, (std::vector<std::string>{"./x", "--mend"}));
  EXPECT_EQ(plan.tasks[1].isolation, Isolation::direct);
  EXPECT_TRUE(plan.tasks[1].isolation_else.empty());
  EXPECT_EQ(plan.tasks[1].observe, Observe::declared);
  EXPECT_FALSE(plan.tasks[1].own_network);
  EXPECT_EQ(plan.tasks[1].repair.shell, "y again");
  EXPECT_TRUE(plan.commit_each);
  EXPECT_TRUE(plan.limits.speculate);
  EXPECT_EQ(plan.limits.speculate_tokens, 50'000);
  EXPECT_EQ(plan.limits.speculate_usd, 500'000);
}

}  // namespace
}  // namespace interlock::plan
