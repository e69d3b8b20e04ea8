#include <arpa/inet.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json.hpp>
#include <map>
#include <set>
#include <sstream>
#include <thread>

#include "e2e/cli_harness.h"

// `interlock trace` and `interlock events`, read by readers that take nothing but what the formats
// say.
namespace interlock::e2e {

namespace {

namespace json = boost::json;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kMixed = R"(
name: mixed
limits: {parallel: 2}
tasks:
  - {id: first, run: "echo a > a", reads: [], writes: [a]}
  - {id: second, run: "cat a > b", reads: [a], writes: [b]}
  - {id: flaky, run: "test -e f || { touch f; exit 3; }", reads: [], writes: [f], retries: 1, backoff: 10ms}
  - {id: tab, run: "printf 'x\ty\n' > t", reads: [], writes: [t], needs: [flaky]}
  - {id: broken, run: "kill -9 $$", reads: [], writes: [z]}
)";

/// Takes trace events apart as an importer would, and complains of what it would have to guess.
struct TraceReader {
  std::vector<std::string> complaints;
  std::map<std::string, int> slices;  ///< By name.
  int waits = 0, flows = 0, counters = 0;

  explicit TraceReader(const json::value& trace) {
    std::map<std::pair<std::int64_t, std::int64_t>,
             std::vector<std::pair<std::int64_t, std::int64_t>>>
        threads;
    std::map<std::string, std::int64_t> open;
    std::map<std::int64_t, const json::object*> begun;
    for (const json::value& value : trace.at("traceEvents").as_array()) {
      const json::object& one = value.as_object();
      const std::string kind(one.at("ph").as_string());
      const auto pid = one.at("pid").as_int64(), tid = one.at("tid").as_int64();
      const std::string name(one.at("name").as_string());
      if (kind == "M") continue;
      const auto ts = one.at("ts").as_int64();
      if (ts < 0) complaints.push_back(name + " is before the beginning");
      if (kind == "X") {
        ++slices[name];
        if (one.at("dur").as_int64() <= 0) complaints.push_back(name + " takes no time");
        threads[{pid, tid}].emplace_back(ts, ts + one.at("dur").as_int64());
      } else if (kind == "b") {
        if (!open.emplace(std::string(one.at("id").as_string()), ts).second)
          complaints.push_back(name + " begins twice");
      } else if (kind == "e") {
        const auto it = open.find(std::string(one.at("id").as_string()));
        if (it == open.end() || it->second > ts)
          complaints.push_back(name + " ends, not begun");
        else
          open.erase(it);
        ++waits;
      } else if (kind == "s") {
        begun[one.at("id").as_int64()] = &one;
      } else if (kind == "f") {
        ++flows;
        const auto it = begun.find(one.at("id").as_int64());
        if (it == begun.end() || it->second->at("ts").as_int64() > ts ||
            it->second->at("name") != one.at("name") || one.at("bp").as_string() != "e")
          complaints.push_back("an arrow to nowhere");
        else
          arrows.push_back({*it->second, one});
      } else if (kind == "C") {
        ++counters;
        for (const auto& series : one.at("args").as_object())
          if (!series.value().is_int64()) complaints.push_back("a counter that is no number");
      } else if (kind != "i") {
        complaints.push_back("an event of kind " + kind);
      }
    }
    for (auto& [thread, list] : threads) {
      std::ranges::sort(list);
      for (std::size_t i = 1; i < list.size(); ++i)
        if (list[i].first < list[i - 1].second) complaints.emplace_back("slices overlap");
    }
    for (const auto& [from, to] : arrows) {
      const auto holds = [&](const json::object& end) {
        const auto& list = threads[{end.at("pid").as_int64(), end.at("tid").as_int64()}];
        const auto ts = end.at("ts").as_int64();
        return std::ranges::any_of(
            list, [&](const auto& slice) { return slice.first <= ts && ts < slice.second; });
      };
      if (!holds(from) || !holds(to)) complaints.emplace_back("an arrow that hangs on no slice");
    }
    if (!open.empty()) complaints.emplace_back("something does not end");
  }

  std::vector<std::pair<json::object, json::object>> arrows;
};

/// A receiver of OTLP/JSON that refuses whatever the specification does not name.
struct OtlpReader {
  std::vector<std::string> complaints;
  std::map<std::string, json::object> spans;  ///< By id.

  void read(const std::string& text) {
    const json::value body = json::parse(text);
    keys(body.as_object(), {"resourceSpans"});
    for (const json::value& of : body.at("resourceSpans").as_array()) {
      keys(of.as_object(), {"resource", "scopeSpans"});
      attributes(of.at("resource").at("attributes"));
      for (const json::value& scope : of.at("scopeSpans").as_array())
        for (const json::value& span : scope.at("spans").as_array()) take(span.as_object());
    }
  }
  void check_links() {
    for (const auto& [id, span] : spans) {
      if (const auto* parent = span.if_contains("parentSpanId"))
        if (!spans.contains(std::string(parent->as_string())))
          complaints.push_back("no parent: " + json::serialize(*parent));
      if (const auto* links = span.if_contains("links"))
        for (const auto& link : links->as_array())
          if (!spans.contains(std::string(link.at("spanId").as_string())))
            complaints.emplace_back("a link to nothing");
    }
  }
  std::string attribute(const json::object& span, std::string_view key) const {
    for (const auto& one : span.at("attributes").as_array())
      if (one.at("key").as_string() == key) return json::serialize(one.at("value"));
    return {};
  }
  const json::object* named(std::string_view name) const {
    for (const auto& [id, span] : spans)
      if (span.at("name").as_string() == name) return &span;
    return nullptr;
  }

 private:
  void keys(const json::object& object, const std::set<std::string>& known) {
    for (const auto& one : object)
      if (!known.contains(std::string(one.key())))
        complaints.push_back("unknown " + std::string(one.key()));
  }
  void id(const json::value& value, std::size_t digits) {
    const std::string text(value.as_string());
    if (text.size() != digits || text.find_first_not_of("0123456789abcdef") != std::string::npos ||
        text.find_first_not_of('0') == std::string::npos)
      complaints.push_back("no id: " + text);
  }
  void time(const json::value& value) {
    const std::string text(value.as_string());  // 64 bits are decimal strings.
    if (text.empty() || text.size() > 20 ||
        text.find_first_not_of("0123456789") != std::string::npos)
      complaints.push_back("no time: " + text);
  }
  void attributes(const json::value& list) {
    std::set<std::string> seen;
    for (const json::value& one : list.as_array()) {
      keys(one.as_object(), {"key", "value"});
      if (!seen.insert(std::string(one.at("key").as_string())).second)
        complaints.emplace_back("an attribute twice");
      const json::object& value = one.at("value").as_object();
      if (value.size() != 1) complaints.emplace_back("a value of two kinds");
      const std::string kind(value.begin()->key());
      const bool fits = (kind == "stringValue" && value.begin()->value().is_string()) ||
                        (kind == "intValue" && value.begin()->value().is_string()) ||
                        (kind == "doubleValue" && value.begin()->value().is_number()) ||
                        (kind == "boolValue" && value.begin()->value().is_bool());
      if (!fits) complaints.push_back("a value: " + json::serialize(value));
    }
  }
  void take(const json::object& span) {
    keys(span, {"traceId", "spanId", "parentSpanId", "name", "kind", "startTimeUnixNano",
                "endTimeUnixNano", "attributes", "events", "links", "status"});
    id(span.at("traceId"), 32);
    id(span.at("spanId"), 16);
    time(span.at("startTimeUnixNano"));
    time(span.at("endTimeUnixNano"));
    if (span.at("kind").as_int64() < 1 || span.at("kind").as_int64() > 5)
      complaints.emplace_back("no kind of span");
    attributes(span.at("attributes"));
    if (const auto* events = span.if_contains("events"))
      for (const auto& one : events->as_array()) {
        keys(one.as_object(), {"timeUnixNano", "name", "attributes"});
        time(one.at("timeUnixNano"));
        attributes(one.at("attributes"));
      }
    if (!spans.emplace(std::string(span.at("spanId").as_string()), span).second)
      complaints.emplace_back("one id, two spans");
  }
};

/// Takes requests on 127.0.0.1, and answers the first with 503.
class Receiver {
 public:
  Receiver() : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ::bind(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address);
    ::listen(socket_, 8);
    socklen_t size = sizeof address;
    ::getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~Receiver() {
    ::shutdown(socket_, SHUT_RDWR);
    thread_.join();
    ::close(socket_);
  }
  int port() const { return port_; }
  /// After the command that sent them ended.
  const std::vector<std::string>& requests() const { return requests_; }

 private:
  void serve() {
    for (int client; (client = ::accept(socket_, nullptr, nullptr)) >= 0; ::close(client)) {
      std::string got;
      char buffer[4096];
      for (ssize_t n; (n = ::read(client, buffer, sizeof buffer)) > 0;) {
        got.append(buffer, static_cast<std::size_t>(n));
        const std::size_t end = got.find("\r\n\r\n"), length = got.find("Content-Length: ");
        if (end == std::string::npos || length == std::string::npos) continue;
        if (got.size() >= end + 4 + std::stoul(got.substr(length + 16))) break;
      }
      requests_.push_back(got);
      const std::string answer =
          requests_.size() == 1
              ? "HTTP/1.1 503 Busy\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
              : "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}";
      if (::write(client, answer.data(), answer.size()) < 0) return;
    }
  }
  int socket_, port_ = 0;
  std::vector<std::string> requests_;
  std::thread thread_;
};

class Trace : public Cli {
 protected:
  void run_mixed() {
    write_plan(kMixed);
    EXPECT_EQ(interlock({"run", "plan.yaml", "--pattern", "parallel"}).exit, 1);
  }
};

TEST_F(Trace, has_what_importers_take_without_guessing) {
  run_mixed();
  EXPECT_EQ(interlock({"trace", "-o", "t.json"}).exit, 0);
  const TraceReader trace(json::parse(read("t.json")));
  EXPECT_THAT(trace.complaints, ::testing::IsEmpty());
  EXPECT_EQ(trace.slices.size(), 6U) << "five tasks, one of them twice";
  EXPECT_EQ(trace.slices.count("flaky #2"), 1U);
  EXPECT_EQ(trace.flows, 2) << "first to second, flaky to tab";
  EXPECT_GT(trace.waits, 0);
  EXPECT_GT(trace.counters, 0);
}

TEST_F(Trace, as_otlp_has_spans_that_hang_together_and_are_the_same_each_time) {
  run_mixed();
  EXPECT_EQ(interlock({"trace", "--otlp", "o.json"}).exit, 0);
  const std::string once = read("o.json");
  OtlpReader spans;
  spans.read(once);
  spans.check_links();
  EXPECT_THAT(spans.complaints, ::testing::IsEmpty());
  EXPECT_EQ(spans.spans.size(), 7U) << "the run and six attempts";
  const auto* run = spans.named("invoke_workflow mixed");
  ASSERT_NE(run, nullptr);
  EXPECT_EQ(spans.attribute(*run, "gen_ai.operation.name"), R"({"stringValue":"invoke_workflow"})");
  EXPECT_EQ(run->at("status").at("code").as_int64(), 2);
  const auto* broken = spans.named("run broken");
  ASSERT_NE(broken, nullptr);
  EXPECT_EQ(spans.attribute(*broken, "error.type"), R"({"stringValue":"crashed"})");
  interlock({"trace", "--otlp", "o.json"});
  EXPECT_EQ(read("o.json"), once);
}

TEST_F(Trace, is_sent_to_a_receiver_again_where_that_asks_for_it) {
  run_mixed();
  environment()["OTEL_EXPORTER_OTLP_HEADERS"] = "x-key=a%20b";
  std::vector<std::string> requests;
  {
    Receiver receiver;
    const Ended sent =
        interlock({"trace", "--otlp", fmt::format("http://127.0.0.1:{}", receiver.port())});
    EXPECT_EQ(sent.exit, 0) << sent.err;
    requests = receiver.requests();
  }
  ASSERT_EQ(requests.size(), 2U);
  EXPECT_THAT(requests[1],
              AllOf(HasSubstr("POST /v1/traces HTTP/1.1\r\n"),
                    HasSubstr("Content-Type: application/json\r\n"), HasSubstr("x-key: a b\r\n")));
  OtlpReader spans;
  spans.read(requests[1].substr(requests[1].find("\r\n\r\n") + 4));
  EXPECT_EQ(spans.spans.size(), 7U);
  const Ended far = interlock({"trace", "--otlp", "http://collector.example/v1/traces"});
  EXPECT_EQ(far.exit, 3);
  EXPECT_THAT(far.err, HasSubstr("another machine, and http is not encrypted"));
  EXPECT_EQ(interlock({"trace", "--otlp", "http://127.0.0.1:1/"}).exit, 4);
}

TEST_F(Trace, as_a_joblog_has_a_row_for_each_attempt_in_the_order_of_ending) {
  run_mixed();
  EXPECT_EQ(interlock({"trace", "--joblog", "j"}).exit, 0);
  std::istringstream lines(read("j"));
  std::string line;
  std::getline(lines, line);
  EXPECT_EQ(line, "Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand");
  std::multiset<std::string> ends;
  double last = 0;
  while (std::getline(lines, line)) {
    std::vector<std::string> fields;
    std::istringstream row(line);
    for (std::string field; std::getline(row, field, '\t');) fields.push_back(field);
    ASSERT_EQ(fields.size(), 9U) << line;
    EXPECT_EQ(fields[1], ":");
    EXPECT_EQ(fields[3].size(), 10U);
    const double end = std::stod(fields[2]) + std::stod(fields[3]);
    EXPECT_GE(end, last - 0.002) << "rounded to milliseconds";
    last = end;
    ends.insert(fields[0] + " " + fields[6] + " " + fields[7]);
  }
  EXPECT_EQ(ends,
            (std::multiset<std::string>{"1 0 0", "2 0 0", "3 3 0", "3 0 0", "4 0 0", "5 0 9"}));
}

TEST_F(Trace, without_anything_to_write_is_refused) {
  run_mixed();
  const Ended vague = interlock({"trace"});
  EXPECT_EQ(vague.exit, 2);
  EXPECT_THAT(vague.err, AllOf(HasSubstr("nothing says what to write"), HasSubstr("--joblog")));
}

TEST_F(Trace, events_are_lines_with_numbers_without_gaps_and_go_on_from_any) {
  run_mixed();
  std::istringstream lines(interlock({"events"}).out);
  std::int64_t seq = 0;
  std::string line, last;
  while (std::getline(lines, line)) {
    const json::value one = json::parse(line);
    EXPECT_EQ(one.at("version").as_int64(), 1);
    EXPECT_EQ(one.at("seq").as_int64(), ++seq);
    EXPECT_TRUE(one.at("fields").is_object());
    last = one.at("event").as_string();
  }
  EXPECT_GT(seq, 10);
  EXPECT_EQ(last, "run_ended");
  const std::string rest = interlock({"events", "--after", fmt::format("{}", seq - 1)}).out;
  EXPECT_EQ(std::ranges::count(rest, '\n'), 1);
  EXPECT_THAT(rest, HasSubstr("run_ended"));
}

TEST_F(Trace, events_are_followed_until_the_run_ends) {
  NamedPipe go(folder() + "/go");
  write_plan("tasks: [{id: waits, run: 'read line < " + go.path() + "', reads: [], writes: [a]}]");
  Running run = start({"run", "plan.yaml", "--face", "lines"});
  run.until_it_says("started");
  Running events = start({"events", "-f"});
  events.until_it_says("process_spawned");
  EXPECT_THAT(events.said(), Not(HasSubstr("attempt_ended")));
  go.ring();
  EXPECT_EQ(run.wait().exit, 0);
  const Ended ended = events.wait();
  EXPECT_EQ(ended.exit, 0);
  EXPECT_THAT(ended.out, AllOf(HasSubstr("attempt_ended"), HasSubstr("run_ended")));
}

}  // namespace

}  // namespace interlock::e2e
