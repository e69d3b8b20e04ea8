#include "plan/values.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/text.h"

namespace interlock::plan {

namespace {

std::string found_instead(Node node) {
  if (node.is_map()) return "a map";
  if (node.is_list()) return "a list";
  if (node.is_null()) return "nothing";
  return quoted(node.text());
}

template <typename T>
std::optional<T> read_unit(Reading& reading, Node node, std::optional<T> (*parse)(std::string_view),
                           std::string_view wanted, std::string hint = {}) {
  if (!node.is_scalar() || node.is_null()) {
    expected(reading, node, wanted);
    return std::nullopt;
  }
  const auto text = fill(node.text(), reading.set);
  const auto value = parse(text);
  if (!value) expected(reading, node, wanted, std::move(hint));
  return value;
}

}  // namespace

std::string Reading::path_of(std::string_view name) const {
  if (name.starts_with('/')) return std::string(name);
  return options.folder.empty() ? std::string(name) : fmt::format("{}/{}", options.folder, name);
}

std::string quoted(std::string_view word) {
  return fmt::format("`{}`", elide_middle(printable(word), 60));
}

std::string did_you_mean(const Reading& reading, std::string_view word,
                         std::span<const std::string> candidates, std::string otherwise) {
  constexpr std::size_t kMostHints = 20 * Problems::kShown;
  constexpr std::size_t kMostCandidates = 10'000;
  if (reading.problems.reported() > kMostHints) return otherwise;
  candidates = candidates.first(std::min(candidates.size(), kMostCandidates));
  const auto near = nearest_word(word, candidates);
  return near ? fmt::format("did you mean {}?", quoted(*near)) : std::move(otherwise);
}

std::string did_you_mean(const Reading& reading, std::string_view word,
                         std::span<const std::string_view> candidates) {
  const std::vector<std::string> words(candidates.begin(), candidates.end());
  auto otherwise = words.size() <= 8 && !words.empty()
                       ? fmt::format("known here: {}", join_words(words, words.size()))
                       : std::string();
  return did_you_mean(reading, word, words, std::move(otherwise));
}

void expected(Reading& reading, Node node, std::string_view wanted, std::string hint) {
  if (hint.empty() && node.is_unquoted_placeholder()) {
    hint = fmt::format("put quotes round it: `\"{{{}}}\"`",
                       printable(node.entries().front().first.text()));
  }
  reading.problems.add(node.span(),
                       fmt::format("expected {}, found {}", wanted, found_instead(node)),
                       std::move(hint));
}

namespace {

/// What people write who know other tools, and the word for it here.
struct Synonym {
  std::string_view written, word;
};
constexpr Synonym kSynonyms[] = {{"depends_on", "needs"},
                                 {"depends", "needs"},
                                 {"deps", "needs"},
                                 {"dependencies", "needs"},
                                 {"requires", "needs"},
                                 {"after", "needs"},
                                 {"cmd", "run"},
                                 {"command", "run"},
                                 {"commands", "run"},
                                 {"script", "run"},
                                 {"exec", "run"},
                                 {"shell", "run"},
                                 {"retry", "retries"},
                                 {"max_retries", "retries"},
                                 {"attempts", "retries"},
                                 {"max_parallel", "parallel"},
                                 {"concurrency", "parallel"},
                                 {"parallelism", "parallel"},
                                 {"max_concurrency", "parallel"},
                                 {"jobs", "parallel"},
                                 {"workers", "parallel"},
                                 {"cwd", "workspace"},
                                 {"dir", "workspace"},
                                 {"directory", "workspace"},
                                 {"workdir", "workspace"},
                                 {"working_dir", "workspace"},
                                 {"working_directory", "workspace"},
                                 {"type", "kind"},
                                 {"provider", "kind"},
                                 {"client", "kind"},
                                 {"name", "id"},
                                 {"title", "id"},
                                 {"task", "id"},
                                 {"inputs", "reads"},
                                 {"input", "reads"},
                                 {"sources", "reads"},
                                 {"outputs", "writes"},
                                 {"generates", "writes"},
                                 {"files", "writes"},
                                 {"environment", "env"},
                                 {"envs", "env"},
                                 {"vars", "env"},
                                 {"instructions", "prompt"},
                                 {"message", "prompt"},
                                 {"description", "prompt"},
                                 {"promptFile", "prompt_file"},
                                 {"for_each", "foreach"},
                                 {"each", "foreach"},
                                 {"matrix", "foreach"},
                                 {"timeout_seconds", "timeout"},
                                 {"max_time", "timeout"},
                                 {"time_limit", "timeout"},
                                 {"max_tokens", "tokens"},
                                 {"cost", "usd"},
                                 {"max_cost", "usd"},
                                 {"fail_fast", "on_failure"},
                                 {"binary", "bin"},
                                 {"program", "bin"},
                                 {"arguments", "args"},
                                 {"url", "base_url"},
                                 {"endpoint", "base_url"},
                                 {"api_key", "key"},
                                 {"strategy", "with"},
                                 {"schema", "output"},
                                 {"locks", "uses"},
                                 {"resources", "uses"}};
/// Words that are right somewhere else in a plan.
constexpr Synonym kElsewhere[] = {
    {"parallel", "write `limits: {parallel: N}` at the top of the plan"},
    {"workspace",
     "all tasks start in the plan's `workspace`; for another folder begin `run` with `cd DIR &&`"},
    {"kind", "name an agent of that kind with `agent`"},
    {"retries", "write it in the task, or under `defaults`"},
    {"timeout", "write it in the task, or under `defaults`"}};

/// The right word for one that is not known here; empty: it is nobody's.
std::string right_word(std::string_view written, std::span<const std::string_view> known) {
  const auto synonym = std::ranges::find(kSynonyms, written, &Synonym::written);
  const std::string_view word = synonym == std::end(kSynonyms) ? written : synonym->word;
  if (word != written && std::ranges::find(known, word) != known.end())
    return fmt::format("the word for it is `{}`", word);
  const auto elsewhere = std::ranges::find(kElsewhere, word, &Synonym::written);
  return elsewhere == std::end(kElsewhere) ? std::string() : std::string(elsewhere->word);
}

}  // namespace

Fields::Fields(Reading& reading, Node node, std::string_view what,
               std::span<const std::string_view> known)
    : node_(node) {
  if (!node.is_map()) expected(reading, node, fmt::format("{} as a map", what));
  if (!node.is_map()) return;
  fields_.reserve(node.size());
  node.visit_entries([&](Node key, Node value) {
    const auto name = key.text();
    if (std::ranges::find(known, name) == known.end()) {
      if (!key.is_scalar() || name == "<<") return;  // The document has told that.
      auto hint = right_word(name, known);
      if (hint.empty()) hint = did_you_mean(reading, name, known);
      reading.problems.add(key.span(), fmt::format("unknown key {} in {}", quoted(name), what),
                           std::move(hint));
    } else if (!(*this)[name]) {
      fields_.emplace_back(name, value);
      mask_ |= bit_of(name);
    }
  });
}

std::optional<Node> Fields::find(std::string_view key) const {
  for (const auto& [name, value] : fields_) {
    if (name == key) return value;
  }
  return std::nullopt;
}

std::optional<std::string> read_text(Reading& reading, Node node, std::string_view wanted) {
  if (node.is_scalar() && !node.is_null()) return std::string(node.text());
  expected(reading, node, wanted);
  return std::nullopt;
}

std::optional<std::string> read_filled(Reading& reading, Node node, std::string_view wanted) {
  const auto text = read_text(reading, node, wanted);
  if (!text) return std::nullopt;
  return fill(*text, reading.set);
}

std::optional<bool> read_bool(Reading& reading, Node node) {
  const auto text = node.is_scalar() ? fill(node.text(), reading.set) : std::string();
  if (text == "true") return true;
  if (text == "false") return false;
  expected(reading, node, "`true` or `false`");
  return std::nullopt;
}

std::optional<std::int64_t> read_integer(Reading& reading, Node node, std::int64_t least,
                                         std::int64_t most) {
  const auto text = node.is_scalar() ? fill(node.text(), reading.set) : std::string();
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  if (whole && value >= least && value <= most) return value;
  expected(reading, node, fmt::format("a whole number from {} to {}", least, most));
  return std::nullopt;
}

std::optional<Duration> read_duration(Reading& reading, Node node) {
  const auto hint =
      parse_count(node.text()) ? fmt::format("add a unit: `{}s`", node.text()) : std::string();
  return read_unit(reading, node, parse_duration,
                   "a duration such as `90s`, `5m` or `1h30m`, at most 365 days", hint);
}

std::optional<Tokens> read_count(Reading& reading, Node node) {
  return read_unit(reading, node, parse_count, "a count such as `15000`, `12k` or `1.5M`");
}

std::optional<MicroUsd> read_usd(Reading& reading, Node node) {
  return read_unit(reading, node, parse_usd, "dollars such as `5.00`");
}

std::optional<std::size_t> read_choice(Reading& reading, Node node,
                                       std::span<const std::string_view> words) {
  const auto text = node.is_scalar() ? fill(node.text(), reading.set) : std::string();
  const auto found = std::ranges::find(words, text);
  if (found != words.end()) return static_cast<std::size_t>(found - words.begin());
  std::vector<std::string> choices;
  for (const auto word : words) choices.push_back(quoted(word));
  auto wanted = join_words(choices, choices.size());
  if (const auto last = wanted.rfind(" and "); last != wanted.npos) wanted.replace(last, 5, " or ");
  const std::vector<std::string> candidates(words.begin(), words.end());
  expected(reading, node, wanted, did_you_mean(reading, text, candidates));
  return std::nullopt;
}

std::vector<Item> read_items(Reading& reading, Node node, std::string_view wanted) {
  std::vector<Item> items;
  const auto take = [&](Node item, std::string_view expectation) {
    if (item.is_scalar() && !item.is_null()) {
      items.push_back({std::string(item.text()), item});
    } else {
      expected(reading, item, expectation);
    }
  };
  if (!node.is_list()) {
    take(node, wanted);
    return items;
  }
  items.reserve(node.size());
  node.visit_items([&](Node item) { take(item, "a text in this list"); });
  return items;
}

std::vector<std::string> texts_of(std::vector<Item> items) {
  std::vector<std::string> texts;
  texts.reserve(items.size());
  for (auto& item : items) texts.push_back(std::move(item.text));
  return texts;
}

std::map<std::string, std::string> read_environment(Reading& reading, Node node) {
  std::map<std::string, std::string> environment;
  if (!node.is_map()) {
    expected(reading, node, "a map from names to values");
    return environment;
  }
  for (const auto& [key, value] : node.entries()) {
    const auto name = key.text();
    if (!key.is_scalar()) continue;
    if (name.empty() || name.contains('=')) {
      reading.problems.add(
          key.span(), fmt::format("{} is not a name of an environment variable", quoted(name)));
    } else if (!value.is_scalar()) {
      expected(reading, value, "a text");
    } else {
      environment.emplace(name, value.text());
    }
  }
  return environment;
}

std::optional<Command> read_command(Reading& reading, Node node) {
  if (node.is_list()) {
    const auto before = reading.problems.reported();
    Command command{.arguments = texts_of(read_items(reading, node, "")), .shell = {}};
    if (reading.problems.reported() != before) return std::nullopt;
    if (!command.arguments.empty() && !command.arguments.front().empty()) return command;
    reading.problems.add(node.span(), "a command needs at least the name of a program");
    return std::nullopt;
  }
  const auto text = read_text(reading, node, "a list of arguments or a string for the shell");
  if (!text) return std::nullopt;
  if (text->find_first_not_of(" \t\r\n") == text->npos) {
    reading.problems.add(node.span(), "the command is empty");
    return std::nullopt;
  }
  return Command{.arguments = {}, .shell = *text};
}

}  // namespace interlock::plan
