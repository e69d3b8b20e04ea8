#include "changes/read_set.h"

#include <gtest/gtest.h>

namespace interlock::changes {
namespace {

std::string complaint(const std::string& text) {
  const auto read = read_set_from_text(text);
  return read ? "(accepted)" : read.error().message;
}

std::string with_content(const std::string& content) {
  return R"({"from":"observed","content":)" + content + R"(,"listing":[],"presence":[]})";
}

TEST(ReadSetText, SaysWhereItComesFromAndEachPath) {
  const ReadSet reads{ReadsFrom::observed, {"a", "b/\xff"}, {"", "b"}, {"none"}};
  const std::string text = to_text(reads);
  EXPECT_EQ(text, R"({"content":["a",{"path_base64":"Yi//"}],"from":"observed",)"
                  R"("listing":["","b"],"presence":["none"]})");
  EXPECT_EQ(read_set_from_text(text).value(), reads);
  EXPECT_EQ(read_set_from_text(to_text({})).value(), ReadSet{});
  const ReadSet declared{ReadsFrom::declared, {"a"}, {}, {}};
  EXPECT_EQ(read_set_from_text(to_text(declared)).value(), declared);
}

TEST(ReadSetText, IsRefusedWithThePlaceWhereItIsWrong) {
  const std::string tried = "cannot read the read set: ";
  EXPECT_EQ(complaint("3"), tried + "it is not an object");
  EXPECT_EQ(complaint(R"({"from":"observed"})"), tried + "the key `content` is missing");
  EXPECT_EQ(complaint(R"({"from":"x","content":[],"listing":[],"presence":[]})"),
            tried + "`from` is not `observed`, `declared` or `everything`");
  EXPECT_EQ(complaint(with_content("{}")), tried + "`content`: it is not a list");
  EXPECT_EQ(complaint(with_content("[1]")),
            tried + "`content`: path 1: it is neither a string nor an object");
  EXPECT_EQ(complaint(with_content(R"(["a", "a"])")),
            tried + "`content`: path 2 is not after the one before it");
  EXPECT_EQ(complaint(with_content(R"(["../a"])")),
            tried + "`content`: path 1: `../a` is not a path in a workspace");
  EXPECT_EQ(complaint(with_content(R"([".git"])")),
            tried + "`content`: path 1: `.git` is in a `.git`, which is never recorded");
  EXPECT_EQ(complaint(with_content(R"([{"path_base64":"YQ=="}])")),
            tried + "`content`: path 1: `path_base64` is for paths that are not UTF-8");
  EXPECT_EQ(complaint(with_content(R"([{"path_base64":"*"}])")),
            tried + "`content`: path 1: `*` is not base64");
}

TEST(ReadSetText, CutAnywhereIsRefused) {
  const std::string text = to_text({ReadsFrom::observed, {"a"}, {"b"}, {"c\xff"}});
  for (std::size_t length = 0; length < text.size(); ++length)
    EXPECT_FALSE(read_set_from_text(std::string_view(text).substr(0, length)));
}

}  // namespace
}  // namespace interlock::changes
