#include "base/digest.h"

#include <gtest/gtest.h>

namespace interlock {
namespace {

// The digests are from FIPS 180-4's published examples.
constexpr const char* kOfAbc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
constexpr const char* kOfNothing =
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

TEST(Digest, is_the_published_one) {
  EXPECT_EQ(digest_of("abc").hex(), kOfAbc);
  EXPECT_EQ(digest_of("").hex(), kOfNothing);
  EXPECT_EQ(digest_of(std::string(1'000'000, 'a')).hex(),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Digest, is_brief_for_people) { EXPECT_EQ(digest_of("abc").brief(), "ba7816bf8f01"); }

TEST(Digest, is_read_back_from_its_text) {
  EXPECT_EQ(Digest::from_hex(kOfAbc), digest_of("abc"));
  EXPECT_NE(Digest::from_hex(kOfAbc), digest_of("abd"));
}

TEST(Digest, is_not_read_from_anything_else) {
  const std::string text = kOfAbc;
  EXPECT_EQ(Digest::from_hex(""), std::nullopt);
  EXPECT_EQ(Digest::from_hex(text.substr(1)), std::nullopt);
  EXPECT_EQ(Digest::from_hex(text + "0"), std::nullopt);
  EXPECT_EQ(Digest::from_hex("g" + text.substr(1)), std::nullopt);
  EXPECT_EQ(Digest::from_hex("BA7816BF" + text.substr(8)), std::nullopt) << "one text per digest";
}

TEST(Hasher, makes_piece_by_piece_what_is_made_at_once) {
  Hasher hasher;
  EXPECT_EQ(hasher.add("a").add("").add("bc").finish(), digest_of("abc"));
}

TEST(Hasher, is_empty_again_when_finished) {
  Hasher hasher;
  hasher.add("something").finish();
  EXPECT_EQ(hasher.finish().hex(), kOfNothing);
}

TEST(Hasher, goes_on_where_it_was_moved_to) {
  Hasher first;
  first.add("ab");
  Hasher second = std::move(first);
  EXPECT_EQ(second.add("c").finish(), digest_of("abc"));
}

TEST(Hasher, keeps_lists_of_fields_apart) {
  const auto digest_of_fields = [](std::initializer_list<std::string_view> fields) {
    Hasher hasher;
    for (const std::string_view field : fields) hasher.add_field(field);
    return hasher.finish();
  };
  EXPECT_NE(digest_of_fields({"ab", "c"}), digest_of_fields({"a", "bc"}));
  EXPECT_NE(digest_of_fields({"ab", ""}), digest_of_fields({"", "ab"}));
  EXPECT_NE(digest_of_fields({"abc"}), digest_of_fields({"abc", ""}));
  EXPECT_NE(digest_of_fields({}), digest_of_fields({""}));
}

TEST(Hasher, writes_a_field_as_eight_bytes_of_length_and_its_bytes) {
  const std::string_view length("\x03\0\0\0\0\0\0\0", 8);
  EXPECT_EQ(Hasher().add_field("abc").finish(), Hasher().add(length).add("abc").finish());
  const Digest inner = digest_of("abc");
  const std::string_view bytes(reinterpret_cast<const char*>(inner.bytes.data()), 32);
  EXPECT_EQ(Hasher().add_field(inner).finish(), Hasher().add_field(bytes).finish());
}

}  // namespace
}  // namespace interlock
