#include <gmock/gmock.h>

#include <sstream>

#include "e2e/cli_harness.h"

// What the binary says of itself: version and manual page.
namespace interlock::e2e {

namespace {

using ::testing::HasSubstr;

class Manual : public Cli {};

TEST_F(Manual, has_every_verb_that_help_has) {
  const std::string page = interlock({"man-page"}).out;
  EXPECT_THAT(page, ::testing::StartsWith(".TH INTERLOCK 1"));
  std::istringstream help(interlock({"--help"}).out);
  int verbs = 0;
  bool in_verbs = false;
  for (std::string line; std::getline(help, line);) {
    in_verbs |= line.starts_with("Subcommands:");
    if (!in_verbs || !line.starts_with("  ") || line[2] == ' ') continue;
    ++verbs;
    std::string verb = line.substr(2, line.find(' ', 2) - 2);
    for (std::size_t at = 0; (at = verb.find('-', at)) != std::string::npos; at += 2)
      verb.replace(at, 1, "\\-");
    EXPECT_THAT(page, HasSubstr(".SS interlock " + verb + "\n"));
  }
  EXPECT_GT(verbs, 20);
}

TEST_F(Manual, version_is_told_to_programs_too) {
  const std::string version = at(json_of({"--version"}), "/release");
  EXPECT_EQ(interlock({"--version"}).out, "interlock " + version + "\n");
}

}  // namespace

}  // namespace interlock::e2e
