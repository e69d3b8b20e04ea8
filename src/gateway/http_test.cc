#include "gateway/http.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

#include "gateway/difference.h"
#include "gateway/recording.h"

namespace interlock::gateway {
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
  constexpr std::array<std::string_view, 12> kAmbiguous{
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
      "POST / HTTP/2\r\n\r\n"};
  for (const std::string_view text : kAmbiguous)
    EXPECT_FALSE(read_request_head(text).has_value()) << text;
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

TEST(Recording, is_read_back_as_it_was_written) {
  Recording recording{
      .request = known_request("run/task#2", "POST", "/v1/messages?key=s&beta=1",
                               R"({"b":1,"metadata":{"user_id":"x"},"a":"s"})", {.secret = "s"}),
      .ordinal = 3,
      .status = 200,
      .headers = {{"content-type", "text/plain"}},
      .answer = std::string("a\0b\n", 4),
      .chunks = {1, 3}};
  EXPECT_EQ(recording.request.task, "task");
  EXPECT_EQ(recording.request.path, "/v1/mexxagex?beta=1");
  EXPECT_EQ(recording.request.body, R"({"a":"x","b":1})");
  const std::string text = write_recording(recording);
  const auto read = read_recording(text);
  ASSERT_TRUE(read.has_value()) << read.error().message;
  EXPECT_EQ(read->request.key(), recording.request.key());
  EXPECT_EQ(read->answer, recording.answer);
  EXPECT_EQ(read->chunks, recording.chunks);
  EXPECT_FALSE(read_recording(text.substr(0, text.size() - 1)).has_value());
}

TEST(Difference, long_texts_are_shown_where_they_differ) {
  const std::string same(100, 'a');
  const auto recorded = parse_json("{\"m\":\"" + same + "one" + same + "\"}").value();
  const auto now = parse_json("{\"m\":\"" + same + "two" + same + "\"}").value();
  const std::string before(20, 'a');
  const std::string reported = first_difference(recorded, now);
  EXPECT_TRUE(reported.starts_with("$.m at byte 100: recorded \u2026\"" + before + "one"))
      << reported;
  EXPECT_NE(reported.find("now \u2026\"" + before + "two"), std::string::npos) << reported;
}

TEST(Difference, is_the_first_in_the_order_of_the_recording) {
  const auto recorded = parse_json(R"({"m":[{"c":"a"},{"c":"b"}],"z":1})").value();
  EXPECT_EQ(first_difference(recorded, recorded), "");
  EXPECT_EQ(first_difference(recorded, parse_json(R"({"m":[{"c":"a"}],"z":2})").value()),
            R"($.m[1]: recorded {"c":"b"}, now nothing)");
  EXPECT_EQ(
      first_difference(recorded, parse_json(R"({"m":[{"c":"a"},{"c":"b"}],"y":0,"z":1})").value()),
      "$.y: recorded nothing, now 0");
}

}  // namespace
}  // namespace interlock::gateway
