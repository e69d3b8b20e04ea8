#include "base/redaction.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json.h"

namespace interlock {
namespace {

constexpr std::string_view kKey = "sk-real/key+that=nobody may see";

Redaction known() {
  Redaction redaction;
  redaction.add("THE_KEY", kKey);
  return redaction;
}

TEST(Redaction, finds_a_key_as_it_is_in_urls_and_in_json) {
  const Redaction redaction = known();
  EXPECT_EQ(redaction.apply("a sk-real/key+that=nobody may see b"), "a [key THE_KEY] b");
  EXPECT_EQ(redaction.apply("?k=sk-real%2Fkey%2Bthat%3Dnobody%20may%20see&x"),
            "?k=[key THE_KEY]&x");
  EXPECT_EQ(redaction.apply("?k=sk-real%2fkey%2bthat%3dnobody%20may%20see"), "?k=[key THE_KEY]");
  EXPECT_EQ(redaction.apply(R"({"k":"sk-real\/key+that=nobody may see"})"),
            R"({"k":"[key THE_KEY]"})");
}

TEST(Redaction, finds_a_key_in_base64_wherever_it_begins) {
  const Redaction redaction = known();
  // `key:`, `:key:` and `u:key` in base64: another place in the group of three each.
  for (const char* text : {"c2stcmVhbC9rZXkrdGhhdD1ub2JvZHkgbWF5IHNlZQ==",
                           "OnNrLXJlYWwva2V5K3RoYXQ9bm9ib2R5IG1heSBzZWU=",
                           "dTpzay1yZWFsL2tleSt0aGF0PW5vYm9keSBtYXkgc2Vl"}) {
    const std::string shown = redaction.apply(std::string("Basic ") + text);
    EXPECT_THAT(shown, testing::HasSubstr("[key THE_KEY]")) << text;
    EXPECT_LE(shown.size(), std::string_view("Basic xxx[key THE_KEY]xxx").size()) << shown;
  }
}

TEST(Redaction, finds_it_wherever_a_stream_is_parted) {
  const Redaction redaction = known();
  const std::string text = "before " + std::string(kKey) + std::string(kKey) + " sk-rea after s";
  for (std::size_t size = 1; size <= text.size(); ++size) {
    RedactedStream stream;
    std::string out;
    for (std::size_t at = 0; at < text.size(); at += size)
      out += stream.take(redaction, std::string_view(text).substr(at, size));
    out += stream.end();
    EXPECT_EQ(out, "before [key THE_KEY][key THE_KEY] sk-rea after s") << size;
  }
}

TEST(Redaction, passes_on_at_once_what_cannot_be_the_beginning_of_a_key) {
  const Redaction redaction = known();
  RedactedStream stream;
  EXPECT_EQ(stream.take(redaction, "data: {\"text\":\"sk\"}\n\n"), "data: {\"text\":\"sk\"}\n\n");
  EXPECT_FALSE(stream.holds());
}

TEST(Redaction, leaves_json_json_and_knows_several_keys) {
  Redaction redaction = known();
  redaction.add("odd \"name\"", "hunter2hunter2");
  redaction.add("short", "abc");
  const std::string text = redaction.apply(R"({"a":"hunter2hunter2","b":"abc"})");
  ASSERT_TRUE(parse_json(text).has_value());
  EXPECT_EQ(text, R"({"a":"[key odd__name_]","b":"abc"})");
}

}  // namespace
}  // namespace interlock
