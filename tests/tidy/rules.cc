#include "tidy/rules.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <sstream>

namespace interlock::tidy {
namespace {

constexpr std::array<std::string_view, 13> kPureFolders{
    "base",     "footprint", "changes", "condition", "plan",   "agents", "metering",
    "schedule", "history",   "decide",  "merge",     "engine", "mcp"};
constexpr std::array<std::string_view, 10> kAdapters{"sys",       "http",      "process", "journal",
                                                     "workspace", "snapshots", "schema",  "quota",
                                                     "gateway",   "chat"};
constexpr std::array<std::string_view, 4> kOrderedFolders{"schedule", "decide", "merge", "engine"};

/// A word that is not used, and what is used in its place.
struct Banned {
  std::string_view word;
  std::string_view instead;
};

constexpr std::string_view kAskClock = "the time comes from the Clock port, once a turn";
constexpr std::string_view kAskFiles = "files belong to the workspace and journal ports";
constexpr std::string_view kAskProcesses = "processes belong to the process port";
constexpr std::string_view kNoThreads = "the core is one thread";
constexpr std::string_view kSeeded = "randomness comes from a seed the caller gives";
constexpr std::string_view kAskCaller = "the environment is read by the faces and given on";

constexpr std::array kImpure{Banned{"steady_clock", kAskClock},
                             Banned{"system_clock", kAskClock},
                             Banned{"high_resolution_clock", kAskClock},
                             Banned{"clock_gettime", kAskClock},
                             Banned{"gettimeofday", kAskClock},
                             Banned{"std::time", kAskClock},
                             Banned{"sleep", kAskClock},
                             Banned{"usleep", kAskClock},
                             Banned{"nanosleep", kAskClock},
                             Banned{"sleep_for", kAskClock},
                             Banned{"sleep_until", kAskClock},
                             Banned{"getenv", kAskCaller},
                             Banned{"secure_getenv", kAskCaller},
                             Banned{"environ", kAskCaller},
                             Banned{"setenv", kAskCaller},
                             Banned{"::open", kAskFiles},
                             Banned{"fopen", kAskFiles},
                             Banned{"ifstream", kAskFiles},
                             Banned{"ofstream", kAskFiles},
                             Banned{"fstream", kAskFiles},
                             Banned{"std::filesystem", kAskFiles},
                             Banned{"fork", kAskProcesses},
                             Banned{"vfork", kAskProcesses},
                             Banned{"posix_spawn", kAskProcesses},
                             Banned{"execve", kAskProcesses},
                             Banned{"std::system", kAskProcesses},
                             Banned{"std::thread", kNoThreads},
                             Banned{"std::jthread", kNoThreads},
                             Banned{"std::async", kNoThreads},
                             Banned{"std::mutex", kNoThreads},
                             Banned{"pthread_create", kNoThreads},
                             Banned{"random_device", kSeeded},
                             Banned{"rand", kSeeded},
                             Banned{"srand", kSeeded},
                             Banned{"random_shuffle", kSeeded},
                             Banned{"abort", "say `check(...)`"},
                             Banned{"exit", "return a Result"}};

constexpr std::array kNowhere{
    Banned{"std::regex", "write a small parser: slow, and GCC 12 warns from inside it"},
    Banned{"co_await", "no coroutines: GCC 12 destroys temporaries twice"},
    Banned{"co_yield", "no coroutines: GCC 12 destroys temporaries twice"},
    Banned{"co_return", "no coroutines: GCC 12 destroys temporaries twice"}};

/// A place that may break a rule, and why.
struct Allowed {
  std::string_view path;
  std::string_view why;
};

constexpr std::array kMayAbort{
    Allowed{"src/base/check.cc", "the one place where a broken promise ends the process"}};
constexpr std::array<Allowed, 0> kMayBeUnordered{};
constexpr std::array<Allowed, 0> kMayBeLong{};

template <typename List>
bool is_allowed(const List& list, const Source& source) {
  return std::ranges::any_of(list,
                             [&](const Allowed& allowed) { return allowed.path == source.path; });
}

std::string complaint(const Source& source, std::size_t line, const std::string& what) {
  return source.path + ":" + std::to_string(line) + ": " + what;
}

std::optional<std::string> folder_of(const Source& source) {
  if (!source.is_in("src")) return std::nullopt;
  const std::size_t begin = std::string_view("src/").size();
  const std::size_t end = source.path.find('/', begin);
  if (end == std::string::npos) return std::nullopt;
  return source.path.substr(begin, end - begin);
}

template <typename Folders>
bool is_in_any(const Source& source, const Folders& folders) {
  const std::optional<std::string> folder = folder_of(source);
  return folder && std::ranges::find(folders, *folder) != folders.end();
}

bool is_test(const Source& source) { return source.is_in("tests") || source.ends_with("_test.cc"); }

bool is_word_part(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

/// Whether `word` stands in `line` with nothing of a longer name around it, and is no member of
/// something.
bool has_word(std::string_view line, std::string_view word) {
  for (std::size_t at = line.find(word); at != std::string_view::npos;
       at = line.find(word, at + 1)) {
    const std::size_t end = at + word.size();
    const bool begins =
        at == 0 || (!is_word_part(line[at - 1]) && line[at - 1] != '.' && line[at - 1] != '>');
    if (begins && (end == line.size() || !is_word_part(line[end]))) return true;
  }
  return false;
}

template <typename List>
void check_words(const Source& source, const List& banned, Complaints& complaints) {
  const std::vector<std::string> lines = lines_of(code_of(source.text));
  for (std::size_t i = 0; i < lines.size(); ++i) {
    for (const Banned& entry : banned) {
      if (!has_word(lines[i], entry.word)) continue;
      complaints.push_back(complaint(
          source, i + 1, "`" + std::string(entry.word) + "`: " + std::string(entry.instead)));
    }
  }
}

/// Words in `TwoWritersTakeTurns` or `two_writers_take_turns`.
std::ptrdiff_t words_in(std::string_view name) {
  const auto is_upper = [](char c) { return std::isupper(static_cast<unsigned char>(c)) != 0; };
  return std::max(std::ranges::count_if(name, is_upper), std::ranges::count(name, '_') + 1);
}

/// The path in `#include "path"`, or the name in `#include <name>` with its brackets; empty on
/// other lines.
std::string included(std::string_view line) {
  constexpr std::string_view kDirective = "#include ";
  if (!line.starts_with(kDirective)) return {};
  line.remove_prefix(kDirective.size());
  if (line.starts_with('"')) return std::string(line.substr(1, line.find('"', 1) - 1));
  return std::string(line.substr(0, line.find('>') + 1));
}

/// The words between the brackets of `name(...)`, for each such call in a CMake file.
std::vector<std::vector<std::string>> calls_of(std::string_view cmake, std::string_view name) {
  std::vector<std::vector<std::string>> calls;
  for (const std::string& line : lines_of(cmake)) {
    if (!line.starts_with(std::string(name) + "(")) continue;
    std::istringstream arguments(line.substr(name.size() + 1, line.find(')') - name.size() - 1));
    std::vector<std::string>& words = calls.emplace_back();
    for (std::string word; arguments >> word;) words.push_back(word);
  }
  return calls;
}

}  // namespace

Layers layers_of_build(std::string_view cmake_lists) {
  Layers layers;
  for (const std::vector<std::string>& call : calls_of(cmake_lists, "interlock_library")) {
    std::set<std::string>& used = layers[call.front()];
    bool names_uses = false;
    for (const std::string& word : call) {
      if (word == "USES" || word == "LINKS") {
        names_uses = word == "USES";
      } else if (names_uses) {
        // Whoever is used has been declared before, so its own set is complete.
        used.insert(word);
        used.insert(layers[word].begin(), layers[word].end());
      }
    }
  }
  layers["main"] = layers["cli"];
  layers["main"].insert("cli");
  return layers;
}

Complaints check_layers(const Source& source, const Layers& layers) {
  const std::optional<std::string> folder = folder_of(source);
  if (!folder || !source.is_cpp()) return {};
  const auto layer = layers.find(*folder);
  if (layer == layers.end())
    return {complaint(source, 1, "`src/" + *folder + "` has no layer in CMakeLists.txt")};
  Complaints complaints;
  const std::vector<std::string> lines = lines_of(source.text);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const std::string path = included(lines[i]);
    const std::string target = path.substr(0, path.find('/'));
    if (path.starts_with('<') || !layers.contains(target)) continue;
    if (target == *folder || layer->second.contains(target)) continue;
    complaints.push_back(
        complaint(source, i + 1, "`" + *folder + "` may not use `" + target + "`"));
  }
  return complaints;
}

Complaints check_purity(const Source& source) {
  Complaints complaints;
  if (is_in_any(source, kPureFolders) && source.is_cpp() && !is_test(source) &&
      !is_allowed(kMayAbort, source)) {
    check_words(source, kImpure, complaints);
  }
  return complaints;
}

Complaints check_constructs(const Source& source) {
  Complaints complaints;
  if (!source.is_cpp()) return complaints;
  check_words(source, kNowhere, complaints);
  if (is_in_any(source, kOrderedFolders) && !is_test(source) &&
      !is_allowed(kMayBeUnordered, source)) {
    constexpr std::string_view kInstead =
        "its order could show in a decision: use std::map or a vector by id";
    check_words(
        source,
        std::array{Banned{"std::unordered_map", kInstead}, Banned{"std::unordered_set", kInstead},
                   Banned{"std::unordered_multimap", kInstead},
                   Banned{"std::unordered_multiset", kInstead}},
        complaints);
  }
  if (source.is_in("src") && !is_in_any(source, kAdapters)) {
    constexpr std::string_view kInstead =
        "values and ids in the core, unique_ptr for what is owned";
    check_words(
        source,
        std::array{Banned{"std::shared_ptr", kInstead}, Banned{"std::make_shared", kInstead}},
        complaints);
  }
  if (source.is_header()) {
    check_words(source,
                std::array{Banned{"using namespace",
                                  "name what you use: a header's reader did not ask for it"}},
                complaints);
  }
  return complaints;
}

Complaints check_includes(const Source& source, const std::set<std::string>& paths) {
  Complaints complaints;
  if (!source.is_cpp()) return complaints;
  std::string first;
  const std::vector<std::string> lines = lines_of(source.text);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const std::string name = included(lines[i]);
    if (first.empty()) first = name;
    if (name == "<iostream>" && source.is_header()) {
      complaints.push_back(
          complaint(source, i + 1, "no `<iostream>` in a header: it costs every reader its start"));
    }
  }
  if (source.is_header() && std::ranges::find(lines, "#pragma once") == lines.end()) {
    complaints.push_back(complaint(source, 1, "a header begins with `#pragma once`"));
  }
  const std::string stem = source.path.substr(0, source.path.rfind('.'));
  const std::string root = source.is_in("src") ? "src/" : "tests/";
  if (!source.is_header() && paths.contains(stem + ".h") && root + first != stem + ".h") {
    complaints.push_back(
        complaint(source, 1, "its own header comes first, which proves that it stands alone"));
  }
  return complaints;
}

Complaints check_text(const Source& source) {
  // Put together here, so that this file does not break its own rules.
  static const std::array<std::string, 3> kUnfinished{
      std::string("TO") + "DO", std::string("FIX") + "ME", std::string("XX") + "X"};
  static const std::array<std::string, 3> kHomes{
      std::string("/ho") + "me/", std::string("/ro") + "ot/", std::string("/Us") + "ers/"};
  constexpr std::size_t kLinesMax = 600;
  Complaints complaints;
  const std::vector<std::string> lines = lines_of(source.text);
  if (source.is_cpp() && lines.size() > kLinesMax && !is_allowed(kMayBeLong, source)) {
    complaints.push_back(
        complaint(source, lines.size(), "more than 600 lines: which two things is it about?"));
  }
  // Screens and examples hold what programs print; make needs its tabs.
  const bool is_laid_out = source.is_cpp() || source.ends_with(".cmake") ||
                           source.ends_with("CMakeLists.txt") || source.ends_with(".py") ||
                           source.ends_with(".md");
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const std::string& line = lines[i];
    if (is_laid_out && line.ends_with(' '))
      complaints.push_back(complaint(source, i + 1, "space at the end of the line"));
    if (is_laid_out && line.starts_with('\t'))
      complaints.push_back(complaint(source, i + 1, "indented by a tab"));
    for (const std::string& mark : kUnfinished) {
      if (has_word(line, mark))
        complaints.push_back(
            complaint(source, i + 1, "`" + mark + "`: finish it or open an issue"));
    }
    for (const std::string& home : kHomes) {
      // Tests make paths up.
      if (line.find(home) != std::string::npos && !is_test(source)) {
        complaints.push_back(complaint(source, i + 1, "`" + home + "`: a path of one machine"));
      }
    }
  }
  return complaints;
}

Complaints check_names(const Source& source) {
  constexpr std::array<std::string_view, 8> kNoNames{"util",    "utils",   "common", "helper",
                                                     "helpers", "manager", "misc",   "core"};
  Complaints complaints;
  std::istringstream parts(source.path.substr(0, source.path.rfind('.')));
  for (std::string part; std::getline(parts, part, '/');) {
    if (std::ranges::find(kNoNames, part) == kNoNames.end()) continue;
    complaints.push_back(complaint(source, 1, "`" + part + "` says nothing about what is inside"));
  }
  return complaints;
}

Complaints check_test_names(const Source& source) {
  Complaints complaints;
  if (!is_test(source) || !source.is_cpp()) return complaints;
  const std::vector<std::string> lines = lines_of(source.text);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const std::string& line = lines[i];
    const bool is_case = line.starts_with("TEST(") || line.starts_with("TEST_F(") ||
                         line.starts_with("TEST_P(") || line.starts_with("TYPED_TEST(") ||
                         line.starts_with("TYPED_TEST_P(");
    if (!is_case) continue;
    // A long name stands on the next line.
    const bool is_broken = line.ends_with(',') && i + 1 < lines.size();
    const std::string whole = is_broken ? line + lines[i + 1] : line;
    const std::size_t begin =
        std::min(whole.find_first_not_of(" ,", whole.find(',')), whole.size());
    const std::string name = whole.substr(begin, whole.find(')', begin) - begin);
    if (words_in(name) < 2) {
      complaints.push_back(
          complaint(source, i + 1, "a test's name is a sentence of the domain: " + name));
    }
  }
  return complaints;
}

}  // namespace interlock::tidy
