#include <fmt/format.h>

#include <cmath>
#include <functional>
#include <type_traits>

#include "endpoint/script.h"

// Reads scripts. A key nobody knows is an error: a test with a slip in its script proves nothing.
namespace interlock::endpoint {
namespace {

Duration seconds(double count) {
  return Duration(static_cast<std::int64_t>(std::llround(count * 1e6)));
}

/// The members of one object, each to be taken by its reader; the first mistake stays.
class Members {
 public:
  Members(const json::value& value, std::string_view what, std::optional<Error>& error)
      : error_(error), what_(what) {
    if (value.is_object()) {
      object_ = value.get_object();
    } else {
      complain("is no object");
    }
  }
  ~Members() {
    for (const auto& member : object_)
      complain(fmt::format("has an unknown key `{}`", std::string_view(member.key())));
  }
  Members(const Members&) = delete;
  Members& operator=(const Members&) = delete;

  void take(std::string_view key, const std::function<bool(const json::value&)>& reader) {
    auto* member = object_.if_contains(key);
    if (member == nullptr) return;
    if (!reader(*member)) complain(fmt::format("has a `{}` that is none", key));
    object_.erase(key);
  }
  bool has(std::string_view key) const { return object_.contains(key); }
  void text(std::string_view key, std::string& to) {
    take(key, [&](const json::value& value) {
      if (value.is_string()) to = std::string(value.get_string());
      return value.is_string();
    });
  }
  template <typename Flag>
  void flag(std::string_view key, Flag& to) {
    take(key, [&](const json::value& value) {
      if (value.is_bool()) to = value.get_bool();
      return value.is_bool();
    });
  }
  template <typename Number>
  void number(std::string_view key, Number& to) {
    take(key, [&](const json::value& value) {
      if (!value.is_int64() || value.get_int64() < 0) return false;
      if constexpr (std::is_integral_v<Number>) {
        to = static_cast<Number>(value.get_int64());
      } else {
        to = static_cast<typename Number::value_type>(value.get_int64());
      }
      return true;
    });
  }
  template <typename Span>
  void span(std::string_view key, Span& to) {
    take(key, [&](const json::value& value) {
      if (!value.is_number()) return false;
      to = seconds(value.to_number<double>());
      return true;
    });
  }

 private:
  void complain(const std::string& why) {
    if (!error_) error_ = Error{Error::Kind::invalid, fmt::format("{} {}", what_, why), {}};
  }

  json::object object_;
  std::optional<Error>& error_;
  std::string what_;
};

class Reader {
 public:
  Script read(const json::value& value) {
    Script script;
    Members members(value, "the script", error);
    each(members, "rules", [&](const json::value& one) { script.rules.push_back(rule(one)); });
    members.take("otherwise", [&](const json::value& one) {
      script.otherwise = step(one);
      return true;
    });
    members.take("quota", [&](const json::value& one) {
      script.limits = limits(one);
      return true;
    });
    each(members, "keys", [&](const json::value& one) {
      if (one.is_string()) script.keys.emplace_back(one.get_string());
    });
    members.flag("keep_bodies", script.keep_bodies);
    members.flag("caches", script.caches);
    members.number("cache_least", script.cache_least);
    members.span("cache_life", script.cache_life);
    members.take("slowing", [&](const json::value& one) {
      if (!one.is_object()) return false;
      const json::object& object = one.get_object();
      const auto number = [&](std::string_view key) {
        const auto found = object.find(key);
        const bool is_number = found != object.end() && found->value().is_number();
        return is_number ? found->value().to_number<double>() : -1;
      };
      script.slows_beyond = number("beyond");
      script.slows_by = number("by");
      return script.slows_beyond >= 1 && script.slows_by >= 0 && object.size() == 2;
    });
    return script;
  }

  std::optional<Error> error;

 private:
  static void each(Members& members, std::string_view key,
                   const std::function<void(const json::value&)>& reader) {
    members.take(key, [&](const json::value& value) {
      if (!value.is_array()) return false;
      for (const json::value& one : value.get_array()) reader(one);
      return true;
    });
  }

  Rule rule(const json::value& value) {
    Rule rule;
    Members members(value, "a rule", error);
    members.text("prompt", rule.prompt);
    members.text("body", rule.body);
    members.text("model", rule.model);
    members.flag("after_tool", rule.after_tool);
    members.flag("has_tools", rule.has_tools);
    members.flag("together", rule.together);
    members.flag("loop", rule.loops);
    each(members, "steps", [&](const json::value& one) { rule.steps.push_back(step(one)); });
    return rule;
  }

  Step step(const json::value& value) {
    Step step;
    Members members(value, "a step", error);
    members.number("times", step.times);
    said(members, step);
    refused(members, step);
    delivered(members, step);
    return step;
  }

  void said(Members& members, Step& step) {
    members.text("text", step.text);
    members.text("shell", step.shell);
    members.number("huge", step.huge);
    each(members, "tools", [&](const json::value& one) {
      ToolCall call;
      Members tool(one, "a tool call", error);
      tool.text("name", call.name);
      tool.take("input", [&](const json::value& input) {
        if (input.is_object()) call.input = input.get_object();
        return input.is_object();
      });
      step.tools.push_back(std::move(call));
    });
    members.take("structured", [&](const json::value& one) {
      step.structured = one;
      return true;
    });
    members.take("finish", [&](const json::value& one) {
      if (one == "length") step.finish = Finish::length;
      if (one == "refusal") step.finish = Finish::refusal;
      return one == "length" || one == "refusal" || one == "whole";
    });
    members.text("ends_with", step.ends_with);
    members.take("usage", [&](const json::value& one) {
      step.usage = used(one);
      return true;
    });
    members.take("told", [&](const json::value& one) {
      step.told = used(one);
      return true;
    });
    members.flag("tells_usage", step.tells_usage);
  }

  void refused(Members& members, Step& step) {
    members.number("status", step.status);
    members.text("code", step.code);
    members.text("message", step.message);
    members.span("retry_after", step.retry_after);
    members.take("headers", [&](const json::value& value) {
      if (!value.is_object()) return false;
      for (const auto& [name, one] : value.get_object()) {
        if (!one.is_string()) return false;
        step.headers.emplace_back(name, one.get_string());
      }
      return true;
    });
    members.text("raw", step.raw);
    members.text("raw_type", step.raw_type);
  }

  static void delivered(Members& members, Step& step) {
    members.flag("hang", step.hangs);
    members.span("wait", step.wait);
    members.span("delay", step.delay);
    members.number("cut_after", step.cut_after);
    members.number("end_after", step.end_after);
    members.number("drop_last", step.drop_last);
    members.number("stall_after", step.stall_after);
    members.number("garble_after", step.garble_after);
    members.number("fail_after", step.fail_after);
  }

  Used used(const json::value& value) {
    Used used;
    Members members(value, "a usage", error);
    members.number("input", used.input);
    members.number("output", used.output);
    members.number("cache_read", used.cache_read);
    members.number("cache_write", used.cache_write);
    members.number("reasoning", used.reasoning);
    return used;
  }

  Limits limits(const json::value& value) {
    Limits limits;
    Members members(value, "the quota", error);
    const auto bucket = [&](std::string_view key, std::optional<Bucket>& to) {
      members.take(key, [&](const json::value& one) {
        Members inner(one, "a bucket", error);
        to.emplace();
        inner.number("capacity", to->capacity);
        inner.span("per", to->per);
        return true;
      });
      if (to && (to->capacity <= 0 || to->per <= Duration{})) {
        error =
            Error{Error::Kind::invalid, fmt::format("`{}` needs a `capacity` and `per`", key), {}};
      }
    };
    bucket("requests", limits.requests);
    bucket("input_tokens", limits.input_tokens);
    bucket("output_tokens", limits.output_tokens);
    members.number("concurrency", limits.concurrency);
    members.flag("reserves_max", limits.reserves_max);
    members.flag("counts_cached", limits.counts_cached);
    members.flag("tells_a_minute", limits.tells_a_minute);
    members.flag("tells_headers", limits.tells_headers);
    members.flag("counts_windows", limits.counts_windows);
    return limits;
  }
};

}  // namespace

Result<Script> read_script(std::string_view text) {
  const auto value = parse_json(text);
  if (!value) return within(value.error(), "the script");
  Reader reader;
  Script script = reader.read(*value);
  if (reader.error) return std::unexpected(*reader.error);
  if (const auto good = Chooser::verify(script); !good) return std::unexpected(good.error());
  return script;
}

}  // namespace interlock::endpoint
