#include "cli/synonyms.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace interlock::cli {

namespace {

struct Synonym {
  std::string_view typed, hint;
};
constexpr Synonym kVerbs[] = {{"start", "`interlock run`"},   {"exec", "`interlock run`"},
                              {"execute", "`interlock run`"}, {"list", "`interlock runs`"},
                              {"ls", "`interlock runs`"},     {"status", "`interlock show`"},
                              {"logs", "`interlock log`"},    {"stop", "`interlock cancel`"},
                              {"kill", "`interlock cancel`"}, {"continue", "`interlock resume`"},
                              {"check", "`interlock plan`"},  {"validate", "`interlock plan`"},
                              {"lint", "`interlock plan`"},   {"dry-run", "`interlock plan`"},
                              {"new", "`interlock init`"}};
constexpr Synonym kOptions[] = {
    {"-j", "`--parallel N` says how many tasks run at once"},
    {"--jobs", "`--parallel N` says how many tasks run at once"},
    {"--max-parallel", "`--parallel N` says how many tasks run at once"},
    {"--concurrency", "`--parallel N` says how many tasks run at once"},
    {"-n", "`interlock plan` shows what would be run, and runs nothing"},
    {"--dry-run", "`interlock plan` shows what would be run, and runs nothing"},
    {"-f", "the plan's file is named without an option: `interlock run FILE`"},
    {"--file", "the plan's file is named without an option: `interlock run FILE`"},
    {"--force", "`--fresh` runs everything, also what has not changed"},
    {"-v", "`interlock log` shows what tasks printed, `interlock why` what became of one"},
    {"--verbose", "`interlock log` shows what tasks printed, `interlock why` what became of one"}};

}  // namespace

std::string hint_for(int argc, char** argv) {
  for (int at = 1; at < argc; ++at) {
    const std::string_view word(argv[at]);
    const auto meant = std::ranges::find_if(kOptions, [&](const Synonym& one) {
      const bool with_number = one.typed == "-j" && word.size() > 2 && word.starts_with("-j") &&
                               word.find_first_not_of("0123456789", 2) == word.npos;
      return word == one.typed || with_number || word.starts_with(fmt::format("{}=", one.typed));
    });
    if (meant != std::end(kOptions)) return std::string(meant->hint);
  }
  return "`interlock --help` and `interlock COMMAND --help` say what there is";
}

std::vector<std::string> arguments_of(int argc, char** argv) {
  std::vector<std::string> words(argv + 1, argv + argc);
  if (words.front() == "version") return {"--version"};
  if (words.front() != "help") return words;
  words.erase(words.begin());
  words.resize(std::min<std::size_t>(words.size(), 1));
  words.emplace_back("--help");
  return words;
}

std::string verb_meant(std::string_view typed) {
  const auto meant = std::ranges::find(kVerbs, typed, &Synonym::typed);
  return meant == std::end(kVerbs) ? std::string() : std::string(meant->hint);
}

}  // namespace interlock::cli
