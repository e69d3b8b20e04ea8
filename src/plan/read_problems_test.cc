// What the reader says of plans that are wrong: whole messages for a few, the first lines for every
// kind.

#include <fmt/format.h>

#include "plan/read.h"
#include "support/fake_files.h"

namespace interlock::plan {
namespace {

using testing_support::FakeFiles;

ReadResult read(std::string_view text, const std::map<std::string, std::string>& set = {}) {
  FakeFiles files({{"/plan/sources/a.md", ""},
                   {"/plan/sources/b.md", ""},
                   {"/plan/sources/x/a.md", ""},
                   {"/plan/bad.json", "{\"a\": }"},
                   {"/plan/latin.md", "caf\xe9"}});
  return read_plan(text, {.file = "plan.yaml", .folder = "/plan", .set = set, .isolation = {}},
                   files);
}

/// The whole screen.
std::string screen(std::string_view text) { return render(read(text).problems, "plan.yaml"); }

/// Each problem on a line, without the plan's own lines: `3:5 message | hint`.
std::string brief(std::string_view text, const std::map<std::string, std::string>& set = {}) {
  std::string out;
  for (const auto& problem : read(text, set).problems) {
    out += fmt::format("{}:{} {}", problem.place.line, problem.place.column, problem.message);
    out += problem.hint.empty() ? "\n" : fmt::format(" | {}\n", problem.hint);
  }
  return out;
}

/// As `brief`, of a plan with these tasks: their first line is line 3.
std::string of_tasks(std::string_view text) {
  return brief("interlock: 1\ntasks:\n" + std::string(text));
}

const std::map<std::string, std::string> kSet = {{"target", "x86"}};

TEST(Braces, AreAnErrorInAPromptWhereTheyHoldANameThatIsNone) {
  const std::string plan =
      "interlock: 1\nagents: {m: {kind: codex}}\ntasks:\n  - {id: a, prompt: \"Use {target} by {";
  EXPECT_EQ(brief(plan + "tmeout}\"}\n", kSet),
            "4:38 unknown placeholder `{tmeout}` | `--set tmeout=...` gives it a value, "
            "`{{tmeout}}` means the braces "
            "themselves\n");
  EXPECT_EQ(brief(plan + "tsk.id}\"}\n", kSet),
            "4:38 unknown placeholder `{tsk.id}` | did you mean `{task.id}`? `--set tsk.id=...` "
            "gives it a value, "
            "`{{tsk.id}}` means the braces themselves\n");
  EXPECT_EQ(brief(plan + "taget}\"}\n", kSet),
            "4:38 unknown placeholder `{taget}` | did you mean `{target}`? `--set taget=...` gives "
            "it a value, "
            "`{{taget}}` means the braces themselves\n");
  const auto read_it = read(plan + "{deadline}} ${x} {'a': 1} {deadline}\"}\n", kSet);
  EXPECT_EQ(render(read_it.problems, "p"), "");
  const auto mustache = read(plan + "{name}} {\\\"a\\\": {}}\"}\n", kSet);
  ASSERT_EQ(render(mustache.problems, "p"), "");
  EXPECT_EQ(mustache.plan.tasks[0].prompt, "Use x86 by {name} {\"a\": {}}");
}

TEST(Braces, AreAnErrorInPatternsAndPathsAndPromptsOfMerges) {
  EXPECT_EQ(
      of_tasks(
          "  - {id: a, run: x, reads: [\"{itme}\", \"{a,b}\"], output: {from: \"o/{y}.json\"}}\n"),
      "3:30 unknown placeholder `{itme}` | did you mean `{item}`? `--set itme=...` gives it a "
      "value, `{{itme}}` "
      "means the braces themselves\n"
      "3:67 unknown placeholder `{y}` | `--set y=...` gives it a value, `{{y}}` means the braces "
      "themselves\n");
  EXPECT_EQ(brief("interlock: 1\nagents: {m: {kind: codex}}\ntasks: [{id: a, prompt: x}]\n"
                  "merge: {m: {from: a, with: agent, prompt: \"Of {run.id}: {outptus}\"}}\n"),
            "4:57 unknown placeholder `{outptus}` | did you mean `{outputs}`? `--set outptus=...` "
            "gives it a value, "
            "`{{outptus}}` means the braces themselves\n");
  EXPECT_EQ(of_tasks("  - {id: a, run: \"awk '{print}' <f; echo {ite}\"}\n"), "")
      << "a shell has braces of its own";
}

TEST(Synonyms, OfOtherToolsAreToldTheWordHere) {
  EXPECT_EQ(of_tasks("  - {id: a, cmd: x, deps: [b], retry: 2, inputs: [f], environment: {}, cwd: "
                     "sub, type: shell}\n"),
            "3:5 the task has nothing to do | give it a `run` or a `prompt`\n"
            "3:13 unknown key `cmd` in a task | the word for it is `run`\n"
            "3:21 unknown key `deps` in a task | the word for it is `needs`\n"
            "3:32 unknown key `retry` in a task | the word for it is `retries`\n"
            "3:42 unknown key `inputs` in a task | the word for it is `reads`\n"
            "3:55 unknown key `environment` in a task | the word for it is `env`\n"
            "3:72 unknown key `cwd` in a task | all tasks start in the plan's `workspace`; for "
            "another folder begin "
            "`run` with `cd DIR &&`\n"
            "3:82 unknown key `type` in a task | name an agent of that kind with `agent`\n");
  EXPECT_EQ(brief("interlock: 1\nmax_parallel: 3\ncwd: sub\nagents: {m: {type: codex}}\n"
                  "limits: {concurrency: 2}\ntasks: [{id: a, run: x, depends_on: b}]\n"),
            "2:1 unknown key `max_parallel` in the plan | write `limits: {parallel: N}` at the top "
            "of the plan\n"
            "3:1 unknown key `cwd` in the plan | the word for it is `workspace`\n"
            "4:13 agent `m` has no `kind` | one of command, claude-code, codex, gemini, opencode, "
            "pi, qwen and chat\n"
            "4:14 unknown key `type` in an agent | the word for it is `kind`\n"
            "5:10 unknown key `concurrency` in limits | the word for it is `parallel`\n"
            "6:25 unknown key `depends_on` in a task | the word for it is `needs`\n");
}

TEST(Problems, AreToldAllAtOnceInDocumentOrder) {
  EXPECT_EQ(screen(R"(interlock: 1
limits: {parallel: 0, tokens: lots}
agents:
  claude: {kind: claude, model: sonnet}
tasks:
  - id: research
    prompts: Read src
    agent: claud
    prompt: Read
    timeout: 400d
  - id: write
    run: make
    needs: [reserch]
    writes: ../notes
)"),
            R"(plan.yaml:2:20: error: expected a whole number from 1 to 1024, found `0`
    2 | limits: {parallel: 0, tokens: lots}
      |                    ^
plan.yaml:2:31: error: expected a count such as `15000`, `12k` or `1.5M`, found `lots`
    2 | limits: {parallel: 0, tokens: lots}
      |                               ^~~~
plan.yaml:4:18: error: expected `command`, `claude-code`, `codex`, `gemini`, `opencode`, `pi`, `qwen` or `chat`, found `claude`
    4 |   claude: {kind: claude, model: sonnet}
      |                  ^~~~~~
plan.yaml:7:5: error: unknown key `prompts` in a task
    7 |     prompts: Read src
      |     ^~~~~~~
  hint: did you mean `prompt`?
plan.yaml:8:12: error: no agent `claud`
    8 |     agent: claud
      |            ^~~~~
  hint: did you mean `claude`?
plan.yaml:10:14: error: expected a duration such as `90s`, `5m` or `1h30m`, at most 365 days, found `400d`
   10 |     timeout: 400d
      |              ^~~~
plan.yaml:13:13: error: no task `reserch`
   13 |     needs: [reserch]
      |             ^~~~~~~
plan.yaml:14:13: error: pattern `../notes`, column 1: `..` is not allowed
   14 |     writes: ../notes
      |             ^~~~~~~~
  hint: patterns are relative to the workspace and stay inside it
)");
}

TEST(Problems, ShowAWindowOfALongLine) {
  const auto problems =
      read("interlock: 1\ntasks: [{id: a, run: make, reads: [" + std::string(300, 'x') +
           ", /etc/passwd, " + std::string(300, 'y') + "]}]")
          .problems;
  EXPECT_EQ(render(problems, "plan.yaml"),
            "plan.yaml:2:338: error: pattern `/etc/passwd`, column 1: the path is absolute\n"
            "    2 | …" +
                std::string(58, 'x') + ", /etc/passwd, " + std::string(25, 'y') +
                "…\n"
                "      | " +
                std::string(61, ' ') +
                "^~~~~~~~~~~\n"
                "  hint: write it relative to the workspace\n");
}

TEST(Problems, PointUnderWideCharactersAndTabs) {
  EXPECT_EQ(screen("interlock: 1\ntasks:\n  - {id: \"日本\",\trun: make, x: 1}\n"),
            R"(plan.yaml:3:11: error: `日本` is not a task id
    3 |   - {id: "日本",        run: make, x: 1}
      |           ^~~~
  hint: ids are letters, digits, `_`, `.` and `-`
plan.yaml:3:27: error: unknown key `x` in a task
    3 |   - {id: "日本",        run: make, x: 1}
      |                                    ^
)");
}

TEST(Problems, AreCountedBeyondFifty) {
  std::string text = "interlock: 1\ntasks:\n";
  for (int task = 0; task < 3000; ++task)
    text += fmt::format("  - {{id: t{}, run: make, x: 1}}\n", task);
  const auto problems = read(text).problems;
  ASSERT_EQ(problems.size(), 51u);
  EXPECT_EQ(problems[49].place.line, 52u);
  EXPECT_EQ(render({problems.back()}, "plan.yaml"), "plan.yaml: error: and 2950 more\n");
}

struct Case {
  std::string_view name;
  std::string_view text;
  std::string_view expected;
};
std::string name_of_case(const testing::TestParamInfo<Case>& info) {
  return std::string(info.param.name);
}

class WrongTask : public testing::TestWithParam<Case> {};

TEST_P(WrongTask, IsReported) { EXPECT_EQ(of_tasks(GetParam().text), GetParam().expected); }

INSTANTIATE_TEST_SUITE_P(
    Kinds, WrongTask,
    testing::ValuesIn<Case>({
        {"WithoutId", "  - {run: make}\n", "3:5 the task has no `id`\n"},
        {"WithoutWork", "  - {id: a}\n",
         "3:5 the task has nothing to do | give it a `run` or a `prompt`\n"},
        {"WithoutAgent", "  - {id: a, prompt: Hello}\n",
         "3:5 the task has no agent | name one with `agent`, or for all tasks with `defaults: "
         "{agent: ...}`\n"},
        {"ThatIsText", "  - make\n", "3:5 expected a task as a map, found `make`\n"},
        {"IdGivenTwice", "  - {id: a, run: x}\n  - {id: b, run: x}\n  - {id: a, run: x}\n",
         "5:10 task id `a` is given twice | first on line 3\n"},
        {"IdWithSpaces", "  - {id: my task, run: x}\n",
         "3:10 `my task` is not a task id | ids are letters, digits, `_`, `.` and `-`, such as "
         "`my-task`\n"},
        {"IdInUnicode", "  - {id: prüfen, run: x}\n",
         "3:10 `prüfen` is not a task id | ids are letters, digits, `_`, `.` and `-`, such as "
         "`pr-fen`\n"},
        {"KeyGivenTwice", "  - id: a\n    run: x\n    run: y\n",
         "5:5 key `run` is given twice | first on line 4\n"},
        {"KeyUnknown", "  - {id: a, run: x, promt: y}\n",
         "3:21 unknown key `promt` in a task | did you mean `prompt`?\n"},
        {"KeyFarFromAll", "  - {id: a, run: x, colour: y}\n",
         "3:21 unknown key `colour` in a task\n"},
        {"NeedUnknown", "  - {id: build, run: x}\n  - {id: b, run: x, needs: [biuld]}\n",
         "4:29 no task `biuld` | did you mean `build`?\n"},
        {"NeedItself", "  - {id: a, run: x, needs: a}\n", "3:28 task `a` needs itself\n"},
        {"NeedPatternUnknown", "  - {id: a, run: x, needs: \"b-*\"}\n",
         "3:29 no task id matches `b-*`\n"},
        {"Cycle",
         "  - {id: a, run: x, needs: b}\n  - {id: b, run: x, needs: c}\n  - {id: c, run: x, needs: "
         "[a]}\n",
         "3:28 tasks need each other in a circle: `a` (line 3) -> `b` (line 4) -> `c` (line 5) -> "
         "`a` | take one of these needs out\n"},
        {"OutputUnknown",
         "  - {id: scan, run: x, output: text}\n  - {id: b, run: \"cat {outputs.scna}\"}\n",
         "4:23 no task `scna` | did you mean `scan`?\n"},
        {"OutputOfPattern", "  - {id: a, run: x}\n  - {id: b, run: \"cat {outputs.a-*}\"}\n",
         "4:23 `{outputs.a-*}` names more than one output | name one task, or join them with a "
         "merge `with: agent`\n"},
        {"OutputThatIsNone", "  - {id: a, run: x}\n  - {id: b, run: \"cat {outputs.a}\"}\n",
         "4:23 task `a` gives no output but its exit status | give it `output: text` or a "
         "schema\n"},
        {"AllOutputs", "  - {id: b, run: \"cat {outputs}\"}\n",
         "3:23 `{outputs}` stands only in the prompt of a merge `with: agent` | name a task: "
         "`{outputs.ID}`\n"},
        {"OutputInFootprint", "  - {id: b, run: x, reads: [\"{outputs.a}\"]}\n",
         "3:30 `{outputs.a}` is known only when the task runs | it can stand in `prompt`, `run`, "
         "`verify` and `env`\n"},
        {"PathThatLeaves", "  - {id: a, run: x, reads: [../x], writes: [/etc/x]}\n",
         "3:29 pattern `../x`, column 1: `..` is not allowed | patterns are relative to the "
         "workspace and stay inside it\n3:45 pattern `/etc/x`, column 1: the path is absolute | "
         "write it relative to the workspace\n"},
        {"OutputFileThatLeaves", "  - {id: a, run: x, output: {from: ../x}}\n",
         "3:36 `../x` is not a path inside the workspace | it is relative to the workspace, "
         "without "
         "`..`\n"},
        {"ForeachThatLeaves", "  - {id: \"a{item}\", foreach: ../*, run: x}\n",
         "3:30 pattern `../*`, column 1: `..` is not allowed | patterns are relative to the "
         "workspace and stay inside it\n"},
        {"ForeachWithOneId", "  - {id: a, foreach: \"sources/*\", run: x}\n",
         "3:10 every task of a `foreach` would have this id | put a placeholder into it: "
         "`\"a-{item.stem}\"`\n"},
        {"ForeachWithSameIds", "  - {id: \"a-{item.stem}\", foreach: \"sources/**\", run: x}\n",
         "3:11 two files give the same id `a-a`: `sources/a.md` and `sources/x/a.md` | put more of "
         "the path into the id: `{item}`, or `{index}`\n"},
        {"ForeachOfNothing", "  - {id: a, foreach: [], run: x}\n",
         "3:22 `foreach` names no pattern\n"},
        {"ItemWithoutForeach", "  - {id: a, run: \"cat {item}\", reads: [\"{item}\"]}\n",
         "3:23 `{item}` is known only in a task with `foreach` | to mean the braces themselves, "
         "double them: `{{item}}`\n3:41 `{item}` is known only in a task with `foreach`\n"},
        {"ItemPartUnknown",
         "  - {id: \"a-{item.stem}\", foreach: \"sources/*\", run: \"cat {item.stm}\"}\n",
         "3:59 unknown placeholder `{item.stm}` | did you mean `item.stem`?\n"},
        {"ItemWithoutQuotes", "  - {id: a, run: x, reads: {item}}\n",
         "3:28 expected a list of patterns, found a map | put quotes round it: `\"{item}\"`\n"},
        {"ListForMap", "  - {id: a, run: x, env: [a]}\n",
         "3:26 expected a map from names to values, found a list\n"},
        {"MapForList", "  - {id: a, run: x, reads: {a: b}}\n",
         "3:28 expected a list of patterns, found a map\n"},
        {"NothingForList", "  - id: a\n    run: x\n    reads:\n",
         "5:10 expected a list of patterns, found nothing\n"},
        {"NumberTooLarge", "  - {id: a, run: x, retries: 1000000000000000000000}\n",
         "3:30 expected a whole number from 0 to 100, found `1000000000000000000000`\n"},
        {"NumberNegative", "  - {id: a, run: x, retries: -1}\n",
         "3:30 expected a whole number from 0 to 100, found `-1`\n"},
        {"NumberThatIsWord", "  - {id: a, run: x, retries: some}\n",
         "3:30 expected a whole number from 0 to 100, found `some`\n"},
        {"TimeWithoutUnit", "  - {id: a, run: x, timeout: 30}\n",
         "3:30 expected a duration such as `90s`, `5m` or `1h30m`, at most 365 days, found `30` | "
         "add a unit: `30s`\n"},
        {"TimeTooLong", "  - {id: a, run: x, timeout: 9600h}\n",
         "3:30 expected a duration such as `90s`, `5m` or `1h30m`, at most 365 days, found "
         "`9600h`\n"},
        {"TimeZero", "  - {id: a, run: x, timeout: 0s}\n",
         "3:30 a time limit of zero leaves no time for anything\n"},
        {"TimeNegative", "  - {id: a, run: x, idle_timeout: -5s}\n",
         "3:35 expected a duration such as `90s`, `5m` or `1h30m`, at most 365 days, found "
         "`-5s`\n"},
        {"IsolationUnknown", "  - {id: a, run: x, isolation: views}\n",
         "3:32 expected `direct`, `guard`, `view` or `worktree`, found `views` | did you mean "
         "`view`?\n"},
        {"GateUnknown", "  - {id: a, run: x, gate: [before, afer]}\n",
         "3:36 expected `before` or `after`, found `afer` | did you mean `after`?\n"},
        {"MergeUnknown", "  - {id: a, run: x, merge: json}\n",
         "3:28 expected `text`, found `json`\n"},
        {"ResourceUnknown", "  - {id: a, run: x, uses: [gpu]}\n",
         "3:28 no resource `gpu` | declare it under `resources`\n"},
        {"AgentUnknown", "  - {id: a, run: x, agent: gpt}\n",
         "3:28 no agent `gpt` | declare it under `agents`\n"},
        {"CommandEmpty", "  - {id: a, run: []}\n  - {id: b, run: \" \"}\n",
         "3:18 a command needs at least the name of a program\n4:19 the command is empty\n"},
        {"PromptTwice", "  - {id: a, run: x, prompt: y, prompt_file: sources/a.md}\n",
         "3:45 a task has `prompt` or `prompt_file`, not both\n"},
        {"PromptFileMissing", "  - {id: a, run: x, prompt_file: none.md}\n",
         "3:34 cannot read `/plan/none.md`: no such file\n"},
        {"PromptFileNotUtf8", "  - {id: a, run: x, prompt_file: latin.md}\n",
         "3:34 `latin.md` is not UTF-8 at byte 4\n"},
        {"PromptNobodyReads", "  - {id: a, agent: sh, prompt: Hello}\n",
         "3:32 agent `sh` has no `run`, so nothing would read the prompt | name an agent that "
         "takes prompts\n"},
        {"SchemaMissing", "  - {id: a, run: x, output: {schema: none.json}}\n",
         "3:38 cannot read `/plan/none.json`: no such file\n"},
        {"SchemaNotJson", "  - {id: a, run: x, output: {schema: bad.json}}\n",
         "3:38 `bad.json` is not JSON: line 1, column 7: unexpected `}`\n"},
        {"SchemaWithText", "  - {id: a, run: x, output: {schema: {type: object}, format: text}}\n",
         "3:62 an output with a schema is JSON | leave `format` out\n"},
        {"OutputFormUnknown", "  - {id: a, run: x, output: jsno}\n",
         "3:29 expected `text`, `json`, `exit` or `none`, found `jsno` | did you mean `json`?\n"},
        {"PlaceholderInBackquotes",
         "  - {id: a, foreach: sources/a.md, run: \"echo `cat {item}`\"}\n",
         "3:42 `{item}` stands in backquotes, where a shell would not take it as data | let it "
         "stand in a word of its own, or pass it through `env`\n"},
        {"OnlyExclusions", "  - {id: a, run: x, reads: [\"!src\"]}\n",
         "3:30 exclusions alone name nothing | put what they are taken from before them, such as "
         "`**`\n"},
    }),
    name_of_case);

class WrongPlan : public testing::TestWithParam<Case> {};

TEST_P(WrongPlan, IsReported) { EXPECT_EQ(brief(GetParam().text), GetParam().expected); }

INSTANTIATE_TEST_SUITE_P(
    Kinds, WrongPlan,
    testing::ValuesIn<Case>({
        {"Empty", "", "1:1 the plan is empty | `interlock init` writes one to begin with\n"},
        {"OnlyComments", "# nothing\n",
         "1:1 the plan is empty | `interlock init` writes one to begin with\n"},
        {"Text", "hello", "1:1 expected the plan as a map, found `hello`\n"},
        {"List", "- a\n", "1:1 expected the plan as a map, found a list\n"},
        {"WithoutVersion", "tasks: [{id: a, run: x}]\n",
         "1:1 the plan does not say `interlock: 1` | it is the version of this format, and stands "
         "first\n"},
        {"OfAnotherVersion", "interlock: 2\ntasks: [{id: a, run: x}]\n",
         "1:12 expected `1`, the version of the plan format, found `2`\n"},
        {"WithoutTasks", "interlock: 1\n", "1:1 the plan has no `tasks`\n"},
        {"WithNoTask", "interlock: 1\ntasks: []\n", "2:8 the plan has no tasks\n"},
        {"WithTasksAsMap", "interlock: 1\ntasks: {a: {run: x}}\n",
         "2:8 expected a list of tasks, found a map | each begins with `- id: `\n"},
        {"KeyUnknown", "interlock: 1\ntask: []\ntasks: [{id: a, run: x}]\n",
         "2:1 unknown key `task` in the plan | did you mean `tasks`?\n"},
        {"KeyUnknownInLimits", "interlock: 1\nlimits: {paralel: 3}\ntasks: [{id: a, run: x}]\n",
         "2:10 unknown key `paralel` in limits | did you mean `parallel`?\n"},
        {"KeyUnknownInDefaults", "interlock: 1\ndefaults: {tmeout: 3s}\ntasks: [{id: a, run: x}]\n",
         "2:12 unknown key `tmeout` in defaults | did you mean `timeout`?\n"},
        {"KeyUnknownInAgent",
         "interlock: 1\nagents: {m: {kind: codex, modle: x}}\ntasks: [{id: a, run: x}]\n",
         "2:27 unknown key `modle` in an agent | did you mean `model`?\n"},
        {"KeyUnknownInResource",
         "interlock: 1\nresources: {m: {kind: slots, capacity: 2, size: 3}}\ntasks: [{id: a, run: "
         "x}]\n",
         "2:43 unknown key `size` in slots | known here: kind, capacity and slowing\n"},
        {"KeyUnknownInMerge",
         "interlock: 1\ntasks: [{id: a, run: x, output: text}]\nmerge: {m: {form: a, from: a}}\n",
         "3:13 unknown key `form` in a merge | did you mean `from`?\n"},
        {"AbsurdLimits",
         "interlock: 1\nlimits: {parallel: 1000000000, usd: -1, min_saving: 5, on_failure: 200%, "
         "gate_every: 0}\ntasks: [{id: a, run: x}]\n",
         "2:20 expected a whole number from 1 to 1024, found `1000000000`\n2:37 expected dollars "
         "such as `5.00`, found `-1`\n2:53 expected a duration such as `90s`, `5m` or `1h30m`, at "
         "most 365 days, found `5` | add a unit: `5s`\n2:68 expected `continue`, `stop` or a share "
         "such as `20%`, found `200%`\n2:86 expected a whole number from 1 to 1000000, found "
         "`0`\n"},
        {"AgentWithoutKind",
         "interlock: 1\nagents: {m: {model: x}}\ntasks: [{id: a, run: x, agent: m}]\n",
         "2:13 agent `m` has no `kind` | one of command, claude-code, codex, gemini, opencode, pi, "
         "qwen and chat\n"},
        {"AgentKindUnknown",
         "interlock: 1\nagents: {m: {kind: claude}}\ntasks: [{id: a, run: x}]\n",
         "2:20 expected `command`, `claude-code`, `codex`, `gemini`, `opencode`, `pi`, `qwen` or "
         "`chat`, found "
         "`claude`\n"},
        {"AgentOfNothing", "interlock: 1\nagents: {m: }\ntasks: [{id: a, run: x}]\n",
         "2:11 expected an agent as a map, found nothing\n"},
        {"AgentWithKeyOfOthers",
         "interlock: 1\nagents: {m: {kind: command, model: x}}\ntasks: [{id: a, run: x}]\n",
         "2:36 an agent of kind `command` has no `model` | name the program in `run`\n"},
        {"AgentThatCannotRun",
         "interlock: 1\nagents: {m: {kind: codex}}\ntasks: [{id: a, run: x, agent: m}]\n",
         "3:32 agent `m` is of kind `codex` and cannot `run` a command | leave `agent` out, or "
         "give a `prompt` instead of `run`\n"},
        {"ResourceWithoutKind",
         "interlock: 1\nresources: {m: {}}\ntasks: [{id: a, run: x, uses: m}]\n",
         "2:16 resource `m` has no `kind` | one of quota, lock and slots\n"},
        {"QuotaOfNothing",
         "interlock: 1\nresources: {m: {kind: quota}}\ntasks: [{id: a, run: x}]\n",
         "2:16 quota `m` limits nothing | give it `requests`, `input_tokens`, `output_tokens`, "
         "`usd` or `concurrency`\n"},
        {"WindowOfNoRate",
         "interlock: 1\nresources: {m: {kind: quota, concurrency: 2, window: sliding}}\ntasks: "
         "[{id: a, run: "
         "x}]\n",
         "2:54 `window` says how rates are counted, and quota `m` has none | give it a rate, such "
         "as "
         "`requests: 50/min`, or leave `window` out\n"},
        {"WindowUnknown",
         "interlock: 1\nresources: {m: {kind: quota, requests: 5/min, window: slidng}}\ntasks: "
         "[{id: a, run: "
         "x}]\n",
         "2:55 expected `bucket` or `sliding`, found `slidng` | did you mean `sliding`?\n"},
        {"QuotaWithBadRates",
         "interlock: 1\nresources: {m: {kind: quota, requests: 50, usd: 1}}\ntasks: [{id: a, run: "
         "x}]\n",
         "2:40 expected a rate above zero such as `50/min`, `40k/min` or `5M/day`, found "
         "`50`\n2:49 expected dollars per time, above zero, such as `2.50/h`, found `1`\n"},
        {"SlotsWithoutCapacity",
         "interlock: 1\nresources: {m: {kind: slots}}\ntasks: [{id: a, run: x, uses: {m: 3}}]\n",
         "2:16 slots `m` have no `capacity`\n"},
        {"MoreThanTheSlots",
         "interlock: 1\nresources: {gpu: {kind: slots, capacity: 2}}\ntasks: [{id: a, run: x, "
         "uses: {gpu: 3}}]\n",
         "3:37 expected a whole number from 1 to 2, found `3`\n"},
        {"AmountOfALock",
         "interlock: 1\nresources: {db: {kind: lock}}\ntasks: [{id: a, run: x, uses: {db: 3}}]\n",
         "3:36 lock `db` is taken whole: it has no amount | leave the value out, or make it "
         "`slots`\n"},
        {"UsedTwice",
         "interlock: 1\nresources: {db: {kind: lock}}\ntasks: [{id: a, run: x, uses: [db, db]}]\n",
         "3:36 `db` is used twice\n"},
        {"WorkspaceMissing", "interlock: 1\nworkspace: nowhere\ntasks: [{id: a, run: x}]\n",
         "2:12 `/plan/nowhere` is not a folder\n"},
        {"MergeOfNothing", "interlock: 1\ntasks: [{id: a, run: x}]\nmerge: {m: {with: concat}}\n",
         "3:12 merge `m` has no `from` | name the tasks it joins\n"},
        {"MergeOfUnknown",
         "interlock: 1\ntasks: [{id: abc, run: x, output: text}]\nmerge: {m: {from: abd}}\n",
         "3:19 no task `abd` | did you mean `abc`?\n"},
        {"MergeOfExitStatus", "interlock: 1\ntasks: [{id: a, run: x}]\nmerge: {m: {from: a}}\n",
         "3:19 task `a` gives no output but its exit status | give it `output: text` or a "
         "schema\n"},
        {"MergeOfTextAsJson",
         "interlock: 1\ntasks: [{id: a, run: x, output: text}]\nmerge: {m: {from: a, with: "
         "union}}\n",
         "3:19 a merge `with: union` joins JSON, and task `a` gives text | give the task `output: "
         "json` or a schema\n"},
        {"MergeWithKeyOfOthers",
         "interlock: 1\ntasks: [{id: a, run: x, output: text}]\nmerge: {m: {from: a, with: lines, "
         "columns: [a]}}\n",
         "3:44 `columns` means nothing to a merge `with: lines`\n"},
        {"MergeByNobody",
         "interlock: 1\ntasks: [{id: a, run: x, output: text}]\nmerge: {m: {from: a, with: agent, "
         "prompt: Join}}\n",
         "3:12 a merge `with: agent` needs an `agent`\n"},
        {"MergeWithoutPrompt",
         "interlock: 1\nagents: {m: {kind: codex}}\ntasks: [{id: a, run: x, output: text}]\nmerge: "
         "{m: {from: a, with: agent, agent: m}}\n",
         "4:12 a merge `with: agent` needs a `prompt`\n"},
        {"OneMistakeOneProblem",
         "interlock: 1\ntasks: [{id: a, run: x, reads: [../y]}, {id: b, run: x, needs: a}]\n",
         "2:33 pattern `../y`, column 1: `..` is not allowed | patterns are relative to the "
         "workspace and stay inside it\n"},
    }),
    name_of_case);

class WrongText : public testing::TestWithParam<Case> {};

TEST_P(WrongText, IsReported) { EXPECT_EQ(brief(GetParam().text), GetParam().expected); }

INSTANTIATE_TEST_SUITE_P(
    Kinds, WrongText,
    testing::ValuesIn<Case>({
        {"TabThatIndents", "interlock: 1\ntasks:\n\t- {id: a}\n",
         "3:1 a tab stands where spaces must indent | indent with spaces\n"},
        {"ListNeverClosed", "interlock: 1\ntasks: [{id: a, run: [x}]\n",
         "2:24 this bracket does not close the one before it | close that one first, and put "
         "quotes round text that holds brackets or begins with `!`\n"},
        {"MapNeverClosed", "interlock: 1\ntasks: [{id: a, run: x]\n",
         "2:23 this bracket does not close the one before it | close that one first, and put "
         "quotes round text that holds brackets or begins with `!`\n"},
        {"QuoteNeverClosed", "interlock: 1\nname: \"x\ntasks: []\n",
         "2:8 the quote is never closed\n"},
        {"ColonInText", "interlock: 1\nname: Review: the code\n",
         "2:13 a second `: ` on one line | put quotes round text that holds `: `\n"},
        {"BraceThenText", "interlock: 1\nname: {item}.md\n",
         "2:13 text goes on after the closing brace | put quotes round text that holds braces, "
         "such as `\"{item}.md\"`\n"},
        {"PatternTakenForAlias", "interlock: 1\ntasks: [{id: a, run: x, reads: [*.md]}]\n",
         "2:34 `*.md` refers to an anchor that is not there | put quotes round a pattern that "
         "begins with `*`\n"},
        {"PatternTakenForTag", "interlock: 1\ntasks: [{id: a, run: x, reads: [src, !src/gen]}]\n",
         "2:47 this bracket does not close the one before it | close that one first, and put "
         "quotes round text that holds brackets or begins with `!`\n"},
        {"MergeKey", "interlock: 1\ntasks:\n  - &a {id: a, run: x}\n  - {<<: *a, id: b, run: x}\n",
         "4:6 merge keys `<<` are not part of YAML 1.2 | put what tasks share under `defaults`\n"},
        {"AliasInItself", "interlock: 1\ntasks: &t [*t]\n", "2:13 `*t` would hold itself\n"},
        {"TwoDocuments", "interlock: 1\ntasks: [{id: a, run: x}]\n---\ninterlock: 1\n",
         "3:1 a second document begins here | a plan is one document: one file for each plan\n"},
        {"NotUtf8", "interlock: 1\nname: caf\xe9\n",
         "2:10 byte 0xe9 is not UTF-8 | save the plan as UTF-8\n"},
        {"Utf16", "\xff\xfei\0n\0", "1:1 the plan is UTF-16 | save it as UTF-8\n"},
        {"WrongIndentation", "interlock: 1\ntasks:\n  - id: a\n     run: x\n",
         "3:9 what follows does not fit in here | look at the indentation of the next line, and "
         "for a missing `:` or a tab\n"},
        {"KeyThatIsList", "interlock: 1\n? [a]\n: b\n",
         "1:1 the plan has no `tasks`\n2:3 a key must be a word\n"},
        {"JsonCutShort", "{\"interlock\": 1, \"tasks\": [{\"id\": \"a\"",
         "1:28 `{` is never closed\n"},
    }),
    name_of_case);

TEST(WrongText, WithANulByteIsTold) {
  EXPECT_EQ(brief(std::string_view("interlock: 1\nname: a\0b\n", 23)),
            "2:8 a NUL byte stands in the plan | is this a text file?\n");
}
TEST(WrongText, WithAnEscapedNulIsTold) {
  EXPECT_EQ(brief("interlock: 1\nname: \"a\\0b\"\n"),
            "2:8 text in a plan may not hold a NUL character\n");
}

TEST(WrongText, NestedTooDeepIsTold) {
  EXPECT_EQ(brief("interlock: 1\ntasks: " + std::string(100'000, '[')),
            "2:71 nested more than 64 deep\n");
  EXPECT_EQ(brief("interlock: 1\ntasks: " + std::string(100'000, '{')),
            "2:71 nested more than 64 deep\n");
}

TEST(WrongText, NestedTooDeepThroughAliasesIsTold) {
  std::string text = "interlock: 1\na0: &a0 [x]\n";
  for (int level = 1; level < 80; ++level)
    text += fmt::format("a{0}: &a{0} [*a{1}]\n", level, level - 1);
  EXPECT_EQ(brief(text), "65:13 nested more than 64 deep\n");
}

TEST(WrongText, ThatUnfoldsToTooMuchIsTold) {
  std::string text = "interlock: 1\na0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int level = 1; level < 12; ++level) {
    text +=
        fmt::format("a{0}: &a{0} [*a{1}, *a{1}, *a{1}, *a{1}, *a{1}, *a{1}, *a{1}, *a{1}, *a{1}]\n",
                    level, level - 1);
  }
  EXPECT_EQ(brief(text), "8:11 aliases unfold to more than 1 million values\n");
}

TEST(WrongText, LargerThanAPlanMayBeIsTold) {
  EXPECT_EQ(brief("interlock: 1\n#" + std::string(64 << 20, 'x')),
            "1:1 a plan of more than 64 MiB is read only where it is JSON without faults, and this "
            "is not | split it, or let `foreach` unfold tasks that are alike\n");
  EXPECT_EQ(brief(std::string((256 << 20) + 1, ' ')),
            "0:0 the plan is larger than 256 MiB | split it, or let `foreach` unfold tasks that are "
            "alike\n");
}

TEST(WrongSet, IsReported) {
  constexpr std::string_view kPlan =
      "interlock: 1\nlimits: {parallel: 2}\ntasks: [{id: a, run: \"make {target}\"}]\n";
  EXPECT_EQ(brief(kPlan, {{"targt", "x"}, {"target", "y"}}),
            "0:0 `--set targt`: nothing in the plan says `{targt}` | did you mean `target`?\n");
  EXPECT_EQ(brief(kPlan, {{"target", "y"}, {"limits.parallel", "many"}}),
            "0:0 `--set limits.parallel`: expected a whole number from 1 to 1024, found `many`\n");
  EXPECT_EQ(
      brief(kPlan, {{"target", "y"}, {"limits.paralel", "3"}}),
      "0:0 `--set limits.paralel`: unknown key `paralel` in limits | did you mean `parallel`?\n");
  EXPECT_EQ(brief(kPlan, {{"target", "y"}, {"limits.parallel.x", "3"}}),
            "0:0 `--set limits.parallel.x`: the plan has no map to put it into\n");
  EXPECT_EQ(brief(kPlan, {{"target", "y"}, {"item", "3"}}),
            "0:0 `--set item`: `{item}` has a meaning of its own\n");
  EXPECT_EQ(brief(kPlan, {{"target", "a\xff"}}), "0:0 `--set target`: not UTF-8 text\n");
}

}  // namespace
}  // namespace interlock::plan
