#include <gmock/gmock.h>
#include <signal.h>

#include <boost/json/serialize.hpp>
#include <filesystem>

#include "e2e/cli_harness.h"
#include "endpoint/endpoint.h"

// `interlock plan --goal`: a plan that an agent writes, and nobody runs.
namespace interlock::e2e {

namespace {

using endpoint::Endpoint;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr const char* kGood = R"(interlock: 1
workspace: "."
agents: {mine: {kind: command, run: [./mine]}}
tasks:
  - {id: count, run: "wc -c src/a.md >count.txt", reads: [src/a.md], writes: [count.txt]}
  - {id: say, agent: mine, prompt: Say it., reads: [count.txt], writes: []}
)";

class Draft : public Cli {
 protected:
  Draft() {
    write("src/a.md", "alpha\n");
    write("team.yaml", "interlock: 1\nagents:\n  mine: {kind: command, run: [./mine]}\n");
  }
  /// An agent that answers by the round it is in, with `answer.1`, `answer.2`, ...; it keeps what
  /// it was asked in `asked.1`, ....
  void answers(const std::vector<std::string>& texts) {
    for (std::size_t i = 0; i < texts.size(); ++i)
      write("../answer." + std::to_string(i + 1), texts[i]);
    program(
        "echo x >>../rounds; n=$(wc -l <../rounds | tr -d ' ')\n"
        "cat >../asked.$n; cat ../answer.$n\n");
  }
  void program(const std::string& script) {
    write("mine", "#!/bin/sh\n" + script);
    std::filesystem::permissions(workspace() + "/mine", std::filesystem::perms::owner_all);
  }
  Ended draft(std::vector<std::string> more = {}) {
    std::vector<std::string> words{"plan",    "team.yaml", "--goal", "Count what is in src",
                                   "--agent", "mine"};
    words.insert(words.end(), more.begin(), more.end());
    return interlock(words);
  }
};

TEST_F(Draft, is_written_checked_and_shown_and_not_run) {
  answers({std::string("Here it is.\n```yaml\n") + kGood + "```\n", "said"});
  const Ended ended = draft({"-o", "new.yaml"});
  EXPECT_EQ(ended.exit, 0) << ended.err;
  EXPECT_EQ(read("new.yaml"), kGood);
  EXPECT_THAT(ended.out, AllOf(HasSubstr("count"), HasSubstr("sequential"))) << "the decision";
  EXPECT_THAT(ended.err, HasSubstr("wrote `new.yaml` in 1 round; nothing of it was run"));
  EXPECT_FALSE(exists("count.txt"));
  EXPECT_THAT(read("../asked.1"),
              AllOf(HasSubstr("Count what is in src"), HasSubstr("src/a.md"),
                    HasSubstr(R"("kind":"command")"), HasSubstr("\"$schema\"")));
  const std::string run = at(json_of({"show", "last"}), "/run");
  EXPECT_EQ(interlock({"output", run, "plan"}).out, kGood) << "it is kept with its run";
  EXPECT_EQ(interlock({"run", "new.yaml"}).exit, 0) << "and it can be run";
  EXPECT_EQ(read("count.txt"), "6 src/a.md\n");
}

TEST_F(Draft, tells_the_agent_what_the_linter_finds_until_it_is_right) {
  answers({"interlock: 1\ntasks: [{id: a, runn: x}]\n",
           "interlock: 1\nagents: {other: {kind: codex}}\ntasks: [{id: a, run: x}]\n", kGood});
  const Ended ended = draft();
  EXPECT_EQ(ended.exit, 0) << ended.err;
  EXPECT_EQ(read("interlock.yaml"), kGood) << "where `interlock run` looks";
  EXPECT_THAT(ended.err, HasSubstr("in 3 rounds"));
  EXPECT_THAT(read("../asked.1"), Not(HasSubstr("\"ok\"")));
  EXPECT_THAT(read("../asked.2"), AllOf(HasSubstr("did you mean `run`?"), HasSubstr("runn: x")));
  EXPECT_THAT(read("../asked.3"), AllOf(HasSubstr("the agents are others than those given"),
                                        HasSubstr("task `a` does not say what it `reads`")));
}

TEST_F(Draft, gives_up_with_one_message_where_no_plan_comes) {
  answers({"No.", "No.", "I said no."});
  const Ended ended = draft({"--rounds", "2"});
  EXPECT_EQ(ended.exit, 1);
  EXPECT_THAT(ended.out, IsEmpty());
  EXPECT_THAT(ended.err, AllOf(HasSubstr("what `mine` answered is not one, after 2 rounds: the "
                                         "answer holds no plan"),
                               HasSubstr("interlock log r-")));
  EXPECT_FALSE(exists("interlock.yaml"));
  program("echo broken >&2; exit 7\n");
  const Ended failed = draft();
  EXPECT_EQ(failed.exit, 1);
  EXPECT_THAT(failed.err,
              AllOf(HasSubstr("no plan was written: failed"), HasSubstr("interlock why r-")));
}

TEST_F(Draft, overwrites_only_when_asked_and_asks_before_it_pays) {
  answers({kGood, kGood});
  write("interlock.yaml", "mine\n");
  const Ended refused = draft();
  EXPECT_EQ(refused.exit, 2);
  EXPECT_THAT(refused.err, HasSubstr("`interlock.yaml` is there already, and is not overwritten"));
  EXPECT_FALSE(exists("../rounds")) << "nobody was asked";
  EXPECT_EQ(draft({"--force"}).exit, 0);
  EXPECT_EQ(read("interlock.yaml"), kGood);
  const Ended nowhere = draft({"-o", "no/such/plan.yaml"});
  EXPECT_EQ(nowhere.exit, 2);
  EXPECT_THAT(nowhere.err, HasSubstr("there is no folder"));
}

TEST_F(Draft, refuses_a_command_line_that_cannot_work) {
  EXPECT_THAT(interlock({"plan", "--goal", "x"}).err, HasSubstr("nobody is named who writes"));
  EXPECT_THAT(interlock({"plan", "--goal", " ", "--agent", "claude"}).err,
              HasSubstr("the goal is empty"));
  EXPECT_THAT(interlock({"plan", "--goal", "x", "--agent", "clod"}).err,
              HasSubstr("`clod` is not a client that is known"));
  EXPECT_THAT(interlock({"plan", "team.yaml", "--goal", "x", "--agent", "nobody"}).err,
              AllOf(HasSubstr("declares no agent `nobody`"), HasSubstr("there are: mine")));
  EXPECT_EQ(interlock({"plan", "team.yaml", "--agent", "mine"}).exit, 2) << "it wants a goal";
  // Neither a key nor a log-in.
  const Ended unable = interlock({"plan", "--goal", "x", "--agent", "claude"});
  EXPECT_EQ(unable.exit, 2);
  EXPECT_THAT(unable.err, HasSubstr("error: "));
  EXPECT_THAT(interlock({"runs"}).out, IsEmpty()) << "nothing was begun";
}

TEST_F(Draft, gives_the_plan_alone_where_it_goes_to_standard_output) {
  answers({kGood, kGood});
  const Ended ended = interlock({"plan", "team.yaml", "--goal", "-", "--agent", "mine", "-o", "-"},
                                "Count it all\n");
  EXPECT_EQ(ended.exit, 0) << ended.err;
  EXPECT_EQ(ended.out, kGood);
  EXPECT_THAT(read("../asked.1"), HasSubstr("Count it all"));
  const auto json = json_of({"plan", "team.yaml", "--goal", "x", "--agent", "mine"});
  EXPECT_EQ(at(json, "/file"), "interlock.yaml");
  EXPECT_EQ(at(json, "/rounds"), "1");
  EXPECT_EQ(at(json, "/plan"), kGood);
}

TEST_F(Draft, has_the_workspace_it_was_asked_in_wherever_it_lies) {
  std::filesystem::create_directory(workspace() + "/plans");
  std::string good = kGood;
  answers({good, good.replace(good.find("\".\""), 3, "..")});
  const Ended ended = draft({"-o", "plans/p.yaml"});
  EXPECT_EQ(ended.exit, 0) << ended.err;
  EXPECT_THAT(read("../asked.1"), HasSubstr("workspace: \"..\""));
  EXPECT_THAT(read("../asked.2"), HasSubstr("the workspace is `"));
}

TEST_F(Draft, ends_by_ctrl_c_and_says_how_to_go_on) {
  NamedPipe here(folder() + "/here");
  program("cat >/dev/null; echo here >../here; exec sleep 600\n");
  Running running = start({"plan", "team.yaml", "--goal", "x", "--agent", "mine"});
  EXPECT_EQ(here.next(), "here");
  running.send(SIGINT);
  const Ended ended = running.wait();
  EXPECT_EQ(ended.exit, 130);
  EXPECT_THAT(ended.err, HasSubstr("no plan was written: interrupted; `interlock resume r-"));
  EXPECT_FALSE(exists("interlock.yaml"));
  answers({kGood});
  const std::string run = at(json_of({"show", "last"}), "/run");
  EXPECT_EQ(interlock({"resume", run}).exit, 0);
  EXPECT_EQ(interlock({"output", run, "plan"}).out, kGood);
}

endpoint::Script answering(const std::string& text) {
  auto script = endpoint::read_script(boost::json::serialize(
      boost::json::object{{"otherwise", boost::json::object{{"text", text}}}}));
  EXPECT_TRUE(script.has_value());
  return script.value_or(endpoint::Script{});
}

TEST_F(Draft, says_what_a_model_took_and_stops_at_a_limit) {
  const std::vector<std::string> words{"plan", "models.yaml", "--goal", "x", "--agent", "model"};
  environment()["TEST_KEY"] = "sk-test";
  std::uint16_t port = 0;
  std::string agents;
  {
    const Endpoint endpoint(answering("There is nothing to plan."));
    port = endpoint.port();
    agents = "{model: {kind: chat, api: anthropic, model: m, key: TEST_KEY, base_url: \"" +
             endpoint.base_url() + "\"}}";
    write("models.yaml", "interlock: 1\nagents: " + agents + "\n");
    const Ended ended = interlock(words);
    EXPECT_EQ(ended.exit, 1);
    EXPECT_THAT(ended.err, HasSubstr("after 3 rounds: the answer holds no plan"));
    EXPECT_EQ(endpoint.entries().size(), 3U) << "one call a round";
    auto limited = words;
    limited.insert(limited.end(), {"--tokens", "10"});
    EXPECT_EQ(interlock(limited).exit, 3);
    EXPECT_EQ(endpoint.entries().size(), 3U) << "no call was sent that would pass the limit";
    EXPECT_FALSE(exists("interlock.yaml"));
  }
  const std::string plan = "interlock: 1\nworkspace: .\nagents: " + agents +
                           "\ntasks: [{id: a, agent: model, prompt: hi, reads: [], writes: []}]\n";
  const Endpoint endpoint(answering(plan), port);
  const auto json = json_of(words);
  EXPECT_EQ(at(json, "/plan"), plan);
  EXPECT_EQ(read("interlock.yaml"), plan);
  const auto books = endpoint.books();
  EXPECT_EQ(std::stoll(at(json, "/tokens")), std::stoll(at(books, "/total/usage/input")) +
                                                 std::stoll(at(books, "/total/usage/output")));
  EXPECT_GT(std::stoll(at(json, "/tokens")), 1000) << "the guide alone is as long";
}

}  // namespace

}  // namespace interlock::e2e
