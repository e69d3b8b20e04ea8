#include "gateway/credentials.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace interlock::gateway {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

constexpr std::string_view kSecret = "0123456789abcdef";
const Secret kKey("sk-real");  // NOLINT(cert-err58-cpp): it does not throw what anybody could catch

http::HeaderList sent(const http::HeaderList& headers, const Secret& key = kKey) {
  return headers_for_upstream(headers, kSecret, key);
}

TEST(Target, has_the_secret_as_its_first_segment) {
  EXPECT_EQ(part_target("/abc/v1/messages?x=1").secret, "abc");
  EXPECT_EQ(part_target("/abc/v1/messages?x=1").rest, "/v1/messages?x=1");
  EXPECT_EQ(part_target("/abc").rest, "");
  EXPECT_EQ(part_target("/abc?x=1").secret, "abc");
  EXPECT_EQ(part_target("/").secret, "");
  EXPECT_EQ(part_target("").secret, "");
}

TEST(Credentials, the_secret_becomes_the_key_wherever_it_is_shown) {
  const std::string secret(kSecret);
  EXPECT_THAT(sent({{"X-Api-Key", secret},
                    {"Authorization", "Bearer " + secret},
                    {"authorization", "bearer " + secret},
                    {"x-goog-api-key", secret},
                    {"api-key", secret}}),
              ElementsAre(Pair("X-Api-Key", "sk-real"), Pair("Authorization", "Bearer sk-real"),
                          Pair("authorization", "bearer sk-real"),
                          Pair("x-goog-api-key", "sk-real"), Pair("api-key", "sk-real")));
  EXPECT_EQ(rest_for_upstream("/v1?key=" + secret + "&a=b", kSecret, kKey), "/v1?key=sk-real&a=b");
  EXPECT_EQ(rest_for_upstream("/v1?a=b&key=" + secret, kSecret, kKey), "/v1?a=b&key=sk-real");
}

TEST(Credentials, of_the_clients_own_stay) {
  EXPECT_THAT(sent({{"x-api-key", "sk-mine"}, {"authorization", "Basic abc"}}),
              ElementsAre(Pair("x-api-key", "sk-mine"), Pair("authorization", "Basic abc")));
  EXPECT_EQ(rest_for_upstream("/v1?key=mine", kSecret, kKey), "/v1?key=mine");
  EXPECT_EQ(rest_for_upstream("/v1", kSecret, kKey), "/v1");
}

TEST(Credentials, without_a_key_the_secret_is_shown_to_nobody) {
  EXPECT_THAT(sent({{"x-api-key", std::string(kSecret)}}, Secret()), IsEmpty());
  EXPECT_EQ(rest_for_upstream("/v1?key=" + std::string(kSecret), kSecret, Secret()), "/v1?key=");
}

TEST(Credentials, what_is_for_one_hop_goes_no_further) {
  EXPECT_THAT(sent({{"Host", "127.0.0.1"},
                    {"Connection", "keep-alive, X-Hop"},
                    {"X-Hop", "1"},
                    {"Transfer-Encoding", "chunked"},
                    {"Accept-Encoding", "gzip"},
                    {"Content-Length", "5"},
                    {"Expect", "100-continue"},
                    {"anthropic-version", "2023-06-01"}}),
              ElementsAre(Pair("anthropic-version", "2023-06-01")));
  EXPECT_THAT(
      headers_for_client(
          {{"connection", "x-hop"}, {"x-hop", "1"}, {"content-length", "9"}, {"request-id", "r"}}),
      ElementsAre(Pair("request-id", "r")));
}

}  // namespace
}  // namespace interlock::gateway
