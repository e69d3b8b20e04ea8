#include "gateway/house.h"

#include <fmt/format.h>
#include <pthread.h>

#include <algorithm>
#include <csignal>
#include <future>
#include <iterator>
#include <utility>

#include "base/json.h"
#include "gateway/credentials.h"
#include "gateway/secret.h"

namespace interlock::gateway {
namespace {

std::string error_body(std::string_view message) {
  return canonical_json(json::object{{"error", {{"type", "not_found_error"}, {"message", message}}},
                                     {"type", "error"}});
}

HeaderList json_type() { return {{"content-type", "application/json"}}; }

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

LocalGateway::House::House(Options given) : Switchboard(std::move(given)) {}

Result<std::unique_ptr<LocalGateway::House>> LocalGateway::House::open(Options options) {
  for (auto& [agent, provider] : options.providers) {
    while (provider.base_url.ends_with('/')) provider.base_url.pop_back();
  }
  std::unique_ptr<House> house(new House(std::move(options)));
  auto recorded = open_recordings(house->options);
  if (!recorded) return std::unexpected(recorded.error());
  house->recorded = std::move(*recorded);
  // Nothing is sent when replaying, so no quota is touched.
  auto admission = Admission::open(
      house->loop, house->replays_all() ? std::vector<QuotaOption>() : house->options.quotas);
  if (!admission) return std::unexpected(admission.error());
  house->admission = std::move(*admission);
  auto server = Server::open(house->loop, house->options.port, house->options.sessions,
                             [raw = house.get()](Session& session, Request request) {
                               raw->on_request(session, std::move(request));
                             });
  if (!server) return std::unexpected(server.error());
  house->server_ = std::move(*server);
  house->thread_ = quiet_thread([raw = house.get()] { raw->loop.run(); });
  return house;
}

LocalGateway::House::~House() {
  if (thread_.joinable()) {
    loop.post([this] { loop.stop(); });
    thread_.join();
  }
  // Calls and sessions know one another: calls go first, and tell nobody.
  calls.clear();
  server_.reset();
  admission.reset();
}

void LocalGateway::House::in_thread(const std::function<void()>& work) {
  std::promise<void> done;
  loop.post([&] {
    work();
    done.set_value();
  });
  done.get_future().wait();
}

Result<engine::Gateway::Door> LocalGateway::House::open_door(const Wish& wish) {
  const auto provider = options.providers.find(wish.agent);
  if (provider == options.providers.end()) {
    return fail(Error::Kind::missing,
                fmt::format("the gateway knows no provider for agent `{}`", wish.agent));
  }
  auto door = std::make_shared<gateway::Door>();
  for (const std::string& name : wish.quotas) {
    if (replays_all()) break;
    const auto quota = admission->find(name);
    if (!quota)
      return fail(Error::Kind::missing, fmt::format("the gateway knows no quota `{}`", name));
    door->quotas.push_back(*quota);
  }
  std::ranges::sort(door->quotas);
  door->wish = wish;
  door->provider = &provider->second;
  door->budget = Budget(wish.tokens, wish.usd);
  door->secret = draw_secret();
  door->base_url = fmt::format("http://127.0.0.1:{}/{}", port(), door->secret);
  doors_.push_back(door);
  return engine::Gateway::Door{door->base_url, door->secret};
}

std::shared_ptr<gateway::Door> LocalGateway::House::door_of(std::string_view secret) const {
  std::shared_ptr<gateway::Door> found;
  for (const auto& door : doors_) {
    if (is_same_secret(door->secret, secret)) found = door;
  }
  return found;
}

void LocalGateway::House::on_request(Session& session, Request request) {
  Target target = part_target(request.target);
  const std::shared_ptr<gateway::Door> door = door_of(target.secret);
  if (!door) return session.answer(404, json_type(), error_body("no attempt has this door"));
  // Clients knock before they come in.
  if (request.method == "HEAD" && (target.rest.empty() || target.rest == "/"))
    return session.answer(200, {}, "");
  auto asked = metering::read_asked(target.rest, request.body);
  if (!asked || (request.method != "POST" && *asked)) {
    if (request.method != "POST") {
      asked = std::optional<metering::Asked>();
    } else {
      return session.answer(400, json_type(), error_body(asked.error().message));
    }
  }
  const CallId id = ++last_call;
  auto call = std::make_unique<Call>(*this, door, session, std::move(request),
                                     std::move(target.rest), std::move(*asked), id);
  Call& added = *call;
  calls.emplace(id, std::move(call));
  added.begin();
}

void LocalGateway::House::tell(const engine::ModelCall& call, const Charge& charge) {
  {
    const std::scoped_lock lock(mutex_);
    told_.push_back({call, charge});
  }
  if (options.wake) options.wake();
}

void LocalGateway::House::tell_waiting(CallId call,
                                       const std::optional<engine::Gateway::Waiting>& waiting) {
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

std::vector<engine::Gateway::Waiting> LocalGateway::House::waiting() {
  const std::scoped_lock lock(mutex_);
  // The oldest call of an attempt stands for the others.
  std::map<engine::AttemptName, engine::Gateway::Waiting> by_name;
  for (const auto& [id, one] : waiting_) by_name.emplace(one.name, one);
  std::vector<engine::Gateway::Waiting> all;
  for (auto& [name, one] : by_name) all.push_back(std::move(one));
  return all;
}

std::vector<engine::ModelCall> LocalGateway::House::take_told() {
  const std::scoped_lock lock(mutex_);
  std::vector<engine::ModelCall> taken;
  for (Told& told : told_) taken.push_back(std::move(told.call));
  told_.clear();
  return taken;
}

std::vector<engine::ModelCall> LocalGateway::House::close_doors(engine::AttemptName name) {
  std::erase_if(doors_, [&](const auto& door) { return door->wish.name == name; });
  std::vector<CallId> ended;
  for (const auto& [id, call] : calls) {
    if (call->door().wish.name == name) ended.push_back(id);
  }
  for (const CallId id : ended) {
    if (const auto found = calls.find(id); found != calls.end()) found->second->close();
  }
  const std::scoped_lock lock(mutex_);
  const auto taken = std::ranges::stable_partition(
      told_, [&](const Told& told) { return told.call.name != name; });
  std::vector<engine::ModelCall> own;
  for (Told& told : taken) own.push_back(std::move(told.call));
  told_.erase(taken.begin(), taken.end());
  return own;
}

void LocalGateway::House::set_run_budget(std::optional<Tokens> tokens,
                                         std::optional<MicroUsd> usd) {
  Charge gone;
  for (const auto& [id, call] : calls) gone += call->reserved();
  // Who sets a bound has counted the calls he has taken, and no others.
  const std::scoped_lock lock(mutex_);
  for (const Told& told : told_) gone += told.charge;
  run.set(tokens, usd, gone);
}

}  // namespace interlock::gateway
