#include "mcp/tools.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/serialize.hpp>

#include "mcp/answers.h"
#include "mcp/arguments.h"
#include "mcp/board_tools.h"

namespace interlock::mcp {
namespace {

/// The plan, however it was given, for standard input; or the name of its file.
struct Document {
  std::string file = "-";
  std::string text;
};

Document document_of(Arguments& arguments) {
  const json::value* plan = arguments.find("plan");
  const json::value* tasks = arguments.find("tasks");
  const std::string file = arguments.text("file");
  const int given = (plan != nullptr) + (tasks != nullptr) + (file.empty() ? 0 : 1);
  if (given != 1) arguments.fail("give one of `tasks`, `plan` and `file`");
  if (!file.empty()) return {file, {}};
  if (plan != nullptr && !plan->is_object())
    arguments.fail("`plan` is not an object", "it is a plan document (docs/plan.md) as JSON");
  if (plan != nullptr) return {"-", json::serialize(*plan)};
  if (tasks != nullptr && !tasks->is_array()) arguments.fail("`tasks` is not a list");
  json::object document{{"interlock", 1}, {"name", "asked"}};
  if (tasks != nullptr) document["tasks"] = *tasks;
  const std::string agent = arguments.text("agent");
  if (!agent.empty()) {
    document["agents"] = json::object{{agent, json::object{{"kind", agent}}}};
    document["defaults"] = json::object{{"agent", agent}};
  }
  return {"-", json::serialize(document)};
}

Result<Command> command_with_plan(const json::object& given, std::vector<std::string> words) {
  Arguments arguments(given);
  Document document = document_of(arguments);
  const std::string pattern = arguments.text("pattern");
  const std::int64_t parallel = arguments.number("parallel", 0, 1, 1024);
  if (auto checked = arguments.checked(); !checked) return std::unexpected(checked.error());
  words.push_back(std::move(document.file));
  if (!pattern.empty()) words.insert(words.end(), {"--pattern", pattern});
  if (parallel > 0) words.insert(words.end(), {"--parallel", fmt::format("{}", parallel)});
  return Command{std::move(words), std::move(document.text)};
}

/// `VERB [--json] RUN [TASK]`.
Result<Command> command_of_run(const json::object& given, std::vector<std::string> words,
                               std::string_view second = {}, bool is_required = false) {
  Arguments arguments(given);
  words.push_back(arguments.required_text("run"));
  if (!second.empty()) {
    const std::string name = is_required ? arguments.required_text(second) : arguments.text(second);
    if (!name.empty()) words.push_back(name);
  }
  if (auto checked = arguments.checked(); !checked) return std::unexpected(checked.error());
  return Command{std::move(words), {}};
}

/// `--KEY=VALUE` for each text of a list; as one word, so that a value never is an option.
void add_list(Arguments& arguments, std::string_view name, std::vector<std::string>& words) {
  const json::value* list = arguments.find(name);
  if (list == nullptr) return;
  if (!list->is_array()) return arguments.fail(fmt::format("`{}` is not a list", name));
  for (const json::value& one : list->get_array()) {
    if (!one.is_string())
      return arguments.fail(fmt::format("`{}` holds something that is not text", name));
    words.push_back(fmt::format("--{}={}", name, std::string_view(one.get_string())));
  }
  // Declared to be nothing is not the same as not declared.
  if (list->get_array().empty() && (name == "reads" || name == "writes"))
    words.push_back(fmt::format("--{}-nothing", name));
}

/// A prompt or a command, for a queue or a run that goes on.
Result<Command> command_to_add(const json::object& given) {
  Arguments arguments(given);
  std::vector<std::string> words{"add", "--json"};
  for (const std::string_view name : {"queue", "run", "id", "agent", "output"}) {
    const std::string text = arguments.text(name);
    if (!text.empty()) words.push_back(fmt::format("--{}={}", name, text));
  }
  for (const std::string_view name : {"reads", "writes", "uses", "needs"})
    add_list(arguments, name, words);
  const json::value* prompt = arguments.find("prompt");
  const json::value* command = arguments.find("command");
  const bool is_text = prompt == nullptr || prompt->is_string();
  if (!is_text || (command != nullptr && !command->is_string()))
    arguments.fail("`prompt` and `command` are texts");
  for (const json::value* text : {prompt, command}) {
    if (text != nullptr && text->is_string() && std::string_view(text->get_string()).contains('\0'))
      arguments.fail("`prompt` or `command` holds a NUL");
  }
  if ((prompt == nullptr) == (command == nullptr))
    arguments.fail("give one of `prompt` and `command`");
  if (auto checked = arguments.checked(); !checked) return std::unexpected(checked.error());
  if (prompt != nullptr)
    words.push_back(fmt::format("--prompt={}", std::string_view(prompt->get_string())));
  if (command != nullptr) {
    words.emplace_back("--");
    words.emplace_back(command->get_string());
  }
  return Command{std::move(words), {}};
}

Result<Command> command_of_queue(const json::object& given) {
  Arguments arguments(given);
  std::vector<std::string> words{"queue", "show", "--json"};
  const std::string name = arguments.text("queue");
  if (!name.empty()) words.push_back(name);
  if (auto checked = arguments.checked(); !checked) return std::unexpected(checked.error());
  return Command{std::move(words), {}};
}

constexpr std::string_view kAddInput = R"({"type":"object","properties":{
"prompt":{"type":"string","description":"What an agent is asked; with agent"},
"agent":{"type":"string","description":"Who does it: claude, codex, gemini, opencode, pi, qwen, or one of the queue's plan"},
"command":{"type":"string","description":"Instead of a prompt: a line of shell"},
"reads":{"type":"array","items":{"type":"string"},"description":"Path patterns it reads, [] for none; without reads and writes it runs alone"},
"writes":{"type":"array","items":{"type":"string"},"description":"Path patterns it writes, [] for none"},
"uses":{"type":"array","items":{"type":"string"},"description":"Resources of the queue's plan"},
"needs":{"type":"array","items":{"type":"string"},"description":"Ids of tasks that must succeed first"},
"id":{"type":"string","description":"Its id; the same task with the same id is added once"},
"output":{"type":"string","enum":["text","json"]},
"queue":{"type":"string","description":"The queue's name; default when left out"},
"run":{"type":"string","description":"Instead of a queue: a run that goes on"}}})";

constexpr std::string_view kPlanInput = R"({"type":"object","properties":{
"tasks":{"type":"array","description":"The tasks in order. Each needs an id and either prompt (for an agent) or run (a shell command). reads and writes are lists of path patterns it touches, [] for none; without them it runs alone. needs names tasks that must end before.","items":{"type":"object","properties":{
"id":{"type":"string"},"prompt":{"type":"string"},"run":{"type":"string"},
"reads":{"type":"array","items":{"type":"string"}},"writes":{"type":"array","items":{"type":"string"}},
"needs":{"type":"array","items":{"type":"string"}},"output":{"description":"text, json, or {schema: FILE}","anyOf":[{"type":"string"},{"type":"object"}]}},"required":["id"]}},
"agent":{"type":"string","description":"Who does tasks with a prompt: claude-code, codex, gemini, opencode, pi, qwen"},
"plan":{"type":"object","description":"Instead of tasks: a whole plan document (docs/plan.md) with agents, limits, resources, merge"},
"file":{"type":"string","description":"Instead of tasks: the path of a plan file"},
"pattern":{"type":"string","enum":["sequential","parallel","queue"],"description":"Overrides the decision"},
"parallel":{"type":"integer","minimum":1,"description":"At most so many at once"}}})";

constexpr std::string_view kRunAndTask = R"({"type":"object","properties":{
"run":{"type":"string","description":"The run's id, or last"},
"task":{"type":"string","description":"The task's id"}},"required":["run"]})";

constexpr std::string_view kRunAndNeededTask = R"({"type":"object","properties":{
"run":{"type":"string","description":"The run's id, or last"},
"task":{"type":"string","description":"The task's id"}},"required":["run","task"]})";

constexpr std::string_view kPageInput = R"({"type":"object","properties":{
"run":{"type":"string","description":"The run's id, or last"},
"task":{"type":"string","description":"The task's id"},
"offset":{"type":"integer","minimum":0,"description":"From this byte on; next_offset of the answer before"},
"max_bytes":{"type":"integer","minimum":1,"maximum":40000}},"required":["run"]})";

constexpr std::string_view kPageOutput = R"({"type":"object","properties":{
"text":{"type":"string"},"offset":{"type":"integer"},"bytes_total":{"type":"integer"},
"next_offset":{"type":"integer","description":"Present when there is more"}},"required":["text","offset","bytes_total"]})";

constexpr std::string_view kStatusOutput = R"({"type":"object","properties":{
"next":{"type":"string","description":"What to do now"},"run":{"type":"string"},
"state":{"type":"string","description":"running, finished, failed, waits at a gate, stopped at a limit, interrupted, cancelled, died"},
"counts":{"type":"object","description":"Tasks by state"},"tasks_total":{"type":"integer"},
"tasks_not_named":{"type":"integer"},
"tasks":{"type":"array","items":{"type":"object","properties":{"id":{"type":"string"},"state":{"type":"string"},"detail":{"type":"string"}}}},
"windows":{"type":"array","description":"What the person's log-ins that agents of the run use have used of what their provider allows","items":{"type":"object","properties":{"agents":{"type":"array","items":{"type":"string"}},"window":{"type":"string"},"used":{"type":"number"},"resets":{"type":"string"}}}},
"cursor":{"type":"string","description":"For wait: return when something has changed since"}},"required":["next","run","state","cursor"]})";

constexpr std::string_view kAnyOutput = R"({"type":"object"})";

std::vector<Tool> all_tools() {
  return {
      {.name = "plan",
       .title = "Decide how to run tasks",
       .description =
           "Before you start several sub-agents or commands at once: proves which of the tasks can "
           "run at the same time, forecasts time, tokens and cost one by one, in a queue and in "
           "parallel, and decides which is worth it, with the arithmetic. Runs nothing.",
       .input = kPlanInput,
       .output = R"({"type":"object","properties":{"next":{"type":"string"},
"decision":{"type":"object","description":"pattern, n at once, the three tests and why, reasons, changes that would let more overlap"},
"forecast":{"type":"object","description":"sequential, parallel and queue: elapsed_s, p50_s, p90_s, tokens, cost_usd"}},"required":["next","decision"]})",
       .command =
           [](const json::object& given) { return command_with_plan(given, {"plan", "--json"}); },
       .answer = answer_plan},
      {.name = "run",
       .title = "Run tasks as decided",
       .description =
           "Runs a plan of tasks as `plan` decided and returns the run's id at once; it goes on in "
           "the background, also when this conversation ends. What fails is retried, what "
           "conflicts "
           "is sorted out, outputs are checked.",
       .input = kPlanInput,
       .output =
           R"({"type":"object","properties":{"next":{"type":"string"},"run":{"type":"string"},"workspace":{"type":"string"},"log":{"type":"string"},"said":{"type":"string"}},"required":["next","run"]})",
       .reads_only = false,
       .command =
           [](const json::object& given) {
             return command_with_plan(given, {"run", "--detach", "--json"});
           },
       .answer = answer_run},
      {.name = "wait",
       .title = "Wait for a run",
       .description =
           "Waits until a run ends, needs a person, or has changed since `cursor`, at most 45 "
           "seconds; then call it again. Tells states, failures and what to do next.",
       .input =
           R"({"type":"object","properties":{"run":{"type":"string","description":"The run's id, or last"},
"seconds":{"type":"integer","minimum":0,"maximum":45,"description":"At most so long; 30 when left out"},
"cursor":{"type":"string","description":"Of the answer before: return as soon as anything has changed since"}},"required":["run"]})",
       .output = kStatusOutput,
       .command =
           [](const json::object& given) { return command_of_run(given, {"show", "--json"}); },
       .answer = answer_status},
      {.name = "status",
       .title = "How a run stands",
       .description =
           "How a run stands or ended: states of its tasks, failures, time, tokens, cost.",
       .input = kRunAndTask,
       .output = kStatusOutput,
       .command =
           [](const json::object& given) { return command_of_run(given, {"show", "--json"}); },
       .answer = answer_status},
      {.name = "runs",
       .title = "List runs",
       .description = "The latest runs of this folder's workspace, the newest first.",
       .input = R"({"type":"object","properties":{}})",
       .output = kAnyOutput,
       .command = [](const json::object&) -> Result<Command> {
         return Command{{"runs", "--here", "-n", "10", "--json"}, {}};
       },
       .answer = answer_document},
      {.name = "output",
       .title = "What tasks gave back",
       .description = "The output of a task or of a merge of a run, page by page.",
       .input =
           R"({"type":"object","properties":{"run":{"type":"string","description":"The run's id, or last"},
"name":{"type":"string","description":"A task or a merge; left out: the only merge there is, or a list of what there is"},
"offset":{"type":"integer","minimum":0},"max_bytes":{"type":"integer","minimum":1,"maximum":40000}},"required":["run"]})",
       .output = kPageOutput,
       .command =
           [](const json::object& given) { return command_of_run(given, {"output"}, "name"); },
       .answer = answer_page},
      {.name = "diff",
       .title = "What a task changed",
       .description = "The files that a task in a view changed, as a patch, page by page.",
       .input = kPageInput,
       .output = kPageOutput,
       .command =
           [](const json::object& given) { return command_of_run(given, {"diff"}, "task", true); },
       .answer = answer_page},
      {.name = "log",
       .title = "What attempts wrote",
       .description =
           "What the attempts of a task (or of all) wrote: the end of it, or from `offset` on.",
       .input = kPageInput,
       .output = kPageOutput,
       .command = [](const json::object& given) { return command_of_run(given, {"log"}, "task"); },
       .answer = answer_tail},
      {.name = "why",
       .title = "Why a task waits, ran or failed",
       .description = "Why a task waits, ran again, failed or was skipped, in words.",
       .input = kRunAndNeededTask,
       .output = kAnyOutput,
       .command =
           [](const json::object& given) {
             return command_of_run(given, {"why", "--json"}, "task", true);
           },
       .answer = answer_document},
      {.name = "add",
       .title = "Add a task to a queue",
       .description =
           "Adds one task to a standing queue, or to a run that goes on. It starts at once where "
           "it "
           "provably meets nothing that runs or waits before it; else the answer says for whom it "
           "waits. A person starts queues: `interlock queue start`.",
       .input = kAddInput,
       .output =
           R"({"type":"object","properties":{"run":{"type":"string"},"task":{"anyOf":[{"type":"string"},{"type":"null"}]},"added":{"type":"boolean"},"state":{"type":"string"},"dispatched":{"type":"boolean"},"waits_for":{"anyOf":[{"type":"string"},{"type":"null"}]}},"required":["run","added","state"]})",
       .reads_only = false,
       .command = command_to_add,
       .answer = answer_document},
      {.name = "queue",
       .title = "How a standing queue stands",
       .description = "Which tasks of a queue run, and which wait for whom.",
       .input =
           R"({"type":"object","properties":{"queue":{"type":"string","description":"Its name; default when left out"}}})",
       .output = kAnyOutput,
       .command = command_of_queue,
       .answer = answer_document},
      {.name = "cancel",
       .title = "Cancel a run or a task",
       .description = "Stops a run, or one task of it. What was done stays.",
       .input = kRunAndTask,
       .output = kAnyOutput,
       .reads_only = false,
       .destroys = true,
       .command =
           [](const json::object& given) {
             return command_of_run(given, {"cancel", "--json"}, "task");
           },
       .answer = answer_document},
  };
}

std::vector<Tool> gate_tools() {
  return {
      {.name = "approve",
       .title = "Approve a gate",
       .description = "Approves what waits for a person. Only after the person in this "
                      "conversation said yes to it.",
       .input = kRunAndTask,
       .output = kAnyOutput,
       .reads_only = false,
       .destroys = true,
       .for_people = true,
       .command =
           [](const json::object& given) {
             return command_of_run(given, {"approve", "--json"}, "task");
           },
       .answer = answer_document},
      {.name = "reject",
       .title = "Reject at a gate",
       .description =
           "Rejects what waits for a person: the task fails. Only after the person said so.",
       .input = kRunAndTask,
       .output = kAnyOutput,
       .reads_only = false,
       .destroys = true,
       .for_people = true,
       .command =
           [](const json::object& given) {
             return command_of_run(given, {"reject", "--json"}, "task");
           },
       .answer = answer_document},
      {.name = "resume",
       .title = "Go on with a run",
       .description =
           "Goes on with a run that paused at a gate or was interrupted, in the background.",
       .input =
           R"({"type":"object","properties":{"run":{"type":"string","description":"The run's id, or last"}},"required":["run"]})",
       .output = kAnyOutput,
       .reads_only = false,
       .command =
           [](const json::object& given) {
             return command_of_run(given, {"resume", "--detach", "--json"});
           },
       .answer = answer_run},
  };
}

json::value schema_of(std::string_view text) {
  auto parsed = parse_json(text);
  return parsed ? std::move(*parsed) : json::value(json::object{});
}

}  // namespace

const std::vector<Tool>& tools(Approval approval) {
  static const std::vector<Tool> kWithout = [] {
    std::vector<Tool> all = all_tools();
    std::ranges::move(board_tools(), std::back_inserter(all));
    return all;
  }();
  static const std::vector<Tool> kWith = [] {
    std::vector<Tool> all = kWithout;
    std::ranges::move(gate_tools(), std::back_inserter(all));
    return all;
  }();
  return approval == Approval::by_clients ? kWith : kWithout;
}

json::array list_of_tools(Approval approval) {
  json::array list;
  for (const Tool& tool : tools(approval)) {
    list.push_back(
        json::object{{"name", tool.name},
                     {"title", tool.title},
                     {"description", tool.description},
                     {"inputSchema", schema_of(tool.input)},
                     {"outputSchema", schema_of(tool.output)},
                     {"annotations", json::object{{"title", tool.title},
                                                  {"readOnlyHint", tool.reads_only},
                                                  {"destructiveHint", tool.destroys},
                                                  {"idempotentHint", tool.reads_only},
                                                  {"openWorldHint", !tool.reads_only}}}});
  }
  return list;
}

}  // namespace interlock::mcp
