#include "agents/event.h"

#include <fmt/format.h>

#include "agents/json_fields.h"

namespace interlock::agents {

namespace {

std::string show_each(const Started& started) {
  return fmt::format("started session={} model={} version={}", started.session, started.model,
                     started.version);
}

std::string show_each(const Text& text) {
  return fmt::format("{} \"{}\"", text.partial ? "piece" : "text", one_line(text.text));
}

std::string show_each(const ToolUsed& used) {
  return fmt::format("{} {} \"{}\"", used.denied ? "denied" : "tool", one_line(used.tool),
                     one_line(used.detail));
}

std::string show_each(const FileChanged& changed) {
  return fmt::format("file {}", one_line(changed.path));
}

std::string show_number(const std::optional<std::int64_t>& number) {
  return number ? fmt::format("{}", *number) : "?";
}

std::string show_each(const UsageReported& reported) {
  return fmt::format("usage {}/{}/{}/{} cost={}{}{}", show_number(reported.usage.input),
                     show_number(reported.usage.output), show_number(reported.usage.cache_read),
                     show_number(reported.usage.cache_write), show_number(reported.usage.cost),
                     reported.total ? " total" : "", reported.whole ? " whole" : "");
}

std::string show_each(const RateLimited& limited) {
  return fmt::format("waits {} \"{}\"", limited.wait ? show_duration(*limited.wait) : "?",
                     one_line(limited.detail));
}

std::string show_each(const Final& final) {
  return fmt::format("final \"{}\"{}", one_line(final.text),
                     final.structured ? " structured=" + one_line(*final.structured) : "");
}

std::string show_each(const Failed& failed) {
  return fmt::format("{} {} \"{}\"", failed.part_only ? "remark" : "failed",
                     name_of(failed.failure), one_line(failed.detail));
}

std::string show_each(const Unknown& unknown) {
  return fmt::format("unknown {}", one_line(unknown.type));
}

}  // namespace

std::string_view name_of(Failure failure) {
  switch (failure) {
    case Failure::authentication: return "authentication";
    case Failure::rate_limited: return "rate_limited";
    case Failure::quota_spent: return "quota_spent";
    case Failure::api: return "api";
    case Failure::bad_request: return "bad_request";
    case Failure::too_long: return "too_long";
    case Failure::cut_off: return "cut_off";
    case Failure::refused: return "refused";
    case Failure::empty: return "empty";
    case Failure::output_invalid: return "output_invalid";
    case Failure::limit_of_client: return "limit_of_client";
    case Failure::no_session: return "no_session";
    case Failure::aborted: return "aborted";
    case Failure::no_final: return "no_final";
    case Failure::other: return "other";
  }
  return "";
}

std::optional<Failure> failure_named(std::string_view name) {
  for (auto at = Failure::authentication; at <= Failure::other;
       at = static_cast<Failure>(static_cast<int>(at) + 1)) {
    if (name_of(at) == name) return at;
  }
  return {};
}

std::string show(const Event& event) {
  return std::visit([](const auto& each) { return show_each(each); }, event);
}

}  // namespace interlock::agents
