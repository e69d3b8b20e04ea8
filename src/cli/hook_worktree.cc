#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "changes/stale.h"
#include "cli/commands.h"
#include "cli/hook_input.h"
#include "runs/sub_agents.h"
#include "snapshots/git.h"
#include "snapshots/repository.h"
#include "workspace/beneath.h"

// `hook worktree`: a client asks for a worktree, or tells what becomes of one (docs/mcp.md). Those
// of its own sub-agents are private copies, from which changes come back when the sub-agent stops;
// those that a person asks for stay what they are without us: worktrees of git on a branch.
namespace interlock::cli {
namespace {

using runs::BroughtBack;
using runs::SubAgentCopies;
using runs::SubAgentCopy;

constexpr std::string_view kSubAgent = "agent-";  ///< Names of sub-agents' worktrees begin so.
constexpr std::uint32_t kReportsMax = 3;
constexpr std::size_t kNamedMax = 6;

std::string member(const json::object& in, std::string_view key) {
  const json::value* found = in.if_contains(key);
  return found != nullptr && found->is_string() ? std::string(found->get_string()) : std::string();
}

/// A name that can be one of a folder and of a branch.
bool is_plain(std::string_view name) {
  const auto is_word = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
  };
  return !name.empty() && name.size() <= 100 && std::ranges::all_of(name, is_word);
}

std::string named(const std::vector<std::string>& paths) {
  std::vector<std::string> words;
  for (const std::string& path : paths) words.push_back("`" + printable(path) + "`");
  return join_words(words, kNamedMax);
}

/// For the person at the client.
std::string message(const std::string& text) {
  return canonical_json(json::object{{"systemMessage", "Interlock: " + text}}) + "\n";
}

std::string for_the_model(std::string_view event, const std::string& text) {
  return canonical_json(json::object{
             {"hookSpecificOutput",
              json::object{{"hookEventName", json::string(event)}, {"additionalContext", text}}}}) +
         "\n";
}

/// As the client does without us, but from the HEAD that is checked out.
Result<std::string> worktree_of_git(const std::string& folder, const std::string& name) {
  const std::string top = snapshots::repository_top(folder);
  if (top.empty())
    return fail(
        Error::Kind::refused,
        fmt::format("`{}` is in no git repository: it can have no worktree", printable(folder)));
  std::string branch = name;
  std::ranges::replace(branch, '/', '+');
  const std::string place = fmt::format("{}/.claude/worktrees/{}", top, branch);
  const auto made = snapshots::Git(top).run(
      {"worktree", "add", "--quiet", "-b", "worktree-" + branch, place, "HEAD"});
  if (!made) return std::unexpected(made.error());
  return place;
}

Result<std::string> create(const SubAgentCopies& copies, const json::object& input) {
  const std::string name = member(input, "name"), folder = member(input, "cwd");
  if (!name.starts_with(kSubAgent) || !is_plain(name)) {
    auto place = worktree_of_git(folder, name);
    if (!place) return place;
    return *place + "\n";
  }
  auto place = copies.make(folder, member(input, "session_id"), name);
  if (!place) return place;
  return *place + "\n";
}

std::string conflict_text(const BroughtBack::Conflict& conflict) {
  const std::string path = changes::shown(conflict.path);
  if (!conflict.theirs.empty())
    return fmt::format("What others changed in `{}` meanwhile:\n{}", path, conflict.theirs);
  return fmt::format("`{}` is {} in the workspace by now, and {} in your copy.\n", path,
                     conflict.now.kind == changes::Kind::absent ? "gone" : "another one",
                     conflict.mine.kind == changes::Kind::absent ? "gone" : "different");
}

/// The sub-agent goes on, with this to do.
std::string to_mend(const SubAgentCopy& copy, const BroughtBack& back) {
  std::string text = fmt::format(
      "Nothing of your work is in the workspace `{}` yet: others changed the same lines.\n",
      copy.root);
  for (const auto& conflict : back.conflicts) text += conflict_text(conflict);
  text += copy.reports + 1 < kReportsMax
              ? fmt::format(
                    "Edit your copy (`{}`) so that it holds both, theirs and yours, and "
                    "finish again: it is merged then.",
                    copy.tree())
              : fmt::format(
                    "If it cannot hold both, say in your last message that your work is "
                    "not in the workspace and lies in `{}`.",
                    copy.tree());
  return canonical_json(json::object{{"decision", "block"}, {"reason", text}}) + "\n";
}

std::string stopped(const SubAgentCopies& copies, const json::object& input) {
  const std::string id = member(input, "agent_id");
  auto copy = id.empty() ? std::nullopt : copies.find(std::string(kSubAgent) + id);
  if (!copy) copy = copies.find_around(member(input, "cwd"));
  if (!copy) return {};
  const auto back = copies.bring_back(*copy);
  if (!back)
    return message(fmt::format("what a sub-agent changed in `{}` is not in the workspace: {}",
                               copy->tree(), back.error().message));
  if (!back->conflicts.empty()) {
    if (copy->reports < kReportsMax) return to_mend(*copy, *back);
    return message(
        fmt::format("what a sub-agent changed is not in the workspace, for others "
                    "changed {} as well; it lies in `{}`",
                    changes::shown(back->conflicts.front().path), copy->tree()));
  }
  std::string text;
  if (!back->paths.empty())
    text = named(back->paths) + " of a sub-agent came into the workspace (back: `interlock undo " +
           copy->name + "`)";
  if (!back->merged.empty())
    text += (text.empty() ? "" : "; ") + named(back->merged) + " was merged with others' changes";
  for (const std::string& remark : back->remarks) text += (text.empty() ? "" : "; ") + remark;
  return text.empty() ? text : message(text);
}

/// What the model that started the sub-agent is to know: its client tells it of a folder with
/// changes, which it would take over once more.
std::string started(const SubAgentCopies& copies, const json::object& input) {
  const json::value* response = input.if_contains("tool_response");
  const json::object* reported = response == nullptr ? nullptr : response->if_object();
  if (reported == nullptr) return {};
  const auto copy = copies.find(std::string(kSubAgent) + member(*reported, "agentId"));
  if (!copy) return {};
  if (member(*reported, "status") != "completed")
    return for_the_model(
        "PostToolUse",
        "This sub-agent works in a private copy of the workspace. What it changes there comes into "
        "the workspace by itself when it finishes, merged with what others changed; conflicts are "
        "told to it. Do not merge or copy its worktree.");
  if (copy->reports > 0)
    return for_the_model(
        "PostToolUse",
        fmt::format("Nothing of what this sub-agent changed is in the workspace, for others "
                    "changed the same lines. Its version lies in `{}`.",
                    copy->tree()));
  return for_the_model("PostToolUse",
                       "What this sub-agent changed is in the workspace now. Do not merge or copy "
                       "its worktree.");
}

Result<std::string> removed(const SubAgentCopies& copies, const json::object& input) {
  const std::string path = member(input, "worktree_path");
  const auto copy = copies.find_around(path);
  if (!copy) {
    const std::string top = snapshots::repository_top(member(input, "cwd"));
    if (top.empty() || path.empty()) return std::string();
    // Without force: git refuses where work would be lost.
    const auto gone = snapshots::Git(top).run({"worktree", "remove", path});
    if (!gone) return std::unexpected(gone.error());
    return std::string();
  }
  const auto back = copies.bring_back(*copy);
  if (!back) return std::unexpected(back.error());
  if (auto gone = copies.remove(*copy); !gone) return std::unexpected(gone.error());
  return std::string();
}

/// Copies without anything of their own go; the others are kept and named.
std::string ended(const SubAgentCopies& copies, const json::object& input) {
  std::vector<std::string> kept;
  const std::string session = member(input, "session_id");
  if (session.empty()) return {};
  for (const SubAgentCopy& copy : copies.of_session(session)) {
    if (!copies.remove(copy)) kept.push_back(copy.tree());
  }
  if (kept.empty()) return {};
  return message(
      fmt::format("what sub-agents changed in {} is not in the workspace, and kept", named(kept)));
}

}  // namespace

Result<Exit> hook_worktree_command(const Context& context) {
  const auto parsed = parse_json(hook_input());
  const json::object* input = parsed ? parsed->if_object() : nullptr;
  const std::string event = input == nullptr ? "" : member(*input, "hook_event_name");
  const SubAgentCopies copies(context.state_folder);
  Result<std::string> answer = std::string();
  if (context.state_folder.empty()) {
    if (event == "WorktreeCreate")
      return fail(Error::Kind::invalid, "there is no place for copies of the workspace",
                  "pass `--state DIR`");
  } else if (event == "WorktreeCreate") {
    answer = create(copies, *input);
  } else if (event == "WorktreeRemove") {
    answer = removed(copies, *input);
  } else if (event == "SubagentStop") {
    answer = stopped(copies, *input);
  } else if (event == "PostToolUse") {
    answer = started(copies, *input);
  } else if (event == "SessionEnd") {
    answer = ended(copies, *input);
  }
  if (!answer) return std::unexpected(answer.error());
  context.console.result(*answer);
  return Exit::done;
}

}  // namespace interlock::cli
