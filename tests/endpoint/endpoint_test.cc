#include "endpoint/endpoint.h"

#include <curl/curl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <thread>

namespace interlock::endpoint {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;

Script script_of(std::string_view text) {
  auto script = read_script(text);
  EXPECT_TRUE(script.has_value()) << (script ? "" : script.error().message);
  return script.value_or(Script{});
}

std::size_t keep(char* data, std::size_t size, std::size_t count, void* to) {
  static_cast<std::string*>(to)->append(data, size * count);
  return size * count;
}

/// One connection of a client of whom nobody here wrote a line.
class Client {
 public:
  Client() : curl_(curl_easy_init()) {
    curl_easy_setopt(curl_, CURLOPT_WRITEFUNCTION, keep);
    curl_easy_setopt(curl_, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl_, CURLOPT_NOPROXY, "*");
  }
  ~Client() { curl_easy_cleanup(curl_); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  CURLcode post(const std::string& url, const std::string& body, long timeout_ms = 20'000) {
    text.clear();
    curl_easy_setopt(curl_, CURLOPT_URL, url.c_str());
    curl_easy_setopt(curl_, CURLOPT_WRITEDATA, &text);
    curl_easy_setopt(curl_, CURLOPT_POSTFIELDSIZE, static_cast<long>(body.size()));
    curl_easy_setopt(curl_, CURLOPT_POSTFIELDS, body.c_str());
    curl_easy_setopt(curl_, CURLOPT_TIMEOUT_MS, timeout_ms);
    const CURLcode code = curl_easy_perform(curl_);
    curl_easy_getinfo(curl_, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(curl_, CURLINFO_NUM_CONNECTS, &connects);
    return code;
  }

  std::string text;
  long status = 0, connects = 0;

 private:
  CURL* curl_;
};

const std::string kStream =
    R"({"model": "m", "stream": true, "messages": [{"role": "user", "content": "q"}]})";

bool all_ended(const std::vector<Entry>& entries) {
  for (const Entry& entry : entries) {
    if (entry.end == CallEnd::running) return false;
  }
  return !entries.empty();
}

TEST(Endpoint, streams_and_keeps_the_connection) {
  const Endpoint endpoint(script_of(R"({"otherwise": {"text": "Good morning."}})"));
  Client client;
  EXPECT_EQ(client.post(endpoint.base_url() + "/v1/messages", kStream), CURLE_OK);
  EXPECT_THAT(client.text, HasSubstr("Good morning."));
  EXPECT_THAT(client.text, EndsWith("event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"));
  EXPECT_EQ(client.post(endpoint.base_url() + "/v1/chat/completions", kStream), CURLE_OK);
  EXPECT_EQ(client.connects, 0) << "the second request went over the first one's connection";
  EXPECT_THAT(client.text, EndsWith("data: [DONE]\n\n"));
  EXPECT_EQ(client.post(endpoint.base_url() + "/v1beta/models/g:streamGenerateContent", "{}"),
            CURLE_OK);
  EXPECT_TRUE(parse_json(client.text)->is_array()) << client.text;
}

TEST(Endpoint, takes_a_large_body_without_delay) {
  const Endpoint endpoint(Script{});
  Client client;
  const std::string body = R"({"input": ")" + std::string(std::size_t{4} << 20, 'x') + "\"}";
  EXPECT_EQ(client.post(endpoint.base_url() + "/v1/responses", body), CURLE_OK);
  EXPECT_EQ(client.status, 200);
  EXPECT_EQ(endpoint.entries().at(0).usage->input, (Tokens{4} << 20) / 4 + 4);
}

TEST(Endpoint, breaks_a_stream_inside_an_event) {
  const Endpoint endpoint(script_of(R"({"otherwise": {"text": "Never whole.", "cut_after": 4}})"));
  Client client;
  EXPECT_EQ(client.post(endpoint.base_url() + "/v1/messages", kStream), CURLE_PARTIAL_FILE);
  EXPECT_THAT(client.text, Not(HasSubstr("message_stop")));
  EXPECT_EQ(endpoint.entries().at(0).end, CallEnd::broken);
  EXPECT_EQ(endpoint.entries().at(0).told->output, 1) << "no more than the start told";
}

TEST(Endpoint, ends_a_stream_as_if_that_were_all) {
  const Endpoint endpoint(script_of(R"({"otherwise": {"text": "Never whole.", "end_after": 4}})"));
  Client client;
  EXPECT_EQ(client.post(endpoint.base_url() + "/v1/messages", kStream), CURLE_OK);
  EXPECT_THAT(client.text, Not(HasSubstr("message_stop")));
  EXPECT_EQ(endpoint.entries().at(0).end, CallEnd::broken);
}

TEST(Endpoint, puts_frames_that_are_none_between_good_ones) {
  const Endpoint endpoint(script_of(R"({"otherwise": {"text": "Whole.", "garble_after": 2}})"));
  Client client;
  EXPECT_EQ(client.post(endpoint.base_url() + "/v1/messages", kStream), CURLE_OK);
  EXPECT_THAT(client.text, HasSubstr("data: no JSON at all"));
  EXPECT_THAT(client.text, HasSubstr("message_stop"));
}

TEST(Endpoint, notices_who_leaves_while_it_hangs_or_stalls) {
  const Endpoint endpoint(script_of(R"({"rules": [{"together": true, "steps":
      [{"hang": true}, {"text": "And then nothing.", "stall_after": 4}]}]})"));
  for (const char* expected : {"", "And then nothing."}) {
    Client client;
    EXPECT_EQ(client.post(endpoint.base_url() + "/v1/messages", kStream, 300),
              CURLE_OPERATION_TIMEDOUT);
    EXPECT_THAT(client.text, HasSubstr(expected));
  }
  ASSERT_TRUE(endpoint.wait_until(all_ended)) << "leaving is noticed";
  EXPECT_EQ(endpoint.entries().at(0).end, CallEnd::client_gone);
  EXPECT_FALSE(endpoint.entries().at(0).began);
  EXPECT_EQ(endpoint.entries().at(1).end, CallEnd::client_gone);
}

TEST(Endpoint, closes_without_an_answer) {
  const Endpoint endpoint(script_of(R"({"otherwise": {"status": 0}})"));
  Client client;
  EXPECT_EQ(client.post(endpoint.base_url() + "/v1/messages", kStream), CURLE_GOT_NOTHING);
}

TEST(Endpoint, says_how_many_were_there_at_once) {
  const Endpoint endpoint(
      script_of(R"({"rules": [{"prompt": "wait", "steps": [{"hang": true}]}]})"));
  std::thread waiting([&] {
    Client client;
    client.post(endpoint.base_url() + "/v1/responses", R"({"input": "wait"})", 1000);
  });
  ASSERT_TRUE(endpoint.wait_until([](const auto& entries) { return entries.size() == 1; }));
  Client client;
  client.post(endpoint.base_url() + "/v1/responses", R"({"input": "go"})");
  waiting.join();
  EXPECT_EQ(endpoint.books().at("in_flight_most").to_number<int>(), 2);
}

}  // namespace
}  // namespace interlock::endpoint
