#include "footprint/glob.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace interlock::footprint {
namespace {

Glob glob(std::string_view pattern) {
  auto parsed = Glob::parse(pattern);
  EXPECT_TRUE(parsed.has_value()) << pattern << ": " << parsed.error().message;
  return std::move(*parsed);
}

/// Which of some paths a pattern matches.
std::string matches_of(std::string_view pattern, std::vector<std::string_view> paths) {
  const Glob parsed = glob(pattern);
  std::string matched;
  for (const std::string_view path : paths) {
    if (!parsed.matches(path)) continue;
    if (!matched.empty()) matched += ' ';
    matched += path;
  }
  return matched;
}

std::string refusal_of(std::string_view pattern) {
  const auto parsed = Glob::parse(pattern);
  return parsed ? "accepted" : parsed.error().message + "; " + parsed.error().hint;
}

TEST(Glob, a_plain_path_means_the_file_or_the_folder_and_all_below_it) {
  EXPECT_EQ(matches_of("src/auth", {"src", "src/auth", "src/auth/a.cc", "src/auth/x/y",
                                    "src/authors", "x/src/auth"}),
            "src/auth src/auth/a.cc src/auth/x/y");
}

TEST(Glob, wildcards_stay_within_a_segment_and_match_a_leading_dot) {
  EXPECT_EQ(
      matches_of("src/*.md", {"src/a.md", "src/.md", "src/x/a.md", "src/a.mdx", "src/a.md/b"}),
      "src/a.md src/.md");
  EXPECT_EQ(matches_of("?/*", {"a/b", "a/.b", "ab/c", "a", "a/b/c"}), "a/b a/.b");
}

TEST(Glob, two_stars_take_any_number_of_segments_and_at_the_end_at_least_one) {
  EXPECT_EQ(matches_of("a/**", {"a", "a/b", "a/b/c", "ab"}), "a/b a/b/c");
  EXPECT_EQ(matches_of("a/**/b", {"a/b", "a/x/b", "a/x/y/b", "a/xb", "ab"}), "a/b a/x/b a/x/y/b");
  EXPECT_EQ(matches_of("**/x", {"x", "a/x", "a/b/x", "ax", "x/a"}), "x a/x a/b/x");
  EXPECT_EQ(matches_of("**/**/x/**/**", {"x", "x/a", "a/x/b/c"}), "x/a a/x/b/c");
  EXPECT_EQ(matches_of("**", {"a", "a/b"}), "a a/b");
}

TEST(Glob, classes_match_one_character_and_never_a_slash) {
  EXPECT_EQ(matches_of("[a-c]x*", {"ax", "cx1", "dx", "x"}), "ax cx1");
  EXPECT_EQ(matches_of("a[!b-y]*", {"aa", "ab", "az", "a/", "a/z", "a-"}), "aa az a-");
  EXPECT_EQ(matches_of("[]x]?", {"]1", "x1", "a1"}), "]1 x1");
  EXPECT_EQ(matches_of("a[+-9]b*", {"a+b", "a.b", "a0b", "a/b", "a:b"}), "a+b a.b a0b");
  EXPECT_EQ(matches_of("[\\]\\-a]*", {"]", "-", "a", "b", "\\"}), "] - a");
}

TEST(Glob, braces_mean_exactly_the_patterns_they_unfold_to) {
  EXPECT_EQ(matches_of("{src,docs/*.md}", {"src", "src/a/b", "docs/a.md", "docs/a.md/b", "docs"}),
            "src src/a/b docs/a.md");
  EXPECT_EQ(matches_of("a{,/**}/b{c,{d,e}f}", {"a/bc", "a/x/bdf", "a/x/y/bef/z", "a/bd"}),
            "a/bc a/x/bdf");
  EXPECT_EQ(matches_of("{**/,}x*", {"x", "a/x", "a/b/xy", "ax"}), "x a/x a/b/xy");
}

TEST(Glob, an_unfolded_brace_without_wildcards_also_means_what_lies_below) {
  EXPECT_EQ(matches_of("a/{b,c*}", {"a/b/x", "a/c/x", "a/c"}), "a/b/x a/c");
}

TEST(Glob, a_backslash_makes_the_next_character_plain) {
  EXPECT_EQ(matches_of("\\*\\[a\\]\\{\\}", {"*[a]{}", "*[a]{}/b", "xa"}), "*[a]{} *[a]{}/b");
  EXPECT_EQ(glob("a\\*b/c").literal_prefix(), "a*b/c");
  EXPECT_EQ(glob("\\!important").literal_prefix(), "!important");
}

TEST(Glob, a_trailing_slash_means_the_folder_and_all_below) {
  EXPECT_EQ(matches_of("a/", {"a", "a/b"}), "a a/b");
  EXPECT_EQ(matches_of("a/*/", {"a", "a/b", "a/b/c/d"}), "a/b a/b/c/d");
}

TEST(Glob, the_text_is_normalised) {
  EXPECT_EQ(glob("./src//auth/").text(), "src/auth");
  EXPECT_EQ(glob("src/./*.md").text(), "src/*.md");
  EXPECT_EQ(glob("./{a,./b}").text(), "{a,b}");
  EXPECT_EQ(glob("./!a").text(), "\\!a");
  EXPECT_EQ(glob(".").text(), "**");
  EXPECT_EQ(glob("././/").text(), "**");
}

TEST(Glob, the_prefix_ends_before_the_first_segment_with_a_wildcard) {
  EXPECT_EQ(glob("src/auth/x*.md").literal_prefix(), "src/auth");
  EXPECT_EQ(glob("src/{a,b}/c").literal_prefix(), "src");
  EXPECT_EQ(glob("*.md").literal_prefix(), "");
  EXPECT_EQ(glob("src/\\?/**").literal_prefix(), "src/?");
}

TEST(Glob, a_character_is_a_code_point_and_a_stray_byte_is_one_of_its_own) {
  EXPECT_EQ(matches_of("?", {"ä", "日", "\xff", "ab", "\xe6\x97"}), "ä 日 \xff");
  EXPECT_EQ(matches_of("[α-ω]*", {"β", "b", "\xce"}), "β");
  EXPECT_EQ(matches_of("[!a]", {"\xff", "b", "a", "日"}), "\xff b 日");
  EXPECT_EQ(matches_of("\xff*", {"\xff", "\xfe", "\xff\xfe"}), "\xff \xff\xfe");
}

TEST(Glob, what_is_no_path_is_never_matched) {
  EXPECT_EQ(matches_of("**", {"", "/", "/a", "a/", "a//b", ".", "a/..", "./a", "..."}), "...");
  EXPECT_EQ(matches_of("*/x", {"/x", "a/x"}), "a/x");
}

TEST(Glob, a_bad_pattern_is_refused_with_its_column_and_a_way_out) {
  EXPECT_EQ(refusal_of(""),
            "pattern ``, column 1: it is empty; write `**` for the whole workspace");
  EXPECT_EQ(
      refusal_of("/etc/passwd"),
      "pattern `/etc/passwd`, column 1: the path is absolute; write it relative to the workspace");
  EXPECT_EQ(refusal_of("a/../../b"),
            "pattern `a/../../b`, column 3: `..` is not allowed; patterns are relative to the "
            "workspace and stay inside it");
  EXPECT_EQ(refusal_of("{a,..}/b*"),
            "pattern `{a,..}/b*`, column 4: `..` is not allowed; patterns are relative to the "
            "workspace and stay inside it");
  EXPECT_EQ(refusal_of("ä[a"),
            "pattern `ä[a`, column 2: `[` is never closed; write `\\[` for the character itself");
  EXPECT_EQ(refusal_of("a{b,c"),
            "pattern `a{b,c`, column 2: `{` is never closed; write `\\{` for the character itself");
  EXPECT_EQ(refusal_of("a}"),
            "pattern `a}`, column 2: `}` closes nothing; write `\\}` for the character itself");
  EXPECT_EQ(refusal_of("notes/{stem}.md"),
            "pattern `notes/{stem}.md`, column 7: these braces hold no comma; "
            "write `{a,b}` for either, `\\{` for the character itself");
  EXPECT_EQ(
      refusal_of("[z-a]"),
      "pattern `[z-a]`, column 2: the range runs backwards; write the smaller character first");
  EXPECT_EQ(refusal_of("[[:alpha:]]"),
            "pattern `[[:alpha:]]`, column 2: named classes such as `[:alpha:]` are not known; "
            "write a range such as `a-z`");
  EXPECT_EQ(refusal_of("[a/b]"),
            "pattern `[a/b]`, column 3: a class never matches `/`; write the slash outside, or use "
            "braces");
  EXPECT_EQ(refusal_of("src/**.md"),
            "pattern `src/**.md`, column 5: `**` must be a whole segment; "
            "write `**/*` for names at any depth, `*` within one folder");
  EXPECT_EQ(refusal_of("a{/,}**"),
            "pattern `a{/,}**`, column 6: `**` must be a whole segment; "
            "write `**/*` for names at any depth, `*` within one folder");
  EXPECT_EQ(refusal_of("a\\"),
            "pattern `a\\`, column 2: nothing follows the backslash; write `\\\\` for a backslash "
            "itself");
  EXPECT_EQ(refusal_of("a\\/b"),
            "pattern `a\\/b`, column 2: a slash is always one; write it without the backslash");
  EXPECT_EQ(refusal_of("!a"),
            "pattern `!a`, column 1: an exclusion stands alone; a name that begins with `!` is "
            "written `\\!`");
  EXPECT_EQ(refusal_of("a/[.]"),
            "pattern `a/[.]`, column 1: no path can match it; a path has no empty segments and "
            "none that is `.` or `..`");
  EXPECT_EQ(refusal_of("{,a}"),
            "pattern `{,a}`, column 1: one of its alternatives is empty; write `**` for the whole "
            "workspace");
}

TEST(Glob, what_is_too_large_is_refused) {
  EXPECT_THAT(refusal_of(std::string(5000, 'a')),
              testing::HasSubstr("it is 5000 bytes long, at most 4096 are allowed"));
  EXPECT_THAT(refusal_of(std::string(65, '{')),
              testing::HasSubstr("column 65: braces nest deeper than 64"));
}

TEST(Glob, many_braces_stay_small) {
  std::string pattern;
  for (int i = 0; i < 20; ++i) pattern += "{a,b}";
  Automaton made;
  EXPECT_LT(glob(pattern).automaton(made).states, 200u);
  EXPECT_EQ(matches_of(pattern, {"abababababababababab", "ababababababababababa"}),
            "abababababababababab");
}

TEST(Glob, an_escaped_path_means_itself) {
  const std::string path = "!a*[b]{c,d}\\?/e";
  EXPECT_EQ(glob(escape(path)).literal_prefix(), path);
}

TEST(PatternSet, matches_what_is_listed_and_not_excluded) {
  const auto set = PatternSet::parse(std::vector<std::string>{"src/**", "!src/gen", "docs"});
  ASSERT_TRUE(set.has_value());
  EXPECT_EQ(set->text(), "src/**, docs, !src/gen");
  EXPECT_TRUE(set->matches("src/a.cc"));
  EXPECT_TRUE(set->matches("docs/x"));
  EXPECT_FALSE(set->matches("src/gen/a.cc"));
  EXPECT_FALSE(set->matches("src"));
}

TEST(PatternSet, exclusions_alone_are_refused) {
  const auto set = PatternSet::parse(std::vector<std::string>{"!src/gen"});
  ASSERT_FALSE(set.has_value());
  EXPECT_EQ(set.error().message, "the patterns only exclude");
}

}  // namespace
}  // namespace interlock::footprint
