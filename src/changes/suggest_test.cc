#include "changes/suggest.h"

#include <gmock/gmock.h>

#include "footprint/glob.h"

namespace interlock::changes {
namespace {

using testing::ElementsAre;

std::vector<std::string> many(const std::string& folder, int count, const std::string& ending) {
  std::vector<std::string> paths;
  for (int i = 0; i < count; ++i) paths.push_back(folder + "/f" + std::to_string(i) + ending);
  return paths;
}

TEST(Suggest, a_few_paths_stand_for_themselves) {
  EXPECT_THAT(patterns_for({"src/a.cc", "README.md"}), ElementsAre("README.md", "src/a.cc"));
}

TEST(Suggest, many_alike_in_one_folder_become_a_pattern) {
  EXPECT_THAT(patterns_for(many("src", 9, ".cc")), ElementsAre("src/*.cc"));
  auto mixed = many("src", 3, ".cc");
  for (const auto& path : many("src", 3, ".h")) mixed.push_back(path);
  EXPECT_THAT(patterns_for(mixed), ElementsAre("src/*"));
}

TEST(Suggest, many_folders_become_the_folder_above_them) {
  std::vector<std::string> paths;
  for (int i = 0; i < 30; ++i) paths.push_back("src/m" + std::to_string(i) + "/x.cc");
  paths.push_back("README.md");
  EXPECT_THAT(patterns_for(paths), ElementsAre("README.md", "src/**"));
}

TEST(Suggest, a_name_full_of_wildcards_is_taken_as_it_is) {
  EXPECT_THAT(patterns_for({"a[1]*.md"}), ElementsAre(footprint::escape("a[1]*.md")));
}

TEST(Suggest, every_path_is_matched_whatever_the_number) {
  for (const std::size_t most : {1u, 3u, 12u}) {
    std::vector<std::string> paths;
    for (int i = 0; i < 40; ++i)
      paths.push_back("d" + std::to_string(i % 7) + "/e" + std::to_string(i % 5) + "/f" +
                      std::to_string(i) + ".txt");
    const auto patterns = patterns_for(paths, most);
    const auto set = footprint::PatternSet::parse(patterns).value();
    EXPECT_LE(patterns.size(), most);
    for (const std::string& path : paths) EXPECT_TRUE(set.matches(path)) << path;
  }
}

Observation whole(std::string run, std::vector<std::string> content,
                  std::vector<std::string> written) {
  return {std::move(run),
          {ReadsFrom::observed, std::move(content), {}, {}},
          {true, std::move(written), {}},
          {},
          {}};
}

std::string text_of(const Touched& touched) {
  const auto list = [](const std::set<std::string>& paths) {
    std::string text;
    for (const std::string& path : paths) text += (text.empty() ? "" : " ") + path;
    return text;
  };
  return "reads " + list(touched.reads) + "; writes " + list(touched.writes) + "; runs " +
         std::to_string(touched.runs);
}

TEST(Touched, is_what_all_runs_together_showed) {
  const std::vector<Observation> all{whole("r1", {"a"}, {"same"}), whole("r2", {"b"}, {"other"}),
                                     whole("r2", {"c"}, {})};
  EXPECT_EQ(text_of(touched_in(all)), "reads a b c; writes other same; runs 2");
}

TEST(Touched, counts_only_runs_in_which_nothing_can_have_escaped) {
  Observation declared = whole("r1", {"never seen"}, {"w"});
  declared.reads.from = ReadsFrom::declared;
  Observation partial = whole("r2", {"a"}, {"v"});
  partial.writes.complete = false;
  EXPECT_EQ(text_of(touched_in(std::vector{declared, partial})), "reads a; writes v w; runs 0");
}

TEST(Touched, what_was_looked_for_is_read_but_not_the_folders_on_the_way) {
  Observation one = whole("r", {"src/a"}, {"out", "out/x"});
  one.reads.presence = {"flag", "lib", "out", "src"};
  one.reads.listing = {"", "src"};
  EXPECT_EQ(text_of(touched_in(std::vector{one})),
            "reads * flag lib src/* src/a; writes out/x; runs 1");
}

TEST(Touched, files_that_came_and_went_are_written_unless_their_names_were_made_up) {
  Observation one = whole("r1", {}, {"f"}), two = whole("r2", {}, {"f"});
  one.writes.passing = {"build.log", "sedX3b9Qz", "tmp.4711", "tmp/aB3xY9/part"};
  two.writes.passing = {"sedAAb9Qz", "tmp.4711"};
  EXPECT_EQ(text_of(touched_in(std::vector{one, two})),
            "reads ; writes build.log f tmp.4711; runs 2");
}

}  // namespace
}  // namespace interlock::changes
