#include "http/message.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

namespace interlock::http {
namespace {

TEST(RequestHead, is_read_whole) {
  const auto head = read_request_head(
      "POST /a?b=c HTTP/1.1\r\nHost: x\r\nContent-Length: 12\r\nConnection: Close\r\n\r\n");
  ASSERT_TRUE(head.has_value()) << head.error().message;
  EXPECT_EQ(head->request.target, "/a?b=c");
  EXPECT_EQ(head->framing.length, 12U);
  EXPECT_FALSE(head->request.keeps_alive);
}

TEST(RequestHead, what_two_readers_could_understand_differently_is_refused) {
  constexpr std::array<std::string_view, 15> kAmbiguous{
      "POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
      "POST / HTTP/1.1\nContent-Length: 1\r\n\r\n",
      "POST / HTTP/1.1\r\nA: b\nContent-Length: 1\r\n\r\n",
      "POST / HTTP/1.1\r\nA: b\rContent-Length: 1\r\n\r\n",
      "POST / HTTP/1.1\r\nA: b\r\n\nB: c\r\n\r\n",
      "POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
      "POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
      "POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
      "POST / HTTP/1.1\r\nContent-Length: +1\r\n\r\n",
      "POST / HTTP/1.1\r\nname : value\r\n\r\n",
      "POST http://elsewhere/ HTTP/1.1\r\n\r\n",
      "POST http://elsewhere/ HTTP/1.1\r\nHost: here\r\n\r\n",
      "POST http://here HTTP/1.1\r\nHost: here\r\n\r\n",
      "CONNECT /path HTTP/1.1\r\nHost: here\r\n\r\n",
      "POST / HTTP/2\r\n\r\n"};
  for (const std::string_view text : kAmbiguous)
    EXPECT_FALSE(read_request_head(text).has_value()) << text;
}

TEST(RequestHead, is_taken_in_the_form_for_proxies_where_it_names_the_host_it_is_for) {
  const auto whole = read_request_head("GET http://here:1/a?b HTTP/1.1\r\nHost: here:1\r\n\r\n");
  ASSERT_TRUE(whole.has_value()) << whole.error().message;
  EXPECT_EQ(whole->request.target, "/a?b");
  const auto tunnel = read_request_head(
      "CONNECT there:443 HTTP/1.1\r\nHost: there:443\r\nConnection: close\r\n\r\n");
  ASSERT_TRUE(tunnel.has_value()) << tunnel.error().message;
  EXPECT_EQ(tunnel->request.target, "there:443");
  EXPECT_TRUE(tunnel->request.keeps_alive) << "what follows is the tunnel";
}

TEST(Chunks, come_apart_wherever_they_are_cut) {
  const std::string wire = "3;x=y\r\nabc\r\nA\r\n0123456789\r\n0\r\nTrailer: t\r\n\r\nrest";
  for (std::size_t cut = 0; cut <= wire.size() - 4; ++cut) {
    ChunkReader reader;
    std::string out;
    std::size_t used = reader.take(std::string_view(wire).substr(0, cut), out, 100);
    used += reader.take(std::string_view(wire).substr(used), out, 100);
    EXPECT_TRUE(reader.is_done()) << cut;
    EXPECT_EQ(out, "abc0123456789");
    EXPECT_EQ(wire.substr(used), "rest");
  }
  for (const char* parted : {"3\nabc\r\n0\r\n\r\n", "3;a\nb\r\nabc\r\n0\r\n\r\n", "3\rx\nabc\r\n",
                             "3\r\nabc\n0\r\n\r\n"}) {
    ChunkReader reader;
    std::string content;
    reader.take(parted, content, 100);
    EXPECT_TRUE(reader.is_bad()) << parted;
  }
  ChunkReader small;
  std::string out;
  small.take("5\r\nabcde", out, 4);
  EXPECT_TRUE(small.is_bad());
}

TEST(BodyRoom, is_shared_and_given_back) {
  const auto used = std::make_shared<std::size_t>(0);
  BodyRoom first(used, 10);
  EXPECT_TRUE(first.take(6));
  {
    BodyRoom second(used, 10);
    EXPECT_FALSE(second.take(5));
    EXPECT_TRUE(second.take(4));
    BodyRoom moved = std::move(second);
    EXPECT_FALSE(first.take(1));
  }
  EXPECT_TRUE(first.take(4));
  first = {};
  EXPECT_EQ(*used, 0U);
}

}  // namespace
}  // namespace interlock::http
