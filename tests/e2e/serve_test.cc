#include <arpa/inet.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <csignal>
#include <cstdlib>
#include <functional>
#include <map>
#include <set>
#include <sstream>

#include "e2e/cli_harness.h"
#include "e2e/serve_harness.h"
#include "endpoint/endpoint.h"

// `interlock serve`, asked as a browser would, and as one would that means ill.
namespace interlock::e2e {

namespace {

namespace json = boost::json;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

TEST_F(Serve, refuses_whoever_does_not_come_from_its_own_page) {
  run_one();
  Running server = serve();
  open_page();
  EXPECT_EQ(body_of(ask("GET /health", own())), "ok\n");
  EXPECT_EQ(status_of(ask("GET /health", "Host: evil.example\r\n")), 421);
  EXPECT_EQ(status_of(ask("GET /health", "")), 421);
  EXPECT_EQ(status_of(ask("GET /health", own() + own())), 421);
  EXPECT_EQ(status_of(ask("GET /health", own() + "Origin: http://evil.example\r\n")), 403);
  EXPECT_EQ(status_of(ask("OPTIONS /api/runs", own() + bearer_)), 405);
  EXPECT_EQ(status_of(ask("GET /api/runs", own())), 401);
  EXPECT_EQ(status_of(ask("GET /api/runs", own() + cookie_)), 401) << "a cookie is never enough";
  EXPECT_EQ(status_of(ask("GET /page.js", own())), 401);
  EXPECT_EQ(status_of(ask("GET " + link_.substr(link_.find("/open")), own())), 403)
      << "the link was used";
  EXPECT_EQ(
      status_of(ask("POST /api/session", own() + cookie_ + "Content-Type: text/plain\r\n", "{}")),
      415);
  const std::string runs = get("/api/runs");
  EXPECT_EQ(status_of(runs), 200);
  EXPECT_EQ(at_text(runs, "/runs/0/id"), id());
  EXPECT_THAT(runs, Not(HasSubstr("ccess-control")));
  server.send(SIGTERM);
  EXPECT_EQ(server.wait().exit, 0);
}

TEST_F(Serve, gives_every_answer_the_headers_that_keep_it_harmless) {
  run_one();
  Running server = serve();
  open_page();
  const std::string task = "/api/runs/" + id() + "/output?name=a";
  for (const std::string& answer :
       {ask("GET /health", own()), ask("GET /health", ""), get("/api/nothing"), get(task),
        ask("GET /", own() + cookie_)}) {
    EXPECT_THAT(
        answer,
        AllOf(HasSubstr("content-security-policy: default-src 'none'; script-src 'self'"),
              HasSubstr("require-trusted-types-for 'script'"), Not(HasSubstr("unsafe-inline")),
              HasSubstr("x-content-type-options: nosniff"), HasSubstr("x-frame-options: DENY"),
              HasSubstr("cross-origin-resource-policy: same-origin"),
              HasSubstr("referrer-policy: no-referrer")));
  }
  EXPECT_THAT(get(task), AllOf(HasSubstr("content-type: text/plain; charset=utf-8"),
                               HasSubstr("content-disposition: attachment"),
                               HasSubstr("content-security-policy: sandbox"),
                               ::testing::EndsWith("\r\n\r\nhello\n")));
  // Nothing of the page is inline.
  const std::string index = body_of(ask("GET /", own() + cookie_));
  EXPECT_THAT(index, AllOf(HasSubstr("src=\"/page.js\""), Not(HasSubstr("style=")),
                           Not(HasSubstr("onclick"))));
  for (const char* file :
       {"/page.js", "/ui.js", "/link.js", "/timeline.js", "/graph.js", "/layout.js", "/state.js",
        "/rows.js", "/decision.js", "/control.js", "/task.js", "/history.js", "/style.css"})
    EXPECT_EQ(status_of(ask(std::string("GET ") + file, own() + cookie_)), 200) << file;
  EXPECT_EQ(status_of(ask("GET /../etc/passwd", own() + cookie_)), 404);
}

TEST_F(Serve, bounds_what_it_takes) {
  Running server = serve();
  open_page();
  EXPECT_EQ(status_of(ask("GET /" + std::string(5000, 'x'), own() + cookie_)), 414);
  EXPECT_EQ(status_of(ask("GET /health", own() + "X: " + std::string(40'000, 'x') + "\r\n")), 400);
  EXPECT_EQ(status_of(post("/api/runs/r/approve", std::string((1 << 20) + 1, ' '))), 413);
  EXPECT_EQ(status_of(post("/api/runs/r/approve", std::string(100, '['))), 404) << "no such run";
  std::vector<std::unique_ptr<Client>> many;
  for (int i = 0; i < 300; ++i) many.push_back(std::make_unique<Client>(port_));
  EXPECT_EQ(status_of(ask("GET /health", own())), 200) << "those that say nothing make room";
}

TEST_F(Serve, streams_the_run_whole_and_then_its_differences_and_goes_on_after_a_break) {
  NamedPipe go(folder() + "/go");
  write_plan("tasks: [{id: first, run: 'read line < " + go.path() +
             "', reads: [], writes: [a]}, {id: second, run: 'read line < " + go.path() +
             "', reads: [], writes: [b], needs: [first]}]");
  Running run = start({"run", "plan.yaml", "--face", "lines"});
  run.until_it_says("started     first");
  Running server = serve();
  open_page();
  const std::string path = "GET /api/runs/" + id() + "/stream HTTP/1.1\r\n" + own() + bearer_;
  std::string last;
  {
    Client client(port_);
    client.send(path + "\r\n");
    EXPECT_THAT(client.until("\n\n\r\n"), HasSubstr("event: state"));
    go.ring();
    const std::string& said = client.until("\"state\":\"done\"");
    EXPECT_THAT(said, HasSubstr("event: delta"));
    const std::size_t number = said.find("id: ");
    last = said.substr(number + 4, said.find('\n', number) - number - 4);
  }
  // From the whole state on, which was the first id.
  Client again(port_);
  again.send(path + "Last-Event-ID: " + last + "\r\n\r\n");
  EXPECT_THAT(again.until("\"state\":\"done\""), Not(HasSubstr("event: state")));
  // The numbers of another server mean nothing.
  Client other(port_);
  other.send(path + "Last-Event-ID: 00000000-3\r\n\r\n");
  EXPECT_THAT(other.until("event: state"), HasSubstr("event: state"));
  run.until_it_says("started     second");
  go.ring();
  EXPECT_EQ(run.wait().exit, 0);
  EXPECT_THAT(again.until("\"state\":\"finished\""), HasSubstr("finished"));
}

TEST_F(Serve, ends_nothing_when_it_is_killed_and_shows_the_same_when_it_is_back) {
  NamedPipe go(folder() + "/go");
  write_plan("tasks: [{id: a, run: 'read line < " + go.path() + "', reads: [], writes: [a]}]");
  Running run = start({"run", "plan.yaml", "--face", "lines"});
  run.until_it_says("started");
  std::string old_bearer;
  {
    Running server = serve();
    open_page();
    old_bearer = bearer_;
    EXPECT_EQ(at_text(get("/api/runs/" + id() + "/state"), "/tasks/0/state"), "running");
    server.send(SIGKILL);
    EXPECT_EQ(server.wait().exit, 128 + SIGKILL);
  }
  Running server = serve();
  EXPECT_EQ(status_of(ask("GET /api/runs", own() + old_bearer)), 401)
      << "secrets end with a server";
  open_page();
  EXPECT_EQ(at_text(get("/api/runs/" + id() + "/state"), "/tasks/0/state"), "running");
  go.ring();
  EXPECT_EQ(run.wait().exit, 0);
  EXPECT_EQ(at_text(get("/api/runs/" + id() + "/state"), "/tasks/0/state"), "done");
}

TEST_F(Serve, shows_logs_changes_outputs_and_reasons) {
  need("view");
  write("f", "old\n");
  write_plan(R"(
tasks:
  - {id: a, run: "echo new > f; echo out; printf '\\033[2Jerr\\n' >&2", isolation: view, output: text}
)");
  interlock({"run", "plan.yaml"});
  Running server = serve();
  open_page();
  const std::string base = "/api/runs/" + id();
  EXPECT_THAT(body_of(get(base + "/diff?task=a")), HasSubstr("-old\n+new\n"));
  EXPECT_EQ(body_of(get(base + "/output?name=a")), "out\n");
  EXPECT_THAT(body_of(get(base + "/why?task=a")), HasSubstr("done at"));
  EXPECT_THAT(get(base + "/log?task=a"),
              AllOf(HasSubstr("\"out\""), HasSubstr("\"err\""), Not(HasSubstr("u001b"))));
  EXPECT_EQ(status_of(get(base + "/diff?task=--help")), 404) << "a name is no option";
  EXPECT_EQ(status_of(get("/api/runs/r-nothing/state")), 404);
}

TEST_F(Serve, tells_how_agents_coloured_what_they_print_and_what_quotas_were_used_when) {
  write_plan(R"(
resources:
  api: {kind: quota, requests: 10/min, burst: 1m}
tasks:
  - {id: a, run: "printf 'a \\033[1;31mred\\033[0m\\033]8;;http://evil/\\007 b\\n'; echo plain", uses: {api: {requests: 4}}, reads: [], writes: []}
  - {id: b, run: "true", uses: [api], reads: [], writes: []}
)");
  interlock({"run", "plan.yaml"});
  Running server = serve();
  open_page();
  const std::string base = "/api/runs/" + id();
  EXPECT_THAT(get(base + "/log?task=a"),
              AllOf(HasSubstr(R"("a red b",[2,"",3,"bold red",2,""]])"),
                    HasSubstr(R"("o","plain"])"), Not(HasSubstr("evil"))));
  EXPECT_THAT(get(base + "/log?task=a&search=RED%20b"), HasSubstr("\"matches\":1"))
      << "colours do not part words";
  const std::string used = get(base + "/usage");
  EXPECT_EQ(status_of(used), 200);
  EXPECT_EQ(at_text(used, "/quotas/0/name"), "api");
  EXPECT_EQ(at_text(used, "/quotas/0/what"), "requests");
  EXPECT_THAT(body_of(used), HasSubstr(R"("amount":10,"per_ms":60000,"steps":[)"));
  // Four, and one more with or after it; a minute later none.
  EXPECT_THAT(body_of(used), ::testing::ContainsRegex(R"(,5,[0-9]+(,[14])?(,[0-9]+)?,0\])"));
}

TEST_F(Serve, speaks_at_a_unix_socket_with_its_own_user_alone) {
  run_one();
  Running server = start({"serve"});
  server.until_it_says("socket: ");
  struct stat found{};
  const std::string path = socket_path();
  ASSERT_EQ(::stat(path.c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777, 0600U);
  struct stat around{};
  ASSERT_EQ(::stat((folder() + "/interlock").c_str(), &around), 0);
  EXPECT_EQ(around.st_mode & 0777, 0700U);
  const auto ask_socket = [&](const std::string& head) {
    Client client(socket_path());
    client.send(head + "Connection: close\r\n\r\n");
    return client.rest();
  };
  EXPECT_EQ(at_text(ask_socket("GET /api/runs HTTP/1.1\r\nHost: x\r\n"), "/runs/0/id"), id());
  EXPECT_EQ(status_of(ask_socket("GET /api/runs HTTP/1.1\r\nHost: x\r\nOrigin: http://a\r\n")),
            403);
  EXPECT_EQ(status_of(ask_socket("GET /page.js HTTP/1.1\r\nHost: x\r\n")), 404);
  const Ended second = interlock({"serve"});
  EXPECT_EQ(second.exit, 3);
  EXPECT_THAT(second.err, HasSubstr("a server is there"));
  EXPECT_EQ(interlock({"serve", "--link"}).exit, 3) << "it serves no page";
  server.send(SIGINT);
  EXPECT_EQ(server.wait().exit, 0);
  EXPECT_NE(::stat(path.c_str(), &found), 0);
  EXPECT_EQ(interlock({"serve", "--link"}).exit, 2) << "no server runs";
}

TEST_F(Serve, foretells_as_the_command_does_under_conditions_that_are_bounded) {
  write_plan(R"(
limits: {parallel: 4}
tasks:
  - {id: a, run: 'true', reads: [], writes: [a], estimate: {time: 60s}}
  - {id: b, run: 'true', reads: [], writes: [b], estimate: {time: 60s}}
  - {id: c, run: 'true', reads: [], writes: [c], estimate: {time: 60s}}
  - {id: d, run: 'true', reads: [], writes: [d], estimate: {time: 60s}}
)");
  EXPECT_EQ(interlock({"run", "plan.yaml"}).exit, 0);
  const auto elapsed = [](const json::value& forecast, std::string_view way) {
    for (const json::value& one : forecast.at("ways").as_array())
      if (one.at("name").as_string() == way) return one.at("elapsed_ms").as_int64();
    return std::int64_t{-1};
  };
  const json::value plain = json_of({"forecast"}), two = json_of({"forecast", "--parallel", "2"}),
                    large = json_of({"forecast", "--size", "10"});
  EXPECT_EQ(elapsed(two, "parallel"), 2 * elapsed(plain, "parallel"));
  EXPECT_EQ(elapsed(two, "sequential"), elapsed(plain, "sequential"));
  EXPECT_EQ(elapsed(large, "sequential"), 10 * elapsed(plain, "sequential"));
  EXPECT_EQ(plain.at("bars").as_array()[0].as_array().size(), 8U);
  EXPECT_THAT(interlock({"forecast"}).out, HasSubstr("sequential"));
  EXPECT_EQ(interlock({"forecast", "--size", "0"}).exit, 2);

  Running server = serve();
  open_page();
  const std::string base = "/api/runs/" + id() + "/forecast?";
  EXPECT_EQ(json::parse(body_of(get(base + "parallel=2"))), two);
  EXPECT_EQ(json::parse(body_of(get(base + "size=10"))), large);
  for (const char* wrong :
       {"parallel=0", "parallel=9999", "size=0", "size=1e9", "quota=-1", "size=0x2", "quota=nan"})
    EXPECT_EQ(status_of(get(base + wrong)), 400) << wrong;
  const auto kept = json::parse(body_of(get("/api/runs/" + id() + "/ways")));
  EXPECT_EQ(kept.at("bars").as_array()[0].as_array().size(), 8U);
}

TEST_F(Serve, takes_a_run_up_again_that_nobody_dispatches) {
  write_plan(R"(
tasks:
  - {id: a, run: "echo made > a", reads: [], writes: [a], gate: after}
  - {id: b, run: "cat a > b", reads: [a], writes: [b], needs: [a]}
)");
  EXPECT_EQ(interlock({"run", "plan.yaml"}).exit, 3) << "it waits at a gate";
  Running server = serve();
  open_page();
  const std::string base = "/api/runs/" + id();
  const std::string digest = at_text(get(base + "/state"), "/tasks/0/gate");
  EXPECT_EQ(status_of(post(base + "/approve", R"({"task": "a", "digest": ")" + digest + "\"}")),
            200);
  const std::string resumed = post(base + "/resume", "{}");
  EXPECT_EQ(status_of(resumed), 200) << resumed;
  wait_until([&] { return at_text(get(base + "/state"), "/head/state") == "finished"; });
  EXPECT_TRUE(exists("b"));
}

/// Reads the text format of Prometheus, and complains of what its own linter would.
struct MetricsReader {
  std::map<std::string, double> values;  ///< By name and labels, as they stand.
  std::vector<std::string> complaints;

  explicit MetricsReader(const std::string& text) {
    std::istringstream lines(text);
    std::string line, family, type;
    std::set<std::string> families;
    while (std::getline(lines, line)) {
      std::istringstream words(line);
      std::string hash, what, name;
      if (line.starts_with("# ")) {
        words >> hash >> what >> name;
        if (what == "HELP" && !families.insert(name).second) complaints.push_back(name + " twice");
        if (what == "HELP") family = name, type.clear();
        if (what == "TYPE") words >> type;
        if (name != family) complaints.push_back("TYPE without HELP: " + name);
        continue;
      }
      // `name{label="text",...} value`: a name, then labels in pairs of quotes, then a number.
      const std::size_t end_of_name = line.find_first_not_of("abcdefghijklmnopqrstuvwxyz_");
      const std::size_t space = line.rfind(' ');
      name = line.substr(0, end_of_name);
      const std::string labels = line.substr(end_of_name, space - end_of_name);
      char* end = nullptr;
      const double value = std::strtod(line.c_str() + space + 1, &end);
      const bool is_whole =
          *end == '\0' && (labels.empty() || (labels.starts_with('{') && labels.ends_with("\"}")));
      if (!is_whole) complaints.push_back("no sample: " + line);
      if (std::ranges::count(labels, '"') % 2 != 0) complaints.push_back("a quote: " + line);
      if (name != family) complaints.push_back(line + " is not of " + family);
      if ((type == "counter") != family.ends_with("_total"))
        complaints.push_back(family + " is a " + type);
      if (!values.emplace(name + labels, value).second) complaints.push_back("twice: " + line);
    }
    if (!text.ends_with("\n")) complaints.emplace_back("no end of line at the end");
  }
};

TEST_F(Serve, counts_for_prometheus_behind_a_bearer_of_its_own) {
  run_one();
  Running server = start({"serve", "--web", "--metrics", "bearer"});
  server.until_it_says("socket: ");
  link_ = server.said().substr(0, server.said().find('\n'));
  port_ = std::stoi(link_.substr(link_.find(':', 7) + 1));
  struct stat found{};
  ASSERT_EQ(::stat((workspace() + "/bearer").c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777, 0600U);
  const std::string bearer = "Authorization: Bearer " + read("bearer") + "\r\n";
  const auto metrics = [&] { return ask("GET /metrics", own() + bearer); };
  EXPECT_EQ(status_of(ask("GET /metrics", own())), 401);
  EXPECT_EQ(status_of(ask("GET /api/runs", own() + bearer)), 401) << "it opens nothing else";
  EXPECT_EQ(status_of(ask("GET /metrics", "Host: evil.example\r\n" + bearer)), 421);
  EXPECT_THAT(metrics(), HasSubstr("content-type: text/plain; version=0.0.4; charset=utf-8"));
  write_plan(R"(
tasks:
  - {id: a, run: 'true', reads: [], writes: [a]}
  - {id: b, run: 'exit 3', reads: [], writes: [b]}
)");
  EXPECT_EQ(interlock({"run", "plan.yaml"}).exit, 1);
  const MetricsReader after(body_of(metrics()));
  EXPECT_THAT(after.complaints, ::testing::IsEmpty());
  const auto value = [&](const std::string& name) {
    const auto it = after.values.find(name);
    return it == after.values.end() ? -1 : it->second;
  };
  EXPECT_EQ(value(R"(interlock_attempts_total{outcome="succeeded"})"), 1)
      << "what had happened before is not counted";
  EXPECT_EQ(value(R"(interlock_runs_ended_total{how="failed"})"), 1);
  EXPECT_EQ(value(R"(interlock_runs{state="running"})"), 0);
  EXPECT_EQ(value("interlock_serve_streams"), 0);
  EXPECT_GT(value("interlock_serve_uptime_seconds"), 0);
}

TEST_F(Serve, counts_what_is_left_of_quotas_while_a_run_goes_on) {
  endpoint::Endpoint endpoint(endpoint::Script{});
  environment()["THE_KEY"] = "sk-very-secret";
  const NamedPipe bell(workspace() + "/bell");
  write_plan(fmt::format(R"(
agents: {{a: {{kind: chat, api: anthropic, base_url: "{}", model: claude-sonnet-4-5, key: THE_KEY}}}}
resources:
  api: {{kind: quota, requests: 60/h, account: shared}}
  other: {{kind: quota, requests: 60/h}}
tasks:
  - {{id: asked, agent: a, prompt: hello, reads: [], writes: [], uses: [api], output: text}}
  - {{id: held, run: 'read line <{}', needs: [asked], reads: [], writes: [], uses: [other]}}
)",
                         endpoint.base_url(), bell.path()));
  Running server = start({"serve"});
  server.until_it_says("socket: ");
  Running run = start({"run", "plan.yaml", "--face", "lines"});
  const auto values = [&] {
    const MetricsReader read(body_of(over_socket("GET /metrics")));
    EXPECT_THAT(read.complaints, ::testing::IsEmpty());
    return read.values;
  };
  const std::string of_shared = R"({quota="shared",what="requests"})";
  wait_until([&] {
    const auto all = values();
    const auto it = all.find("interlock_quota_free_in_seconds" + of_shared);
    return it != all.end() && it->second > 0;
  });
  const auto all = values();
  EXPECT_NEAR(all.at("interlock_quota_limit_per_second" + of_shared), 1.0 / 60, 1e-9);
  EXPECT_GT(all.at("interlock_quota_used_ratio" + of_shared), 0);
  EXPECT_EQ(all.at(R"(interlock_quota_shut_seconds{quota="shared"})"), 0);
  EXPECT_EQ(all.count(R"(interlock_quota_used_ratio{quota="other",what="requests"})"), 0U)
      << "nobody counts what commands use";
  bell.ring();
  EXPECT_EQ(run.wait().exit, 0);
  EXPECT_EQ(values().count("interlock_quota_used_ratio" + of_shared), 0U);
}

TEST_F(Serve, cuts_a_stream_whose_client_reads_nothing) {
  // More than a socket holds: who does not read is behind.
  NamedPipe go(folder() + "/go");
  std::string plan = "limits: {parallel: 1}\ntasks:\n  - {id: first, run: 'read line < " +
                     go.path() + "', reads: [], writes: [first]}\n";
  const std::string name(110, 'n');
  for (int i = 0; i < 3200; ++i)
    plan += fmt::format(
        "  - {{id: {}-{}, run: 'true', reads: [], writes: [o{}], needs: [first]}}\n", name, i, i);
  write_plan(plan);
  Running run = start({"run", "plan.yaml", "--face", "lines"});
  run.until_it_says("started     first");
  Running server = serve();
  const auto streams = [&] {
    Client client(socket_path());
    client.send("GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    return MetricsReader(body_of(client.rest())).values.at("interlock_serve_streams");
  };
  const Client idle(socket_path());
  idle.send("GET /api/runs/" + id() + "/stream HTTP/1.1\r\nHost: x\r\n\r\n");
  wait_until([&] { return streams() == 1; });
  wait_until([&] { return streams() == 0; });
  run.send(SIGTERM);
  run.wait();
}

TEST_F(Serve, gives_another_link_when_it_is_asked_at_the_socket) {
  Running server = serve();
  open_page();
  const Ended another = interlock({"serve", "--link"});
  EXPECT_EQ(another.exit, 0) << another.err;
  EXPECT_THAT(another.out, StartsWith(fmt::format("http://127.0.0.1:{}/open/", port_)));
  EXPECT_NE(another.out, link_ + "\n");
  link_ = another.out.substr(0, another.out.find('\n'));
  open_page();
  EXPECT_EQ(status_of(get("/api/runs")), 200) << "where there is no run yet";
}

}  // namespace

}  // namespace interlock::e2e
