#pragma once

#include <string>
#include <string_view>

#include "agents/adapter.h"

// What the calls of all clients have in common.
namespace interlock::agents {

/// How often a client itself tries a call again: behind the gateway, which does that better, only
/// what breaks between the two.
inline constexpr int kRetriesBehindGateway = 2;
inline constexpr int kRetriesAlone = 4;
int retries_of(const Wanted& wanted);
bool has_gateway(const Wanted& wanted);
/// The variable of a key that a client looks up because its configuration says so. The gateway's
/// secret, which opens nothing else, is written there itself; a provider's key is not.
inline constexpr std::string_view kAgentKey = "INTERLOCK_AGENT_KEY";

/// The longest a client may be made to wait for an answer: the gateway admits no call before its
/// quota does, and Interlock has deadlines of its own.
inline constexpr int kPatienceMs = 6 * 3600 * 1000;

/// Linux refuses one argument of 128 KiB.
inline constexpr std::size_t kArgumentMax = 128 * 1024 - 1;

/// Builds an Invocation: the program, then what is added.
class Call {
 public:
  /// The prompt goes to standard input: as an argument it would be too long for Linux.
  Call(const Wanted& wanted, std::string_view program);

  Call& with(std::initializer_list<std::string_view> arguments);
  /// Nothing where `value` is empty.
  Call& with_option(std::string_view option, std::string_view value);
  /// The arguments of the plan's agent. Braces that the plan doubled are single from here on.
  Call& with_own_arguments();
  /// Nothing where the plan's agent sets the variable, or passes it on.
  Call& set(std::string_view variable, std::string_view value);
  Call& set_if(bool holds, std::string_view variable, std::string_view value);
  Call& add_file(std::string_view path, std::string content);
  /// `name` below the state folder, and that as the value of `variable`.
  Call& set_folder(std::string_view variable, std::string_view name);

  /// An error where an argument is too long for Linux.
  Result<Invocation> done();

 private:
  const Wanted& wanted_;
  Invocation call_;
};

/// `api` as in a plan, at the plan's `base_url` or where its provider has it.
Provider provider_of(const plan::Agent& agent, std::string_view api);

/// Where the model's API is, without a version part and without a slash at its end; empty: where
/// the client knows it to be.
std::string base_of(const Wanted& wanted);

/// What clients that know a model only with its provider are told of it: `anthropic/claude-x`.
struct NamedModel {
  std::string_view provider, model;  ///< `provider` is empty where none is named.
};
NamedModel split_model(std::string_view model);
/// Whether the model is spoken to in Anthropic's way: the provider says so, else its own name does.
bool speaks_anthropic(const NamedModel& named);
/// Of a client that speaks Anthropic's way or OpenAI chat, as the model wants it.
Provider provider_of_model(const plan::Agent& agent, std::string_view model);

}  // namespace interlock::agents
