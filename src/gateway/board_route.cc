#include "gateway/board_route.h"

#include <charconv>
#include <utility>

#include "base/json.h"

namespace interlock::gateway {

namespace {

constexpr std::string_view kPath = "/interlock/board/";

std::string error_body(std::string_view message) {
  return canonical_json(json::object{{"error", json::object{{"message", message}}}});
}

http::HeaderList json_type() { return {{"content-type", "application/json"}}; }

/// `after=12`; nothing where it is something else.
std::optional<std::uint32_t> after_in(std::string_view query) {
  constexpr std::string_view kKey = "after=";
  if (query.empty()) return 0;
  if (!query.starts_with(kKey)) return std::nullopt;
  query.remove_prefix(kKey.size());
  std::uint32_t number = 0;
  const auto read = std::from_chars(query.data(), query.data() + query.size(), number);
  if (read.ec != std::errc() || read.ptr != query.data() + query.size()) return std::nullopt;
  return number;
}

}  // namespace

bool BoardRoute::is_for_board(std::string_view path) { return path.starts_with(kPath); }

void BoardRoute::ask(http::Session& session, engine::AttemptName name, const http::Request& request,
                     std::string_view path, std::string text) {
  path.remove_prefix(kPath.size());
  const std::size_t mark = path.find('?');
  const std::string_view query = mark == path.npos ? std::string_view() : path.substr(mark + 1);
  const bool posts = request.method == "POST";
  const auto after = after_in(posts ? std::string_view() : query);
  if (!posts && request.method != "GET")
    return session.answer(405, json_type(), error_body("a topic is asked by GET and POST"));
  if (!after) return session.answer(400, json_type(), error_body("`after` is a number"));
  const std::uint64_t id = ++last_;
  auto& call = open_[id];
  call = std::make_unique<OpenCall>();
  call->session = &session;
  call->name = name;
  session.answered_by(call.get());
  {
    const std::scoped_lock lock(mutex_);
    untaken_.push_back(
        {id, name, posts, std::string(path.substr(0, mark)), std::move(text), *after});
  }
  if (wake_) wake_();
}

void BoardRoute::answer(std::uint64_t id, const engine::BoardAnswer& answer) {
  const auto found = open_.find(id);
  if (found == open_.end()) return;
  if (http::Session* const session = std::exchange(found->second->session, nullptr)) {
    session->answered_by(nullptr);
    session->answer(answer.status, json_type(), answer.body);
  }
  open_.erase(id);
}

void BoardRoute::close(engine::AttemptName name) {
  std::vector<std::uint64_t> ids;
  for (const auto& [id, call] : open_) {
    if (call->name == name) ids.push_back(id);
  }
  for (const std::uint64_t id : ids) answer(id, {410, error_body("this attempt is over")});
  const std::scoped_lock lock(mutex_);
  std::erase_if(untaken_, [&](const engine::BoardCall& call) { return call.name == name; });
}

std::vector<engine::BoardCall> BoardRoute::take() {
  const std::scoped_lock lock(mutex_);
  return std::exchange(untaken_, {});
}

}  // namespace interlock::gateway
