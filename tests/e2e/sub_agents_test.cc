#include <fmt/format.h>
#include <gmock/gmock.h>

#include "base/json.h"
#include "e2e/cli_harness.h"

// A client's own sub-agents in private copies, by the messages that Claude Code 2.1.330 sends.
namespace interlock::e2e {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class SubAgentHooks : public Cli {
 protected:
  Ended hook(const std::string& event, const std::string& more) {
    return interlock({"hook", "worktree", "--for", "claude-code"},
                     fmt::format(R"({{"session_id":"s-1","cwd":"{}","hook_event_name":"{}"{}}})",
                                 workspace(), event, more));
  }
  /// The path of its copy.
  std::string create(const std::string& id) {
    const Ended made = hook("WorktreeCreate", fmt::format(R"(,"name":"agent-{}")", id));
    EXPECT_EQ(made.exit, 0) << made.err;
    EXPECT_THAT(made.out, HasSubstr("agent-" + id));
    return made.out.substr(0, made.out.find('\n'));
  }
  std::string stop(const std::string& id) {
    const Ended ended = hook("SubagentStop", fmt::format(R"(,"agent_id":"{}")", id));
    EXPECT_EQ(ended.exit, 0) << ended.err;
    return ended.out;
  }
  std::string after(const std::string& id, const std::string& status) {
    return hook("PostToolUse",
                fmt::format(
                    R"(,"tool_name":"Agent","tool_response":{{"agentId":"{}","status":"{}"}})", id,
                    status))
        .out;
  }
  void in(const std::string& folder, const std::string& line) {
    EXPECT_EQ(shell("cd '" + folder + "' && " + line).exit, 0) << line;
  }
};

TEST_F(SubAgentHooks, both_edits_of_one_file_survive) {
  shell(
      "git init -q . && seq 9 >notes && git add notes && "
      "git -c user.name=x -c user.email=y commit -qm first");
  const std::string a = create("a1"), b = create("b2");
  in(a, "sed -i s/1/one/ notes && git status --short | grep -q notes");
  in(b, "sed -i s/9/nine/ notes && echo b >of-b");
  EXPECT_THAT(after("a1", "async_launched"), HasSubstr("Do not merge or copy its worktree"));
  EXPECT_THAT(stop("a1"), HasSubstr("`notes` of a sub-agent came into the workspace"));
  EXPECT_THAT(stop("b2"), HasSubstr("`notes` was merged with others' changes"));
  EXPECT_EQ(read("notes"), "one\n2\n3\n4\n5\n6\n7\n8\nnine\n");
  EXPECT_EQ(read("of-b"), "b\n");
  EXPECT_THAT(after("b2", "completed"), HasSubstr("is in the workspace now"));
  EXPECT_EQ(hook("SessionEnd", "").out, "");
  EXPECT_EQ(shell("test ! -e '" + a + "' && test ! -e '" + b + "'").exit, 0);
  EXPECT_EQ(shell("git worktree list | wc -l").out, "1\n");
}

TEST_F(SubAgentHooks, conflicts_are_told_to_the_sub_agent_and_in_the_end_to_the_one_that_asked) {
  write("notes", "first\n");
  const std::string a = create("a1"), b = create("b2");
  in(a, "echo a >notes");
  in(b, "echo b >notes");
  stop("a1");
  const std::string told = stop("b2");
  EXPECT_THAT(told, HasSubstr("\"decision\":\"block\""));
  EXPECT_THAT(told, HasSubstr("-first\\n+a\\n"));
  EXPECT_EQ(read("notes"), "a\n");
  stop("b2");
  EXPECT_THAT(stop("b2"), HasSubstr("say in your last message"));
  EXPECT_THAT(stop("b2"), Not(HasSubstr("decision"))) << "it is let go";
  EXPECT_THAT(after("b2", "completed"), HasSubstr("Nothing of what this sub-agent changed"));
  EXPECT_THAT(hook("SessionEnd", "").out, HasSubstr(b)) << "nothing is lost";
  EXPECT_EQ(shell("cat '" + b + "/notes'").out, "b\n");
  const Ended refused = hook("WorktreeRemove", fmt::format(R"(,"worktree_path":"{}")", b));
  EXPECT_EQ(refused.exit, 3);
  EXPECT_THAT(refused.err, HasSubstr("`notes`"));
  in(b, "echo a and b >notes");
  EXPECT_EQ(hook("WorktreeRemove", fmt::format(R"(,"worktree_path":"{}")", b)).exit, 0);
  EXPECT_EQ(read("notes"), "a and b\n");
  EXPECT_EQ(shell("test ! -e '" + b + "'").exit, 0);
}

TEST_F(SubAgentHooks, what_one_brought_in_is_taken_back_with_all_its_bytes) {
  write("notes", "first\n");
  write("gone", "here\n");
  shell("ln -s notes link && chmod 640 notes");
  const std::string tree = "find . -printf '%p %y %m %l\n' | LC_ALL=C sort; cat notes gone";
  const std::string before = shell(tree).out;
  const std::string a = create("a1"), b = create("b2");
  in(a, "echo a >>notes; rm gone; ln -sf gone link; mkdir new; echo n >new/n");
  EXPECT_THAT(stop("a1"), HasSubstr("interlock undo agent-a1"));
  in(a, "echo more >>notes");
  stop("a1");
  in(b, "echo b >of-b");
  stop("b2");
  EXPECT_EQ(read("notes"), "first\na\nmore\n");
  const Ended undone = interlock({"undo", "agent-a1"});
  EXPECT_EQ(undone.exit, 0) << undone.err;
  EXPECT_THAT(undone.out, HasSubstr("took back what `agent-a1` changed"));
  EXPECT_EQ(read("of-b"), "b\n") << "others' changes stay";
  EXPECT_EQ(interlock({"undo", "agent-b2"}).exit, 0);
  EXPECT_EQ(shell(tree).out, before);
  EXPECT_EQ(interlock({"undo", "agent-b2"}).exit, 2) << "it is taken back already";
}

TEST_F(SubAgentHooks, what_somebody_changed_since_is_not_taken_back) {
  write("notes", "1\n2\n3\n4\n5\n");
  const std::string a = create("a1"), b = create("b2");
  in(a, "sed -i s/1/one/ notes; echo x >x");
  in(b, "sed -i s/5/five/ notes");
  stop("a1");
  stop("b2");
  const Ended refused = interlock({"undo", "agent-a1"});
  EXPECT_EQ(refused.exit, 3) << refused.out;
  EXPECT_THAT(refused.err, HasSubstr("`notes` changed since: nothing was undone"));
  EXPECT_EQ(read("x"), "x\n");
  EXPECT_EQ(interlock({"undo", "agent-b2"}).exit, 0);
  EXPECT_EQ(read("notes"), "one\n2\n3\n4\n5\n");
  EXPECT_EQ(interlock({"undo", "agent-a1"}).exit, 0);
  EXPECT_EQ(read("notes"), "1\n2\n3\n4\n5\n");
}

TEST_F(SubAgentHooks, a_persons_own_worktree_is_one_of_git) {
  EXPECT_EQ(hook("WorktreeCreate", R"(,"name":"feature")").exit, 3) << "in no repository";
  shell("git init -q . && git -c user.name=x -c user.email=y commit -q --allow-empty -m first");
  const Ended made = hook("WorktreeCreate", R"(,"name":"feature")");
  ASSERT_EQ(made.exit, 0) << made.err;
  const std::string path = made.out.substr(0, made.out.find('\n'));
  EXPECT_EQ(path, workspace() + "/.claude/worktrees/feature");
  EXPECT_EQ(shell("git -C '" + path + "' branch --show-current").out, "worktree-feature\n");
  in(path, "echo x >unsaved");
  const std::string gone = fmt::format(R"(,"worktree_path":"{}")", path);
  EXPECT_NE(hook("WorktreeRemove", gone).exit, 0) << "git refuses to lose what is in no commit";
  in(path, "rm unsaved");
  EXPECT_EQ(hook("WorktreeRemove", gone).exit, 0);
  EXPECT_FALSE(exists(".claude/worktrees/feature"));
}

TEST_F(SubAgentHooks, what_it_does_not_understand_stands_in_nobodys_way) {
  for (const auto* input : {"", "{", "[]", "{}", R"({"hook_event_name":"SubagentStop"})",
                            R"({"hook_event_name":"PostToolUse","tool_response":7})"}) {
    const Ended ended = interlock({"hook", "worktree", "--for", "claude-code"}, input);
    EXPECT_EQ(ended.exit, 0) << input;
    EXPECT_THAT(ended.out, IsEmpty()) << input;
  }
}

TEST_F(SubAgentHooks, settings_of_a_person_take_them_in_and_come_back) {
  const std::string own = "{\n  \"hooks\": {\"SessionEnd\": [{\"hooks\": []}]}\n}\n";
  write(".claude/settings.local.json", own);
  EXPECT_EQ(interlock({"init", "--for", "claude-code"}).exit, 0);
  const auto settings = parse_json(read(".claude/settings.local.json"));
  ASSERT_TRUE(settings) << read(".claude/settings.local.json");
  const json::object& hooks = settings->at("hooks").as_object();
  for (const auto* event :
       {"WorktreeCreate", "WorktreeRemove", "SubagentStop", "PostToolUse", "SessionEnd"}) {
    EXPECT_THAT(canonical_json(hooks.at(event)), HasSubstr("hook worktree --for claude-code"))
        << event;
  }
  EXPECT_EQ(hooks.at("SessionEnd").as_array().size(), 2u);
  EXPECT_THAT(interlock({"init", "--for", "claude-code"}).err, HasSubstr("there already"));
  EXPECT_EQ(interlock({"init", "--for", "claude-code", "--undo"}).exit, 0);
  EXPECT_EQ(read(".claude/settings.local.json"), own);
}

}  // namespace
}  // namespace interlock::e2e
