#include "mcp/server.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/serialize.hpp>

namespace interlock::mcp {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kStatelessMeta =
    R"("_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}})";

/// A run as `show --json` tells it.
std::string shown(const std::string& state, const std::string& first, const std::string& second) {
  return fmt::format(
      R"({{"version":1,"run":"r-1","state":"{}","pattern":"parallel","tasks":[{{"id":"a","state":"{}","detail":""}},)"
      R"({{"id":"b","state":"{}","detail":"exit 1"}}],"totals":{{"elapsed_s":3,"saved_s":1,"tokens":null,"cost_usd":null}}}})",
      state, first, second);
}

class ServerTest : public testing::Test {
 protected:
  /// Takes a line, and keeps what is to be done about it.
  void take(const std::string& line) { keep(server_.take(line, now_)); }
  void ended(Server::CallId call, const Ended& how) { keep(server_.ended(call, how, now_)); }
  void keep(const std::vector<Server::Act>& acts) {
    sent_.clear();
    started_.clear();
    stopped_.clear();
    for (const Server::Act& act : acts) {
      if (const auto* send = std::get_if<Server::Send>(&act)) {
        EXPECT_TRUE(send->line.ends_with('\n'));
        EXPECT_EQ(send->line.find('\n'), send->line.size() - 1) << "one line a message";
        sent_.push_back(parse_json(send->line).value());
      }
      if (const auto* start = std::get_if<Server::Start>(&act)) started_.push_back(*start);
      if (const auto* stop = std::get_if<Server::Stop>(&act)) stopped_.push_back(stop->call);
    }
  }
  void call(int id, const std::string& tool, const std::string& arguments,
            const std::string& meta = "") {
    take(fmt::format(
        R"({{"jsonrpc":"2.0","id":{},"method":"tools/call","params":{{"name":"{}","arguments":{}{}}}}})",
        id, tool, arguments, meta));
  }
  std::string at(const std::string& pointer) {
    EXPECT_EQ(sent_.size(), 1u);
    if (sent_.empty()) return {};
    boost::system::error_code trouble;
    const json::value* found = sent_[0].find_pointer(pointer, trouble);
    if (found == nullptr) return "(none)";
    return found->is_string() ? std::string(found->get_string()) : json::serialize(*found);
  }

  Moment now_{1000};
  Server server_{{"0.1.0", Approval::by_people}};
  std::vector<json::value> sent_;
  std::vector<Server::Start> started_;
  std::vector<Server::CallId> stopped_;
};

TEST_F(ServerTest, begins_with_a_handshake_of_a_version_both_know) {
  take(
      R"({"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{}}})");
  EXPECT_EQ(at("/result/protocolVersion"), "2025-06-18");
  EXPECT_EQ(at("/result/serverInfo/name"), "interlock");
  EXPECT_EQ(at("/result/resultType"), "(none)");
  take(
      R"({"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"1999-01-01"}})");
  EXPECT_EQ(at("/result/protocolVersion"), "2025-11-25");
  take(R"({"jsonrpc":"2.0","method":"notifications/initialized"})");
  EXPECT_TRUE(sent_.empty());
}

TEST_F(ServerTest, serves_requests_that_each_stand_for_themselves) {
  take(fmt::format(R"({{"jsonrpc":"2.0","id":"p","method":"server/discover","params":{{{}}}}})",
                   kStatelessMeta));
  EXPECT_EQ(at("/result/supportedVersions"), R"(["2026-07-28","2025-11-25","2025-06-18"])");
  EXPECT_EQ(at("/result/resultType"), "complete");
  EXPECT_EQ(at("/id"), "p");
  take(fmt::format(R"({{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{{{}}}}})",
                   kStatelessMeta));
  EXPECT_EQ(at("/result/cacheScope"), "private");
  EXPECT_EQ(at("/result/resultType"), "complete");
}

TEST_F(ServerTest, refuses_what_it_does_not_speak) {
  take(
      R"({"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2031-01-01","io.modelcontextprotocol/clientCapabilities":{}}}})");
  EXPECT_EQ(at("/error/code"), "-32022");
  EXPECT_EQ(at("/error/data/requested"), "2031-01-01");
  take(
      R"({"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}})");
  EXPECT_EQ(at("/error/code"), "-32602");
  take(R"({"jsonrpc":"2.0","id":1,"method":"resources/list"})");
  EXPECT_EQ(at("/error/code"), "-32601");
  take("{oops");
  EXPECT_EQ(at("/error/code"), "-32700");
  EXPECT_EQ(at("/id"), "null");
  take("[]");
  EXPECT_EQ(at("/error/code"), "-32600");
  take(R"({"jsonrpc":"2.0","id":{},"method":"ping"})");
  EXPECT_EQ(at("/error/code"), "-32600");
  take(R"({"jsonrpc":"2.0","id":7,"result":{}})");
  EXPECT_TRUE(sent_.empty()) << "an answer to what nobody asked";
  take("  \r\n");
  EXPECT_TRUE(sent_.empty());
}

TEST_F(ServerTest, lists_tools_always_in_one_order_and_gates_only_where_allowed) {
  const auto names = [](Approval approval) {
    std::string all;
    for (const json::value& tool : list_of_tools(approval))
      all += std::string(tool.at("name").as_string()) + " ";
    return all;
  };
  EXPECT_EQ(
      names(Approval::by_people),
      "plan run wait status runs output diff log why add queue cancel board_post board_read ");
  EXPECT_EQ(names(Approval::by_clients),
            "plan run wait status runs output diff log why add queue cancel board_post board_read "
            "approve reject resume ");
  for (const json::value& tool : list_of_tools(Approval::by_clients)) {
    for (const auto* schema : {"inputSchema", "outputSchema"})
      EXPECT_EQ(tool.at(schema).at("type").as_string(), "object") << json::serialize(tool);
  }
}

TEST_F(ServerTest, adds_a_task_whose_words_are_never_taken_for_options) {
  call(1, "add", R"({"command":"-x; true","reads":["--json"],"writes":[],"id":"k"})");
  ASSERT_EQ(started_.size(), 1u);
  EXPECT_THAT(started_[0].command.arguments,
              ElementsAre("add", "--json", "--id=k", "--reads=--json", "--writes-nothing", "--",
                          "-x; true"));
  call(2, "add", R"({"prompt":"--help","agent":"claude","queue":"night","needs":["a"]})");
  ASSERT_EQ(started_.size(), 1u);
  EXPECT_THAT(started_[0].command.arguments,
              ElementsAre("add", "--json", "--queue=night", "--agent=claude", "--needs=a",
                          "--prompt=--help"));
}

TEST_F(ServerTest, plans_tasks_that_are_given_as_data) {
  call(1, "plan", R"({"tasks":[{"id":"a","run":"true"}],"pattern":"parallel","parallel":3})");
  ASSERT_EQ(started_.size(), 1u);
  EXPECT_THAT(started_[0].command.arguments,
              ElementsAre("plan", "--json", "-", "--pattern", "parallel", "--parallel", "3"));
  EXPECT_EQ(started_[0].command.input,
            R"({"interlock":1,"name":"asked","tasks":[{"id":"a","run":"true"}]})");
  ended(
      started_[0].call,
      {0,
       R"({"decision":{"pattern":"parallel","reasons":[1,2,3,4,5,6,7,8,9,10]},"forecast":{"parallel":{}}})",
       ""});
  EXPECT_EQ(at("/result/structuredContent/decision/pattern"), "parallel");
  EXPECT_EQ(at("/result/structuredContent/decision/reasons_not_named"), "2");
  EXPECT_EQ(at("/result/isError"), "false");
  EXPECT_EQ(at("/result/content/0/text"), at("/result/structuredContent")) << "the same twice";
  EXPECT_EQ(server_.calls(), 0u);
}

TEST_F(ServerTest, takes_a_plan_in_one_way_only) {
  call(1, "run", R"({"file":"plan.yaml"})");
  EXPECT_THAT(started_[0].command.arguments, ElementsAre("run", "--detach", "--json", "plan.yaml"));
  call(2, "run", R"({})");
  EXPECT_EQ(at("/result/isError"), "true");
  EXPECT_THAT(at("/result/content/0/text"), HasSubstr("give one of"));
  call(3, "run", R"({"file":"p.yaml","tasks":[]})");
  EXPECT_EQ(at("/result/isError"), "true");
  call(4, "run", R"({"file":"--state=/etc"})");
  EXPECT_THAT(at("/result/content/0/text"), HasSubstr("begins with a dash"));
  call(5, "plan", R"({"tasks":[],"parallel":0.5})");
  EXPECT_THAT(at("/result/content/0/text"), HasSubstr("is not a whole number from 1 to 1024"));
  call(6, "fly", "{}");
  EXPECT_EQ(at("/error/code"), "-32602");
}

TEST_F(ServerTest, tells_the_error_of_a_command) {
  call(1, "plan", R"({"file":"none.yaml"})");
  ended(
      started_[0].call,
      {2,
       R"({"version":1,"error":{"kind":"missing","message":"there is no `none.yaml`","hint":"look","exit":2}})",
       ""});
  EXPECT_EQ(at("/result/isError"), "true");
  EXPECT_EQ(at("/result/content/0/text"), R"({"error":"there is no `none.yaml`","hint":"look"})");
  call(2, "status", R"({"run":"r-1"})");
  ended(started_[0].call, {std::nullopt, "", "error: cannot start\n"});
  EXPECT_THAT(at("/result/content/0/text"), HasSubstr("cannot start"));
}

TEST_F(ServerTest, waits_until_a_run_has_ended_and_tells_how_far_it_is) {
  call(1, "wait", R"({"run":"r-1","seconds":40})", R"(,"_meta":{"progressToken":"t"})");
  const auto id = started_[0].call;
  ended(id, {0, shown("running", "done", "running"), ""});
  EXPECT_EQ(at("/method"), "notifications/progress");
  EXPECT_EQ(at("/params/progress"), "1");
  EXPECT_EQ(at("/params/total"), "2");
  EXPECT_EQ(server_.next_wake(), now_ + milliseconds(500));
  now_ += milliseconds(500);
  keep(server_.wake(now_));
  ASSERT_EQ(started_.size(), 1u);
  EXPECT_EQ(started_[0].call, id);
  ended(id, {0, shown("running", "done", "running"), ""});
  EXPECT_TRUE(sent_.empty()) << "progress rises, or is not told";
  now_ += seconds(1);
  keep(server_.wake(now_));
  ended(id, {0, shown("failed", "done", "failed"), ""});
  EXPECT_EQ(at("/result/structuredContent/state"), "failed");
  EXPECT_EQ(at("/result/structuredContent/tasks/0/id"), "b") << "what failed comes first";
  EXPECT_EQ(at("/result/structuredContent/tasks/0/detail"), "exit 1");
  EXPECT_FALSE(server_.next_wake());
}

TEST_F(ServerTest, waits_no_longer_than_it_was_asked) {
  call(1, "wait", R"({"run":"r-1","seconds":1})");
  const auto id = started_[0].call;
  ended(id, {0, shown("running", "running", "waiting"), ""});
  EXPECT_TRUE(sent_.empty()) << "no token, no progress";
  now_ += seconds(1);
  keep(server_.wake(now_));
  ended(id, {0, shown("running", "running", "waiting"), ""});
  EXPECT_EQ(at("/result/structuredContent/next"), "call `wait` again");
  call(2, "wait", R"({"run":"r-1","seconds":46})");
  EXPECT_EQ(at("/result/isError"), "true");
}

TEST_F(ServerTest, returns_when_anything_has_changed_since_the_cursor) {
  call(1, "wait", R"({"run":"r-1","seconds":0})");
  ended(started_[0].call, {0, shown("running", "running", "waiting"), ""});
  const std::string cursor = at("/result/structuredContent/cursor");
  call(2, "wait", fmt::format(R"({{"run":"r-1","cursor":"{}"}})", cursor));
  const auto id = started_[0].call;
  ended(id, {0, shown("running", "running", "waiting"), ""});
  EXPECT_TRUE(sent_.empty());
  ended(id, {0, shown("running", "done", "waiting"), ""});
  EXPECT_NE(at("/result/structuredContent/cursor"), cursor);
}

TEST_F(ServerTest, returns_at_once_when_a_person_is_asked) {
  call(1, "wait", R"({"run":"r-1"})");
  ended(started_[0].call, {0, shown("running", "reviewing", "waiting"), ""});
  EXPECT_THAT(at("/result/structuredContent/next"), HasSubstr("approval"));
}

TEST_F(ServerTest, says_nothing_more_of_what_was_cancelled) {
  call(5, "wait", R"({"run":"r-1"})");
  const auto id = started_[0].call;
  take(R"({"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":5}})");
  EXPECT_THAT(stopped_, ElementsAre(id));
  ended(id, {0, shown("finished", "done", "done"), ""});
  EXPECT_TRUE(sent_.empty());
  take(R"({"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":99}})");
  EXPECT_TRUE(stopped_.empty());
}

TEST_F(ServerTest, gives_texts_page_by_page_without_cutting_characters) {
  call(1, "output", R"({"run":"r-1","name":"a","max_bytes":4})");
  EXPECT_THAT(started_[0].command.arguments, ElementsAre("output", "r-1", "a"));
  ended(started_[0].call, {0, "abc\xc3\xa4 d", ""});
  EXPECT_EQ(at("/result/structuredContent/text"), "abc");
  EXPECT_EQ(at("/result/structuredContent/next_offset"), "3");
  EXPECT_EQ(at("/result/structuredContent/bytes_total"), "7");
  call(2, "output", R"({"run":"r-1","name":"a","offset":3})");
  ended(started_[0].call, {0, "abc\xc3\xa4 d", ""});
  EXPECT_EQ(at("/result/structuredContent/text"), "\xc3\xa4 d");
  EXPECT_EQ(at("/result/structuredContent/next_offset"), "(none)");
}

TEST_F(ServerTest, shows_the_end_of_a_log_without_control_sequences) {
  call(1, "log", R"({"run":"r-1","max_bytes":6})");
  ended(started_[0].call, {0, "first\n\tx\x1b[2Jy\xff", ""});
  EXPECT_EQ(at("/result/structuredContent/text"), "y\xef\xbf\xbd");
  call(2, "log", R"({"run":"r-1"})");
  ended(started_[0].call, {0, "first\n\tx\x1b[2Jy", ""});
  EXPECT_EQ(at("/result/structuredContent/text"), "first\n\txy");
}

TEST_F(ServerTest, refuses_more_calls_at_once_than_it_can_serve) {
  for (std::size_t i = 0; i < Server::kCallsMax; ++i) call(static_cast<int>(i), "runs", "{}");
  call(99, "runs", "{}");
  EXPECT_EQ(at("/result/isError"), "true");
  EXPECT_TRUE(started_.empty());
}

constexpr const char* kTasksMeta =
    R"(,"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{"extensions":{"io.modelcontextprotocol/tasks":{}}}})";

class TasksTest : public ServerTest {
 protected:
  TasksTest() {
    server_ = Server({"0.1.0", Approval::by_people, [] { return "2026-11-27T15:00:00.000Z"; }});
  }
  void of_task(const std::string& method, const std::string& id,
               const std::string& meta = kTasksMeta) {
    take(fmt::format(R"({{"jsonrpc":"2.0","id":9,"method":"{}","params":{{"taskId":"{}"{}}}}})",
                     method, id, meta));
  }
};

TEST_F(TasksTest, a_run_is_a_task_for_those_who_take_tasks_and_only_for_them) {
  call(1, "run", R"({"tasks":[{"id":"a","run":"true"}]})", kTasksMeta);
  ASSERT_EQ(started_.size(), 1u);
  ended(started_[0].call, {0, R"({"run":"r-1","workspace":"/w","log":"/l"})", ""});
  EXPECT_EQ(at("/result/resultType"), "task");
  EXPECT_EQ(at("/result/taskId"), "r-1");
  EXPECT_EQ(at("/result/status"), "working");
  EXPECT_EQ(at("/result/createdAt"), "2026-11-27T15:00:00.000Z");
  call(2, "run", R"({"tasks":[{"id":"a","run":"true"}]})", std::string(",") + kStatelessMeta);
  ended(started_[0].call, {0, R"({"run":"r-1","workspace":"/w","log":"/l"})", ""});
  EXPECT_EQ(at("/result/resultType"), "complete");
}

TEST_F(TasksTest, how_a_task_stands_is_how_its_run_stands) {
  of_task("tasks/get", "r-1");
  ASSERT_EQ(started_.size(), 1u);
  EXPECT_THAT(started_[0].command.arguments, ElementsAre("show", "--json", "r-1"));
  ended(started_[0].call, {0, shown("running", "running", "waiting"), ""});
  EXPECT_EQ(at("/result/status"), "working");
  EXPECT_EQ(at("/result/resultType"), "complete");
  of_task("tasks/get", "r-1");
  ended(started_[0].call, {0, shown("finished", "done", "done"), ""});
  EXPECT_EQ(at("/result/status"), "completed");
  EXPECT_EQ(at("/result/result/structuredContent/state"), "finished");
  EXPECT_EQ(at("/result/result/isError"), "false");
  of_task("tasks/get", "r-1");
  ended(started_[0].call, {1, shown("failed", "done", "failed"), ""});
  EXPECT_EQ(at("/result/result/isError"), "true");
  of_task("tasks/cancel", "r-1");
  EXPECT_THAT(started_[0].command.arguments, ElementsAre("cancel", "--json", "r-1"));
  ended(started_[0].call, {0, R"({"run":"r-1"})", ""});
  EXPECT_EQ(at("/result/resultType"), "complete");
}

TEST_F(TasksTest, what_is_no_task_is_refused) {
  of_task("tasks/get", "last");
  EXPECT_EQ(at("/error/code"), "-32602") << "no word that stands for one";
  of_task("tasks/get", "r-2");
  ended(started_[0].call, {0, shown("running", "running", "waiting"), ""});
  EXPECT_EQ(at("/error/code"), "-32602") << "another's";
  of_task("tasks/get", "r-1", std::string(",") + kStatelessMeta);
  EXPECT_EQ(at("/error/code"), "-32021");
  of_task("tasks/result", "r-1");
  EXPECT_EQ(at("/error/code"), "-32601");
}

class AskingTest : public ServerTest {
 protected:
  AskingTest() { server_ = Server({"0.1.0", Approval::by_clients, {}, "secret"}); }
  static std::string meta(const std::string& more = "") {
    return more +
           R"(,"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{"elicitation":{"form":{}}}})";
  }
  void answer(const std::string& response, const std::string& state,
              const std::string& arguments = R"({"run":"r-1","task":"a"})") {
    call(2, "approve", arguments,
         meta(fmt::format(R"(,"inputResponses":{{"gate":{}}},"requestState":"{}")", response,
                          state)));
  }
};

TEST_F(AskingTest, a_gate_is_approved_once_the_person_has_agreed) {
  call(1, "approve", R"({"run":"r-1","task":"a"})", meta());
  EXPECT_TRUE(started_.empty());
  EXPECT_EQ(at("/result/resultType"), "input_required");
  EXPECT_EQ(at("/result/inputRequests/gate/method"), "elicitation/create");
  EXPECT_THAT(at("/result/inputRequests/gate/params/message"), HasSubstr("task a of run r-1"));
  const std::string state = at("/result/requestState");
  for (const char* response :
       {R"({"action":"cancel"})", R"({"action":"decline"})", R"({"action":"accept"})",
        R"({"action":"accept","content":{"agreed":false}})",
        R"({"action":"accept","content":{"agreed":"yes"}})", "7"}) {
    answer(response, state);
    EXPECT_TRUE(started_.empty()) << response;
    EXPECT_EQ(at("/result/isError"), "true") << response;
  }
  const std::string yes = R"({"action":"accept","content":{"agreed":true}})";
  answer(yes, "made up");
  EXPECT_TRUE(started_.empty());
  answer(yes, state, R"({"run":"r-1","task":"b"})");
  EXPECT_TRUE(started_.empty()) << "it was asked of another task";
  answer(yes, state);
  ASSERT_EQ(started_.size(), 1u);
  EXPECT_THAT(started_[0].command.arguments, ElementsAre("approve", "--json", "r-1", "a"));
}

TEST_F(AskingTest, who_cannot_ask_its_person_decides_as_its_user_let_it) {
  call(1, "approve", R"({"run":"r-1","task":"a"})");
  EXPECT_EQ(started_.size(), 1u);
}

}  // namespace
}  // namespace interlock::mcp
