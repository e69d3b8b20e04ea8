#include <fmt/format.h>
#include <gmock/gmock.h>

#include <array>
#include <csignal>

#include "e2e/isolation_harness.h"

// Notes that tasks leave for each other, words of people to agents, and the order of a queue.
namespace interlock::e2e {

namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class Board : public Isolated {
 protected:
  Board() { environment()["IL"] = shell("printf %s \"$INTERLOCK\"").out; }

  /// A plan whose agents and commands find this binary as `$IL`.
  void write_board_plan(const std::string& content) {
    write_plan("agents: {sh: {kind: command, pass_env: [IL]}}\n" + content);
  }
  Ended run_plan(std::vector<std::string> more = {}) {
    std::vector<std::string> words{"run", "plan.yaml", "--pattern", "parallel"};
    words.insert(words.end(), more.begin(), more.end());
    return interlock(words);
  }
};

/// Two rounds over one topic and a chain over another; each task naps before it speaks.
std::string two_topics(int a, int b, int c) {
  return fmt::format(R"(
board: {{ideas: rounds, chain: ordered}}
tasks:
  - {{id: a, run: "sleep 0.{0}; $IL board post ideas 'idea of a'", reads: [], writes: [], board: {{post: ideas}}}}
  - {{id: b, run: "sleep 0.{1}; printf 'idea\nof b\n' | $IL board post ideas", reads: [], writes: [], board: {{post: ideas}}}}
  - {{id: sum, run: "$IL board read ideas | tee sum.txt | wc -l | $IL board post ideas -", reads: [], writes: [sum.txt], board: {{post: ideas, read: ideas, round: 2}}}}
  - {{id: a2, run: "$IL board read ideas --json >a2.json", reads: [], writes: [a2.json], board: {{read: ideas, round: 3}}}}
  - {{id: x, run: "sleep 0.{2}; $IL board post chain x", reads: [], writes: [], board: {{post: chain}}}}
  - {{id: y, run: "$IL board read chain >y.txt; sleep 0.{0}; $IL board post chain 'y saw x'", reads: [], writes: [y.txt], board: [chain]}}
  - {{id: z, run: "$IL board read chain >z.txt; $IL board read chain --after 1 >z2.txt", reads: [], writes: [z.txt, z2.txt], board: {{read: chain}}}}
)",
                     a, b, c);
}

TEST_F(Board, rounds_and_ordered_topics_give_the_same_whoever_is_faster) {
  std::string digest_before;
  for (const auto& [a, b, c] : {std::array{0, 2, 1}, std::array{3, 0, 0}, std::array{1, 1, 3}}) {
    write_board_plan(two_topics(a, b, c));
    const Ended ended = run_plan();
    ASSERT_EQ(ended.exit, 0) << ended.err;
    EXPECT_EQ(read("sum.txt"),
              "--- 1, by a, round 1\nidea of a\n--- 2, by b, round 1\nidea\nof b\n");
    EXPECT_EQ(read("y.txt"), "--- 1, by x\nx\n");
    EXPECT_EQ(read("z.txt"), "--- 1, by x\nx\n--- 2, by y\ny saw x\n");
    EXPECT_EQ(read("z2.txt"), "--- 2, by y\ny saw x\n");
    EXPECT_THAT(read("a2.json"), HasSubstr("\"number\": 3"));
    EXPECT_THAT(read("a2.json"), HasSubstr("\"complete\": true"));
    if (!digest_before.empty()) {
      EXPECT_EQ(digest(), digest_before);
    }
    digest_before = digest();
  }
  const Ended alone = interlock({"run", "plan.yaml", "--pattern", "sequential", "--fresh"});
  ASSERT_EQ(alone.exit, 0) << alone.err;
  EXPECT_EQ(digest(), digest_before) << "one by one it is the same";
  const Ended seen = interlock({"board", "read", "chain", "--run", "last"});
  EXPECT_THAT(seen.out, HasSubstr("--- 2, by y, attempt 1, counts, "));
  EXPECT_THAT(interlock({"board", "read"}).out, HasSubstr("rounds, 3 posts"));
  EXPECT_THAT(interlock({"why", "last", "z"}).out, HasSubstr("read 2 notes of topic `chain`"));
}

TEST_F(Board, notes_of_an_attempt_that_failed_are_seen_by_nobody) {
  write_board_plan(R"(
board: {notes: ordered}
tasks:
  - {id: a, run: "if mkdir once; then $IL board post notes wrong; exit 1; fi; $IL board post notes right", reads: [], writes: [once], retries: 1, backoff: 10ms, board: {post: notes}}
  - {id: b, run: "$IL board post notes lost; exit 1", reads: [], writes: [], board: {post: notes}}
  - {id: c, run: "$IL board read notes >c.txt", reads: [], writes: [c.txt], board: {read: notes}}
)");
  EXPECT_EQ(run_plan().exit, 1);
  EXPECT_EQ(read("c.txt"), "--- 1, by a\nright\n");
  const Ended all = interlock({"board", "read", "notes", "--run", "last"});
  EXPECT_THAT(all.out, HasSubstr("by a, attempt 1, dropped"));
  EXPECT_THAT(all.out, HasSubstr("by a, attempt 2, counts"));
  EXPECT_THAT(all.out, HasSubstr("by b, attempt 1, dropped"));
}

TEST_F(Board, is_there_in_every_isolation_and_without_a_network) {
  for (const std::string isolation : {"direct", "guard", "view", "worktree"}) {
    if (isolation == "worktree")
      shell("git init -q . && git -c user.name=x -c user.email=x commit -q --allow-empty -m x");
    if (isolation != "direct") need(isolation);
    if (IsSkipped()) return;
    for (const std::string network : {"host", "none"}) {
      write_board_plan(fmt::format(R"(
board: {{t: ordered}}
tasks:
  - {{id: a, run: "$IL board post t {0}-{1}", reads: [], writes: [], isolation: {0}, network: {1}, board: {{post: t}}}}
  - {{id: b, run: "$IL board read t", reads: [], writes: [], isolation: {0}, network: {1}, output: text, board: {{read: t}}}}
)",
                                   isolation, network));
      const Ended ended = run_plan();
      ASSERT_EQ(ended.exit, 0) << isolation << " " << network << ": " << ended.err;
      EXPECT_EQ(interlock({"output", "last", "b"}).out,
                fmt::format("--- 1, by a\n{}-{}\n", isolation, network));
    }
  }
}

TEST_F(Board, a_killed_run_goes_on_with_what_was_posted) {
  NamedPipe here(folder() + "/here"), go(folder() + "/go");
  write_board_plan(R"(
board: {notes: ordered}
tasks:
  - {id: a, run: "$IL board post notes first", reads: [], writes: [], board: {post: notes}}
  - {id: b, run: "$IL board post notes second; echo here >../here; read line <../go", reads: [], writes: [], board: {post: notes}}
  - {id: c, run: "$IL board read notes >c.txt", reads: [], writes: [c.txt], board: {read: notes}}
)");
  {
    Running run = start({"run", "plan.yaml", "--pattern", "parallel"});
    EXPECT_EQ(here.next(), "here");
    run.send(SIGKILL);
    EXPECT_EQ(run.wait().exit, 128 + SIGKILL);
  }
  Running resumed = start({"resume"});
  EXPECT_EQ(here.next(), "here");
  go.ring();
  const Ended ended = resumed.wait();
  EXPECT_EQ(ended.exit, 0) << ended.err;
  EXPECT_EQ(read("c.txt"), "--- 1, by a\nfirst\n--- 2, by b\nsecond\n") << "each of them once";
}

TEST_F(Board, a_live_topic_shows_what_is_there_and_people_may_post) {
  NamedPipe here(folder() + "/here"), go(folder() + "/go");
  write_board_plan(R"(
board: {talk: live}
tasks:
  - {id: a, run: "$IL board post talk hello; echo here >../here; read line <../go; $IL board read talk >a.txt", reads: [], writes: [a.txt], board: [talk]}
)");
  Running run = start({"run", "plan.yaml"});
  EXPECT_EQ(here.next(), "here");
  const Ended posted =
      interlock({"board", "post", "--run", "last", "talk", "-"}, "from\x1b[31m outside\n");
  EXPECT_EQ(posted.exit, 0) << posted.err;
  EXPECT_THAT(interlock({"board", "read", "talk"}).out, HasSubstr("by a, attempt 1, open"));
  go.ring();
  EXPECT_EQ(run.wait().exit, 0);
  EXPECT_THAT(read("a.txt"), HasSubstr("--- 1, by a\nhello\n--- 2, by "));
  EXPECT_THAT(read("a.txt"), HasSubstr(" (a person)\nfrom outside\n")) << "no colours of others";
  EXPECT_THAT(interlock({"show", "last"}).out, HasSubstr("outside serial equivalence"));
  const Ended watched = interlock({"board", "watch", "talk", "--run", "last"});
  EXPECT_EQ(watched.exit, 0) << "it is over, so nothing comes any more";
  EXPECT_THAT(watched.out, HasSubstr("hello"));
  const Ended late = interlock({"board", "post", "talk", "x", "--run", "last"});
  EXPECT_EQ(late.exit, 3);
  EXPECT_THAT(late.err, HasSubstr("is over"));
  EXPECT_EQ(interlock({"board", "read", "tulk", "--run", "last"}).exit, 2);
}

TEST_F(Board, what_was_read_of_a_live_topic_is_read_again_in_a_replay) {
  write_board_plan(R"(
board: {talk: live}
tasks:
  - {id: a, run: "$IL board read talk >early.txt; $IL board post talk one; $IL board read talk >late.txt", reads: [], writes: [early.txt, late.txt], isolation: [view, guard], board: [talk]}
)");
  need("view");
  const Ended first = interlock({"run", "plan.yaml", "--record"});
  ASSERT_EQ(first.exit, 0) << first.err;
  const std::string late = read("late.txt");
  EXPECT_EQ(read("early.txt"), "");
  EXPECT_EQ(late, "--- 1, by a\none\n");
  const Ended again = interlock({"run", "plan.yaml", "--replay", "last", "--fresh"});
  ASSERT_EQ(again.exit, 0) << again.err;
  EXPECT_EQ(read("early.txt"), "");
  EXPECT_EQ(read("late.txt"), late);
}

TEST_F(Board, who_may_not_use_it_is_told_why) {
  write_board_plan(R"(
board: {notes: ordered, other: live}
tasks:
  - {id: a, run: "$IL board read notes 2>a.txt; $IL board post nosuch x 2>>a.txt; head -c 20000 /dev/zero | tr '\\0' x | $IL board post notes 2>>a.txt; $IL board post notes '' </dev/null 2>>a.txt; true", reads: [], writes: [a.txt], board: {post: notes}}
  - {id: b, run: "$IL board read notes 2>b.txt; true", reads: [], writes: [b.txt]}
)");
  ASSERT_EQ(run_plan().exit, 0);
  EXPECT_THAT(read("a.txt"), HasSubstr("task `a` does not say that it reads topic `notes`"));
  EXPECT_THAT(read("a.txt"), HasSubstr("the plan has no topic `nosuch`"));
  EXPECT_THAT(read("a.txt"), HasSubstr("the board takes 16384"));
  EXPECT_THAT(read("a.txt"), HasSubstr("an empty note is not posted"));
  EXPECT_THAT(read("b.txt"), HasSubstr("task `b` does not say in the plan that it uses the board"));
  EXPECT_THAT(read("b.txt"), HasSubstr("board: [notes]"));
}

TEST_F(Board, is_a_tool_of_an_agents_client) {
  const auto call = [](int id, const std::string& tool, const std::string& arguments) {
    return fmt::format(
        R"({{"jsonrpc":"2.0","id":{},"method":"tools/call","params":{{"name":"{}","arguments":{}}}}})"
        "\n",
        id, tool, arguments);
  };
  const std::string hello =
      R"({"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{}}})"
      "\n";
  write("a.in", hello + call(1, "board_post", R"({"topic":"t","text":"--by a tool"})"));
  write("b.in", hello + call(1, "board_read", R"({"topic":"t"})"));
  write_board_plan(R"(
board: {t: ordered}
tasks:
  - {id: a, run: "$IL mcp <a.in >a.out", reads: [a.in], writes: [a.out], board: {post: t}}
  - {id: b, run: "$IL mcp <b.in >b.out", reads: [b.in], writes: [b.out], board: {read: t}}
)");
  ASSERT_EQ(run_plan().exit, 0);
  EXPECT_THAT(read("a.out"), HasSubstr(R"("isError":false)"));
  EXPECT_THAT(read("b.out"), HasSubstr("--by a tool"));
  const Ended outside =
      interlock({"mcp"}, hello + call(1, "board_read", R"({"topic":"t","run":"last"})") +
                             call(2, "board_post", R"({"topic":"t","text":"x","run":"last"})"));
  EXPECT_THAT(outside.out, HasSubstr("--by a tool"));
  EXPECT_THAT(outside.out, HasSubstr("is over"));
}

TEST_F(Board, mistakes_in_a_plan_are_told_with_their_place) {
  write_board_plan("board: {notes: orderd}\ntasks: [{id: a, run: x, board: [note]}]\n");
  const Ended wrong = interlock({"plan", "plan.yaml"});
  EXPECT_EQ(wrong.exit, 2);
  EXPECT_THAT(wrong.err, HasSubstr("`ordered`"));
  write_board_plan("board: {notes: ordered}\ntasks: [{id: a, run: x, board: [note]}]\n");
  EXPECT_THAT(interlock({"plan", "plan.yaml"}).err, HasSubstr("did you mean `notes`?"));
  write_board_plan(
      "board: {notes: ordered}\ntasks: [{id: a, run: x, board: {post: notes, round: 2}}]\n");
  EXPECT_THAT(interlock({"plan", "plan.yaml"}).err, HasSubstr("goes by rounds"));
}

/// Answers with what it was asked, and at first with no JSON.
constexpr const char* kAsked = R"(
agents: {it: {kind: command, run: ["sh", "-c", "cat >asked.$(ls | grep -c asked); if mkdir once 2>/dev/null; then echo here >../here; read line <../go; echo no; else echo '{}'; fi"]}}
tasks:
  - {id: a, agent: it, prompt: "Do it.", output: json, reads: [], writes: ["asked.*", once]}
  - {id: b, run: "true", needs: [a]}
)";

TEST_F(Board, a_persons_word_reaches_an_agent_with_its_correction) {
  NamedPipe here(folder() + "/here"), go(folder() + "/go");
  write_plan(kAsked);
  Running run = start({"run", "plan.yaml"});
  EXPECT_EQ(here.next(), "here");
  const Ended sent = interlock({"send", "last", "a", "Mind the gap."});
  EXPECT_EQ(sent.exit, 0) << sent.err;
  EXPECT_THAT(sent.err, HasSubstr("with its next correction"));
  const Ended refused = interlock({"send", "last", "b", "x"});
  EXPECT_EQ(refused.exit, 3);
  EXPECT_THAT(refused.err, HasSubstr("runs a command, which takes no message"));
  go.ring();
  EXPECT_EQ(run.wait().exit, 0);
  EXPECT_EQ(read("asked.0"), "Do it.");
  EXPECT_THAT(read("asked.1"), HasSubstr("Your previous answer was not accepted"));
  EXPECT_THAT(read("asked.1"),
              HasSubstr("The person you work for says to this:\n\nMind the gap.\n"));
  EXPECT_THAT(interlock({"why", "last", "a"}).out, HasSubstr("Mind the gap. (told to attempt 2)"));
  EXPECT_THAT(interlock({"log", "last", "a"}).out, HasSubstr("says: Mind the gap."));
  EXPECT_EQ(at(json_of({"show", "last"}), "/tasks/0/messages/0/attempt"), "2");
  const Ended late = interlock({"send", "last", "a", "x"});
  EXPECT_EQ(late.exit, 3);
  EXPECT_THAT(late.err, HasSubstr("is over"));
}

TEST_F(Board, a_queue_is_put_into_another_order_and_its_result_stays) {
  NamedPipe here(folder() + "/here"), go(folder() + "/go");
  ASSERT_EQ(interlock({"queue", "start", "--isolation", "direct", "--parallel", "1"}).exit, 0);
  interlock({"add", "--id", "busy", "-w", "0", "--", "echo here >../here; read line <../go"});
  EXPECT_EQ(here.next(), "here");
  for (const std::string id : {"t1", "t2", "t3", "t4"})
    interlock(
        {"add", "--id", id, "-w", id, "--", "echo " + id + " >>../order; echo " + id + " >" + id});
  const Ended moved = interlock({"queue", "move", "default", "t3", "first"});
  EXPECT_EQ(moved.exit, 0) << moved.err;
  EXPECT_THAT(moved.err, HasSubstr("`t3` is first in queue `default`"));
  EXPECT_EQ(interlock({"queue", "move", "t1", "last"}).exit, 0);
  EXPECT_EQ(interlock({"queue", "move", "default", "t4", "--before", "t2"}).exit, 0);
  const Ended shown = interlock({"queue"});
  EXPECT_THAT(shown.out, HasSubstr("moved before `t2` by "));
  const Ended running = interlock({"queue", "move", "default", "busy", "first"});
  EXPECT_EQ(running.exit, 3);
  EXPECT_THAT(running.err, HasSubstr("does not wait to start: it is running"));
  EXPECT_THAT(interlock({"queue", "move", "default", "t9", "first"}).err,
              HasSubstr("no task `t9`"));
  EXPECT_EQ(interlock({"queue", "move", "default", "t1"}).exit, 2);
  go.ring();
  EXPECT_EQ(interlock({"queue", "stop"}).exit, 0);
  EXPECT_EQ(interlock({"wait", "default"}).exit, 0);
  EXPECT_EQ(read("../order"), "t3\nt4\nt2\nt1\n");
  EXPECT_EQ(states("default"), "busy: done\nt1: done\nt2: done\nt3: done\nt4: done\n")
      << "plan order is what it was";
}

}  // namespace

}  // namespace interlock::e2e
