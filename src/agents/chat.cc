#include <fmt/format.h>

#include "agents/calling.h"
#include "agents/chat_lines.h"
#include "agents/clients.h"
#include "agents/json_fields.h"

// Interlock's own `chat`, as chat_lines.h has it.
namespace interlock::agents {

namespace {

class ChatReader : public Reader {
 public:
  std::vector<Event> read(const json::value& reported) override {
    const auto type = text_at(reported, "type");
    if (type == "started") return {Started{{}, std::string(text_at(reported, "model")), {}}};
    if (type == "text") return {Text{std::string(text_at(reported, "text")), true}};
    if (type == "waiting")
      return {RateLimited{seconds_at(reported, "seconds"), one_line(text_at(reported, "message"))}};
    if (type == "usage") {
      return {UsageReported{{count_at(reported, "input"),
                             count_at(reported, "output"),
                             count_at(reported, "cache_read"),
                             count_at(reported, "cache_write"),
                             {}},
                            false,
                            true}};
    }
    if (type == "final") return only(final(reported));
    if (type == "failed") {
      return {Failed{failure_named(text_at(reported, "kind")).value_or(Failure::other),
                     std::string(text_at(reported, "message"))}};
    }
    return {Unknown{std::string(type)}};
  }

  std::vector<Event> end() override { return {}; }

 private:
  /// Only `stop` is good: a word it does not know is no reason to believe that all is well.
  static Event final(const json::value& reported) {
    const auto finish = text_at(reported, "finish");
    if (finish == name_of(Finish::stop)) return Final{std::string(text_at(reported, "text")), {}};
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
