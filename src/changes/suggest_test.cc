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

}  // namespace
}  // namespace interlock::changes
