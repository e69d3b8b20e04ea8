#include <arpa/inet.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json.hpp>
#include <condition_variable>
#include <map>
#include <mutex>
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
  /// Waits until a request holds `text`.
  void until_it_got(const std::string& text) {
    std::unique_lock lock(mutex_);
    came_.wait(lock, [&] {
      return std::ranges::any_of(requests_,
                                 [&](const std::string& one) { return one.contains(text); });
    });
  }

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
      {
        const std::scoped_lock lock(mutex_);
        requests_.push_back(got);
      }
      came_.notify_all();
      const std::string answer =
          requests_.size() == 1
              ? "HTTP/1.1 503 Busy\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
              : "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}";
      if (::write(client, answer.data(), answer.size()) < 0) return;
    }
  }
  int socket_, port_ = 0;
  std::vector<std::string> requests_;
  std::mutex mutex_;
  std::condition_variable came_;
  std::thread thread_;
};

/// Takes Perfetto's protobuf apart: every byte has to be a member that the schema has.
class PerfettoReader {
 public:
  std::vector<std::string> complaints;
  std::map<std::string, int> slices;  ///< By name.
  std::map<std::uint64_t, int> flows_begun, flows_ended;
  int counters = 0;

  explicit PerfettoReader(const std::string& trace) {
    for (const Member& one : members(trace, {{1, 2}}))
      packet(members(one.text, {{8, 0}, {10, 0}, {11, 2}, {60, 2}}));
    for (const auto& [track, depth] : depths_)
      if (depth != 0) complaints.emplace_back("a slice has no end");
  }

 private:
  struct Member {
    std::uint64_t field = 0, number = 0;
    std::string text;
  };
  using Schema = std::map<std::uint64_t, std::uint64_t>;  ///< The wire type of each member.

  std::uint64_t varint(std::string_view& rest) {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && !rest.empty(); shift += 7) {
      const auto byte = static_cast<unsigned char>(rest.front());
      rest.remove_prefix(1);
      value |= static_cast<std::uint64_t>(byte & 0x7fU) << shift;
      if (byte < 0x80) return value;
    }
    complaints.emplace_back("a number has no end");
    return value;
  }
  std::vector<Member> members(std::string_view rest, const Schema& schema) {
    std::vector<Member> list;
    while (!rest.empty()) {
      const std::uint64_t tag = varint(rest), wire = tag & 7U;
      Member one{.field = tag >> 3U, .number = 0, .text = {}};
      const auto known = schema.find(one.field);
      if (known == schema.end() || known->second != wire) {
        complaints.push_back(fmt::format("member {} of wire type {}", one.field, wire));
        return list;
      }
      std::size_t size = 0;
      if (wire == 0) one.number = varint(rest);
      if (wire == 1) size = 8;
      if (wire == 2) size = varint(rest);
      if (size > rest.size()) {
        complaints.emplace_back("a member is cut");
        return list;
      }
      one.text = rest.substr(0, size);
      rest.remove_prefix(size);
      for (std::size_t i = 0; wire == 1 && i < 8; ++i)
        one.number |= static_cast<std::uint64_t>(static_cast<unsigned char>(one.text[i])) << 8 * i;
      list.push_back(std::move(one));
    }
    return list;
  }
  static const Member* find(const std::vector<Member>& list, std::uint64_t field) {
    const auto it = std::ranges::find(list, field, &Member::field);
    return it == list.end() ? nullptr : &*it;
  }
  void packet(const std::vector<Member>& packet) {
    if (find(packet, 10) == nullptr) complaints.emplace_back("a packet without a sequence");
    if (const Member* track = find(packet, 60)) {
      const auto it = members(track->text, {{1, 0}, {2, 2}, {5, 0}, {8, 2}, {11, 0}, {12, 0}});
      if (!tracks_.insert(find(it, 1)->number).second) complaints.emplace_back("a track twice");
      if (const Member* parent = find(it, 5); parent && !tracks_.contains(parent->number))
        complaints.emplace_back("a track below none");
    }
    const Member* event = find(packet, 11);
    if (event == nullptr) return;
    if (find(packet, 8) == nullptr) complaints.emplace_back("an event without a time");
    const auto it = members(event->text,
                            {{4, 2}, {9, 0}, {11, 0}, {22, 2}, {23, 2}, {44, 1}, {47, 1}, {48, 1}});
    const std::uint64_t type = find(it, 9)->number, track = find(it, 11)->number;
    if (!tracks_.contains(track)) complaints.emplace_back("an event on no track");
    if (type == 1) {
      ++slices[find(it, 23)->text];
      if (++depths_[track] > 1) complaints.emplace_back("slices overlap");
    }
    if (type == 2 && --depths_[track] < 0) complaints.emplace_back("an end of nothing");
    if (type == 4) ++counters;
    const std::uint64_t time = find(packet, 8)->number;
    if (type <= 2 && time < times_[track]) complaints.emplace_back("time goes back");
    if (type <= 2) times_[track] = time;
    for (const Member& one : it) {
      if (one.field == 4) members(one.text, {{4, 0}, {6, 2}, {10, 2}});
      if (one.field == 47) ++flows_begun[one.number];
      if (one.field == 48) ++flows_ended[one.number];
    }
  }

  std::set<std::uint64_t> tracks_;
  std::map<std::uint64_t, int> depths_;
  std::map<std::uint64_t, std::uint64_t> times_;
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

TEST_F(Trace, as_perfettos_own_form_has_the_same_slices_and_arrows) {
  run_mixed();
  EXPECT_EQ(interlock({"trace", "-o", "t.pftrace"}).exit, 0);
  const PerfettoReader trace(read("t.pftrace"));
  EXPECT_THAT(trace.complaints, ::testing::IsEmpty());
  for (const char* name : {"first", "second", "flaky", "flaky #2", "tab", "broken"})
    EXPECT_EQ(trace.slices.count(name), 1U) << name;
  EXPECT_EQ(trace.flows_begun.size(), 2U) << "first to second, flaky to tab";
  EXPECT_EQ(trace.flows_begun, trace.flows_ended);
  EXPECT_GT(trace.counters, 0);
  EXPECT_GT(trace.slices.at("needs"), 0);
}

TEST_F(Trace, tells_every_attempt_and_its_check_which_span_it_is) {
  write_plan(R"(
tasks:
  - {id: a, run: "echo $TRACEPARENT >> said; test -e f || { touch f; exit 3; }", verify: "echo $TRACEPARENT > checked",
     reads: [], writes: [said, f, checked], retries: 1, backoff: 10ms}
  - {id: own, run: "echo $TRACEPARENT > own", reads: [], writes: [own], env: {TRACEPARENT: mine}}
)");
  EXPECT_EQ(interlock({"run", "plan.yaml"}).exit, 0);
  EXPECT_EQ(interlock({"trace", "--otlp", "o.json"}).exit, 0);
  OtlpReader spans;
  spans.read(read("o.json"));
  std::istringstream said(read("said"));
  std::string first, second;
  said >> first >> second;
  EXPECT_NE(first, second);
  for (const std::string& one : {first, second}) {
    ASSERT_EQ(one.size(), 55U) << one;
    EXPECT_EQ(one.substr(0, 3), "00-");
    EXPECT_EQ(one.substr(52), "-01");
    const auto span = spans.spans.find(one.substr(36, 16));
    ASSERT_NE(span, spans.spans.end()) << one;
    EXPECT_EQ(span->second.at("name").as_string(), "run a");
    EXPECT_EQ(span->second.at("traceId").as_string(), one.substr(3, 32));
  }
  EXPECT_EQ(read("checked"), second + "\n");
  EXPECT_EQ(read("own"), "mine\n") << "the plan's word stands above";
}

TEST_F(Trace, sends_spans_while_the_run_goes_on) {
  NamedPipe go(folder() + "/go");
  write_plan(
      "tasks: [{id: first, run: 'true', reads: [], writes: [a]}, {id: last, run: 'read line < " +
      go.path() + "', reads: [], writes: [b], needs: [first]}]");
  Running run = start({"run", "plan.yaml", "--face", "lines"});
  run.until_it_says("started     last");
  std::vector<std::string> requests;
  {
    Receiver receiver;
    Running sends =
        start({"trace", "-f", "--otlp", fmt::format("http://127.0.0.1:{}", receiver.port())});
    receiver.until_it_got("run first");
    go.ring();
    EXPECT_EQ(run.wait().exit, 0);
    EXPECT_EQ(sends.wait().exit, 0);
    requests = receiver.requests();
  }
  OtlpReader spans;
  for (std::size_t i = 1; i < requests.size(); ++i)  // The first was refused, and came again.
    spans.read(requests[i].substr(requests[i].find("\r\n\r\n") + 4));
  EXPECT_THAT(spans.complaints, ::testing::IsEmpty()) << "no span twice";
  EXPECT_EQ(spans.spans.size(), 3U);
  spans.check_links();
  EXPECT_THAT(spans.complaints, ::testing::IsEmpty());
  EXPECT_EQ(interlock({"trace", "-f", "--otlp", "file"}).exit, 2);
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
