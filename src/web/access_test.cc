#include "web/access.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace interlock::web {
namespace {

using http::HeaderList;
using http::Request;
using namespace std::chrono_literals;

constexpr std::uint16_t kPort = 4711;

class AccessOfAPage : public ::testing::Test {
 protected:
  AccessOfAPage() {
    const std::string link = access_.new_link(0s);
    cookie_ = access_.cookie_name() + "=" +
              access_.take_code(link.substr(link.rfind('/') + 1), 1s).value_or("");
    bearer_ = "Bearer " + access_.new_bearer();
  }
  int status(const std::string& method, const std::string& target, HeaderList headers) const {
    Request request;
    request.method = method;
    request.target = target;
    request.headers = std::move(headers);
    return access_.over_tcp(request).status;
  }
  HeaderList own(HeaderList more = {}) const {
    more.emplace_back("Host", "127.0.0.1:4711");
    return more;
  }

  Access access_{kPort};
  std::string cookie_, bearer_;
};

TEST_F(AccessOfAPage, answers_to_its_own_address_only) {
  EXPECT_EQ(status("GET", "/health", own()), 0);
  EXPECT_EQ(status("GET", "/health", {{"host", "localhost:4711"}}), 0);
  EXPECT_EQ(status("GET", "/health", {}), 421);
  for (const char* host : {"evil.example:4711", "127.0.0.1", "127.0.0.1:80",
                           "127.0.0.1:4711.evil.example", "0.0.0.0:4711", "[::1]:4711"})
    EXPECT_EQ(status("GET", "/health", {{"Host", host}}), 421) << host;
  EXPECT_EQ(status("GET", "/health", own({{"Host", "127.0.0.1:4711"}})), 421) << "twice";
}

TEST_F(AccessOfAPage, believes_no_other_page_whatever_it_shows) {
  for (const char* origin : {"http://evil.example", "http://127.0.0.1:3000",
                             "https://127.0.0.1:4711", "null", "http://localhost"}) {
    EXPECT_EQ(status("GET", "/api/runs", own({{"Origin", origin}, {"Authorization", bearer_}})),
              403)
        << origin;
  }
  EXPECT_EQ(status("GET", "/api/runs",
                   own({{"Sec-Fetch-Site", "same-site"}, {"Authorization", bearer_}})),
            403)
      << "another port of this host";
  EXPECT_EQ(status("GET", "/page.js", own({{"Sec-Fetch-Site", "cross-site"}, {"Cookie", cookie_}})),
            403);
}

TEST_F(AccessOfAPage, takes_a_bearer_for_what_matters_and_never_a_cookie_alone) {
  EXPECT_EQ(status("GET", "/api/runs", own()), 401);
  EXPECT_EQ(status("GET", "/api/runs", own({{"Cookie", cookie_}})), 401);
  EXPECT_EQ(status("GET", "/api/runs", own({{"Authorization", bearer_}})), 0);
  EXPECT_EQ(status("GET", "/api/runs", own({{"Authorization", bearer_ + "0"}})), 401);
  EXPECT_EQ(status("GET", "/page.js", own()), 401);
  EXPECT_EQ(status("GET", "/page.js", own({{"Cookie", "a=b; " + cookie_ + "; c=d"}})), 0);
  EXPECT_EQ(status("GET", "/page.js", own({{"Cookie", cookie_ + "0"}})), 401);
  EXPECT_EQ(status("GET", "/page.js", own({{"Cookie", cookie_}, {"Cookie", cookie_}})), 400);
}

TEST_F(AccessOfAPage, lets_nothing_be_changed_by_what_a_form_can_send) {
  const HeaderList json{{"Content-Type", "application/json"}, {"Authorization", bearer_}};
  HeaderList from_page = json;
  from_page.emplace_back("Origin", "http://127.0.0.1:4711");
  from_page.emplace_back("Sec-Fetch-Site", "same-origin");
  EXPECT_EQ(status("POST", "/api/runs/r/approve", own(from_page)), 0);
  EXPECT_EQ(status("POST", "/api/runs/r/approve", own(json)), 0) << "a program, with the bearer";
  HeaderList nameless = json;
  nameless.emplace_back("Sec-Fetch-Site", "same-origin");
  EXPECT_EQ(status("POST", "/api/runs/r/approve", own(nameless)), 403) << "a page without Origin";
  for (const char* type : {"text/plain", "application/x-www-form-urlencoded", "multipart/form-data",
                           "application/json; charset=utf-8"})
    EXPECT_EQ(status("POST", "/api/runs/r/approve",
                     own({{"Content-Type", type}, {"Authorization", bearer_}})),
              415)
        << type;
  EXPECT_EQ(status("POST", "/api/session", own({{"Content-Type", "application/json"}})), 401);
  for (const char* method : {"OPTIONS", "PUT", "DELETE", "HEAD", "TRACE"})
    EXPECT_EQ(status(method, "/api/runs", own({{"Authorization", bearer_}})), 405) << method;
}

TEST_F(AccessOfAPage, opens_a_link_once_and_for_a_minute) {
  const auto code_of = [](const std::string& link) { return link.substr(link.rfind('/') + 1); };
  const std::string first = code_of(access_.new_link(0s)), second = code_of(access_.new_link(0s));
  EXPECT_EQ(access_.take_code("", 1s), std::nullopt);
  EXPECT_NE(access_.take_code(first, 1s), std::nullopt);
  EXPECT_EQ(access_.take_code(first, 1s), std::nullopt);
  EXPECT_EQ(access_.take_code(second, 61s), std::nullopt);
}

TEST_F(AccessOfAPage, refuses_pages_at_the_unix_socket) {
  Request request;
  request.method = "GET";
  request.target = "/api/runs";
  EXPECT_EQ(Access::over_unix(request).status, 0);
  for (const char* name : {"Origin", "Referer", "Sec-Fetch-Site"}) {
    request.headers = {{name, "x"}};
    EXPECT_EQ(Access::over_unix(request).status, 403) << name;
  }
}

TEST(Target, is_decoded_once_and_refused_where_it_is_malformed) {
  const auto target = parse_target("/api/runs/r-1/log?task=a%2Fb%26&attempt=2");
  ASSERT_TRUE(target);
  EXPECT_THAT(target->path, ::testing::ElementsAre("api", "runs", "r-1", "log"));
  EXPECT_EQ(target->query.at("task"), "a/b&");
  EXPECT_EQ(parse_target("/")->path, std::vector<std::string>{""});
  for (const char* bad : {"/%", "/%2", "/%zz", "/%00", "/a?x=1&x=2"})
    EXPECT_FALSE(parse_target(bad)) << bad;
}

}  // namespace
}  // namespace interlock::web
