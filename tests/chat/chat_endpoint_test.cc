#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <functional>
#include <string>
#include <thread>

#include "chat/chat_call.h"
#include "endpoint/endpoint.h"

namespace interlock::chat {
namespace {

using endpoint::CallEnd;
using endpoint::Endpoint;
using metering::Api;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr Api kAll[] = {Api::anthropic, Api::openai_chat, Api::openai_responses, Api::gemini};

endpoint::Script script_of(std::string_view text) {
  auto script = endpoint::read_script(text);
  EXPECT_TRUE(script.has_value()) << (script ? "" : script.error().message);
  return script.value_or(endpoint::Script{});
}

struct Said {
  std::string lines;
  Outcome outcome = Outcome::bad;
};

Said ask(const Endpoint& endpoint, CallSpec spec, const std::string& key = "sk-test",
         Around around = {}) {
  Said said;
  spec.base_url = endpoint.base_url();
  const auto request = request_for(spec, key);
  EXPECT_TRUE(request.has_value());
  around.write = [&](std::string_view lines) {
    said.lines += lines;
    return true;
  };
  said.outcome = converse(spec, *request, key, around);
  return said;
}

Said ask(std::string_view script, Api api) {
  const Endpoint endpoint(script_of(script));
  return ask(endpoint, {api, "m", "", "Say hello."});
}

std::string last_line(const Said& said) {
  const std::size_t end = said.lines.rfind('\n', said.lines.size() - 2);
  return said.lines.substr(end + 1);
}

TEST(Chat, tells_a_whole_answer_and_what_it_used_in_every_api) {
  for (const Api api : kAll) {
    const Said said = ask(R"({"otherwise": {"text": "Hello, and good morning to all of you.",
        "usage": {"input": 12, "output": 7, "cache_read": 30}}})",
                          api);
    EXPECT_EQ(said.outcome, Outcome::good) << said.lines;
    EXPECT_THAT(said.lines, StartsWith(R"({"type":"started","api":")" + std::string(called(api)) +
                                       R"(","model":"m"})"));
    EXPECT_THAT(said.lines, HasSubstr(R"({"type":"text","text":"Hello, and good morning )"));
    EXPECT_THAT(
        said.lines,
        HasSubstr(R"({"type":"usage","input":12,"output":7,"cache_read":30,"cache_write":0})"));
    EXPECT_EQ(last_line(said),
              R"({"type":"final","text":"Hello, and good morning to all of you.","finish":"stop"})"
              "\n");
  }
}

TEST(Chat, brings_an_answer_bound_by_a_schema_in_every_api) {
  for (const Api api : kAll) {
    const Endpoint endpoint(script_of(R"({"otherwise": {"structured": {"answer": [1, 2]}}})"));
    CallSpec spec{api, "m", "", "List."};
    spec.schema = *parse_json(
        R"({"type": "object", "properties": {"answer": {"type": "array"}}, "required": ["answer"]})");
    EXPECT_EQ(last_line(ask(endpoint, spec)),
              R"({"type":"final","text":"{\"answer\":[1,2]}","finish":"stop"})"
              "\n");
    if (api == Api::gemini) continue;
    spec.schema = *parse_json(R"({"type": "array"})");
    EXPECT_EQ(last_line(ask(endpoint, spec)), R"({"type":"final","text":"[1,2]","finish":"stop"})"
                                              "\n")
        << "unwrapped";
  }
}

TEST(Chat, tells_refusals_of_the_providers_side_apart_in_every_api) {
  const std::pair<const char*, const char*> cases[] = {
      {R"("status": 429, "retry_after": 7)", "rate_limited"},
      {R"("status": 401)", "authentication"},
      {R"("status": 400)", "bad_request"},
      {R"("status": 500)", "api"}};
  for (const Api api : kAll) {
    for (const auto& [step, kind] : cases) {
      const Said said = ask(std::string(R"({"otherwise": {)") + step + "}}", api);
      EXPECT_EQ(said.outcome, Outcome::bad);
      EXPECT_THAT(last_line(said), StartsWith(std::string(R"({"type":"failed","kind":")") + kind))
          << called(api);
      EXPECT_THAT(said.lines, HasSubstr(R"("input":0,"output":0)"))
          << "what was refused used nothing";
    }
  }
}

TEST(Chat, never_takes_a_cut_answer_for_a_whole_one) {
  for (const Api api : kAll) {
    for (const char* how : {R"("cut_after": 1)", R"("end_after": 1)", R"("cut_after": 0)"}) {
      const Said said =
          ask(std::string(
                  R"({"otherwise": {"text": "An answer of more than one piece, to be cut.", )") +
                  how + "}}",
              api);
      EXPECT_EQ(said.outcome, Outcome::bad);
      EXPECT_THAT(last_line(said), StartsWith(R"({"type":"failed","kind":"cut_off")"))
          << called(api) << how;
    }
    const Said said = ask(R"({"otherwise": {"text": "As far as it", "finish": "length"}})", api);
    EXPECT_EQ(said.outcome, Outcome::bad);
    EXPECT_EQ(last_line(said), R"({"type":"final","text":"As far as it","finish":"cut_off"})"
                               "\n");
  }
}

TEST(Chat, tells_a_refusal_and_an_empty_answer_from_success) {
  for (const Api api : kAll) {
    const Said refused =
        ask(R"({"otherwise": {"text": "I would rather not.", "finish": "refusal"}})", api);
    EXPECT_EQ(refused.outcome, Outcome::bad);
    EXPECT_THAT(last_line(refused), EndsWith("\"finish\":\"refused\"}\n")) << called(api);
    const Said empty = ask(R"({"otherwise": {"text": ""}})", api);
    EXPECT_EQ(empty.outcome, Outcome::bad);
    EXPECT_THAT(last_line(empty), StartsWith(R"({"type":"failed","kind":"empty")")) << called(api);
  }
}

TEST(Chat, passes_over_frames_that_are_none) {
  for (const Api api : kAll) {
    const Said said = ask(
        R"({"otherwise": {"text": "All of it, in spite of the noise in between.", "garble_after": 1}})",
        api);
    EXPECT_EQ(said.outcome, Outcome::good) << said.lines;
    EXPECT_THAT(last_line(said), HasSubstr("All of it, in spite of the noise in between."));
  }
}

TEST(Chat, tells_an_overload_inside_a_stream) {
  for (const Api api : kAll) {
    const Said said = ask(
        R"({"otherwise": {"text": "An answer that begins well and then goes wrong.", "fail_after": 1}})",
        api);
    EXPECT_THAT(last_line(said), StartsWith(R"({"type":"failed","kind":"api")")) << called(api);
  }
}

TEST(Chat, says_when_it_is_not_the_api_that_was_meant) {
  const Said page = ask(
      R"({"otherwise": {"raw": "<html>Welcome</html>", "raw_type": "text/html"}})", Api::anthropic);
  EXPECT_THAT(last_line(page), HasSubstr("no stream of events came, but `text/html`"));
  const Said closed = ask(R"({"otherwise": {"status": 0}})", Api::anthropic);
  EXPECT_THAT(last_line(closed),
              StartsWith(R"({"type":"failed","kind":"api","message":"Empty reply from server)"));
}

TEST(Chat, never_shows_the_key) {
  const Endpoint endpoint(
      script_of(R"({"otherwise": {"status": 401, "message": "the key sk-secret is not known"}})"));
  const Said said = ask(endpoint, {Api::openai_chat, "m", "", "Hi"}, "sk-secret");
  EXPECT_THAT(said.lines, HasSubstr("the key [key] is not known"));
  EXPECT_THAT(said.lines, Not(HasSubstr("sk-secret")));
}

TEST(Chat, streams_an_answer_of_megabytes) {
  const Endpoint endpoint(script_of(R"({"otherwise": {"huge": 3000000}})"));
  const Said said = ask(endpoint, {Api::anthropic, "m", "", "Go on.", {}, 1'000'000});
  EXPECT_EQ(said.outcome, Outcome::good);
  EXPECT_GT(last_line(said).size(), 3'000'000u);
}

/// A pipe whose ends are closed one by one.
struct Pipe {
  int ends[2];
  Pipe() { EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0); }
  ~Pipe() {
    close(0);
    close(1);
  }
  void close(int end) {
    if (ends[end] >= 0) ::close(ends[end]);
    ends[end] = -1;
  }
};

/// Waits until the endpoint has the call, then does it.
void when_it_hangs(const Endpoint& endpoint, const std::function<void()>& act) {
  EXPECT_TRUE(endpoint.wait_until([](const auto& entries) { return !entries.empty(); }));
  act();
}

TEST(Chat, ends_by_a_signal_while_the_model_is_silent) {
  const Endpoint endpoint(script_of(R"({"otherwise": {"hang": true}})"));
  Pipe signals;
  std::thread person(
      [&] { when_it_hangs(endpoint, [&] { EXPECT_EQ(::write(signals.ends[1], "s", 1), 1); }); });
  Around around;
  around.signals = signals.ends[0];
  const Said said = ask(endpoint, {Api::anthropic, "m", "", "Hi"}, "sk-test", around);
  person.join();
  EXPECT_EQ(said.outcome, Outcome::stopped);
  EXPECT_EQ(last_line(said), R"({"type":"failed","kind":"aborted","message":"a signal ended it"})"
                             "\n");
  EXPECT_THAT(said.lines, HasSubstr(R"({"type":"usage","input":null)"))
      << "what it used is not known";
  EXPECT_TRUE(endpoint.wait_until(
      [](const auto& entries) { return entries[0].end == CallEnd::client_gone; }));
}

TEST(Chat, stops_spending_when_its_reader_has_gone) {
  const Endpoint endpoint(script_of(R"({"otherwise": {"hang": true}})"));
  Pipe output;
  std::thread reader([&] { when_it_hangs(endpoint, [&] { output.close(0); }); });
  Around around;
  around.output = output.ends[1];
  EXPECT_EQ(ask(endpoint, {Api::gemini, "m", "", "Hi"}, "sk-test", around).outcome,
            Outcome::unread);
  reader.join();
  EXPECT_TRUE(endpoint.wait_until(
      [](const auto& entries) { return entries[0].end == CallEnd::client_gone; }));
}

}  // namespace
}  // namespace interlock::chat
