#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/text.h"
#include "plan/keys.h"
#include "plan/tasks.h"

// `driver` under `merge`: who joins what two tasks made of one file.
namespace interlock::plan {

namespace {

/// git's letters, and what they are filled in by.
constexpr std::array<std::pair<char, std::string_view>, 8> kLetters = {
    {{'O', "merge.base"},
     {'A', "merge.ours"},
     {'B', "merge.theirs"},
     {'P', "merge.path"},
     {'L', "merge.marker"},
     {'S', "merge.base_label"},
     {'X', "merge.ours_label"},
     {'Y', "merge.their_label"}}};
/// What a driver's command may say beside them: it knows of no task's outputs, nor items.
constexpr std::string_view kOfDrivers[] = {"tmp", "workspace", "run.id", "task.id"};

std::string_view name_of_letter(char letter) {
  const auto found = std::ranges::find(kLetters, letter, &std::pair<char, std::string_view>::first);
  return found == kLetters.end() ? std::string_view() : found->second;
}

std::string letter_of(std::string_view name) {
  const auto found = std::ranges::find(kLetters, name, &std::pair<char, std::string_view>::second);
  return found == kLetters.end() ? fmt::format("{{{}}}", name) : fmt::format("%{}", found->first);
}

/// With placeholders for the letters, so that a shell takes their values as data. As in git, `%%`
/// is a percent sign, and what is no letter of these stays as it is.
std::string with_placeholders(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char next = text[at] == '%' && at + 1 < text.size() ? text[at + 1] : '\0';
    const std::string_view name = next == '\0' ? std::string_view() : name_of_letter(next);
    if (next == '%' || !name.empty()) {
      out += next == '%' ? "%" : fmt::format("{{{}}}", name);
      ++at;
    } else {
      out += text[at];
    }
  }
  return out;
}

void check_placeholders(Reading& reading, Node node, const std::vector<std::string>& texts) {
  for (const std::string& text : texts) {
    for (const std::string& name : placeholders(text)) {
      if (std::ranges::find(kOfDrivers, name) != std::end(kOfDrivers) || reading.set(name))
        continue;
      reading.problems.add(node.span(),
                           fmt::format("`{{{}}}` means nothing to a merge driver", name),
                           "it knows %O, %A, %B and %P, and {tmp}, {workspace}, {run.id} and "
                           "{task.id}");
    }
  }
}

void read_run(Reading& reading, Node node, MergeDriver& driver) {
  auto command = read_command(reading, node);
  if (!command) return;
  driver.said = command->shell.empty() ? join_words(command->arguments, command->arguments.size())
                                       : command->shell;
  command->shell = with_placeholders(command->shell);
  for (std::string& argument : command->arguments) argument = with_placeholders(argument);
  std::vector<std::string> texts = command->arguments;
  texts.push_back(command->shell);
  check_placeholders(reading, node, texts);
  const bool leaves_result = std::ranges::any_of(
      texts, [](const std::string& text) { return text.contains("{merge.ours}"); });
  if (!leaves_result) {
    reading.problems.add(node.span(), "the merge driver names no `%A`",
                         "it is the file that the result is to be left in, as for git: `%O` is "
                         "what both had, `%A` what is there now, `%B` what the task made of it");
  }
  const Lookup find = [&](std::string_view name) -> std::optional<std::string> {
    if (name.starts_with("merge.")) return std::string();
    return reading.set(name);
  };
  const auto script = script_of(*command);
  if (const auto unsafe = script ? unsafe_for_shell(*script, find) : std::nullopt) {
    reading.problems.add(node.span(),
                         fmt::format("`{}` stands {}, where a shell would not take it as data",
                                     letter_of(unsafe->name), unsafe->where),
                         "let it stand in a word of its own");
  }
  driver.run = fill_command(std::move(*command), reading.set, Stage::early);
}

/// Exclusions would have to be taken out of what is not waited for, which cannot be done exactly.
void read_files(Reading& reading, Node node, MergeDriver& driver) {
  for (const Item& item : read_items(reading, node, "a pattern or a list of them")) {
    check_braces(reading, item.text, item.node, reading.set);
    const std::string text = fill(item.text, reading.set);
    if (text.starts_with('!')) {
      reading.problems.add(item.node.span(), "`files` of a merge driver excludes nothing",
                           "the first driver that fits a file joins it: name another before it");
      continue;
    }
    auto glob = footprint::Glob::parse(text);
    if (glob) {
      driver.files.include.push_back(std::move(*glob));
    } else {
      reading.problems.add(item.node.span(), glob.error().message, glob.error().hint);
    }
  }
}

}  // namespace

void read_merge_drivers(Reading& reading, Node node) {
  if (node.size() > kMostDeclared)
    return reading.problems.add(node.span(),
                                fmt::format("more than {} merge drivers", kMostDeclared));
  for (const Node& one : node.items()) {
    MergeDriver driver;
    driver.place = reading.problems.source().place(one.span());
    const Fields fields(reading, one, "a merge driver", kMergeDriverKeys);
    if (!one.is_map()) continue;
    if (const auto files = fields["files"]) {
      read_files(reading, *files, driver);
    } else {
      reading.problems.add(one.span(), "the merge driver has no `files`",
                           "name whose merge it is, such as `**/package-lock.json`");
    }
    if (const auto run = fields["run"]) {
      read_run(reading, *run, driver);
    } else {
      reading.problems.add(one.span(), "the merge driver has no `run`",
                           "such as `git merge-file --union %A %O %B`");
    }
    if (const auto timeout = fields["timeout"]) {
      const auto time = read_duration(reading, *timeout);
      if (time == Duration::zero()) {
        reading.problems.add(timeout->span(), "no merge driver is done at once", "such as `1m`");
      } else {
        driver.timeout = time.value_or(driver.timeout);
      }
    }
    reading.plan.drivers.push_back(std::move(driver));
  }
}

}  // namespace interlock::plan
