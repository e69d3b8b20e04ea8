#include "footprint/temporary.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace interlock::footprint {
namespace {

bool is_beside(const std::vector<std::string>& writes, std::string_view path) {
  return is_temporary_beside(path, *PatternSet::parse(writes));
}

TEST(Temporary, NamesOfWhatIsRenamedOverADeclaredFile) {
  const std::vector<std::string> writes{"hello.txt", "notes/*.md"};
  for (const char* path :
       {"hello.txt.tmp", "hello.txt.tmp.4711", "hello.txt.tmp.4711.1732600000", ".hello.txt.tmp",
        "hello.txt.4711.tmp", ".hello.txt.x7.tmpAb", "hello.txt.temp-1", "notes/a.md.tmp.1"})
    EXPECT_TRUE(is_beside(writes, path)) << path;
}

TEST(Temporary, AreNeitherOtherFilesNorThoseBesideUndeclaredOnes) {
  const std::vector<std::string> writes{"hello.txt", "notes/*.md", "!notes/kept.md"};
  for (const char* path :
       {"hello.txt", "hello.txt.bak", "hello.tmp", "hello.txt~", "other.txt.tmp.1",
        "sub/hello.txt.tmp", "notes/a.txt.tmp", "notes/kept.md.tmp", "notes/deep/a.md.tmp", "tmp",
        ".tmp", "hello.txt.xtmp", "", "notes/"})
    EXPECT_FALSE(is_beside(writes, path)) << path;
}

TEST(Temporary, AreNoneWhereNothingIsWritten) { EXPECT_FALSE(is_beside({}, "hello.txt.tmp.1")); }

}  // namespace
}  // namespace interlock::footprint
