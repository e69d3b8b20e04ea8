#include <fmt/format.h>
#include <gtest/gtest.h>

#include <initializer_list>

#include "metering/model_call.h"

namespace interlock::metering {
namespace {

std::string show(const std::optional<Tokens>& count) {
  return count ? std::to_string(*count) : "?";
}

/// `in 1 out 2 read 3 write 4, model m, finish f, cut, complete, began`.
std::string show(const Answered& answered) {
  const Usage& usage = answered.usage;
  std::string shown =
      fmt::format("in {} out {} read {} write {}", show(usage.input), show(usage.output),
                  show(usage.cache_read), show(usage.cache_write));
  if (!answered.model.empty()) shown += ", model " + answered.model;
  if (!answered.finish.empty()) shown += ", finish " + answered.finish;
  if (answered.cut) shown += ", cut";
  if (answered.complete) shown += ", complete";
  if (answered.began) shown += ", began";
  if (answered.refusal) {
    shown += fmt::format(", {}: {}", name_of(answered.refusal->kind), answered.refusal->message);
    if (answered.refusal->retry_after)
      shown += fmt::format(" ({} s)", to_seconds(*answered.refusal->retry_after));
  }
  return shown;
}

/// The same whatever the pieces it comes in.
std::string read(Api api, bool events, std::string_view text) {
  AnswerReader whole(api, events);
  whole.take(text);
  whole.end();
  AnswerReader bytewise(api, events);
  for (const char c : text) bytewise.take({&c, 1});
  bytewise.end();
  EXPECT_EQ(show(whole.answered()), show(bytewise.answered()));
  return show(whole.answered());
}

std::string sse(std::initializer_list<std::string_view> data) {
  std::string stream;
  for (const std::string_view one : data) stream += fmt::format("data: {}\n\n", one);
  return stream;
}

std::string named(std::initializer_list<std::pair<std::string_view, std::string_view>> events) {
  std::string stream;
  for (const auto& [name, data] : events)
    stream += fmt::format("event: {}\ndata: {}\n\n", name, data);
  return stream;
}

constexpr std::string_view kStart =
    R"({"type":"message_start","message":{"model":"claude-x","usage":{"input_tokens":1000,)"
    R"("cache_creation_input_tokens":300,"cache_read_input_tokens":5000,"output_tokens":1}}})";

TEST(AnthropicAnswer, adds_up_start_and_delta) {
  const std::string stream = named(
      {{"message_start", kStart},
       {"ping", R"({"type":"ping"})"},
       {"content_block_start", R"({"type":"content_block_start","index":0})"},
       {"content_block_delta", R"({"delta":{"text":"\"usage\": {\"output_tokens\": 9}"}})"},
       {"message_delta", R"({"delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":70}})"},
       {"message_stop", R"({"type":"message_stop"})"}});
  EXPECT_EQ(read(Api::anthropic, true, stream),
            "in 1000 out 70 read 5000 write 300, model claude-x, finish end_turn, complete, began");
}

TEST(AnthropicAnswer, takes_the_last_that_is_told) {
  const std::string stream = named(
      {{"message_start", kStart},
       {"message_delta",
        R"({"delta":{"stop_reason":"max_tokens"},"usage":{"input_tokens":1200,"output_tokens":5}})"}});
  EXPECT_EQ(read(Api::anthropic, true, stream),
            "in 1200 out 5 read 5000 write 300, model claude-x, finish max_tokens, cut, began");
}

TEST(AnthropicAnswer, has_not_begun_before_its_first_content) {
  EXPECT_EQ(read(Api::anthropic, true, named({{"message_start", kStart}})),
            "in 1000 out 1 read 5000 write 300, model claude-x");
}

TEST(AnthropicAnswer, finds_the_name_in_the_data_when_there_is_no_other) {
  EXPECT_EQ(read(Api::anthropic, true, sse({kStart, R"({"type":"message_stop"})"})),
            "in 1000 out 1 read 5000 write 300, model claude-x, complete");
}

TEST(AnthropicAnswer, tells_an_error_within_the_stream) {
  const std::string stream =
      named({{"error",
              R"({"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}})"}});
  EXPECT_EQ(read(Api::anthropic, true, stream),
            "in ? out ? read ? write ?, overloaded: Overloaded");
}

TEST(AnthropicAnswer, reads_a_whole_body) {
  EXPECT_EQ(read(Api::anthropic, false,
                 R"({"model":"m","stop_reason":"end_turn","content":[{"text":"{[\"}"}],)"
                 R"("usage":{"input_tokens":3,"output_tokens":4}})"),
            "in 3 out 4 read 0 write 0, model m, finish end_turn, complete, began");
  EXPECT_EQ(read(Api::anthropic, false, R"({"model":"m","stop_reason":"end_tu)"),
            "in ? out ? read ? write ?");
}

TEST(ChatAnswer, takes_what_was_cached_out_of_the_prompt) {
  constexpr std::string_view kUsage =
      R"({"model":"g","choices":[],"usage":{"prompt_tokens":6300,"completion_tokens":70,)"
      R"("prompt_tokens_details":{"cached_tokens":5000,"cache_write_tokens":300},)"
      R"("completion_tokens_details":{"reasoning_tokens":7}}})";
  const std::string stream = sse(
      {R"({"model":"g","choices":[{"delta":{"role":"assistant"},"finish_reason":null}]})",
       R"({"model":"g","choices":[{"delta":{"content":"hi"},"finish_reason":null}],"usage":null})",
       R"({"model":"g","choices":[{"delta":{},"finish_reason":"stop"}],"usage":null})", kUsage,
       "[DONE]"});
  EXPECT_EQ(read(Api::openai_chat, true, stream),
            "in 1000 out 70 read 5000 write 300, model g, finish stop, complete, began");
}

TEST(ChatAnswer, is_cut_by_its_length_and_not_complete_without_an_end) {
  EXPECT_EQ(
      read(Api::openai_chat, true,
           sse({R"({"model":"g","choices":[{"delta":{},"finish_reason" : "length"}]})", "[DONE]"})),
      "in ? out ? read ? write ?, model g, finish length, cut, complete, began");
  EXPECT_EQ(read(Api::openai_chat, true,
                 sse({R"({"model":"g","choices":[{"delta":{},"finish_reason":"stop"}]})"})),
            "in ? out ? read ? write ?, model g, finish stop, began")
      << "without `[DONE]` something may have been lost";
  EXPECT_EQ(read(Api::openai_chat, true,
                 sse({R"({"model":"g","choices":[{"delta":{"content":"x"}}]})", R"({"broken)"})),
            "in ? out ? read ? write ?, model g, began");
}

TEST(ChatAnswer, tells_an_error_within_the_stream) {
  EXPECT_EQ(
      read(
          Api::openai_chat, true,
          sse({R"({"error":{"message":"Rate limit. Please try again in 1.5s.","code":"rate_limit_exceeded"}})"})),
      "in ? out ? read ? write ?, rate_limited: Rate limit. Please try again in 1.5s. (1.5 s)");
}

TEST(ChatAnswer, does_not_know_an_input_that_is_less_than_its_parts) {
  EXPECT_EQ(read(Api::openai_chat, false,
                 R"({"choices":[{"finish_reason":"stop"}],"usage":{"prompt_tokens":1,)"
                 R"("completion_tokens":-4,"prompt_tokens_details":{"cached_tokens":2}}})"),
            "in ? out ? read 2 write 0, finish stop, complete, began");
}

TEST(ResponsesAnswer, reads_the_last_event) {
  const std::string stream = named(
      {{"response.created", R"({"response":{"model":"c","status":"in_progress","usage":null}})"},
       {"response.output_text.delta", R"({"delta":"x"})"},
       {"response.completed",
        R"({"response":{"model":"c","status":"completed","usage":{"input_tokens":6000,)"
        R"("input_tokens_details":{"cached_tokens":5000},"output_tokens":70}}})"}});
  EXPECT_EQ(read(Api::openai_responses, true, stream),
            "in 1000 out 70 read 5000 write 0, model c, finish completed, complete, began");
}

TEST(ResponsesAnswer, says_why_it_is_incomplete) {
  const auto ended = [](std::string_view reason) {
    return read(
        Api::openai_responses, true,
        named({{"response.incomplete", fmt::format(R"({{"response":{{"status":"incomplete",)"
                                                   R"("incomplete_details":{{"reason":"{}"}}}}}})",
                                                   reason)}}));
  };
  EXPECT_EQ(ended("max_output_tokens"),
            "in ? out ? read ? write ?, finish max_output_tokens, cut, complete, began");
  EXPECT_EQ(ended("content_filter"),
            "in ? out ? read ? write ?, finish content_filter, complete, began");
}

TEST(ResponsesAnswer, tells_failures_of_both_forms) {
  EXPECT_EQ(read(Api::openai_responses, true,
                 named({{"response.failed",
                         R"({"response":{"status":"failed","error":{"code":"insufficient_quota",)"
                         R"("message":"No credit"}}})"}})),
            "in ? out ? read ? write ?, finish failed, complete, quota_spent: No credit");
  EXPECT_EQ(read(Api::openai_responses, true,
                 named({{"error", R"({"type":"error","code":"server_error","message":"Oh"})"}})),
            "in ? out ? read ? write ?, server: Oh");
}

TEST(GeminiAnswer, counts_thoughts_as_output_and_tools_as_input) {
  const std::string stream = sse(
      {R"({"candidates":[{"content":{}}],"usageMetadata":{"promptTokenCount":6000},"modelVersion":"g"})",
       R"({"candidates":[{"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":6000,)"
       R"("cachedContentTokenCount":5000,"toolUsePromptTokenCount":10,"candidatesTokenCount":70,)"
       R"("thoughtsTokenCount":7},"modelVersion":"g"})"});
  EXPECT_EQ(read(Api::gemini, true, stream),
            "in 1010 out 77 read 5000 write 0, model g, finish STOP, complete, began");
}

TEST(GeminiAnswer, reads_an_array_as_it_comes) {
  const std::string_view body =
      R"([{"candidates":[{"content":{"parts":[{"text":"]}\\\""}]}}]},)"
      "\n"
      R"({"candidates":[{"finishReason":"MAX_TOKENS"}],"usageMetadata":{"promptTokenCount":5}}])";
  EXPECT_EQ(read(Api::gemini, false, body),
            "in 5 out 0 read 0 write 0, finish MAX_TOKENS, cut, complete, began");
  AnswerReader reader(Api::gemini, false);
  reader.take(body.substr(0, body.find('\n')));
  EXPECT_TRUE(reader.answered().began);
  EXPECT_FALSE(reader.answered().complete);
}

TEST(GeminiAnswer, ends_with_a_blocked_prompt) {
  EXPECT_EQ(read(Api::gemini, true, sse({R"({"promptFeedback":{"blockReason":"SAFETY"}})"})),
            "in ? out ? read ? write ?, finish SAFETY, complete");
}

TEST(AnswerReader, passes_over_an_event_without_end) {
  AnswerReader reader(Api::anthropic, true);
  const std::string filler(std::size_t{1} << 20, 'x');
  reader.take("event: content_block_delta\ndata: ");
  for (int i = 0; i < 40; ++i) reader.take(filler);
  reader.take("\n\n" + named({{"message_start", kStart}}));
  reader.end();
  EXPECT_EQ(show(reader.answered()), "in 1000 out 1 read 5000 write 300, model claude-x");
}

TEST(UsageEventFilter, drops_the_one_event_that_was_asked_for) {
  const std::string first = sse({R"({"choices":[{"delta":{}}],"usage":null})"});
  const std::string filtered = sse({R"({"choices":[],"prompt_filter_results":[]})"});
  const std::string last = sse({R"({"choices":[{"finish_reason":"stop"}],"usage":{}})"});
  const std::string usage = sse({R"({"choices":[],"usage":{"prompt_tokens":1}})"});
  const std::string done = ": note\n\ndata: [DONE]\n\n";
  const std::string stream = filtered + first + last + usage + done;
  UsageEventFilter filter;
  std::string passed;
  for (const char c : stream) passed += filter.take({&c, 1});
  passed += filter.end();
  EXPECT_EQ(passed, filtered + first + last + done);
}

TEST(UsageEventFilter, passes_on_what_is_cut_or_long) {
  UsageEventFilter filter;
  EXPECT_EQ(filter.take("data: {\"usa"), "");
  EXPECT_EQ(filter.end(), "data: {\"usa");
  UsageEventFilter other;
  const std::string filler(std::size_t{3} << 20, 'x');
  std::string passed = other.take("data: " + filler);
  EXPECT_GE(passed.size(), filler.size());
  passed += other.take("\n\ndata: 1\n\n");
  EXPECT_EQ(passed, "data: " + filler + "\n\ndata: 1\n\n");
}

}  // namespace
}  // namespace interlock::metering
