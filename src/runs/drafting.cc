#include "runs/drafting.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <filesystem>
#include <system_error>

#include "base/text.h"
#include "plan/drafting.h"
#include "runs/login.h"
#include "runs/queues.h"
#include "workspace/local_files.h"

namespace interlock::runs {

namespace {

namespace fs = std::filesystem;

/// So many paths of the workspace are shown to who writes: an agent without tools sees no others.
constexpr std::size_t kPathsShown = 200;

/// Paths of the workspace, those that lie high first. What begins with a dot is left out.
std::string paths_in(const std::string& workspace) {
  std::deque<fs::path> folders{workspace};
  std::string text;
  std::size_t shown = 0;
  while (!folders.empty()) {
    const fs::path folder = std::move(folders.front());
    folders.pop_front();
    std::error_code trouble;
    std::vector<fs::path> entries;
    for (fs::directory_iterator at(folder, fs::directory_options::skip_permission_denied, trouble);
         !trouble && at != fs::directory_iterator(); at.increment(trouble)) {
      if (!at->path().filename().string().starts_with('.')) entries.push_back(at->path());
    }
    std::ranges::sort(entries);
    for (const fs::path& entry : entries) {
      std::error_code ignored;
      const bool is_folder = fs::is_directory(fs::symlink_status(entry, ignored));
      if (++shown > kPathsShown) return text + "... and more\n";
      text += printable(entry.lexically_relative(workspace).string()) + (is_folder ? "/\n" : "\n");
      if (is_folder) folders.push_back(entry);
    }
  }
  return text.empty() ? "(it is empty)\n" : text;
}

constexpr std::string_view kPrompt =
    R"(Write the plan by which the goal below is reached in the workspace you are in. Look at the workspace first as far as you can. Do not do the work yourself,
and change no file: your answer is the plan, in one ```yaml fence, and nothing else.

## How plans are written

{guide}
## What holds for this plan

- It will be the file `{file}`. Its `workspace` is `{place}`: write `workspace: "{place}"`.
- Its agents are these and no others. Copy them as they are: `agents: {agents}`
- Each task with a prompt names its `agent`, and each task says what it `reads` and `writes`.

## What is in the workspace

{paths}
## The goal

{goal}

## Your answer before, and what was wrong with it

Nothing stands here the first time. Else answer with the whole plan again, with all of that mended.

{previous.write}

{previous.check}
)";

bool is_set(const Environment& environment, const char* name) {
  const auto found = environment.find(name);
  return found != environment.end() && !found->second.empty();
}

/// The agents that are to be had, as a plan has them.
Result<json::object> agents_for(const DraftRequest& request, const Environment& environment) {
  json::object agents;
  std::string text, file = "the command line";
  if (request.base.empty()) {
    const std::string kind(kind_of_agent(request.agent));
    json::object agent{{"kind", kind}};
    // Who has a subscription has no key.
    if (kind == "claude-code" && !is_set(environment, "ANTHROPIC_API_KEY") &&
        read_claude_login(environment))
      agent["login"] = true;
    if (kind == request.agent && kind != "codex" && kind != "gemini" && kind != "opencode" &&
        kind != "pi" && kind != "qwen" && kind != "claude-code")
      return fail(Error::Kind::invalid,
                  fmt::format("`{}` is not a client that is known", printable(request.agent)),
                  "claude, codex, gemini, opencode, pi or qwen; any other is declared in a plan: "
                  "`interlock plan FILE --goal ... --agent NAME`");
    text =
        canonical_json(json::object{{"agents", json::object{{request.agent, std::move(agent)}}}});
  } else {
    auto base = read_document(request.base);
    if (!base) return std::unexpected(base.error());
    text = std::move(base->text);
    file = base->file;
  }
  auto members = plan::members_of(text, file, {"agents"}, request.set);
  if (!members) return std::unexpected(members.error());
  if (const auto* found = members->if_contains("agents"); found != nullptr && found->is_object())
    agents = found->get_object();
  if (agents.contains(request.agent)) return agents;
  std::vector<std::string> names;
  for (const auto& member : agents) names.emplace_back(member.key());
  return fail(Error::Kind::invalid,
              fmt::format("`{}` declares no agent `{}`", printable(file), printable(request.agent)),
              names.empty() ? std::string() : fmt::format("there are: {}", join_words(names, 8)));
}

/// Agents as they are read, by name, without where they stand.
std::vector<plan::Agent> comparable(std::vector<plan::Agent> agents) {
  for (plan::Agent& agent : agents) agent.place = {};
  std::ranges::sort(agents, {}, &plan::Agent::name);
  return agents;
}

Result<plan::Plan> read(const Document& document, bool may_be_empty) {
  workspace::LocalFiles files;
  PlanRequest request;
  request.stands = may_be_empty;
  return read_plan_or_complain(document, request, files);
}

}  // namespace

Result<Drafting> draft_plan(const DraftRequest& request, const Where& where,
                            const std::string& own_program, const Environment& environment) {
  auto agents = agents_for(request, environment);
  if (!agents) return std::unexpected(agents.error());
  std::error_code trouble;
  const fs::path file = fs::weakly_canonical(fs::path(where.folder) / request.file, trouble);
  const std::string folder = (trouble ? fs::path(where.folder) : file.parent_path()).string();
  const std::string place = fs::path(where.folder).lexically_relative(folder).string();

  Drafting drafting;
  drafting.how.reuse = false;  // Who asks again wants another.
  drafting.how.set = {{"goal", request.goal},
                      {"guide", plan::drafting_guide()},
                      {"file", file.filename().string()},
                      {"folder", folder},
                      {"place", place},
                      {"agents", canonical_json(*agents)},
                      {"paths", paths_in(where.folder)},
                      {"interlock", own_program}};
  json::object write{{"id", kDraftWriter},
                     {"agent", request.agent},
                     {"prompt", kPrompt},
                     {"reads", json::array{"**"}},
                     {"writes", json::array()},
                     {"output", "text"},
                     {"retries", 1},
                     {"timeout", "30m"}};
  const auto own = [](std::initializer_list<const char*> words) {
    json::array list{"{interlock}", "check-draft"};
    for (const char* word : words) list.emplace_back(word);
    return list;
  };
  json::object check{{"id", kDraftCheck},
                     {"run", own({"--file", "{file}", "--in", "{folder}", "--workspace",
                                  "{workspace}", "--agents", "{agents}", "{output_files.write}"})},
                     {"reads", json::array{"**"}},
                     {"writes", json::array()},
                     {"output", "json"}};
  json::object rounds{
      {"repeat", json::object{{"until", "outputs.check.ok == true"}, {"at_most", request.rounds}}},
      {"tasks", json::array{std::move(write), std::move(check)}}};
  json::object last{{"id", kDraftTask},
                    {"run", own({"--print", "{output_files.check}"})},
                    {"reads", json::array()},
                    {"writes", json::array()},
                    {"output", "text"}};
  json::object document{{"interlock", 1},
                        {"name", "draft"},
                        {"workspace", "."},
                        {"agents", std::move(*agents)},
                        {"tasks", json::array{std::move(rounds), std::move(last)}}};
  json::object limits;
  if (request.tokens) limits["tokens"] = json::string(*request.tokens);
  if (request.usd) limits["usd"] = json::string(*request.usd);
  if (!limits.empty()) document["limits"] = std::move(limits);
  drafting.document = {{}, where.folder, canonical_json(document)};
  return drafting;
}

Result<json::object> check_draft(const std::string& answer, const DraftFrame& frame) {
  json::array problems;
  const auto answered = [&](const std::string& text) {
    return json::object{{"ok", false}, {"problems", json::array{json::string(text)}}};
  };
  auto text = plan::document_in(answer);
  if (!text) return answered(text.error().message);
  auto plan = read({frame.file, frame.folder, *text}, false);
  if (!plan) {
    const Error& error = plan.error();
    return answered(error.hint.empty() ? error.message : error.message + "\n hint: " + error.hint);
  }
  const Document known{"agents", frame.folder,
                       fmt::format(R"({{"interlock": 1, "agents": {}}})", frame.agents)};
  auto base = read(known, true);
  if (!base) return std::unexpected(base.error());
  const auto problem = [&](const std::string& what) { problems.emplace_back(json::string(what)); };
  if (comparable(plan->agents) != comparable(base->agents))
    problem("the agents are others than those given: write `agents: " + frame.agents + "`");
  if (plan->workspace != frame.workspace)
    problem(
        fmt::format("the workspace is `{}`, and is to be `{}`", plan->workspace, frame.workspace));
  if (plan->tasks.empty() && plan->families.empty()) problem("the plan has no task");
  for (const plan::Task& task : plan->tasks) {
    if (task.footprint.unknown && !task.coordinates)
      problem(
          fmt::format("task `{}` does not say what it `reads` and `writes`, so it would run "
                      "alone",
                      task.id));
  }
  if (!problems.empty()) return json::object{{"ok", false}, {"problems", std::move(problems)}};
  return json::object{{"ok", true}, {"plan", json::string(*text)}};
}

}  // namespace interlock::runs
