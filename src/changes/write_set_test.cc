#include "changes/write_set.h"

#include <gtest/gtest.h>

namespace interlock::changes {
namespace {

TEST(WriteSetText, says_what_was_written_and_whether_that_is_all) {
  const WriteSet writes{true, {"a", "b/\xff"}, {"made"}, {"a"}};
  const std::string text = to_text(writes);
  EXPECT_EQ(
      text,
      R"({"complete":true,"passing":["made"],"paths":["a",{"path_base64":"Yi//"}],"updated":["a"]})");
  EXPECT_EQ(write_set_from_text(text).value(), writes);
  EXPECT_EQ(write_set_from_text(to_text({})).value(), WriteSet{});
}

TEST(WriteSetText, of_before_says_nothing_of_what_was_updated_so_all_may_have_been) {
  const auto read = write_set_from_text(R"({"complete":true,"paths":["a","b"],"passing":[]})");
  EXPECT_EQ(read.value(), (WriteSet{true, {"a", "b"}, {}, {"a", "b"}}));
}

TEST(WriteSetText, is_refused_with_the_place_where_it_is_wrong) {
  const auto complaint = [](const std::string& text) {
    const auto read = write_set_from_text(text);
    return read ? "(accepted)" : read.error().message;
  };
  EXPECT_EQ(complaint("3"), "cannot read the write set: it is not an object");
  EXPECT_EQ(complaint(R"({"complete":1,"paths":[],"passing":[]})"),
            "cannot read the write set: `complete` is neither true nor false");
  EXPECT_EQ(complaint(R"({"complete":true,"paths":["../a"],"passing":[]})"),
            "cannot read the write set: `paths`: path 1: `../a` is not a path in a workspace");
}

TEST(WriteSetText, cut_anywhere_is_refused) {
  const std::string text = to_text({true, {"a"}, {"c\xff"}, {}});
  for (std::size_t length = 0; length < text.size(); ++length)
    EXPECT_FALSE(write_set_from_text(std::string_view(text).substr(0, length)));
}

}  // namespace
}  // namespace interlock::changes
