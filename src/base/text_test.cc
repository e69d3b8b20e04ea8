#include "base/text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace interlock {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

using Words = std::vector<std::string>;

TEST(NearestWord, is_the_one_most_likely_meant) {
  const Words keys = {"prompt", "prompt_file", "reads", "writes", "needs", "uses", "gate", "merge"};
  EXPECT_EQ(nearest_word("promt", keys), "prompt") << "a letter is missing";
  EXPECT_EQ(nearest_word("promppt", keys), "prompt") << "a letter is too much";
  EXPECT_EQ(nearest_word("wrytes", keys), "writes") << "a letter is wrong";
  EXPECT_EQ(nearest_word("nedes", keys), "needs") << "two letters are swapped";
  EXPECT_EQ(nearest_word("Merge", keys), "merge") << "case is not a difference";
  EXPECT_EQ(nearest_word("gate", keys), "gate");
}

TEST(NearestWord, is_nothing_when_none_is_near) {
  const Words keys = {"prompt", "reads", "id"};
  EXPECT_EQ(nearest_word("colour", keys), std::nullopt);
  EXPECT_EQ(nearest_word("", keys), std::nullopt);
  EXPECT_EQ(nearest_word("prompt", Words{}), std::nullopt);
  EXPECT_EQ(nearest_word("x", Words{"y"}), std::nullopt) << "nothing in common is not a likeness";
  EXPECT_EQ(nearest_word("x", Words{"xy"}), "xy");
}

TEST(NearestWord, may_differ_by_a_third) {
  EXPECT_EQ(nearest_word("abcdef", Words{"abcdXY"}), "abcdXY");
  EXPECT_EQ(nearest_word("abcdef", Words{"abcXYZ"}), std::nullopt);
  EXPECT_EQ(nearest_word("ab", Words{"ba"}), "ba");
}

TEST(NearestWord, edits_no_letter_twice) {
  // By swapping and then inserting between the swapped, `ca` would be two edits from `abc`.
  EXPECT_EQ(nearest_word("cazzzz", Words{"abczzzz"}), std::nullopt);
}

TEST(NearestWord, takes_the_first_of_equals) {
  EXPECT_EQ(nearest_word("cat", Words{"bat", "rat"}), "bat");
  EXPECT_EQ(nearest_word("cat", Words{"bat", "cat"}), "cat");
}

TEST(NearestWord, counts_characters_and_not_bytes) {
  EXPECT_EQ(nearest_word("größe", Words{"grosse", "grösse", "größen"}), "größen");
  EXPECT_EQ(nearest_word("äöü", Words{"aou"}), std::nullopt);
}

TEST(NearestWord, gives_up_on_a_word_of_absurd_length) {
  const std::string absurd(1'000'000, 'x');
  EXPECT_EQ(nearest_word(absurd, Words{absurd}), std::nullopt);
  EXPECT_EQ(nearest_word("x", Words{absurd}), std::nullopt);
}

TEST(Utf8, is_well_formed_up_to_its_last_character) {
  EXPECT_EQ(first_bad_utf8(""), std::nullopt);
  EXPECT_EQ(first_bad_utf8("plain"), std::nullopt);
  EXPECT_EQ(first_bad_utf8("\xc2\x80 \xdf\xbf \xe0\xa0\x80 \xed\x9f\xbf \xee\x80\x80 \xef\xbf\xbf"),
            std::nullopt);
  EXPECT_EQ(first_bad_utf8("\xf0\x90\x80\x80 \xf4\x8f\xbf\xbf"), std::nullopt);
  EXPECT_EQ(first_bad_utf8(std::string_view("a\0b", 3)), std::nullopt);
}

TEST(Utf8, is_bad_at_the_byte_that_breaks_it) {
  const std::pair<std::string_view, const char*> cases[] = {
      {"ab\x80", "a continuation alone"},       {"ab\xc3", "cut after one byte"},
      {"ab\xe2\x82", "cut after two"},          {"ab\xf0\x9f\x98", "cut after three"},
      {"ab\xc0\xaf", "overlong in two"},        {"ab\xc1\xbf", "overlong in two"},
      {"ab\xe0\x9f\xbf", "overlong in three"},  {"ab\xf0\x8f\xbf\xbf", "overlong in four"},
      {"ab\xed\xa0\x80", "a surrogate"},        {"ab\xed\xbf\xbf", "a surrogate"},
      {"ab\xf4\x90\x80\x80", "beyond Unicode"}, {"ab\xf5\x80\x80\x80", "beyond Unicode"},
      {"ab\xff", "never a byte of UTF-8"},      {"ab\xc3(", "an ASCII byte inside"},
      {"ab\xe2\x82(", "an ASCII byte inside"},  {"ab\xf0\x9f\x98(", "an ASCII byte inside"},
  };
  for (const auto& [text, what] : cases) EXPECT_EQ(first_bad_utf8(text), 2) << what;
}

TEST(DisplayWidth, is_what_a_terminal_takes) {
  const std::pair<std::string_view, std::size_t> cases[] = {
      {"", 0},
      {"plain", 5},
      {"größe", 5},
      {"日本語", 6},
      {"한글", 4},
      {"ｆｕｌｌ", 8},
      {"ｶﾅ", 2},
      {"e\u0301", 1},             // e and a combining accent
      {"\u1112\u1161\u11ab", 2},  // a Hangul syllable in three parts
      {"a\u200bb", 2},            // a zero-width space
      {"…", 1},
      {"█▏", 2},
      {"✓", 1},
  };
  for (const auto& [text, width] : cases) EXPECT_EQ(display_width(text), width) << text;
}

TEST(DisplayWidth, counts_an_emoji_of_many_parts_once) {
  const std::pair<std::string_view, std::size_t> cases[] = {
      {"🚆", 2},
      {"⌛", 2},
      {"❤", 1},
      {"❤\ufe0f", 2},       // text style, emoji style
      {"👍\U0001f3fd", 2},  // with a skin tone
      {"👩\u200d👩\u200d👧", 2},
      {"👩\u200d⚕\ufe0f", 2},  // joined
      {"\U0001f1e9\U0001f1ea", 2},
      {"\U0001f1e9\U0001f1ea\U0001f1eb\U0001f1f7", 4},  // flags
      {"👩👧", 4},
  };
  for (const auto& [text, width] : cases) EXPECT_EQ(display_width(text), width) << text;
}

TEST(DisplayWidth, joins_nothing_but_emoji) {
  EXPECT_EQ(display_width("中\u200d中"), 4);
  EXPECT_EQ(display_width("a\u200db"), 2);
  EXPECT_EQ(display_width("a\ufe0f"), 1);
  EXPECT_EQ(display_width("👩\u200dabc"), 5);
}

TEST(DisplayWidth, counts_each_bad_byte_as_the_mark_it_is_shown_as) {
  EXPECT_EQ(display_width("a\xff\xfe"), 3);
}

TEST(ElideEnd, cuts_what_is_too_wide_and_marks_the_cut) {
  EXPECT_EQ(elide_end("research", 8), "research");
  EXPECT_EQ(elide_end("research", 7), "resear…");
  EXPECT_EQ(elide_end("research", 1), "…");
  EXPECT_EQ(elide_end("research", 0), "");
  EXPECT_EQ(elide_end("", 0), "");
}

TEST(ElideEnd, splits_no_character) {
  EXPECT_EQ(elide_end("日本語", 6), "日本語");
  EXPECT_EQ(elide_end("日本語", 5), "日本…");
  EXPECT_EQ(elide_end("日本語", 4), "日…") << "a column stays free, half a character is none";
  EXPECT_EQ(elide_end("e\u0301e\u0301e\u0301", 2), "e\u0301…");
  EXPECT_EQ(elide_end("👩\u200d👩\u200d👧 family", 4), "👩\u200d👩\u200d👧 …");
}

TEST(ElideMiddle, keeps_both_ends) {
  EXPECT_EQ(elide_middle("src/auth/login.cc", 17), "src/auth/login.cc");
  EXPECT_EQ(elide_middle("src/auth/login.cc", 11), "src/a…in.cc");
  EXPECT_EQ(elide_middle("src/auth/login.cc", 10), "src/a…n.cc");
  EXPECT_EQ(elide_middle("research", 2), "r…");
  EXPECT_EQ(elide_middle("research", 1), "…");
  EXPECT_EQ(elide_middle("research", 0), "");
  EXPECT_EQ(elide_middle("日本語日本語", 6), "日…語");
}

TEST(Elide, is_never_wider_than_asked) {
  const std::string_view text = "a日e\u0301👩\u200d👩\u200d👧\xff\U0001f1e9\U0001f1ea中x";
  for (std::size_t columns = 0; columns < 16; ++columns) {
    EXPECT_LE(display_width(elide_end(text, columns)), columns);
    EXPECT_LE(display_width(elide_middle(text, columns)), columns);
  }
}

TEST(Pad, fills_up_to_columns_on_the_terminal) {
  EXPECT_EQ(pad("ab", 4), "ab  ");
  EXPECT_EQ(pad_left("ab", 4), "  ab");
  EXPECT_EQ(pad("日", 4), "日  ");
  EXPECT_EQ(pad_left("日", 4), "  日");
  EXPECT_EQ(pad("abcd", 4), "abcd");
  EXPECT_EQ(pad("abcde", 4), "abcde");
  EXPECT_EQ(pad_left("", 0), "");
}

TEST(Printable, leaves_honest_text_alone) {
  for (const std::string_view text :
       {"", "plain", "größe 日本語 👩\u200d👩\u200d👧 ❤\ufe0f", "می\u200cخواهم"}) {
    EXPECT_EQ(printable(text), text);
  }
}

TEST(Printable, takes_escape_sequences_out) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"\x1b[31mred\x1b[0m", "red"},
      {"\x1b[38;2;1;2;3mrgb", "rgb"},
      {"\x1b[?1049hscreen", "screen"},
      {"\x1b[2 qcursor", "cursor"},
      {"\x1b]0;title\a!", "!"},
      {"\x1b]8;;http://example.org\x1b\\link\x1b]8;;\x1b\\", "link"},
      {"\x1b]52;c;cm0gLXJmIH4=\a!", "!"},
      {"\x1bP+q544e\x1b\\!", "!"},
      {"\x1b_app\x1b\\\x1b^privacy\x1b\\\x1bXstring\x1b\\!", "!"},
      {"\x1b"
       "c\x1b(B\x1b#8\x1b=!",
       "!"},
  };
  for (const auto& [text, shown] : cases) EXPECT_EQ(printable(text), shown);
}

TEST(Printable, takes_the_c1_forms_of_escape_sequences_out) {
  EXPECT_EQ(printable("\xc2\x9b"
                      "31mred"),
            "red");
  EXPECT_EQ(printable("\xc2\x9d"
                      "0;title\xc2\x9c!"),
            "!");
  EXPECT_EQ(printable("\x1b]0;title\xc2\x9c!"), "!");
  EXPECT_EQ(printable("a\xc2\x85"
                      "b\xc2\x84"
                      "c"),
            "abc");
  EXPECT_EQ(printable("\x9b"
                      "31mred"),
            "\ufffd31mred")
      << "a bare C1 byte is not UTF-8";
}

TEST(Printable, lets_no_unfinished_sequence_hide_what_follows) {
  EXPECT_EQ(printable("\x1b]0;the rest"), "0;the rest");
  EXPECT_EQ(printable("\x1b]0;one line\nnext\a"), "0;one line␊next␇");
  EXPECT_EQ(printable("\x1b[31"), "");
  EXPECT_EQ(printable("\x1b[31\nnext"), "␊next");
  EXPECT_EQ(printable("\x1b"), "");
  EXPECT_EQ(printable("\x1b\x1b[31mred"), "red");
  EXPECT_EQ(printable("\x1b[3\x1b[31mred"), "red");
  EXPECT_EQ(printable("\x1b日本"), "日本");
}

TEST(Printable, ends_a_string_where_another_sequence_breaks_it_off) {
  EXPECT_EQ(printable("\x1b]0;title\x1b[31mred\a"), "0;titlered␇");
  EXPECT_EQ(printable("\x1b]0;title\xc2\x9b"
                      "31mred\a"),
            "0;titlered␇");
}

TEST(Printable, takes_no_more_than_one_look_at_hostile_noise) {
  // Were each string searched to the end of the text, these would take hours.
  for (const std::string_view start : {"\x1b]", "\xc2\x9d", "\x1b[", "\x1b(", "\x1bP\x1b"}) {
    std::string noise;
    for (int i = 0; i < 200'000; ++i) noise += start;
    EXPECT_LT(printable(noise).size(), noise.size());
  }
}

TEST(Printable, leaves_no_sequence_behind_when_one_is_inside_another) {
  EXPECT_EQ(printable("\x1b\x1b[0m[31mred"), "[31mred");
  EXPECT_EQ(printable("\xc2\x1b[0m\x9b"
                      "31m"),
            "\ufffd\ufffd31m");
}

TEST(Printable, shows_control_characters) {
  EXPECT_EQ(printable("10%\r20%\b\x7f"), "10%␍20%␈␡");
  EXPECT_EQ(printable(std::string_view("a\0b\n", 4)), "a␀b␊");
}

TEST(Printable, sets_tabs_to_every_eighth_column) {
  EXPECT_EQ(printable("\ta"), "        a");
  EXPECT_EQ(printable("ab\tc"), "ab      c");
  EXPECT_EQ(printable("12345678\tc"), "12345678        c");
  EXPECT_EQ(printable("日本\tc"), "日本    c");
}

TEST(Printable, takes_out_what_deceives_the_eye) {
  EXPECT_EQ(printable("access\u202e\u2066// admin\u2069\u2066"), "access// admin");
  EXPECT_EQ(printable("a\u200eb\u200fc\u061cd\u200be\u2060f\ufeffg\u2028h\u2029i"), "abcdefghi");
  EXPECT_EQ(printable("hi\U000e0041\U000e007f!"), "hi!") << "tags can carry a hidden prompt";
}

TEST(Printable, shows_bytes_that_are_no_text_as_such) {
  EXPECT_EQ(printable("a\xff\xe2\x82z"), "a\ufffd\ufffd\ufffdz");
}

TEST(Printable, is_done_after_once) {
  constexpr std::string_view kNoise = "\x1b[]P;m\a\\\n\x9b\xc2\xe2\x80\xae\t\r日";
  std::string noise;
  std::mt19937 random(1);
  for (int i = 0; i < 100'000; ++i) noise += kNoise[random() % kNoise.size()];
  const std::string once = printable(noise);
  EXPECT_EQ(printable(once), once);
  EXPECT_EQ(first_bad_utf8(once), std::nullopt);
}

TEST(JoinWords, reads_as_a_sentence) {
  EXPECT_EQ(join_words(Words{}), "");
  EXPECT_EQ(join_words(Words{"a"}), "a");
  EXPECT_EQ(join_words(Words{"a", "b"}), "a and b");
  EXPECT_EQ(join_words(Words{"a", "b", "c"}), "a, b and c");
  EXPECT_EQ(join_words(Words{"a", "b", "c", "d"}), "a, b, c and d");
}

TEST(JoinWords, counts_what_it_does_not_name) {
  EXPECT_EQ(join_words(Words{"a", "b", "c", "d", "e"}), "a, b, c and 2 more");
  EXPECT_EQ(join_words(Words{"a", "b", "c", "d", "e", "f", "g", "h", "i"}, 3), "a, b and 7 more");
  EXPECT_EQ(join_words(Words{"a", "b", "c"}, 0), "a and 2 more") << "one is always named";
}

TEST(SplitLines, ends_lines_as_unix_and_as_dos_do) {
  EXPECT_THAT(split_lines(""), IsEmpty());
  EXPECT_THAT(split_lines("a"), ElementsAre("a"));
  EXPECT_THAT(split_lines("a\n"), ElementsAre("a"));
  EXPECT_THAT(split_lines("a\n\nb"), ElementsAre("a", "", "b"));
  EXPECT_THAT(split_lines("\n"), ElementsAre(""));
  EXPECT_THAT(split_lines("a\r\nb\rc\r\n"), ElementsAre("a", "b\rc"));
  EXPECT_THAT(split_lines("a\r"), ElementsAre("a\r")) << "no line end without a line feed";
}

TEST(ShellQuote, leaves_safe_words_bare) {
  for (const char* word : {"make", "./run.sh", "-j4", "--jobs=4", "user@host:path", "a,b+c%d_e"}) {
    EXPECT_EQ(shell_quote(word), word);
  }
}

TEST(ShellQuote, quotes_all_that_a_shell_would_read) {
  EXPECT_EQ(shell_quote(""), "''");
  EXPECT_EQ(shell_quote("two words"), "'two words'");
  EXPECT_EQ(shell_quote("it's"), "'it'\\''s'");
  EXPECT_EQ(shell_quote("A=b"), "'A=b'");
  EXPECT_EQ(shell_quote("größe"), "'größe'");
  for (const char c : std::string_view("~$`\"\\*?[]{}()<>|&;!#\n\t^")) {
    EXPECT_EQ(shell_quote(std::string(1, c)), std::string("'") + c + "'");
  }
}

}  // namespace
}  // namespace interlock
