#include "gateway/recording.h"

#include <gtest/gtest.h>

#include "gateway/difference.h"

namespace interlock::gateway {
namespace {

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
