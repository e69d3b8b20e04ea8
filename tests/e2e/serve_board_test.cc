#include <gmock/gmock.h>

#include <string>

#include "e2e/serve_harness.h"

// The board, messages to agents, fan-outs, and a queue's order, as the page and documents have
// them.
namespace interlock::e2e {

namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class ServeBoard : public Serve {
 protected:
  ServeBoard() { environment()["IL"] = shell("printf %s \"$INTERLOCK\"").out; }

  std::string base() { return "/api/runs/" + id(); }
  /// A member of the run's state, as the page has it.
  std::string state_at(const std::string& pointer) {
    return at_text(get(base() + "/state"), pointer);
  }
};

TEST_F(ServeBoard, shows_notes_and_messages_and_takes_them_as_the_command_line_does) {
  NamedPipe here(folder() + "/here"), go(folder() + "/go");
  write_plan(R"~(
agents:
  sh: {kind: command, pass_env: [IL]}
  asked: {kind: command, run: "cat >asked; echo here >../here; read line <../go", prompt: stdin}
board: {ideas: rounds, talk: live}
tasks:
  - {id: a, run: "$IL board post ideas '<img src=x onerror=alert(1)>'", reads: [], writes: [], board: {post: ideas}}
  - {id: bad, run: "$IL board post ideas nothing; exit 3", reads: [], writes: [], board: {post: ideas}}
  - {id: sum, run: "$IL board post ideas so", reads: [], writes: [], board: {post: ideas, read: ideas, round: 2}}
  - {id: b, agent: asked, prompt: "Do it.", reads: [], writes: [asked], needs: [sum]}
)~");
  Running run = start({"run", "plan.yaml", "--pattern", "parallel", "--face", "lines"});
  EXPECT_EQ(here.next(), "here");
  Running server = serve();
  open_page();
  EXPECT_EQ(state_at("/head/board"),
            R"([{"topic":"ideas","kind":"rounds","posts":3,"open":0,"dropped":1},)"
            R"({"topic":"talk","kind":"live","posts":0,"open":0,"dropped":0}])");
  const std::string notes = get(base() + "/board?topic=ideas");
  EXPECT_THAT(notes,
              AllOf(HasSubstr(R"("by":"a")"), HasSubstr(R"("round":1)"), HasSubstr(R"("round":2)"),
                    HasSubstr(R"("standing":"dropped")"), HasSubstr("<img src=x onerror=alert(1)>"),
                    HasSubstr("content-type: application/json")))
      << "text of agents is a member of a JSON document, which no browser takes for a page";
  EXPECT_EQ(at_text(get(base() + "/board?topic=ideas&after=2"), "/posts/0/number"), "3");
  EXPECT_EQ(status_of(get(base() + "/board?topic=other")), 404);
  EXPECT_EQ(status_of(get(base() + "/board?topic=ideas&after=-1")), 400);

  EXPECT_EQ(status_of(post(base() + "/post", R"({"topic": "talk", "text": "--help"})")), 200);
  EXPECT_EQ(at_text(get(base() + "/board?topic=talk"), "/posts/0/text"), "--help");
  EXPECT_EQ(status_of(post(base() + "/post", R"({"topic": "none", "text": "x"})")), 404);
  EXPECT_EQ(status_of(post(base() + "/post", R"({"topic": "talk", "text": ""})")), 400);
  EXPECT_EQ(status_of(post(base() + "/send", R"({"task": "b", "text": "Mind\nthe gap."})")), 200);
  EXPECT_EQ(status_of(post(base() + "/send", R"({"task": "a", "text": "x"})")), 409)
      << "it is over";
  const std::string said = get(base() + "/messages?task=b");
  EXPECT_EQ(at_text(said, "/messages/0/text"), "Mind\nthe gap.");
  EXPECT_EQ(at_text(said, "/messages/0/told"), "told to its next attempt");
  EXPECT_EQ(state_at("/tasks/3/messages"), "[1,0]");
  go.ring();
  EXPECT_EQ(run.wait().exit, 1);
  EXPECT_EQ(at_text(get(base() + "/messages?task=b"), "/messages/0/told"),
            "told to nobody: no attempt came after it");

  interlock({"report", "-o", "r.html"});
  EXPECT_THAT(read("r.html"),
              AllOf(HasSubstr("<h2>The board</h2>"), HasSubstr("&lt;img src=x onerror"),
                    HasSubstr(", round 2, "), HasSubstr("dropped: its attempt came to nothing"),
                    HasSubstr("What people said to agents"), HasSubstr("told to nobody"),
                    Not(HasSubstr("<img"))));
  interlock({"report", "-o", "r.md"});
  EXPECT_THAT(read("r.md"), AllOf(HasSubstr("### The board"), HasSubstr("- a (round 1, 20"),
                                  HasSubstr("to b ("), Not(HasSubstr("<img"))));
  EXPECT_EQ(at(json_of({"board", "read", "ideas", "--run", "last"}), "/posts/0/round"), "1");
}

TEST_F(ServeBoard, puts_a_queue_into_another_order_whatever_it_is_called_and_wherever_it_stands) {
  NamedPipe here(folder() + "/here"), go(folder() + "/go");
  ASSERT_EQ(interlock({"queue", "start", "--isolation", "direct", "--parallel", "1"}).exit, 0);
  interlock({"add", "--id", "busy", "-w", "0", "--", "echo here >../here; read line <../go"});
  EXPECT_EQ(here.next(), "here");
  for (const std::string one : {"t1", "t2", "t3"})
    interlock({"add", "--id", one, "-w", one, "--", "echo " + one + " >>../order"});
  const std::string path = base();
  Running server = serve();
  open_page();
  EXPECT_EQ(state_at("/head/order"), "[1,2,3]");
  EXPECT_EQ(status_of(post(path + "/move", R"({"task": "t3", "place": "first"})")), 200);
  EXPECT_EQ(state_at("/head/order"), "[3,1,2]");
  EXPECT_EQ(status_of(post(path + "/move", R"({"task": "t1", "after": "t2"})")), 200);
  EXPECT_EQ(state_at("/head/order"), "[3,2,1]");
  EXPECT_EQ(status_of(post(path + "/move", R"({"task": "t1", "before": "t3"})")), 200);
  EXPECT_EQ(state_at("/head/order"), "[1,3,2]");
  EXPECT_EQ(status_of(post(path + "/move", R"({"task": "busy", "place": "first"})")), 409);
  EXPECT_EQ(status_of(post(path + "/move", R"({"task": "t1", "place": "up"})")), 400);
  // What comes later comes last in this order too.
  interlock({"add", "--id", "t4", "-w", "t4", "--", "echo t4 >>../order"});
  wait_until([&] { return state_at("/head/order") == "[1,3,2,4]"; });
  EXPECT_THAT(state_at("/fixed/reasons/0"), HasSubstr("at most 1 runs at once"));
  EXPECT_EQ(interlock({"queue", "set", "--parallel", "2"}).exit, 0);
  wait_until([&] { return state_at("/fixed/reasons/0").contains("at most 2 run at once"); });
  EXPECT_EQ(interlock({"queue", "set", "--parallel", "1"}).exit, 0);
  go.ring();
  EXPECT_EQ(interlock({"queue", "stop"}).exit, 0);
  EXPECT_EQ(interlock({"wait", "default"}).exit, 0);
}

TEST_F(ServeBoard, says_for_what_a_task_waits_now_and_not_when_it_was_first_looked_at) {
  NamedPipe here(folder() + "/here"), one(folder() + "/one"), other(folder() + "/other");
  write_plan(R"~(
limits: {parallel: 4}
tasks:
  - {id: a, run: "read line <../one", reads: [], writes: [a]}
  - {id: b, run: "echo here >../here; read line <../other", reads: [], writes: [b]}
  - {id: c, run: "true", reads: [], writes: [b], needs: [a]}
)~");
  Running run = start({"run", "plan.yaml", "--pattern", "parallel", "--face", "lines"});
  EXPECT_EQ(here.next(), "here");
  Running server = serve();
  open_page();
  EXPECT_THAT(state_at("/tasks/2/remark"), HasSubstr("needs `a`"));
  one.ring();
  wait_until([&] { return state_at("/tasks/0/state") == "done"; });
  EXPECT_THAT(state_at("/tasks/2/remark"), HasSubstr("conflict with `b`: write-write on `b`"));
  other.ring();
  EXPECT_EQ(run.wait().exit, 0);
}

TEST_F(ServeBoard, puts_tasks_of_a_foreach_together_and_shows_no_places_without_an_item) {
  NamedPipe here(folder() + "/here"), go(folder() + "/go");
  write("in/x.md", "");
  write("in/y.md", "");
  write_plan(R"~(
tasks:
  - {id: split, run: "echo here >../here; read line <../go; seq 2", reads: [], output: text}
  - {id: "do-{item}", foreach: "{outputs.split}", at_most: 5, run: "true", reads: [], writes: ["{item}"]}
  - {id: "note-{item.stem}", foreach: "in/*.md", run: "true", reads: ["{item}"], writes: []}
)~");
  Running run = start({"run", "plan.yaml", "--pattern", "parallel", "--face", "lines"});
  EXPECT_EQ(here.next(), "here");
  Running server = serve();
  open_page();
  EXPECT_EQ(state_at("/fixed/groups"),
            R"([{"kind":"items","name":"do-{item}"},{"kind":"items","name":"note-…"}])");
  EXPECT_EQ(state_at("/tasks/1/id"), "do-{item}") << "it stands for all of them";
  EXPECT_EQ(state_at("/tasks/2/unused"), "true");
  EXPECT_EQ(state_at("/head/total"), "4");
  go.ring();
  EXPECT_EQ(run.wait().exit, 0);
  EXPECT_EQ(state_at("/tasks/1/id"), "do-1");
  EXPECT_EQ(state_at("/tasks/2/id"), "do-2");
  EXPECT_EQ(state_at("/tasks/3/unused"), "true");
  EXPECT_EQ(state_at("/head/total"), "5");
  interlock({"report", "-o", "r.html"});
  EXPECT_THAT(read("r.html"),
              AllOf(HasSubstr("class=\"id\">do-2<"), Not(HasSubstr("class=\"id\">do[3]<")),
                    Not(HasSubstr("there is no such item"))))
      << "what was decided before names places; its rows are tasks that there are";
}

}  // namespace

}  // namespace interlock::e2e
