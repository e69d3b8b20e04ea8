#include <fmt/format.h>

#include "agents/calling.h"
#include "agents/chat_lines.h"
#include "agents/clients.h"
#include "agents/told.h"

// Interlock's own `chat`, as chat_lines.h has it.
namespace interlock::agents {

namespace {

class ChatReader : public Reader {
 public:
  std::vector<Event> read(const json::value& told) override {
    const auto type = text_at(told, "type");
    if (type == "started") return {Started{{}, std::string(text_at(told, "model")), {}}};
    if (type == "text") return {Text{std::string(text_at(told, "text")), true}};
    if (type == "waiting")
      return {RateLimited{seconds_at(told, "seconds"), one_line(text_at(told, "message"))}};
    if (type == "usage") {
      return {UsageTold{{count_at(told, "input"),
                         count_at(told, "output"),
                         count_at(told, "cache_read"),
                         count_at(told, "cache_write"),
                         {}},
                        false,
                        true}};
    }
    if (type == "final") return only(final(told));
    if (type == "failed") {
      return {Failed{failure_named(text_at(told, "kind")).value_or(Failure::other),
                     std::string(text_at(told, "message"))}};
    }
    return {Unknown{std::string(type)}};
  }

  std::vector<Event> end() override { return {}; }

 private:
  /// Only `stop` is good: a word it does not know is no reason to believe that all is well.
  static Event final(const json::value& told) {
    const auto finish = text_at(told, "finish");
    if (finish == name_of(Finish::stop)) return Final{std::string(text_at(told, "text")), {}};
    if (finish == name_of(Finish::cut_off))
      return Failed{Failure::cut_off, "the answer was cut at the output limit"};
    if (finish == name_of(Finish::refused)) return Failed{Failure::refused, "the model declined"};
    return Failed{Failure::other, fmt::format("it finished with `{}`", one_line(finish))};
  }
};

class Chat : public Adapter {
 public:
  plan::AgentKind kind() const override { return plan::AgentKind::chat; }
  std::string_view program() const override { return "interlock"; }
  Powers powers(bool) const override { return Powers::none; }
  std::unique_ptr<Reader> reader(const plan::Agent&) const override {
    return std::make_unique<ChatReader>();
  }
  std::optional<Provider> provider(const plan::Agent& agent, std::string_view) const override {
    return provider_of(agent, agent.api.empty() ? "openai" : agent.api);
  }
  bool takes_schema() const override { return true; }
  bool resumes(const plan::Agent&) const override { return false; }
  std::span<const std::string_view> tried_with() const override { return {}; }

  Result<Invocation> invoke(const Wanted& wanted) const override {
    const std::string& own = wanted.own_program;
    const std::string& api = wanted.agent->api;
    Call call(wanted, own.empty() ? program() : std::string_view(own));
    call.with({"chat", "--api", api.empty() ? std::string_view("openai") : std::string_view(api)})
        .with_option("--model", wanted.model)
        .with_option("--base-url", base_of(wanted));
    if (!wanted.schema.empty()) call.with_option("--schema", wanted.schema_file);
    call.with_own_arguments().set_if(!wanted.secret.empty(), kChatKey, wanted.secret);
    return call.done();
  }
};

}  // namespace

const Adapter& chat() {
  static const Chat adapter;
  return adapter;
}

}  // namespace interlock::agents
