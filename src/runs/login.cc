#include "runs/login.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <chrono>

#include "base/digest.h"
#include "base/json.h"
#include "base/text.h"
#include "workspace/local_files.h"

namespace interlock::runs {

namespace {

constexpr std::size_t kLoginBytesMax = 1u << 20;
constexpr std::size_t kConfigBytesMax = 64u << 20;  // A client keeps whole histories in it.

std::string value_of(const Environment& environment, const std::string& name) {
  const auto found = environment.find(name);
  return found == environment.end() ? std::string() : found->second;
}

/// Where it keeps what is its own.
std::string folder_of(const Environment& environment) {
  std::string folder = value_of(environment, "CLAUDE_CONFIG_DIR");
  return folder.empty() ? value_of(environment, "HOME") + "/.claude" : folder;
}

std::string account_in(const Result<std::string>& config) {
  const auto parsed = config ? parse_json(*config) : Result<json::value>(json::value());
  const json::object* object = parsed ? parsed->if_object() : nullptr;
  const json::value* account = object == nullptr ? nullptr : object->if_contains("oauthAccount");
  const json::value* id = account != nullptr && account->is_object()
                              ? account->get_object().if_contains("accountUuid")
                              : nullptr;
  return id != nullptr && id->is_string() ? std::string(id->get_string()) : std::string();
}

std::unexpected<Error> renew(const std::string& message) {
  return fail(Error::Kind::invalid, message,
              "start `claude` once, which renews it; or make a token that lasts with `claude "
              "setup-token` and set "
              "CLAUDE_CODE_OAUTH_TOKEN");
}

std::int64_t now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace

bool uses_login(const plan::Plan& plan) {
  return std::ranges::any_of(plan.tasks, [&](const plan::Task& task) {
    return plan.agents[task.agent.index()].login ||
           (task.retry_agent && plan.agents[task.retry_agent->index()].login);
  });
}

Result<std::string> read_claude_login(const Environment& environment) {
  if (!value_of(environment, "CLAUDE_CODE_OAUTH_TOKEN").empty()) return std::string();
  const std::string path = folder_of(environment) + "/.credentials.json";
  workspace::LocalFiles files;
  const auto text = files.read(path, kLoginBytesMax);
  if (!text) {
    return fail(Error::Kind::invalid,
                fmt::format("Claude Code is not logged in: no `{}`", printable(path)),
                "start `claude` and log in; or leave `login` out and set `ANTHROPIC_API_KEY`");
  }
  auto parsed = parse_json(*text);
  json::value* login =
      parsed && parsed->is_object() ? parsed->get_object().if_contains("claudeAiOauth") : nullptr;
  if (login == nullptr || !login->is_object())
    return *text;  // Of a version that keeps it otherwise.
  json::object& object = login->get_object();
  const json::value* expires = object.if_contains("expiresAt");
  if (expires != nullptr && expires->is_int64() && expires->get_int64() <= now_ms())
    return renew("the log-in of Claude Code has to be renewed");
  object.erase("refreshToken");
  return json::serialize(*parsed);
}

std::string login_name(const Environment& environment) {
  constexpr std::size_t kDigits = 8;
  std::string known = value_of(environment, "CLAUDE_CODE_OAUTH_TOKEN");
  if (known.empty()) {
    const std::string folder = value_of(environment, "CLAUDE_CONFIG_DIR");
    workspace::LocalFiles files;
    if (!files.read(folder_of(environment) + "/.credentials.json", kLoginBytesMax)) return {};
    // The token changes with every renewal, the account does not.
    known = account_in(
        files.read((folder.empty() ? value_of(environment, "HOME") : folder) + "/.claude.json",
                   kConfigBytesMax));
    if (known.empty()) known = folder_of(environment);
  }
  return digest_of(known).hex().substr(0, kDigits);
}

std::string claude_login_token(const Environment& environment) {
  std::string token = value_of(environment, "CLAUDE_CODE_OAUTH_TOKEN");
  if (!token.empty()) return token;
  workspace::LocalFiles files;
  const auto text = files.read(folder_of(environment) + "/.credentials.json", kLoginBytesMax);
  const auto parsed = text ? parse_json(*text) : Result<json::value>(json::value());
  const json::object* object = parsed ? parsed->if_object() : nullptr;
  const json::value* login = object == nullptr ? nullptr : object->if_contains("claudeAiOauth");
  if (login == nullptr || !login->is_object()) return token;
  const json::value* shown = login->get_object().if_contains("accessToken");
  if (shown != nullptr && shown->is_string()) token = std::string(shown->get_string());
  return token;
}

}  // namespace interlock::runs
