#include "web/web_server.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <utility>

#include "base/text.h"
#include "process/log_file.h"
#include "report/board.h"
#include "web/asks.h"
#include "web/log_view.h"
#include "web/streams.h"

namespace interlock::web {
namespace {

using http::HeaderList;
using http::Request;
using http::Session;

constexpr std::size_t kStreamsMax = 64, kPendingMax = 8, kWatchedMax = 32;
constexpr std::size_t kForecastsMax = 2, kRunsShown = 200;
constexpr std::chrono::seconds kCommandLongest{30}, kForecastLongest{10};
constexpr std::size_t kWordsMost = 200;  // Bytes of what is looked for in a log.
constexpr std::size_t kNotesMost = std::size_t{256} << 10U;  // Bytes of text in one answer.
constexpr std::chrono::milliseconds kTick{150};

HeaderList json_headers() {
  return {{"content-type", "application/json"}, {"cache-control", "no-store"}};
}

void answer_json(Session& session, int status, const json::value& value) {
  session.answer(status, json_headers(), json::serialize(value));
}

void complain(Session& session, int status, std::string_view message, std::string_view hint = {}) {
  answer_json(session, status,
              json::object{{"error", json::object{{"message", message}, {"hint", hint}}}});
}

int status_of(const Error& error) {
  switch (error.kind) {
    case Error::Kind::missing: return 404;
    case Error::Kind::invalid: return 400;
    case Error::Kind::refused: return 409;
    default: return 500;
  }
}

std::string value_or(const Target& target, const std::string& key, const std::string& other = {}) {
  const auto it = target.query.find(key);
  return it == target.query.end() ? other : it->second;
}

void answer_board(Session& session, const runs::ChosenRun& run, const Target& target) {
  const auto& topics = run.plan().topics;
  const auto its = std::ranges::find(topics, value_or(target, "topic"), &plan::Topic::name);
  if (its == topics.end()) return complain(session, 404, "the plan has no such topic");
  const auto after = parse_count(value_or(target, "after", "0"));
  if (!after || *after < 0 || std::cmp_greater(*after, engine::kPostsMax))
    return complain(session, 400, "no such note");
  answer_json(session, 200,
              report::notes_json(run, static_cast<std::size_t>(its - topics.begin()),
                                 static_cast<std::uint32_t>(*after), kNotesMost));
}

void answer_messages(Session& session, const runs::ChosenRun& run, const Target& target) {
  const auto task = runs::choose_task(run, value_or(target, "task"));
  if (!task) return complain(session, 404, task.error().message);
  answer_json(session, 200,
              json::object{{"version", 1}, {"messages", report::messages_json(run, *task)}});
}

}  // namespace

Result<std::unique_ptr<WebServer>> WebServer::open(sys::Loop& loop, engine::Clock& clock,
                                                   const ServeOptions& options) {
  std::unique_ptr<WebServer> made(new WebServer(loop, clock, options.place));
  WebServer* const server = made.get();
  server->counters_.begin(server->store());
  const auto listen = [server](bool is_unix) {
    return std::pair(
        [server, is_unix](const Request& request) { return server->judge(request, is_unix); },
        [server, is_unix](Session& session, const Request& request) {
          server->answer(session, request, is_unix);
        });
  };
  auto [judge_unix, answer_unix] = listen(true);
  auto unix_server =
      http::Server::open_unix(loop, options.socket, server->rules_, judge_unix, answer_unix);
  if (!unix_server) return std::unexpected(unix_server.error());
  server->unix_ = std::move(*unix_server);
  if (!options.port) return made;
  auto [judge_tcp, answer_tcp] = listen(false);
  auto tcp_server = http::Server::open(loop, *options.port, server->rules_, judge_tcp, answer_tcp);
  if (!tcp_server) return std::unexpected(tcp_server.error());
  server->tcp_ = std::move(*tcp_server);
  server->access_ = Access(server->tcp_->port());
  return made;
}

WebServer::WebServer(sys::Loop& loop, engine::Clock& clock, runs::StorePlace place)
    : loop_(loop),
      clock_(clock),
      place_(std::move(place)),
      boot_(draw_secret().substr(0, 8)),
      began_(uptime()) {
  rules_.largest_body = std::size_t{1} << 20U;
  rules_.largest_head = std::size_t{16} << 10U;
  rules_.idle = std::chrono::seconds(60);
  rules_.most_sessions = 256;
  rules_.headers = security_headers();
}

WebServer::~WebServer() = default;

Duration WebServer::uptime() { return std::chrono::duration_cast<Duration>(sys::Loop::now()); }

std::string WebServer::new_link() { return access_.new_link(uptime()); }

journal::Store* WebServer::store() {
  if (!store_) {
    auto opened = runs::open_store(place_, journal::Access::read);
    if (!opened) return nullptr;
    store_ = std::move(*opened);
  }
  return store_.get();
}

Session::HeadVerdict WebServer::judge(const Request& request, bool unix_socket) const {
  Admission verdict = unix_socket ? Access::over_unix(request) : access_.over_tcp(request);
  return {verdict.status, std::move(verdict.message), !unix_socket && verdict.status != 0, {}};
}

void WebServer::answer(Session& session, const Request& request, bool unix_socket) {
  const auto target = parse_target(request.target);
  if (!target) return complain(session, 400, "the path is malformed");
  const auto& path = target->path;
  const bool is_get = request.method == "GET";
  const auto is = [&](std::string_view first, std::size_t parts) {
    return path.size() == parts && path.front() == first;
  };
  if (is("health", 1) && is_get)
    return session.answer(200, {{"content-type", "text/plain"}}, "ok\n");
  if (is("metrics", 1) && is_get) return answer_metrics(session);
  if (path.empty() || path.front() != "api") {
    if (!is_get) return complain(session, 405, "files are read");
    if (unix_socket) return complain(session, 404, "the page is served over HTTP: --web");
    if (is("open", 2)) return answer_open(session, path[1]);
    return answer_file(session, request, path.size() == 1 ? path[0] : "?");
  }
  if (path.size() == 2 && path[1] == "session" && !is_get && !unix_socket)
    return answer_json(session, 200, json::object{{"bearer", access_.new_bearer()}});
  if (path.size() == 2 && path[1] == "link" && !is_get && unix_socket) {
    if (!tcp_) return complain(session, 409, "no page is served", "start `serve` with `--web`");
    return answer_json(session, 200, json::object{{"url", new_link()}});
  }
  if (path.size() == 2 && path[1] == "runs" && is_get) return answer_runs(session);
  if (path.size() == 2 && path[1] == "history" && is_get)
    return answer_command(session, {"history", "--regret", "--json"}, Answer::json);
  if (path.size() == 4 && path[1] == "runs") return answer_run(session, request, *target);
  complain(session, 404, "there is nothing at this path");
}

void WebServer::answer_open(Session& session, const std::string& code) {
  const auto cookie = access_.take_code(code, uptime());
  if (!cookie) {
    return session.answer(403, {{"content-type", "text/plain"}},
                          "This link was used, or is older than a minute. "
                          "`interlock serve --link` makes another.\n");
  }
  session.answer(303,
                 {{"location", "/"},
                  {"cache-control", "no-store"},
                  {"set-cookie", fmt::format("{}={}; HttpOnly; SameSite=Strict; Path=/",
                                             access_.cookie_name(), *cookie)}},
                 "");
}

void WebServer::answer_file(Session& session, const Request& request, const std::string& name) {
  if (name == "favicon.ico") return session.answer(204, {}, "");
  const Asset* asset = find_asset(name.empty() ? "index.html" : name);
  if (asset == nullptr) return complain(session, 404, "there is no such file");
  const std::string tag = fmt::format("\"{}\"", digest_of(asset->content).brief());
  const std::string* known = http::find_header(request.headers, "if-none-match");
  const HeaderList headers{
      {"content-type", std::string(asset->type)}, {"etag", tag}, {"cache-control", "no-cache"}};
  if (known != nullptr && *known == tag) return session.answer(304, headers, "");
  session.answer(200, headers, asset->content);
}

void WebServer::answer_runs(Session& session) {
  journal::Store* const from = store();
  json::array list;
  if (from == nullptr) return answer_json(session, 200, json::object{{"runs", list}});
  journal::RunFilter filter;
  filter.most = kRunsShown;
  const auto runs = from->runs(filter);
  if (!runs) return complain(session, 500, runs.error().message);
  for (const journal::RunSummary& run : *runs) {
    if (run.events == 0) continue;
    const auto holder = from->holder_of_run(run.id);
    const bool lives = !run.ended && holder && *holder;
    list.push_back(json::object{{"id", run.id},
                                {"plan", printable(run.plan_name)},
                                {"workspace", printable(run.workspace)},
                                {"state", run.ended ? runs::ended_text(run.ended->how)
                                          : lives   ? "running"
                                                    : "died"},
                                {"created", show_time(run.created)}});
  }
  answer_json(session, 200, json::object{{"version", 1}, {"runs", std::move(list)}});
}

void WebServer::answer_metrics(Session& session) {
  MetricsPage page;
  std::map<std::string, std::int64_t> states;
  std::map<engine::TaskState, std::int64_t> tasks;
  std::set<std::string> quotas;
  if (journal::Store* const from = store(); from != nullptr) {
    if (auto read = counters_.read(*from); !read)
      return complain(session, 500, read.error().message);
    journal::RunFilter filter;
    filter.most = kRunsShown;
    const auto runs = from->runs(filter);
    if (!runs) return complain(session, 500, runs.error().message);
    for (const journal::RunSummary& run : *runs) {
      if (run.events == 0 || run.ended) continue;
      const auto holder = from->holder_of_run(run.id);
      if (!holder) return complain(session, 500, holder.error().message);
      const bool lives = holder->has_value();
      ++states[lives ? "running" : "died"];
      const auto looked = lives ? watched(run.id) : Result<WatchedRun*>(nullptr);
      if (!looked || *looked == nullptr) continue;
      for (const engine::TaskRecord& task : (*looked)->run().state.tasks) ++tasks[task.state];
      write_quotas(page, (*looked)->run(), place_.state_folder, clock_.now(), quotas);
    }
  }
  counters_.write(page);
  for (const char* state : {"running", "died"})
    page.gauge("runs", "Runs that are not over, by whether somebody dispatches them.",
               {{"state", state}}, static_cast<double>(states[state]));
  for (auto state = engine::TaskState::waiting; state <= engine::TaskState::cancelled;
       state = static_cast<engine::TaskState>(static_cast<int>(state) + 1))
    page.gauge("tasks", "Tasks of runs that are dispatched now, by state.",
               {{"state", std::string(engine::name_of(state))}}, static_cast<double>(tasks[state]));
  page.gauge("serve_streams", "Pages that follow a run.", {}, static_cast<double>(streams_.size()));
  page.gauge("serve_uptime_seconds", "How long this server has been there.", {},
             to_seconds(uptime() - began_));
  session.answer(
      200,
      {{"content-type", "text/plain; version=0.0.4; charset=utf-8"}, {"cache-control", "no-store"}},
      page.text());
}

Result<WatchedRun*> WebServer::watched(const std::string& id) {
  journal::Store* const from = store();
  if (from == nullptr) return fail(Error::Kind::missing, "there are no runs yet");
  const auto known = watched_.find(id);
  if (known != watched_.end()) {
    if (auto looked = known->second->refresh(*from, clock_.now()); !looked)
      return std::unexpected(looked.error());
    return known->second.get();
  }
  // Only whole ids: what is shown to be approved is to be that and nothing else.
  const auto summary = from->summary(id);
  if (!summary) return std::unexpected(summary.error());
  auto opened = WatchedRun::open(*from, summary->id);
  if (!opened) return std::unexpected(opened.error());
  // Those that nobody follows make room.
  for (auto it = watched_.begin(); it != watched_.end() && watched_.size() >= kWatchedMax;) {
    const bool is_followed = std::ranges::any_of(
        streams_, [&](const auto& stream) { return stream->watched == it->second.get(); });
    it = is_followed ? std::next(it) : watched_.erase(it);
  }
  return watched_.insert_or_assign(id, std::move(*opened)).first->second.get();
}

void WebServer::answer_run(Session& session, const Request& request, const Target& target) {
  const std::string& id = target.path[2];
  const std::string& what = target.path[3];
  const bool is_get = request.method == "GET";
  const auto found = watched(id);
  if (!found)
    return complain(session, status_of(found.error()), found.error().message, found.error().hint);
  WatchedRun& it = **found;
  if (!is_get) return answer_ask(session, request, what, it);
  if (what == "state") return session.answer(200, json_headers(), it.whole(clock_.now()));
  if (what == "stream") return begin_stream(session, request, it);
  if (what == "log") return answer_log(session, it.run(), target);
  if (what == "board") return answer_board(session, it.run(), target);
  if (what == "messages") return answer_messages(session, it.run(), target);
  if (what == "ways") return answer_json(session, 200, ways_of(it.run()));
  if (what == "graph") return answer_json(session, 200, graph_of(it.run()));
  if (what == "quotas")
    return answer_json(session, 200, quotas_of(it.run(), place_.state_folder, clock_.now()));
  if (what == "usage") {
    const auto usage = it.usage(*store(), place_.state_folder, clock_.now());
    if (!usage) return complain(session, status_of(usage.error()), usage.error().message);
    return answer_json(session, 200, *usage);
  }
  if (what == "forecast") {
    auto words = forecast_of(it.run().id(), value_or(target, "parallel"), value_or(target, "quota"),
                             value_or(target, "size"));
    if (!words) return complain(session, status_of(words.error()), words.error().message);
    return answer_command(session, std::move(*words), Answer::forecast);
  }
  const std::string task = value_or(target, "task"), name = value_or(target, "name");
  // A name that begins with a dash is no option of the command.
  if (what == "diff" && !task.empty())
    return answer_command(session, {"diff", "--", it.run().id(), task}, Answer::text);
  if (what == "why" && !task.empty())
    return answer_command(session, {"why", "--", it.run().id(), task}, Answer::text);
  if (what == "output" && !name.empty())
    return answer_command(session, {"output", "--", it.run().id(), name}, Answer::text);
  complain(session, 404, "there is nothing at this path");
}

void WebServer::answer_log(Session& session, const runs::ChosenRun& run, const Target& target) {
  const auto task = runs::choose_task(run, value_or(target, "task"));
  if (!task) return complain(session, 404, task.error().message);
  const auto& attempts = run.state[*task].attempts;
  std::uint32_t number = attempts.empty() ? 1 : attempts.back().number;
  if (const std::string asked = value_or(target, "attempt"); !asked.empty()) {
    const auto parsed = parse_count(asked);
    if (!parsed || *parsed > 1'000'000) return complain(session, 400, "no such attempt");
    number = static_cast<std::uint32_t>(*parsed);
  }
  // Tasks that share an attempt share the log of the first.
  const bool is_shared = !attempts.empty() && attempts.back().batched_with;
  const TaskId owner = is_shared ? *attempts.back().batched_with : *task;
  const std::string words = value_or(target, "search");
  if (words.size() > kWordsMost) return complain(session, 400, "that is too long to be looked for");
  const std::string path = fmt::format("{}/{}", runs::log_folder(place_.state_folder, run.id()),
                                       process::log_file_name({owner, number, 0}));
  json::object seen = log_view(path, words);
  seen["attempt"] = number;
  answer_json(session, 200, seen);
}

void WebServer::answer_ask(Session& session, const Request& request, const std::string& verb,
                           WatchedRun& it) {
  const auto body = parse_json(request.body);
  if (!body || !body->is_object()) return complain(session, 400, "the body is no JSON object");
  const json::object& asked = body->get_object();
  auto words = command_of(verb, it.run().id(), asked);
  if (!words) return complain(session, status_of(words.error()), words.error().message);
  if (verb == "approve") {
    const auto member = [&](std::string_view key) {
      const json::value* value = asked.if_contains(key);
      return value != nullptr && value->is_string() ? std::string(value->get_string())
                                                    : std::string();
    };
    const auto shown = gate_digest(it.run(), member("task"));
    if (!shown) return complain(session, 409, "this gate is not open any more");
    if (*shown != member("digest"))
      return complain(session, 409, "what is to be approved is not what was shown",
                      "look at it again");
  }
  answer_command(session, std::move(*words), Answer::json);
}

/// Answers when the command has ended, unless its client left before.
struct WebServer::Pending : http::Answerer {
  void client_left() override {
    session = nullptr;
    // Who moves a slider leaves many forecasts behind; what changes something is done to its end.
    if (answer != Answer::forecast) return;
    command.reset();
    on_over();
  }
  void client_ready() override {}

  Session* session = nullptr;
  Answer answer = Answer::json;
  std::unique_ptr<ChildCommand> command;
  std::function<void()> on_over;
};

void WebServer::answer_command(Session& session, std::vector<std::string> words, Answer answer) {
  const bool is_forecast = answer == Answer::forecast;
  const auto most = is_forecast ? kForecastsMax : kPendingMax;
  const auto same = std::ranges::count_if(pending_, [&](const auto& one) {
    return (one->answer == Answer::forecast) == is_forecast && one->session != nullptr;
  });
  if (std::cmp_greater_equal(same, most))
    return complain(session, 429, "too much is asked at once");
  words.insert(words.begin(), {"--state", place_.state_folder, "--color", "never"});
  Pending* const mine = pending_.emplace_back(std::make_unique<Pending>()).get();
  mine->session = &session;
  mine->answer = answer;
  mine->on_over = [this, mine] {
    loop_.when_idle([this, mine] {
      std::erase_if(pending_, [mine](const auto& one) { return one.get() == mine; });
    });
  };
  const auto on_ended = [mine](ChildCommand::Ended ended) {
    if (Session* const to = mine->session; to != nullptr) {
      to->answered_by(nullptr);
      if (ended.status < 0) {
        complain(*to, 503, "it took too long");
        return mine->on_over();
      }
      // Agents wrote this: a browser is to keep it as a file, whatever it looks like.
      HeaderList headers = mine->answer != Answer::text
                               ? json_headers()
                               : HeaderList{{"content-type", "text/plain; charset=utf-8"},
                                            {"content-disposition", "attachment"},
                                            {"content-security-policy", "sandbox"},
                                            {"cache-control", "no-store"}};
      if (ended.is_cut) headers.emplace_back("x-interlock-cut", "yes");
      to->answer(ended.status == 0   ? 200
                 : ended.status == 3 ? 409
                 : ended.status == 2 ? 404
                                     : 500,
                 std::move(headers), ended.out);
    }
    mine->on_over();
  };
  auto started =
      ChildCommand::start(loop_, words, on_ended, is_forecast ? kForecastLongest : kCommandLongest);
  if (!started) {
    pending_.pop_back();
    return complain(session, 500, started.error().message);
  }
  mine->command = std::move(*started);
  session.answered_by(mine);
}

void WebServer::begin_stream(Session& session, const Request& request, WatchedRun& it) {
  if (streams_.size() >= kStreamsMax) return complain(session, 429, "too many pages look already");
  Stream& stream = *streams_.emplace_back(std::make_unique<Stream>());
  stream.session = &session;
  stream.watched = &it;
  stream.on_left = [this, mine = &stream] {
    loop_.when_idle([this, mine] {
      std::erase_if(streams_, [mine](const auto& one) { return one.get() == mine; });
    });
  };
  // `BOOT-VERSION`, as our events have it.
  const std::string* last = http::find_header(request.headers, "last-event-id");
  if (last != nullptr && last->starts_with(boot_ + "-")) {
    const auto version = parse_count(std::string_view(*last).substr(boot_.size() + 1));
    if (version && it.since(static_cast<std::uint64_t>(*version)))
      stream.sent = static_cast<std::uint64_t>(*version);
  }
  session.answered_by(&stream);
  session.begin(200, {{"content-type", "text/event-stream"}, {"cache-control", "no-store"}},
                std::nullopt);
  session.write(": hello\n\n");
  stream.written = sys::Loop::now();
  send_news(stream);
  if (!ticker_) ticker_ = loop_.after(kTick, [this] { tick(); });
}

void WebServer::tick() {
  ticker_.reset();
  if (streams_.empty()) return;
  for (const auto& [id, it] : watched_) {
    const bool is_followed = std::ranges::any_of(
        streams_, [&, one = it.get()](const auto& stream) { return stream->watched == one; });
    // One that cannot be read now is read again at the next tick; the page says how old it is.
    if (is_followed && store() != nullptr) static_cast<void>(it->refresh(*store(), clock_.now()));
  }
  for (const auto& stream : streams_) send_news(*stream);
  ticker_ = loop_.after(kTick, [this] { tick(); });
}

void WebServer::send_news(Stream& stream) {
  if (stream.session == nullptr) return;
  const auto moment = sys::Loop::now();
  if (stream.session->is_behind()) {
    // What it missed is not kept for it: it gets the whole, once it reads again.
    stream.sent = 0;
    if (!stream.behind_since) stream.behind_since = moment;
    if (moment - *stream.behind_since > Stream::kPatience) {
      Session* const slow = std::exchange(stream.session, nullptr);
      slow->break_off();
      stream.on_left();
    }
    return;
  }
  stream.behind_since.reset();
  const std::uint64_t version = stream.watched->version();
  const auto news = stream.sent == 0 ? std::nullopt : stream.watched->since(stream.sent);
  if (!news) {
    stream.session->write(fmt::format("id: {}-{}\nevent: state\ndata: {}\n\n", boot_, version,
                                      stream.watched->whole(clock_.now())));
  } else {
    std::uint64_t number = stream.sent;
    for (const std::string& one : *news)
      stream.session->write(
          fmt::format("id: {}-{}\nevent: delta\ndata: {}\n\n", boot_, ++number, one));
  }
  if (!news || !news->empty()) stream.written = moment;
  if (moment - stream.written > Stream::kPingAfter) {
    stream.session->write(": ping\n\n");
    stream.written = moment;
  }
  stream.sent = version;
}

}  // namespace interlock::web
