#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "snapshots/join_changes.h"
#include "snapshots/private_copy.h"

// Where the sub-agents of another program work: each in a private copy of the workspace, from which
// its changes come back, one sub-agent after the other. On disk:
// `<state>/copies/<workspace>/{lock,texts/,commit/,trees/<name>/{tree/,base.json,conflicts.json,
// copy.json}}`.
namespace interlock::runs {

/// A sub-agent's copy.
struct SubAgentCopy {
  std::string root;     ///< Of the workspace.
  std::string folder;   ///< Below the state folder.
  std::string session;  ///< Whose it is, as its client names it.
  std::string name;
  std::uint32_t reports = 0;  ///< How often in a row it was told of conflicts.

  std::string tree() const { return folder + "/tree"; }
  std::string place() const;  ///< What the copies of this workspace have in common.
  snapshots::PrivateCopy files() const;
  Result<void> save() const;
};

struct BroughtBack {
  std::vector<std::string> paths;   ///< That the workspace has from it now.
  std::vector<std::string> merged;  ///< Of these, what others had changed as well.
  struct Conflict {
    std::string path;
    std::string theirs;  ///< What others changed there, as a unified diff; empty: no text.
    changes::State mine, now;
  };
  std::vector<Conflict> conflicts;  ///< Then nothing came into the workspace.
  std::vector<std::string> remarks;
};

class SubAgentCopies {
 public:
  explicit SubAgentCopies(std::string state_folder) : state_(std::move(state_folder)) {}

  /// Removes those that nobody used for a week and that hold nothing of their own; then makes one
  /// of the workspace around `folder` (the repository's top, else the folder itself).
  /// The path where the sub-agent is to work: `folder` in the copy.
  Result<std::string> make(const std::string& folder, const std::string& session,
                           const std::string& name) const;

  /// By its name; by a path in it.
  std::optional<SubAgentCopy> find(const std::string& name) const;
  std::optional<SubAgentCopy> find_around(const std::string& path) const;
  std::vector<SubAgentCopy> of_session(const std::string& session) const;

  /// Brings what was changed in it into the workspace, all of it or nothing. Of a conflict that
  /// the sub-agent was told of (`BroughtBack::conflicts`) its version stands when it has worked on
  /// that path since.
  Result<BroughtBack> bring_back(const SubAgentCopy& copy) const;

  /// Removes it. Refused where it holds what is not in the workspace.
  Result<void> remove(const SubAgentCopy& copy) const;

 private:
  std::string place_of(const std::string& root) const;
  std::vector<SubAgentCopy> all() const;
  void remove_forgotten() const;

  std::string state_;
};

}  // namespace interlock::runs
