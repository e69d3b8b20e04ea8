#include "agents/chat_lines.h"

#include <boost/json/serialize.hpp>

#include "base/json.h"

namespace interlock::agents {

namespace {

std::string line_of(const json::object& fields) { return json::serialize(fields) + "\n"; }

json::value number_or_null(const std::optional<Tokens>& number) {
  return number ? json::value(*number) : json::value(nullptr);
}

}  // namespace

std::string_view name_of(Finish finish) {
  switch (finish) {
    case Finish::stop: return "stop";
    case Finish::cut_off: return "cut_off";
    case Finish::refused: return "refused";
  }
  return "";
}

std::string chat_started(std::string_view api, std::string_view model) {
  return line_of({{"type", "started"}, {"api", api}, {"model", model}});
}

std::string chat_text(std::string_view piece) {
  return line_of({{"type", "text"}, {"text", piece}});
}

std::string chat_waiting(std::optional<Duration> wait, std::string_view message) {
  const json::value seconds = wait ? json::value(to_seconds(*wait)) : json::value(nullptr);
  return line_of({{"type", "waiting"}, {"seconds", seconds}, {"message", message}});
}

std::string chat_usage(const Usage& usage) {
  return line_of({{"type", "usage"},
                  {"input", number_or_null(usage.input)},
                  {"output", number_or_null(usage.output)},
                  {"cache_read", number_or_null(usage.cache_read)},
                  {"cache_write", number_or_null(usage.cache_write)}});
}

std::string chat_final(std::string_view text, Finish finish) {
  return line_of({{"type", "final"}, {"text", text}, {"finish", name_of(finish)}});
}

std::string chat_failed(Failure failure, std::string_view message) {
  return line_of({{"type", "failed"}, {"kind", name_of(failure)}, {"message", message}});
}

}  // namespace interlock::agents
