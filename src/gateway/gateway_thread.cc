#include "gateway/gateway_thread.h"

#include <fmt/format.h>
#include <pthread.h>

#include <algorithm>
#include <csignal>
#include <future>
#include <iterator>
#include <utility>

#include "base/json.h"
#include "base/text.h"
#include "gateway/credentials.h"
#include "gateway/secret.h"
#include "metering/path.h"

namespace interlock::gateway {
namespace {

std::string error_body(std::string_view message) {
  return canonical_json(json::object{{"error", {{"type", "not_found_error"}, {"message", message}}},
                                     {"type", "error"}});
}

http::HeaderList json_type() { return {{"content-type", "application/json"}}; }

/// `http://user:word@proxy`: curl repeats the whole of it when it does not like it.
std::string_view password_in(std::string_view url) {
  const std::size_t at = url.find('@');
  const std::size_t begin = url.find("://");
  if (at == url.npos || begin == url.npos || at < begin) return {};
  const std::string_view login = url.substr(begin + 3, at - begin - 3);
  const std::size_t colon = login.find(':');
  return colon == login.npos ? std::string_view() : login.substr(colon + 1);
}

Redaction secrets_of(const Options& options) {
  Redaction redaction = options.secrets;
  for (const auto& [agent, provider] : options.providers)
    redaction.add(provider.key_name, provider.key.reveal());
  for (const std::string* proxy : {&options.network.http_proxy, &options.network.https_proxy})
    redaction.add("proxy", password_in(*proxy));
  return redaction;
}

/// Requests of one attempt at once, and what their bodies may take together.
constexpr std::uint32_t kMostInFlight = 256;
constexpr std::size_t kMostBodyBytes = std::size_t{256} << 20U;
/// Likewise of what is posted to the board: far more than one note may have.
constexpr std::size_t kMostBoardBytes = std::size_t{1} << 20U;

/// Clients knock before they come in.
bool is_knock(const http::Request& request, const Target& target) {
  return request.method == "HEAD" && (target.rest.empty() || target.rest == "/");
}

bool may_pass_unmetered(const Provider& provider, std::string_view path) {
  path = path.substr(0, path.find('?'));
  return std::ranges::any_of(provider.unmetered, [&](std::string_view allowed) {
    if (!allowed.ends_with('*')) return path == allowed;
    allowed.remove_suffix(1);
    return path.starts_with(allowed);
  });
}

Result<std::optional<Recordings>> open_recordings(const Options& options) {
  if (options.replay_folder.empty() && options.record_folder.empty())
    return std::optional<Recordings>();
  auto opened = options.replay_folder.empty() ? Recordings::open(options.record_folder)
                                              : Recordings::open_for_reading(options.replay_folder);
  if (!opened) return std::unexpected(opened.error());
  return std::optional(std::move(*opened));
}

/// Signals are for the process's own threads.
std::thread quiet_thread(std::function<void()> work) {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread thread(std::move(work));
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return thread;
}

}  // namespace

LocalGateway::GatewayThread::GatewayThread(Options given)
    : GatewayState(std::move(given)), board_(options.wake) {
  for (const auto& [model, output] : options.past_outputs)
    estimates.learn_past_output(model, output);
}

Result<std::unique_ptr<LocalGateway::GatewayThread>> LocalGateway::GatewayThread::open(
    Options options) {
  for (auto& [agent, provider] : options.providers) {
    while (provider.base_url.ends_with('/')) provider.base_url.pop_back();
  }
  std::unique_ptr<GatewayThread> thread_(new GatewayThread(std::move(options)));
  thread_->redaction = secrets_of(thread_->options);
  auto recorded = open_recordings(thread_->options);
  if (!recorded) return std::unexpected(recorded.error());
  thread_->recorded = std::move(*recorded);
  // Nothing is sent when replaying, so no quota is touched.
  auto admission = Admission::open(
      thread_->loop, thread_->replays_all() ? std::vector<QuotaOption>() : thread_->options.quotas);
  if (!admission) return std::unexpected(admission.error());
  thread_->admission = std::move(*admission);
  auto server = http::Server::open(
      thread_->loop, thread_->options.port, thread_->options.sessions,
      [raw = thread_.get()](const http::Request& request) { return raw->on_head(request); },
      [raw = thread_.get()](http::Session& session, http::Request request) {
        raw->on_request(session, std::move(request));
      });
  if (!server) return std::unexpected(server.error());
  thread_->server_ = std::move(*server);
  thread_->thread_ = quiet_thread([raw = thread_.get()] { raw->loop.run(); });
  return thread_;
}

LocalGateway::GatewayThread::~GatewayThread() {
  if (thread_.joinable()) {
    loop.post([this] { loop.stop(); });
    thread_.join();
  }
  // Calls and sessions know one another: calls go first, and tell nobody.
  calls.clear();
  server_.reset();
  board_.clear();
  admission.reset();
}

void LocalGateway::GatewayThread::in_thread(const std::function<void()>& work) {
  std::promise<void> done;
  loop.post([&] {
    work();
    done.set_value();
  });
  done.get_future().wait();
}

Result<engine::Gateway::Route> LocalGateway::GatewayThread::open_route(const RouteSpec& spec) {
  const auto provider = options.providers.find(spec.agent);
  const bool asks_models = !spec.agent.empty();
  if (asks_models && provider == options.providers.end()) {
    return fail(Error::Kind::missing,
                fmt::format("the gateway knows no provider for agent `{}`", spec.agent));
  }
  auto route = std::make_shared<gateway::AttemptRoute>();
  for (const std::string& name : spec.quotas) {
    if (replays_all()) break;
    const auto quota = admission->find(name);
    if (!quota)
      return fail(Error::Kind::missing, fmt::format("the gateway knows no quota `{}`", name));
    route->quotas.push_back(*quota);
  }
  std::ranges::sort(route->quotas);
  route->spec = spec;
  if (asks_models) route->provider = &provider->second;
  route->budget = Budget(spec.tokens, spec.usd);
  route->brakes = gateway::Brakes(spec.brakes);
  route->secret = draw_secret();
  route->base_url = fmt::format("http://127.0.0.1:{}/{}", port(), route->secret);
  route->redaction = redaction;
  route->redaction.add("attempt", route->secret);
  routes_.push_back(route);
  engine::Gateway::Progress progress = spec.progress;
  progress.keeps_session = progress.keeps_session || records();
  run.open(spec.name, progress);
  run_limit_moved();
  return engine::Gateway::Route{route->base_url, route->secret, port()};
}

std::shared_ptr<gateway::AttemptRoute> LocalGateway::GatewayThread::route_of(
    std::string_view secret) const {
  std::shared_ptr<gateway::AttemptRoute> found;
  for (const auto& route : routes_) {
    if (is_same_secret(route->secret, secret)) found = route;
  }
  return found;
}

void LocalGateway::GatewayThread::listen(engine::AttemptName name, sys::Descriptor socket) {
  for (const auto& route : routes_) {
    if (route->spec.name != name || route->network.listener) continue;
    route->network.listener = server_->listen_also(std::move(socket));
    return;
  }
}

std::vector<std::string> LocalGateway::GatewayThread::refused_hosts(
    engine::AttemptName name) const {
  std::vector<std::string> hosts;
  for (const auto& route : routes_) {
    if (route->spec.name == name)
      hosts.insert(hosts.end(), route->network.refused_hosts.begin(),
                   route->network.refused_hosts.end());
  }
  return hosts;
}

std::vector<std::string> LocalGateway::GatewayThread::visited_hosts(
    engine::AttemptName name) const {
  std::vector<std::string> hosts;
  for (const auto& route : routes_) {
    if (route->spec.name != name) continue;
    const std::vector<std::string> some = route->network.tunnels->visited();
    hosts.insert(hosts.end(), some.begin(), some.end());
  }
  return hosts;
}

/// Of the attempt in whose own network that socket listens.
std::shared_ptr<gateway::AttemptRoute> LocalGateway::GatewayThread::route_in(
    std::uint64_t listener) const {
  const auto found = std::ranges::find_if(
      routes_, [&](const auto& route) { return route->network.listener == listener; });
  return found == routes_.end() ? nullptr : *found;
}

/// Clients in a network of their own take the gateway for their proxy. Some do so even for its own
/// address: they are let through to where they are. All else is refused, and remembered.
http::Session::HeadVerdict LocalGateway::GatewayThread::on_connect(
    const http::Request& request) const {
  constexpr std::size_t kMostNamed = 16;
  const auto route = route_in(request.listener);
  if (!route) return {404, "no attempt has this door", true, {}};
  if (request.target == fmt::format("127.0.0.1:{}", port())) return {};
  const std::vector<std::string>& allowed = route->spec.allowed_hosts;
  if (is_allowed(allowed, request.target)) return {};
  if (route->network.refused_hosts.size() < kMostNamed)
    route->network.refused_hosts.insert(request.target);
  return {403,
          allowed.empty() ? "this attempt may connect to the gateway and to nothing else"
                          : "this host is not one that this attempt may connect to",
          false,
          {}};
}

/// All that can be said before the body: a stranger's is not even read.
http::Session::HeadVerdict LocalGateway::GatewayThread::on_head(
    const http::Request& request) const {
  if (request.method == "CONNECT") return on_connect(request);
  const Target target = part_target(request.target);
  const std::shared_ptr<gateway::AttemptRoute> route = route_of(target.secret);
  if (!route) return {404, "no attempt has this door", true, {}};
  if (is_knock(request, target)) return {};
  if (route->spec.board && BoardRoute::is_for_board(target.rest))
    return {0, {}, false, http::BodyRoom(route->bodies, kMostBoardBytes)};
  if (route->provider == nullptr)
    return {403, "this attempt asks the board, and no model", false, {}};
  const auto path = metering::canonical_path(target.rest);
  if (!path) return {400, path.error().message, false, {}};
  const auto kind = metering::kind_of_path(request.method, *path);
  if (kind == metering::PathKind::unknown && !may_pass_unmetered(*route->provider, *path)) {
    return {403,
            fmt::format("`{} {}` is nothing that the gateway can meter, so it does not pass; "
                        "`unmetered` of the plan's agent can name it",
                        request.method, printable(path->substr(0, path->find('?')))),
            false,
            {}};
  }
  if (route->in_flight >= kMostInFlight)
    return {503,
            fmt::format("more than {} requests of this attempt at once", kMostInFlight),
            false,
            {}};
  return {0, {}, false, http::BodyRoom(route->bodies, kMostBodyBytes)};
}

void LocalGateway::GatewayThread::on_request(http::Session& session, http::Request request) {
  if (request.method == "CONNECT") return connect_through(session, request);
  Target target = part_target(request.target);
  const std::shared_ptr<gateway::AttemptRoute> route = route_of(target.secret);
  // Closed while the body came.
  if (!route) return session.answer(404, json_type(), error_body("no attempt has this door"));
  if (is_knock(request, target)) return session.answer(200, {}, "");
  if (route->spec.board && BoardRoute::is_for_board(target.rest)) {
    std::string text = route->redaction.apply(request.body);
    return board_.ask(session, route->spec.name, request, target.rest, std::move(text));
  }
  std::string rest = metering::canonical_path(target.rest).value_or(target.rest);
  auto asked = Result<std::optional<metering::Asked>>(std::nullopt);
  if (metering::kind_of_path(request.method, rest) == metering::PathKind::call)
    asked = metering::read_asked(rest, request.body);
  if (!asked) return session.answer(400, json_type(), error_body(asked.error().message));
  const CallId id = ++last_call;
  auto call = std::make_unique<ProxiedCall>(*this, route, session, std::move(request),
                                            std::move(rest), std::move(*asked), id);
  ProxiedCall& added = *call;
  calls.emplace(id, std::move(call));
  added.begin();
}

void LocalGateway::GatewayThread::connect_through(http::Session& session,
                                                  const http::Request& request) {
  const auto route = route_in(request.listener);
  const bool is_to_us = request.target == fmt::format("127.0.0.1:{}", port());
  if (!is_to_us && route) {
    std::string unread;
    sys::Descriptor client = session.hand_over(unread);
    if (!client) return;
    route->network.tunnels->open(std::move(client), request.target, std::move(unread));
    return;
  }
  session.begin(200, {}, std::nullopt);
  session.finish();
}

void LocalGateway::GatewayThread::report(const engine::ModelCall& call, const Charge& charge) {
  {
    const std::scoped_lock lock(mutex_);
    reported_.push_back({call, charge});
  }
  if (options.wake) options.wake();
}

void LocalGateway::GatewayThread::report_waiting(
    CallId call, const std::optional<engine::Gateway::Waiting>& waiting) {
  {
    const std::scoped_lock lock(mutex_);
    if (waiting) {
      waiting_.insert_or_assign(call, *waiting);
    } else {
      waiting_.erase(call);
    }
  }
  if (options.wake) options.wake();
}

std::vector<engine::Gateway::Waiting> LocalGateway::GatewayThread::waiting() {
  const std::scoped_lock lock(mutex_);
  // The oldest call of an attempt stands for the others.
  std::map<engine::AttemptName, engine::Gateway::Waiting> by_name;
  for (const auto& [id, one] : waiting_) by_name.emplace(one.name, one);
  std::vector<engine::Gateway::Waiting> all;
  for (auto& [name, one] : by_name) all.push_back(std::move(one));
  return all;
}

std::vector<engine::ModelCall> LocalGateway::GatewayThread::take_reported() {
  const std::scoped_lock lock(mutex_);
  std::vector<engine::ModelCall> taken;
  for (ReportedCall& reported : reported_) taken.push_back(std::move(reported.call));
  reported_.clear();
  return taken;
}

std::vector<engine::ModelCall> LocalGateway::GatewayThread::close_routes(engine::AttemptName name) {
  std::erase_if(routes_, [&](const auto& route) {
    if (route->spec.name != name) return false;
    if (route->network.listener) server_->stop_listening(*route->network.listener);
    return true;
  });
  std::vector<CallId> ended;
  for (const auto& [id, call] : calls) {
    if (call->route().spec.name == name) ended.push_back(id);
  }
  for (const CallId id : ended) {
    if (const auto found = calls.find(id); found != calls.end()) found->second->close();
  }
  board_.close(name);
  run.close(name);
  run_limit_moved();
  const std::scoped_lock lock(mutex_);
  const auto taken = std::ranges::stable_partition(
      reported_, [&](const ReportedCall& reported) { return reported.call.name != name; });
  std::vector<engine::ModelCall> own;
  for (ReportedCall& reported : taken) own.push_back(std::move(reported.call));
  reported_.erase(taken.begin(), taken.end());
  return own;
}

void LocalGateway::GatewayThread::set_run_budget(std::optional<Tokens> tokens,
                                                 std::optional<MicroUsd> usd) {
  Charge gone;
  for (const auto& [id, call] : calls) gone += call->reserved();
  // Who sets a bound has counted the calls he has taken, and no others.
  const std::scoped_lock lock(mutex_);
  for (const ReportedCall& reported : reported_) gone += reported.charge;
  run.set(tokens, usd, gone);
  run_limit_moved();
}

}  // namespace interlock::gateway
