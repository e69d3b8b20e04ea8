#include "agents/calling.h"
#include "agents/clients.h"

namespace interlock::agents {

namespace {

constexpr std::string_view kTriedWith[] = {"2.1.197", "2.1.330"};

class ClaudeCode : public Adapter {
 public:
  plan::AgentKind kind() const override { return plan::AgentKind::claude_code; }
  std::string_view program() const override { return "claude"; }
  std::unique_ptr<Reader> reader(const plan::Agent&) const override { return read_claude_code(); }
  std::optional<Provider> provider(const plan::Agent& agent, std::string_view) const override {
    return provider_of(agent, "anthropic");
  }
  bool takes_schema() const override { return true; }
  bool resumes(const plan::Agent&) const override { return true; }
  bool counts_over_sessions() const override { return true; }
  bool sends_random_ids() const override { return true; }
  bool sends_the_date() const override { return true; }
  std::span<const std::string_view> tried_with() const override { return kTriedWith; }

  Result<Invocation> invoke(const Wanted& wanted) const override {
    Call call(wanted, program());
    call.with({"-p", "--output-format", "stream-json", "--verbose"});
    if (wanted.may_write) {
      call.with({"--dangerously-skip-permissions"});
      // It refuses that to root unless told that it is in a sandbox, and then prints no JSON.
      call.set_if(wanted.as_root, "IS_SANDBOX", "1");
    } else {
      call.with({"--permission-mode", "dontAsk"});
    }
    call.with_option("--model", wanted.model)
        .with_option("--json-schema", wanted.schema)
        .with_option("--resume", wanted.session)
        .with_own_arguments();
    set_environment(call, wanted);
    return call.done();
  }

 private:
  static void set_environment(Call& call, const Wanted& wanted) {
    call.set_folder("CLAUDE_CONFIG_DIR", "claude")
        .set("DISABLE_AUTOUPDATER", "1")
        .set("DISABLE_TELEMETRY", "1")
        .set("DISABLE_ERROR_REPORTING", "1")
        .set("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1")
        // Its system prompt would name a folder of the task's own, which goes away with it:
        // siblings could not share a prompt cache.
        .set("CLAUDE_CODE_DISABLE_AUTO_MEMORY", "1")
        // Its system prompt would begin with a line that differs in each session.
        .set_if(has_gateway(wanted), "CLAUDE_CODE_ATTRIBUTION_HEADER", "0")
        .set("CLAUDE_CODE_MAX_RETRIES", std::to_string(retries_of(wanted)))
        .set_if(has_gateway(wanted), "API_TIMEOUT_MS", std::to_string(kPatienceMs))
        // A key would be used in place of a log-in.
        .set_if(!wanted.secret.empty() && !wanted.agent->login, "ANTHROPIC_API_KEY", wanted.secret);
    if (!wanted.login.empty()) call.add_file("claude/.credentials.json", wanted.login);
    // It adds `/v1/messages`.
    if (const std::string base = base_of(wanted); !base.empty())
      call.set("ANTHROPIC_BASE_URL", base);
  }
};

}  // namespace

const Adapter& claude_code() {
  static const ClaudeCode adapter;
  return adapter;
}

}  // namespace interlock::agents
