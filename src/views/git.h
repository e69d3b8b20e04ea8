#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace interlock::views {

/// Runs git in one folder, apart from what a person's shell says (`GIT_*`), without hooks, signing,
/// housekeeping or questions.
class Git {
 public:
  explicit Git(std::string folder) : folder_(std::move(folder)) {}

  /// An index of our own in place of the person's.
  Git& with_index(const std::string& file) { return index_ = file, *this; }

  /// What it wrote to standard output; an error has the first line of what it said.
  Result<std::string> run(const std::vector<std::string>& arguments,
                          std::string_view input = {}) const;
  /// The same without the line's end.
  Result<std::string> line(const std::vector<std::string>& arguments,
                           std::string_view input = {}) const;

  /// For what may be done already, or be in no state to be: nobody waits for an answer.
  void tidy_up(const std::vector<std::string>& arguments) const;

 private:
  std::string folder_, index_;
};

/// The folder with the `.git` that `root` lies in; empty: in none.
std::string repository_top(const std::string& root);

}  // namespace interlock::views
