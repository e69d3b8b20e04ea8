#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "agents/adapter.h"
#include "base/digest.h"
#include "engine/attempt_spec.h"
#include "engine/host_environment.h"
#include "engine/worker_ports.h"
#include "plan/fill.h"
#include "plan/plan.h"

namespace interlock::worker {

/// What an attempt is asked, and what it is given to work with: the outputs it uses, a schema, its
/// prompt. Each is put into its folder where that is how it gets it, and placeholders stand for it.
class AttemptInputs {
 public:
  /// Where the attempt has its own things, by the paths it sees them at.
  struct Place {
    std::string folder;
    std::string workspace;
    bool has_view =
        false;  ///< Of the workspace, for itself alone: what it changed is gone with it.
  };

  /// All must outlive it. `outputs`: the bytes of all that is named in `spec`.
  AttemptInputs(const engine::AttemptSpec& spec, const engine::HostEnvironment& around,
                engine::AttemptFolders& folders, const std::map<Digest, std::string>& outputs);

  [[nodiscard]] Result<void> put_outputs(Place place);
  /// Of a merge driver: the file it joins.
  [[nodiscard]] Result<void> put_merge(Place place);
  /// The prompt of all whose work it does. Outputs are there already.
  [[nodiscard]] Result<void> put_prompt();

  const std::string& prompt() const { return prompt_; }
  const std::string& schema() const { return schema_; }            ///< Empty: none.
  const std::string& schema_file() const { return schema_file_; }  ///< Likewise.
  /// The command with its prompt as the last argument, where the agent takes it so and the command
  /// does not say where.
  plan::Command with_prompt(plan::Command command);
  std::vector<std::string> arguments_of(const plan::Command& command) const;
  /// With `{port}` as the port of a service.
  std::vector<std::string> arguments_of(const plan::Command& command, int port);
  plan::Lookup lookup() const;

 private:
  [[nodiscard]] Result<void> put_outputs_of(const engine::AttemptSpec::Work& work);
  [[nodiscard]] Result<std::string> put(const std::string& file, std::string_view content);
  std::string said_of_before() const;
  [[nodiscard]] Result<std::string> asked_text();
  std::string described_schema() const;
  std::string shown_tries() const;

  const engine::AttemptSpec& spec_;
  const plan::Agent& agent_;
  const agents::Adapter* adapter_;
  const engine::HostEnvironment& around_;
  engine::AttemptFolders& folders_;
  const std::map<Digest, std::string>& outputs_;
  Place place_;
  std::string prompt_, schema_, schema_file_;
  std::map<std::string, std::string> values_;  ///< Of placeholders.
};

}  // namespace interlock::worker
