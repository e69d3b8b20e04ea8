#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agents/event.h"
#include "base/json.h"
#include "base/result.h"
#include "plan/plan.h"

// How each kind of agent is called, and how what it prints is read. Pure: files, processes and
// sockets are others' business.
namespace interlock::agents {

/// Reads one attempt's standard output, line by line as it comes.
class Reader {
 public:
  virtual ~Reader() = default;
  /// A whole line, without its end. Never fails: what it does not know is Unknown, and text that is
  /// no JSON is too.
  std::vector<Event> line(std::string_view line);
  /// The same, and lets go of the line as soon as it is parsed: one may be as long as an answer.
  std::vector<Event> take_line(std::string line);
  /// The stream has ended: what follows from all of it.
  virtual std::vector<Event> end() = 0;

 private:
  virtual std::vector<Event> read(const json::value& reported) = 0;
};

/// What is wanted of an agent, for one attempt.
struct Wanted {
  const plan::Agent* agent = nullptr;
  plan::Command run;  ///< For commands: the task's own; empty: the agent's.
  std::string model;  ///< Empty: what the client takes by itself.
  std::string prompt;
  std::string workspace;     ///< Where it starts; absolute.
  std::string state_folder;  ///< Of the task's own, over all its attempts; absolute.
  std::string temporary;     ///< TMPDIR; absolute.
  std::string schema;        ///< The JSON Schema the answer must hold to; empty: none.
  std::string schema_file;   ///< Where that lies; absolute.
  std::string session;       ///< To be resumed; empty: a new one.
  std::string base_url;  ///< Of the gateway, without a version part; empty: the plan's, else the
                         ///< client's own.
  std::string secret;    ///< What it shows as its key; empty: what the client has by itself.
  std::string login;     ///< What the client keeps of the person's log-in; empty: it is given none.
  std::string own_program;  ///< Interlock itself, for the kinds it brings along.
  bool may_write = true;    ///< Whether the task's footprint lets it change anything.
  bool as_root = false;
};

/// A file that must be there before it starts.
struct StateFile {
  std::string path;  ///< Relative to the state folder.
  std::string content;
  bool operator==(const StateFile&) const = default;
};

/// How it is called.
struct Invocation {
  std::vector<std::string> arguments;  ///< arguments[0] is the program.
  /// Beside what every attempt gets. What the plan sets or passes on itself is left out of it.
  std::map<std::string, std::string> environment;
  std::string standard_input;
  std::vector<StateFile> files;
};

/// What came of it, as far as the client and its process tell. Success is never the exit code
/// alone.
struct Ending {
  std::optional<Failure> failure;  ///< None: it succeeded.
  std::string detail;              ///< For people; empty on success.
};

/// Whose API a client speaks: where the gateway passes its calls on to.
struct Provider {
  std::string api;           ///< As in a plan: `anthropic`, `openai`, `openai-responses`, `gemini`.
  std::string base_url;      ///< Without a version part and without a slash at its end.
  std::string key_variable;  ///< Where its key usually is; the plan's `key` weighs more.
  bool operator==(const Provider&) const = default;
};

/// What a client does without asking anybody.
enum class Powers : unsigned char {
  own,        ///< A command: whatever the person's own program does.
  none,       ///< It has no tools.
  reads,      ///< Its own read-only mode.
  unchecked,  ///< Its permission checks are off: any command, any file.
};

/// One kind of agent. Has no state; what an attempt's stream means is its Reader's.
class Adapter {
 public:
  virtual ~Adapter() = default;
  virtual plan::AgentKind kind() const = 0;
  /// The program it calls when the plan names none.
  virtual std::string_view program() const = 0;
  virtual Result<Invocation> invoke(const Wanted& wanted) const = 0;
  /// What `invoke` lets it do, by `Wanted::may_write`.
  virtual Powers powers(bool may_write) const {
    return may_write ? Powers::unchecked : Powers::reads;
  }
  virtual std::unique_ptr<Reader> reader(const plan::Agent& agent) const = 0;
  /// From all it told and how its process ended. Who ended the process himself because it lingered
  /// after its final event passes neither code nor signal.
  virtual Ending ending(const Transcript& transcript, std::optional<int> exit_code,
                        std::optional<int> signal) const;
  /// For the plan's `base_url`, else the provider's own. Nothing for what calls no model that is
  /// known.
  virtual std::optional<Provider> provider(const plan::Agent& agent,
                                           std::string_view model) const = 0;
  /// Whether it tells that an answer was ended by the output limit. Else only the gateway sees
  /// that.
  virtual bool reports_cuts() const { return true; }
  /// Whether `Wanted::schema` means anything to it. Else the prompt has to say what is wanted.
  virtual bool takes_schema() const { return false; }
  /// Whether `Wanted::session` means anything to it.
  virtual bool resumes(const plan::Agent& agent) const = 0;
  /// Whether usage it tells after a resume counts from the session's beginning.
  virtual bool counts_over_sessions() const { return false; }
  /// Whether nothing more comes after a Final but the end of the process, so that one that lingers
  /// may be ended. Else the last of several counts, and only the end of the stream tells which.
  virtual bool final_is_last() const { return true; }

  /// Whether its requests hold UUIDs that it draws anew in each run; whether they tell the day.
  /// Recordings leave these out.
  virtual bool sends_random_ids() const { return false; }
  virtual bool sends_the_date() const { return false; }

  /// What it writes in the workspace on its own account, relative to it, and does without where it
  /// cannot: no failure of the task.
  virtual std::span<const std::string_view> droppings() const { return {}; }

  /// To ask for its version, after the program; and the version in what it then prints.
  virtual std::vector<std::string> version_arguments() const { return {"--version"}; }
  virtual std::string version_in(std::string_view printed) const;
  /// Versions whose recorded streams this adapter was tried with, oldest first.
  virtual std::span<const std::string_view> tried_with() const = 0;
};

/// Nothing for commands without a mapping of their own events.
const Adapter* adapter_for(const plan::Agent& agent);
/// Where the gateway passes its calls on to. Nothing: they do not pass it.
std::optional<Provider> provider_through_gateway(const plan::Agent& agent, std::string_view model);
/// All kinds, for `interlock agents`.
std::span<const Adapter* const> all_adapters();

}  // namespace interlock::agents
