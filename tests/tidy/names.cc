#include "tidy/names.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <sstream>
#include <string_view>
#include <vector>

namespace interlock::tidy {
namespace {

struct Better {
  std::string_view word, instead;
};

constexpr std::array kBetterWords{Better{"picture", "snapshot"},
                                  Better{"pictures", "snapshots"},
                                  Better{"ledger", "event batch"},
                                  Better{"fact", "event"},
                                  Better{"story", "transcript"},
                                  Better{"teller", "formatter"},
                                  Better{"told", "reported, shown, parsed: what is it?"},
                                  Better{"tell", "report, show, print: what is it?"},
                                  Better{"heard", "what came, and from where"},
                                  Better{"talk", "console"},
                                  Better{"wish", "options, request or spec"},
                                  Better{"switchboard", "state"},
                                  Better{"door", "route"},
                                  Better{"doors", "routes"},
                                  Better{"belt", "AIMD limit"},
                                  Better{"seat", "queue slot"},
                                  Better{"seats", "queue slots"},
                                  Better{"shelf", "queue"},
                                  Better{"brand", "tag"},
                                  Better{"enclosure", "sandbox"},
                                  Better{"bookmaker", "pricer"},
                                  Better{"lifting", "speculation"},
                                  Better{"fold", "checkpoint"},
                                  Better{"folded", "checkpointed"},
                                  Better{"ingredient", "part of the cache key"},
                                  Better{"ingredients", "parts of the cache key"},
                                  Better{"meeting", "conflict"},
                                  Better{"telling", "reported, shown, parsed: what is it?"},
                                  Better{"hear", "what came, and from where"},
                                  Better{"wishes", "options, request or spec"},
                                  Better{"house", "thread"},
                                  Better{"bell", "wake file"},
                                  Better{"stock", "resource pool"},
                                  Better{"bet", "candidate"},
                                  Better{"sight", "path: which?"},
                                  Better{"enclose", "confine"},
                                  Better{"trial", "probe"},
                                  Better{"taking", "collect, recover or drain"},
                                  Better{"surroundings", "host environment"}};

/// Of two words and more, which stand one after the other; with a line at both ends, as `joined`.
constexpr std::array kBetterPhrases{Better{"_take_up_", "recover or adopt"},
                                    Better{"_takes_up_", "recovers or adopts"},
                                    Better{"_let_go_", "finish, release or requeue"},
                                    Better{"_letting_go_", "finishing, ending or releasing"},
                                    Better{"_put_off_", "defer"},
                                    Better{"_put_back_", "requeue"},
                                    Better{"_slot_of_", "lane of"},
                                    Better{"_rests_on_", "base version"}};

bool is_name_part(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

/// `TaskView`, `task_view_` -> task, view
std::vector<std::string> words_of(std::string_view name) {
  std::vector<std::string> words(1);
  for (const char c : name) {
    const bool begins = std::isupper(static_cast<unsigned char>(c)) != 0 || c == '_';
    if (begins && !words.back().empty()) words.emplace_back();
    if (c != '_') words.back() += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return words;
}

/// `let_go_of` for `LetGoOf`, with a line at both ends: `_let_go_of_`.
std::string joined(const std::vector<std::string>& words) {
  std::string text = "_";
  for (const std::string& word : words) text += word + "_";
  return text;
}

std::vector<std::string_view> names_of(std::string_view line) {
  std::vector<std::string_view> names;
  for (std::size_t at = 0; at < line.size();) {
    std::size_t end = at;
    while (end < line.size() && is_name_part(line[end])) ++end;
    if (end > at) names.push_back(line.substr(at, end - at));
    at = std::max(end, at + 1);
  }
  return names;
}

struct MayBeLarge {
  std::string_view path, name, why;
};

constexpr std::size_t kFunctionsMax = 25;
constexpr std::size_t kMembersMax = 15;

/// Records are one row of something written down elsewhere: their members are its columns.
constexpr std::array kMayBeLarge{
    MayBeLarge{"src/agents/adapter.h", "Wanted", "what an invocation is made of"},
    MayBeLarge{"src/cli/options.h", "Options", "an option of the command line each"},
    MayBeLarge{"src/decide/decision.h", "Expected", "an estimate and where it is from, each"},
    MayBeLarge{"src/decide/decision.h", "Decision", "a line of the plan's page each"},
    MayBeLarge{"src/engine/attempt.h", "Attempt", "a state machine, drawn at its head"},
    MayBeLarge{"src/engine/attempt_spec.h", "AttemptSpec", "what an attempt is given, each once"},
    MayBeLarge{"src/engine/setup.h", "Setup", "what a run is given, each once"},
    MayBeLarge{"src/engine/event.h", "AttemptEnded", "a field of the journal's row each"},
    MayBeLarge{"src/engine/gateway.h", "ModelCall", "a field of the journal's row each"},
    MayBeLarge{"src/engine/run_state.h", "AttemptRecord", "what its events said, each"},
    MayBeLarge{"src/engine/run_state.h", "TaskRecord", "what its events said, each"},
    MayBeLarge{"src/engine/run_state.h", "RunState", "what its events said, each"},
    MayBeLarge{"src/engine/status.h", "TaskStatus", "a column of the panel or of JSON each"},
    MayBeLarge{"src/engine/status.h", "RunStatus", "a column of the panel or of JSON each"},
    MayBeLarge{"src/gateway/proxied_call.h", "ProxiedCall", "a state machine, drawn at its head"},
    MayBeLarge{"src/http/session.h", "Session", "a state machine, drawn at its head"},
    MayBeLarge{"src/history/sample.h", "Sample", "a column of the samples each"},
    MayBeLarge{"src/plan/plan.h", "Agent", "a key of the plan each"},
    MayBeLarge{"src/plan/plan.h", "Plan", "a key of the plan each"},
    MayBeLarge{"src/plan/plan.h", "Task", "a key of the plan each"},
    MayBeLarge{"src/process/attempt.h", "Attempt",
               "of the process host; to become a state machine"},
    MayBeLarge{"src/process/local_processes.h", "LocalProcesses", "a port with its loop"},
    MayBeLarge{"src/quota/layout.h", "Layout", "a field of the file each"},
    MayBeLarge{"src/schedule/scheduler.h", "Scheduler", "the questions that may be asked"},
    MayBeLarge{"src/schedule/state.h", "State", "the scheduler's own; its rules are apart"},
    MayBeLarge{"src/snapshots/local_snapshots.h", "LocalSnapshots", "a port with its steps"}};

struct Size {
  std::size_t functions = 0, members = 0;
};

bool is_declaration_of_something_else(std::string_view text) {
  constexpr std::array<std::string_view, 8> kOthers{"using ",    "friend ", "enum ",
                                                    "class ",    "struct ", "static constexpr ",
                                                    "template ", "public:"};
  return std::ranges::any_of(kOthers,
                             [&](std::string_view other) { return text.starts_with(other); });
}

std::string_view trimmed(std::string_view text) {
  for (const std::string_view access : {"public:", "private:", "protected:"}) {
    const std::size_t at = text.find(access);
    if (at != text.npos) text.remove_prefix(at + access.size());
  }
  const std::size_t begin = std::min(text.find_first_not_of(" \n"), text.size());
  return text.substr(begin);
}

/// `body` begins after the class's opening brace.
Size size_of(std::string_view body) {
  Size size;
  std::size_t depth = 1;
  std::string text;
  bool has_body = false;
  const auto end_of_function = [&] {
    if (trimmed(text).contains('(') && !is_declaration_of_something_else(trimmed(text)))
      ++size.functions;
    text.clear();
    has_body = false;
  };
  for (const char c : body) {
    if (c == '{') {
      ++depth;
    } else if (c == '}') {
      if (--depth == 0) break;
      has_body = depth == 1;
    } else if (depth == 1) {
      // A body that no semicolon follows was a function's.
      if (has_body && c != ';' && c != ' ' && c != '\n') end_of_function();
      if (c != ';') {
        text += c;
        continue;
      }
      const std::string_view said = trimmed(text);
      const bool is_callback = said.starts_with("std::function<");
      if (said.empty() || is_declaration_of_something_else(said)) {
      } else if (said.contains('(') && !is_callback) {
        ++size.functions;
      } else {
        ++size.members;
      }
      text.clear();
      has_body = false;
    }
  }
  return size;
}

/// The name in `class Name final : ... {`; empty where nothing is defined.
std::string defined_in(std::string_view line) {
  const std::size_t begin = std::min(line.find_first_not_of(' '), line.size());
  line.remove_prefix(begin);
  const bool is_class = line.starts_with("class ") || line.starts_with("struct ");
  if (!is_class || !line.contains('{') || line.contains(';')) return {};
  const std::vector<std::string_view> names = names_of(line.substr(0, line.find('{')));
  std::string name;
  for (const std::string_view each : names) {
    if (each == "class" || each == "struct") continue;
    if (each == "final" || (!name.empty() && line.find(':') < line.find(each) &&
                            !line.contains("::" + std::string(each))))
      break;
    name = each;
    if (!line.contains(std::string(each) + "::")) break;
  }
  return name;
}

}  // namespace

namespace {

std::string complaint_about(const Source& source, std::size_t line, std::string_view name,
                            const Better& better) {
  return source.path + ":" + std::to_string(line + 1) + ": `" + std::string(name) +
         "`: the word here is " + std::string(better.instead);
}

}  // namespace

Complaints check_dictionary(const Source& source) {
  Complaints complaints;
  if (!source.is_in("src") || !source.is_cpp() || source.ends_with("_test.cc")) return complaints;
  const std::vector<std::string> lines = lines_of(code_of(source.text));
  for (std::size_t i = 0; i < lines.size(); ++i) {
    for (const std::string_view name : names_of(lines[i])) {
      const std::vector<std::string> words = words_of(name);
      for (const std::string& word : words) {
        const auto better = std::ranges::find(kBetterWords, word, &Better::word);
        if (better == kBetterWords.end()) continue;
        complaints.push_back(complaint_about(source, i, name, *better));
      }
      if (words.size() < 2) continue;
      const std::string whole = joined(words);
      for (const Better& phrase : kBetterPhrases) {
        if (whole.contains(phrase.word))
          complaints.push_back(complaint_about(source, i, name, phrase));
      }
    }
  }
  return complaints;
}

Complaints check_classes(const Source& source) {
  Complaints complaints;
  if (!source.is_in("src") || !source.is_header()) return complaints;
  const std::string code = code_of(source.text);
  std::size_t at = 0, number = 0;
  for (const std::string& line : lines_of(code)) {
    ++number;
    const std::string name = defined_in(line);
    const std::size_t body = at + line.find('{') + 1;
    at += line.size() + 1;
    if (name.empty()) continue;
    const bool may = std::ranges::any_of(kMayBeLarge, [&](const MayBeLarge& large) {
      return large.path == source.path && large.name == name;
    });
    const Size size = size_of(std::string_view(code).substr(body));
    const bool is_large = size.functions > kFunctionsMax || size.members > kMembersMax;
    if (is_large && !may) {
      complaints.push_back(source.path + ":" + std::to_string(number) + ": `" + name + "` has " +
                           std::to_string(size.functions) + " functions and " +
                           std::to_string(size.members) + " members: which concept is missing?");
    }
  }
  return complaints;
}

Complaints check_reasons(const Source& source) {
  // A row each of something that is written down elsewhere: there is no step whose reason could be
  // hard to see.
  constexpr std::array<std::string_view, 8> kTables{"attendance",  "event", "event_to_json",
                                                    "event_words", "job",   "notices",
                                                    "run_state",   "status"};
  constexpr std::size_t kOneIn = 8;
  const bool is_table = std::ranges::any_of(kTables, [&](std::string_view name) {
    return source.path == "src/engine/" + std::string(name) + ".cc";
  });
  if (!source.is_in("src/engine") || !source.ends_with(".cc") || source.ends_with("_test.cc") ||
      is_table)
    return {};
  std::size_t lines = 0, comments = 0;
  for (const std::string& line : lines_of(source.text)) {
    if (trimmed(line).empty()) continue;
    ++lines;
    comments += line.contains("//") ? 1u : 0u;
  }
  if (comments * kOneIn >= lines) return {};
  return {source.path + ": " + std::to_string(comments) + " of " + std::to_string(lines) +
          " lines say why; one in eight is to"};
}

std::map<std::string, std::set<std::string>> edges_of_build(std::string_view cmake_lists) {
  std::map<std::string, std::set<std::string>> edges;
  constexpr std::string_view kCall = "interlock_library(";
  for (const std::string& line : lines_of(cmake_lists)) {
    if (!line.starts_with(kCall)) continue;
    std::istringstream words(line.substr(kCall.size(), line.find(')') - kCall.size()));
    std::string name, word;
    words >> name;
    bool is_use = false;
    edges[name];
    while (words >> word) {
      if (word == "USES" || word == "LINKS") {
        is_use = word == "USES";
      } else if (is_use) {
        edges[name].insert(word);
      }
    }
  }
  return edges;
}

Complaints check_edges(const std::vector<Source>& sources, std::string_view cmake_lists) {
  auto unused = edges_of_build(cmake_lists);
  for (const Source& source : sources) {
    if (!source.is_in("src") || !source.is_cpp()) continue;
    const std::size_t begin = std::string_view("src/").size();
    const std::string folder = source.path.substr(begin, source.path.find('/', begin) - begin);
    const auto edges = unused.find(folder);
    if (edges == unused.end()) continue;
    std::erase_if(edges->second, [&](const std::string& used) {
      return source.text.contains("#include \"" + used + "/");
    });
  }
  Complaints complaints;
  for (const auto& [folder, edges] : unused) {
    for (const std::string& edge : edges)
      complaints.push_back("CMakeLists.txt: `" + folder + "` includes nothing of `" + edge + "`");
  }
  return complaints;
}

}  // namespace interlock::tidy
