#include "metering/path.h"

#include <gtest/gtest.h>

#include <array>
#include <utility>

#include "metering/stop.h"

namespace interlock::metering {
namespace {

std::string canonical(std::string_view target) {
  const auto path = canonical_path(target);
  return path ? *path : "refused";
}

TEST(CanonicalPath, is_one_for_all_ways_to_write_it) {
  for (const char* written : {"/v1/messages", "/v1/messages/", "//v1//messages", "/v1/%6dessages",
                              "/v1/messages;x=1", "/v1;/messages;;"}) {
    EXPECT_EQ(canonical(written), "/v1/messages") << written;
  }
  EXPECT_EQ(canonical("/v1/models/a%20b%2a?key=%2f..;"), "/v1/models/a%20b%2A?key=%2f..;");
  EXPECT_EQ(canonical("/"), "");
}

TEST(CanonicalPath, is_refused_where_servers_would_read_it_differently) {
  for (const char* written :
       {"/v1/../messages", "/v1/./messages", "/v1/%2E%2e/messages", "/v1%2Fmessages",
        "/v1%5cmessages", "/a%00b", "/a%3bb", "/a%3fb", "/a%25b", "/a%", "/a%2", "/a%zz", "/a\\b",
        "/a\xc3\xa9", "/a%c3%a9", "/..;x/messages"}) {
    EXPECT_EQ(canonical(written), "refused") << written;
  }
}

TEST(PathKind, is_a_call_in_any_case_and_unknown_where_nobody_can_tell) {
  EXPECT_EQ(kind_of_path("POST", "/V1/Messages"), PathKind::call);
  EXPECT_EQ(kind_of_path("POST", "/v1beta/models/Gemini-X:GenerateContent"), PathKind::call);
  EXPECT_EQ(kind_of_path("POST", "/v1/messages/count_tokens?x"), PathKind::call);
  EXPECT_EQ(kind_of_path("GET", "/v1/models"), PathKind::look);
  EXPECT_EQ(kind_of_path("GET", "/v1beta/models/gemini-x"), PathKind::look);
  for (const char* path :
       {"/v1/messages/batches", "/v1/batches", "/v1/embeddings", "/v1/completions", ""})
    EXPECT_EQ(kind_of_path("POST", path), PathKind::unknown) << path;
  for (const char* method : {"GET", "PUT", "DELETE"})
    EXPECT_EQ(kind_of_path(method, "/v1/messages"), PathKind::unknown) << method;
}

TEST(Stop, is_good_only_where_it_is_known_to_be) {
  constexpr std::array kGood{std::pair{Api::anthropic, "end_turn"},
                             std::pair{Api::anthropic, "stop_sequence"},
                             std::pair{Api::anthropic, "tool_use"},
                             std::pair{Api::openai_chat, "stop"},
                             std::pair{Api::openai_chat, "tool_calls"},
                             std::pair{Api::openai_responses, "completed"},
                             std::pair{Api::gemini, "STOP"}};
  for (const auto& [api, word] : kGood) EXPECT_TRUE(is_good(stop_of(api, word))) << word;
  constexpr std::array kBad{std::pair{Api::anthropic, "pause_turn"},
                            std::pair{Api::anthropic, "refusal"},
                            std::pair{Api::anthropic, "stop"},
                            std::pair{Api::openai_chat, "end_turn"},
                            std::pair{Api::openai_chat, "error"},
                            std::pair{Api::openai_responses, "incomplete"},
                            std::pair{Api::gemini, "stop"},
                            std::pair{Api::gemini, "SAFETY"},
                            std::pair{Api::gemini, ""}};
  for (const auto& [api, word] : kBad) EXPECT_FALSE(is_good(stop_of(api, word))) << word;
}

TEST(Stop, of_several_alternatives_the_worst_counts) {
  Answered answered;
  take_stop(answered, Api::openai_chat, "stop");
  take_stop(answered, Api::openai_chat, "length");
  take_stop(answered, Api::openai_chat, "stop");
  EXPECT_EQ(answered.finish, "length");
  EXPECT_TRUE(answered.cut);
  take_decline(answered, "refusal");
  EXPECT_EQ(answered.stop, Stop::declined);
  EXPECT_FALSE(answered.cut);
}

TEST(Stop, is_a_refusal_where_the_model_says_so_in_a_member_of_its_own) {
  AnswerReader chat(Api::openai_chat, true);
  chat.take(
      "data: {\"choices\":[{\"delta\":{\"refusal\":\"I will not\"}}]}\n\n"
      "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n");
  chat.end();
  EXPECT_EQ(chat.answered().stop, Stop::declined);
  AnswerReader responses(Api::openai_responses, false);
  responses.take(
      R"({"status":"completed","output":[{"type":"message","content":[{"type":"refusal","refusal":""}]}]})");
  responses.end();
  EXPECT_EQ(responses.answered().stop, Stop::declined);
}

}  // namespace
}  // namespace interlock::metering
