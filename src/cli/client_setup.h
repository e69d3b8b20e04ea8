#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/commands.h"
#include "cli/settings_text.h"

// What `init --for CLIENT` puts into a project, so that the client's model can reach Interlock.
namespace interlock::cli {

/// A change of one file, relative to the project.
struct SettingsChange {
  enum class How : unsigned char {
    whole,    ///< The file is ours.
    member,   ///< Of an object.
    element,  ///< Of a list.
    section,  ///< A table of a TOML document.
  };
  std::string file;
  How how = How::whole;
  std::vector<std::string> path;  ///< Of the member or list; of a section its one name.
  json::value value;
  std::string text;  ///< Of a whole file or a section; of an element, what tells one of ours.
};

/// `program`: how the client is to call us; `options`: words for its hook, such as `--enforce`.
/// Nothing: no such client.
std::optional<std::vector<SettingsChange>> setup_for_client(
    const std::string& client, const std::string& program, const std::vector<std::string>& options);
/// `init --for CLIENT`: lets a client's model reach Interlock, by a skill, a server and a hook in
/// the project's settings; with how many sub-agents its hook lets through at once; 0: all.
struct InitForClient : InitForRequest {
  std::size_t most = 0;
};
Result<Exit> init_for_command(const Context& context, const InitForClient& request);
/// `claude-code`, `codex`, `gemini`, `opencode`.
const std::vector<std::string>& clients_to_set_up();
/// What a person still has to do there; empty: nothing.
std::string trust_wanted(const std::string& client);

/// What to add to a document for this change; nothing: it is there.
Result<std::optional<Added>> addition_for(const SettingsChange& change, std::string_view document);

}  // namespace interlock::cli
