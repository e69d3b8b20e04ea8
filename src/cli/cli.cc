#include "cli/cli.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <sstream>
#include <string>

#include "base/text.h"
#include "cli/command_line.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "cli/synonyms.h"
#include "engine/attendance.h"
#include "process/attending.h"
#include "process/secrecy.h"

namespace interlock::cli {

namespace {

std::string default_state_folder() {
  if (const char* state = std::getenv("XDG_STATE_HOME"); state != nullptr && *state == '/') {
    return std::string(state) + "/interlock";
  }
  if (const char* home = std::getenv("HOME"); home != nullptr && *home == '/') {
    return std::string(home) + "/.local/state/interlock";
  }
  return {};
}

/// Commands that this one starts find the same store. Attempts are not given the variable: it may
/// hold a password.
std::string store_of(const Options& options) {
  constexpr const char* kVariable = "INTERLOCK_STORE";
  if (!options.store.empty()) ::setenv(kVariable, options.store.c_str(), 1);
  const char* store = std::getenv(kVariable);
  return store != nullptr ? store : "";
}

panel::ColorMode color_of(const Options& options) {
  return options.color == "always"  ? panel::ColorMode::always
         : options.color == "never" ? panel::ColorMode::never
                                    : panel::ColorMode::automatic;
}

/// Where a person stands; empty where that cannot be told (the folder was deleted).
std::string folder_stood_in() {
  std::error_code trouble;
  return std::filesystem::canonical(".", trouble).string();
}

Exit dispatch_verb(const CommandLine& line, Console& console) {
  const Options& options = line.options();
  Context context{options.state.empty() ? default_state_folder() : options.state,
                  options.json,
                  {folder_stood_in(), options.any},
                  console};
  if (context.state_folder.empty() && line.journal() == Journal::needed) {
    return console.complain(
        {Error::Kind::invalid,
         "there is no place for the journal: neither HOME nor XDG_STATE_HOME is set",
         "pass `--state DIR`"});
  }
  context.store = store_of(options);
  const auto exit = line.verb()(context, options);
  return exit ? *exit : console.complain(exit.error());
}

/// A descriptor that is closed would be given to the next file that is opened, and what is said
/// would go into that: a journal, for one. What is written to a folder that was opened to read is
/// refused, and so told.
void hold_standard_streams() {
  for (const int number : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(number, F_GETFD) >= 0) continue;
    const int held = ::open("/dev/null", number == STDERR_FILENO ? O_WRONLY : O_RDONLY);
    if (held >= 0 && held != number) {
      ::dup2(held, number);
      ::close(held);
    }
  }
}

/// Before the command line could be understood.
bool asks_for_json(int argc, char** argv) {
  return std::any_of(argv + 1, argv + argc,
                     [](const char* word) { return std::string_view(word) == "--json"; });
}

/// A mistyped verb is the commonest mistake, and CLI11 would only say that one is missing.
std::optional<Error> unknown_verb(const CLI::App& app, const std::string& word) {
  std::vector<std::string> verbs;
  for (const CLI::App* sub : app.get_subcommands({})) {
    if (sub->get_name() == word) return std::nullopt;
    if (!sub->get_group().empty()) verbs.push_back(sub->get_name());
  }
  if (word.starts_with('-')) return std::nullopt;
  const std::string other = verb_meant(word);
  const auto near = nearest_word(word, verbs);
  return Error{Error::Kind::invalid, fmt::format("there is no command `{}`", printable(word)),
               !other.empty() ? fmt::format("it is {} here", other)
               : near         ? fmt::format("did you mean `{}`?", *near)
                              : fmt::format("there are: {}", join_words(verbs, 20))};
}

/// What the root of an attempt with services is started as: no verb for people, and nothing of
/// what follows is its.
int attend_as(const char* file) {
  std::ifstream in(file, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(in)), {});
  const auto attendance = engine::read_attendance(text);
  if (attendance) return process::attend(*attendance);
  fmt::print(stderr, "interlock: {}\n", attendance.error().message);
  return static_cast<int>(Exit::wrong);
}

}  // namespace

int run_interlock(int argc, char** argv) {
  hold_standard_streams();  // First: whatever is opened next must not come to stand there.
  if (argc == 3 && std::string_view(argv[1]) == "attend") return attend_as(argv[2]);
  process::hide_environment();
  ::signal(SIGPIPE, SIG_IGN);  // A reader that goes away is told by write().
  CommandLine line;
  Console early(panel::ColorMode::automatic, false, asks_for_json(argc, argv));
  if (argc < 2) {
    early.insist(line.app().help());
    return static_cast<int>(Exit::wrong);
  }
  std::vector<std::string> words = arguments_of(argc, argv);
  if (const auto unknown = unknown_verb(line.app(), words.front()))
    return static_cast<int>(early.close(early.complain(*unknown)));
  try {
    std::ranges::reverse(words);  // CLI11 takes them from the end.
    line.app().parse(std::move(words));
  } catch (const CLI::Success& asked) {
    const bool is_version = dynamic_cast<const CLI::CallForVersion*>(&asked) != nullptr;
    if (is_version && asks_for_json(argc, argv)) {
      early.result(pretty_json(json::object{{"version", 1}, {"release", kVersion}}));
      return static_cast<int>(early.close(Exit::done));
    }
    std::ostringstream out, err;
    line.app().exit(asked, out, err);
    early.result(out.str());
    return static_cast<int>(early.close(Exit::done));
  } catch (const CLI::ParseError& error) {
    return static_cast<int>(
        early.close(early.complain({Error::Kind::invalid, error.what(), hint_for(argc, argv)})));
  }
  Console console(color_of(line.options()), line.options().quiet, line.options().json);
  Exit exit = Exit::failed;
  try {
    exit = dispatch_verb(line, console);
  } catch (const std::bad_alloc&) {
    exit = console.complain({Error::Kind::io, "there is not enough memory for this",
                             "a plan takes about 1.5 KB for each task; split it, or raise what "
                             "`ulimit -v` or the container allows"});
  }
  return static_cast<int>(console.close(exit));
}

}  // namespace interlock::cli
