#include "web/asks.h"

#include <fmt/format.h>

#include <cmath>
#include <cstdlib>

#include "base/text.h"
#include "base/units.h"
#include "decide/conditions.h"

namespace interlock::web {
namespace {

using Words = std::vector<std::string>;

constexpr std::size_t kListMost = 64, kTextMost = 100'000;

/// Reads the members of a request; the first that means nothing is told.
class Members {
 public:
  explicit Members(const json::object& body) : body_(body) {}

  std::string text(std::string_view key) {
    const json::value* value = body_.if_contains(key);
    if (value == nullptr || value->is_null()) return {};
    if (!value->is_string() || value->get_string().size() > kTextMost ||
        value->get_string().find('\0') != json::string::npos)
      return refuse(key), std::string();
    return std::string(value->get_string());
  }
  bool truth(std::string_view key) {
    const json::value* value = body_.if_contains(key);
    if (value == nullptr) return false;
    if (!value->is_bool()) return refuse(key), false;
    return value->get_bool();
  }
  /// None where there is no such member.
  std::optional<Words> list(std::string_view key) {
    const json::value* value = body_.if_contains(key);
    if (value == nullptr || value->is_null()) return std::nullopt;
    if (!value->is_array() || value->get_array().size() > kListMost)
      return refuse(key), std::nullopt;
    Words words;
    for (const json::value& one : value->get_array()) {
      if (!one.is_string() || one.get_string().empty() ||
          one.get_string().find('\0') != json::string::npos)
        return refuse(key), std::nullopt;
      words.emplace_back(one.get_string());
    }
    return words;
  }
  std::optional<std::int64_t> count(std::string_view key, std::int64_t most) {
    const json::value* value = body_.if_contains(key);
    if (value == nullptr || value->is_null()) return std::nullopt;
    if (!value->is_int64() || value->get_int64() < 1 || value->get_int64() > most)
      return refuse(key), std::nullopt;
    return value->get_int64();
  }

  void refuse(std::string_view key) {
    if (wrong_.empty()) wrong_ = fmt::format("`{}` is not what it may be", key);
  }
  Result<Words> done(Words words) const {
    if (wrong_.empty()) return words;
    return fail(Error::Kind::invalid, wrong_);
  }

 private:
  const json::object& body_;
  std::string wrong_;
};

Result<Words> settings_of(const std::string& run, Members& members) {
  Words words{"set", "--json", "--", run};
  if (const auto parallel = members.count("parallel", 1024))
    words.push_back(fmt::format("parallel={}", *parallel));
  for (const char* key : {"tokens", "usd"}) {
    if (const std::string value = members.text(key); !value.empty())
      words.push_back(fmt::format("{}={}", key, value));
  }
  if (words.size() == 4) members.refuse("parallel");
  return members.done(std::move(words));
}

Result<Words> task_of(const std::string& run, Members& members) {
  Words words{"add", "--json", "--run=" + run};
  const auto pass = [&](const char* key, const char* option) {
    if (const std::string value = members.text(key); !value.empty())
      words.push_back(fmt::format("--{}={}", option, value));
  };
  pass("id", "id");
  pass("agent", "agent");
  pass("prompt", "prompt");
  pass("timeout", "timeout");
  const auto pass_list = [&](const char* key, const char* option, const char* none) {
    const auto list = members.list(key);
    if (!list) return;
    if (list->empty() && none != nullptr) words.emplace_back(none);
    for (const std::string& one : *list) words.push_back(fmt::format("--{}={}", option, one));
  };
  pass_list("reads", "reads", "--reads-nothing");
  pass_list("writes", "writes", "--writes-nothing");
  pass_list("needs", "needs", nullptr);
  if (const std::string command = members.text("command"); !command.empty()) {
    words.emplace_back("--");
    words.push_back(command);
  }
  return members.done(std::move(words));
}

/// Where a task of a queue goes: `place` (`first`, `last`), or beside another.
Result<Words> move_of(const std::string& run, Members& members) {
  Words words{"queue", "--json"};
  const std::string task = members.text("task"), place = members.text("place");
  const std::string before = members.text("before"), after = members.text("after");
  const auto given = static_cast<int>(!place.empty()) + static_cast<int>(!before.empty()) +
                     static_cast<int>(!after.empty());
  if (task.empty()) members.refuse("task");
  if (given != 1 || (!place.empty() && place != "first" && place != "last"))
    members.refuse("place");
  if (!before.empty()) words.push_back("--before=" + before);
  if (!after.empty()) words.push_back("--after=" + after);
  words.insert(words.end(), {"--", "move", run, task});
  if (!place.empty()) words.push_back(place);
  return members.done(std::move(words));
}

/// Alone, `-` would be standard input.
std::string said_of(Members& members) {
  std::string text = members.text("text");
  if (text.empty() || text == "-") members.refuse("text");
  return text;
}

/// A note for a topic of the board.
Result<Words> post_of(const std::string& run, Members& members) {
  const std::string topic = members.text("topic");
  if (topic.empty()) members.refuse("topic");
  return members.done({"board", "--json", "--run=" + run, "--", "post", topic, said_of(members)});
}

/// A word to a task's agent.
Result<Words> message_of(const std::string& run, Members& members) {
  const std::string task = members.text("task");
  if (task.empty()) members.refuse("task");
  return members.done({"send", "--json", "--", run, task, said_of(members)});
}

/// As the command line takes it; nothing where it is no factor.
bool is_factor(const std::string& text) {
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  return text.find_first_not_of("0123456789.") == std::string::npos && end != text.c_str() &&
         *end == '\0' && value >= decide::kLeastFactor && value <= decide::kMostFactor;
}

}  // namespace

Result<std::vector<std::string>> command_of(std::string_view verb, const std::string& run,
                                            const json::object& body) {
  Members members(body);
  if (verb == "set") return settings_of(run, members);
  if (verb == "add") return task_of(run, members);
  if (verb == "move") return move_of(run, members);
  if (verb == "post") return post_of(run, members);
  if (verb == "send") return message_of(run, members);
  if (verb == "resume")
    return members.done({"resume", "--detach", "--wait", "--plan=old", "--json", "--", run});
  if (verb == "pause") {
    Words words{"pause", "--json"};
    if (members.truth("calls")) words.emplace_back("--now");
    words.insert(words.end(), {"--", run});
    return members.done(std::move(words));
  }
  if (verb != "approve" && verb != "reject" && verb != "cancel")
    return fail(Error::Kind::missing, "there is nothing at this path");
  Words words{std::string(verb), "--json", "--", run};
  if (const std::string task = members.text("task"); !task.empty()) words.push_back(task);
  return members.done(std::move(words));
}

Result<std::vector<std::string>> forecast_of(const std::string& run, const std::string& parallel,
                                             const std::string& quota, const std::string& size) {
  Words words{"forecast", "--json"};
  const auto refused = [](std::string_view what) {
    return fail(Error::Kind::invalid, fmt::format("`{}` is not what it may be", what));
  };
  if (!parallel.empty()) {
    const auto count = parse_count(parallel);
    if (!count || *count < 1 || *count > 1024) return refused("parallel");
    words.push_back(fmt::format("--parallel={}", *count));
  }
  for (const auto& [name, value] : {std::pair{"quota", &quota}, std::pair{"size", &size}}) {
    if (value->empty()) continue;
    if (!is_factor(*value)) return refused(name);
    words.push_back(fmt::format("--{}={}", name, *value));
  }
  words.insert(words.end(), {"--", run});
  return words;
}

}  // namespace interlock::web
