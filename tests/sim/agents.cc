#include "sim/agents.h"

#include <fmt/format.h>

#include <algorithm>

namespace interlock::sim {

using testing_support::FakeSnapshot;
using testing_support::FakeTree;

namespace {

/// No name is a file's and a folder's, so every write succeeds.
const std::vector<std::string> kPaths = {"a",       "b",    "c",     "d/x",   "d/y",
                                         "e.md",    "f.md", "g/h/i", "g/h/j", "new/1",
                                         "new/2/3", "d/z",  "h/k/l"};
const std::vector<std::string> kFolders = {"", "d", "g", "g/h", "new", "new/2"};
/// Of these none is there at first, and who makes one changes what others look for in vain.
const std::vector<std::string> kMissing = {"new", "new/2", "h", "h/k"};

bool is_hex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }

/// The digests in a text, in order.
std::vector<std::string> digests_in(const std::string& text) {
  constexpr std::size_t kDigits = 64;
  std::vector<std::string> digests;
  for (auto begin = text.begin(); begin != text.end();) {
    begin = std::find_if(begin, text.end(), is_hex);
    const auto end = std::find_if_not(begin, text.end(), is_hex);
    if (static_cast<std::size_t>(end - begin) == kDigits) digests.emplace_back(begin, end);
    begin = end;
  }
  return digests;
}

/// One agent at work. What it has learnt decides what it does next.
class Agent {
 public:
  Agent(const plan::Task& task, const std::string& question, FakeSnapshot& snapshot)
      : footprint_(task.footprint),
        id_(task.id),
        snapshot_(snapshot),
        enters_(std::ranges::find(task.run.arguments, "enters") != task.run.arguments.end()) {
    learn(id_);
    for (const std::string& digest : digests_in(question)) learn(digest);
  }

  std::string work() {
    for (auto steps = 2 + die().below(6); steps > 0; --steps) step();
    if (enters_) enter();
    return known_.hex();
  }

 private:
  void learn(const std::string& what) {
    Hasher hasher;
    known_ = hasher.add_field(known_).add_field(what).finish();
  }
  /// A die that falls as everything learnt so far has it.
  Dice die() {
    std::uint64_t seed = 0;
    for (std::size_t i = 0; i < 8; ++i) seed = seed << 8 | known_.bytes[i];
    return Dice(seed + ++rolls_);
  }
  bool may_read(const std::string& path) const {
    return footprint_.unknown || footprint_.reads.matches(path) || footprint_.writes.matches(path);
  }
  bool may_write(const std::string& path) const {
    return footprint_.unknown || footprint_.writes.matches(path);
  }
  /// All names of it, also those that are not there.
  bool may_list(const std::string& folder) const {
    const std::string any = folder.empty() ? "any name" : folder + "/any name";
    return footprint_.unknown || footprint_.reads.matches(any);
  }

  /// On the way to what it may write, too.
  bool may_make(const std::string& folder) const {
    return may_write(folder) || footprint_.writes.matches(folder + "/any name");
  }
  /// `*.md`: it has to list the workspace for that, and goes by those names alone.
  bool may_look_for_texts() const {
    const auto is_that = [](const footprint::Glob& one) { return one.text() == "*.md"; };
    return footprint_.unknown || std::ranges::any_of(footprint_.reads.include, is_that);
  }

  std::string read(const std::string& path) {
    const std::string* content = snapshot_.read(path);
    const std::string found = content == nullptr ? "(none)" : *content;
    learn(path);
    learn(found);
    return found;
  }

  void step() {
    Dice dice = die();
    const std::string& path = dice.one_of(kPaths);
    const std::string& folder = dice.one_of(kFolders);
    switch (dice.below(14)) {
      case 0:
        if (!may_list(folder)) break;
        for (const std::string& name : snapshot_.list(folder)) learn(name);
        break;
      case 1:
        if (may_read(path)) learn(snapshot_.exists(path) ? "there" : "not there");
        break;
      case 2:
        if (may_write(path)) snapshot_.erase(path);
        break;
      case 3: write_back(path); break;
      case 4: add_line(path, dice); break;
      case 5: make_folder(dice.one_of(kMissing)); break;
      case 6:
        if (may_write(path) && !snapshot_.write_in_place(path, id_ + " " + known_.hex() + "\n"))
          learn("nowhere to write");
        break;
      case 7:
        if (!may_look_for_texts()) break;
        for (const std::string& name : snapshot_.list("")) {
          if (name.ends_with(".md")) learn(name);
        }
        break;
      case 8:
      case 9:
        if (may_write(path)) put(path, id_ + " " + known_.hex() + "\n");
        break;
      default:
        if (may_read(path)) read(path);
    }
  }

  void make_folder(const std::string& folder) {
    if (may_make(folder)) learn(snapshot_.make_folder(folder) ? "made" : "not made");
  }

  /// What was there before: no change at all.
  void write_back(const std::string& path) {
    if (!may_read(path) || !may_write(path)) return;
    const std::string found = read(path);
    if (found == "(none)") return;
    put(path, "passing");
    put(path, found);
  }

  /// A line of its own in a file of many, as people do who share a list.
  void add_line(const std::string& path, Dice& dice) {
    if (!may_read(path) || !may_write(path)) return;
    const std::string found = read(path);
    const std::size_t middle = found.find('\n', dice.below(found.size()));
    const std::size_t at = middle == std::string::npos ? found.size() : middle + 1;
    put(path, found.substr(0, at) + id_ + " was here\n" + found.substr(at));
  }

  /// Nothing is learnt of who stands there, so that all else comes out the same.
  void enter() {
    const std::string list(kList);
    const std::string* const found = snapshot_.read(list);
    snapshot_.write(list, (found == nullptr ? "" : *found) + id_ + "\n");
  }

  void put(const std::string& path, const std::string& content) {
    if (!snapshot_.write(path, content)) learn("could not write");
  }

  const footprint::Footprint& footprint_;
  const std::string& id_;
  FakeSnapshot& snapshot_;
  bool enters_;
  Digest known_;
  std::uint64_t rolls_ = 0;
};

}  // namespace

Files first_files() {
  Files files;
  for (const std::string path : {"a", "b", "c", "d/x", "d/y", "e.md", "f.md", "g/h/i"}) {
    for (int line = 1; line <= 8; ++line) files[path] += fmt::format("{} line {}\n", path, line);
  }
  return files;
}

std::string work(const plan::Task& task, const std::string& question, FakeSnapshot& snapshot) {
  return Agent(task, question, snapshot).work();
}

bool fails_at_what_it_found(const plan::Task& task, const std::string& answer) {
  const bool is_moody = std::ranges::find(task.run.arguments, "moody") != task.run.arguments.end();
  return is_moody && !answer.empty() && answer.front() < '5';
}

void look_over(const plan::Task& task, FakeSnapshot& snapshot) {
  for (const std::string& path : kPaths) snapshot.read(path);
  snapshot.write("checked", task.id);
}

std::string question_of(const plan::Task& task, const std::vector<std::string>& answers) {
  std::string question = "work";
  for (const TaskId other : task.output_of) question += " " + answers[other.index()];
  return question;
}

Sequential one_by_one(const plan::Plan& plan, const Files& files, const std::vector<bool>& done) {
  FakeTree tree;
  for (const auto& [path, content] : files) tree.write(path, content);
  Sequential result;
  for (const plan::Task& task : plan.tasks) {
    const std::size_t place = result.answers.size();
    result.found.push_back(tree);
    result.answers.emplace_back();
    if (!done.empty() && !done[place]) continue;
    FakeSnapshot snapshot(tree);
    result.answers.back() = work(task, question_of(task, result.answers), snapshot);
    tree = snapshot.now();
  }
  result.files = tree.files();
  result.folders = tree.folders();
  return result;
}

}  // namespace interlock::sim
