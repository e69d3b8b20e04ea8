#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace interlock::snapshots {

/// Runs git in one folder, with an environment of our own: of the person's only where programs,
/// home and configuration are, so no key of a provider and no `GIT_*`. Programs that a
/// configuration may name are shut off (hooks, file system monitors, pagers, signing, credential
/// helpers, transports); what is left are the filters of the person's own configuration, which only
/// `update-index --add` and `hash-object --path` run. One that takes longer than ten minutes is
/// ended.
class Git {
 public:
  explicit Git(std::string folder) : folder_(std::move(folder)) {}

  /// An index of our own in place of the person's.
  Git& with_index(const std::string& file) { return set("GIT_INDEX_FILE", file); }
  /// Of this repository, whatever is found above the folder, with these as its files.
  Git& of(const std::string& git_dir, const std::string& files) {
    return set("GIT_DIR", git_dir).set("GIT_WORK_TREE", files);
  }
  /// Objects from there as well.
  Git& with_objects_of(const std::string& folder) {
    return set("GIT_ALTERNATE_OBJECT_DIRECTORIES", folder);
  }
  /// One setting more, which nobody's configuration outdoes.
  Git& with_setting(std::string setting) { return settings_.push_back(std::move(setting)), *this; }
  /// Nobody's configuration: only text is to be read.
  Git& alone() { return set("GIT_CONFIG_GLOBAL", "/dev/null").set("GIT_CONFIG_NOSYSTEM", "1"); }

  /// It and the filters it runs have no access to what is below `folder`, which tasks can write,
  /// but for what is kept; where the kernel cannot do that, it is not run.
  Git& kept_out_of(std::string folder, std::vector<std::string> kept) {
    closed_ = std::move(folder);
    kept_ = std::move(kept);
    return *this;
  }

  /// What it wrote to standard output; an error has the first line of what it said.
  Result<std::string> run(const std::vector<std::string>& arguments,
                          std::string_view input = {}) const;
  /// The same without the line's end.
  Result<std::string> line(const std::vector<std::string>& arguments,
                           std::string_view input = {}) const;
  /// What it wrote, without the line's end, when it reads an open file.
  Result<std::string> run_on(int from, const std::vector<std::string>& arguments) const;
  /// From one open file to another: packs may be larger than memory. -1: nothing.
  Result<void> stream(const std::vector<std::string>& arguments, int from, int to) const;

 private:
  Git& set(const char* name, const std::string& value) {
    return variables_.emplace_back(std::string(name) + "=" + value), *this;
  }
  Result<std::string> go(const std::vector<std::string>& arguments, std::string_view input,
                         int from, int to) const;
  std::vector<std::string> arguments_with(const std::vector<std::string>& arguments) const;
  std::vector<std::string> environment() const;
  std::unexpected<Error> failed(const std::string& what, int status, std::string_view said) const;

  std::string folder_;
  std::vector<std::string> variables_, settings_;
  std::string closed_;  ///< Empty: nothing is.
  std::vector<std::string> kept_;
};

/// `text` up to each NUL.
std::vector<std::string> split_at_nul(std::string_view text);

}  // namespace interlock::snapshots
