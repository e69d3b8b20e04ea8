#include "agents/provider.h"

#include "agents/calling.h"

namespace interlock::agents {

namespace {

Provider anthropic() { return {"https://api.anthropic.com", {"ANTHROPIC_API_KEY"}}; }
Provider openai() { return {"https://api.openai.com", {"OPENAI_API_KEY"}}; }
Provider google() {
  return {"https://generativelanguage.googleapis.com", {"GEMINI_API_KEY", "GOOGLE_API_KEY"}};
}

Provider usual(const plan::Agent& agent) {
  switch (agent.kind) {
    case plan::AgentKind::claude_code: return anthropic();
    case plan::AgentKind::gemini: return google();
    case plan::AgentKind::chat:
      if (agent.api == "anthropic") return anthropic();
      return agent.api == "gemini" ? google() : openai();
    case plan::AgentKind::opencode:
    case plan::AgentKind::pi:
      return speaks_anthropic(split_model(agent.model)) ? anthropic() : openai();
    case plan::AgentKind::codex:
    case plan::AgentKind::qwen:
    case plan::AgentKind::command: return openai();
  }
  return openai();
}

}  // namespace

Provider provider_of(const plan::Agent& agent) {
  Provider provider = usual(agent);
  if (agent.base_url.empty()) return provider;
  std::string base = agent.base_url;
  const auto drop = [&base](std::string_view end) {
    if (base.ends_with(end)) base.resize(base.size() - end.size());
  };
  drop("/");
  drop("/v1");
  drop("/v1beta");
  drop("/");
  provider.base_url = std::move(base);
  return provider;
}

}  // namespace interlock::agents
