// The gateway beside nginx as a plain reverse proxy, both between the same load and the same
// upstream, which streams answers of twenty events (Anthropic's form) or gives them in one piece.
// Rounds are interleaved, so that what else the machine does meets all alike. `gateway_bench
// [--json] [seconds a round] [rounds]`.
#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/check.h"
#include "bench/samples.h"
#include "gateway/local_gateway.h"
#include "http/server.h"
#include "sys/loop.h"

namespace interlock::gateway {
namespace {

constexpr int kEvents = 20;

std::vector<std::string> answer_events() {
  const auto event = [](std::string_view type, std::string_view members) {
    return fmt::format("event: {}\ndata: {{\"type\":\"{}\"{}}}\n\n", type, type, members);
  };
  std::vector<std::string> events{event(
      "message_start",
      R"(,"message":{"id":"msg_1","type":"message","role":"assistant","model":"claude-opus-4-5","content":[],"usage":{"input_tokens":900,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":1}})")};
  for (int i = 1; i < kEvents - 2; ++i)
    events.push_back(
        event("content_block_delta",
              R"(,"index":0,"delta":{"type":"text_delta","text":"a few words at once "})"));
  events.push_back(event("message_delta",
                         R"(,"delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":120})"));
  events.push_back(event("message_stop", ""));
  return events;
}

/// The same answer to one who does not ask for a stream.
std::string whole_answer() {
  std::string text;
  for (int i = 1; i < kEvents - 2; ++i) text += "a few words at once ";
  return fmt::format(
      R"({{"id":"msg_1","type":"message","role":"assistant","model":"claude-opus-4-5","content":[{{"type":"text","text":"{}"}}],"stop_reason":"end_turn","usage":{{"input_tokens":900,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":120}}}})",
      text);
}

/// A child process that tells its port and then serves until it is ended.
class Child {
 public:
  explicit Child(const std::function<void(const std::function<void(std::uint16_t)>&)>& serve) {
    std::array<int, 2> ends{};
    check(::pipe2(ends.data(), O_CLOEXEC) == 0, "a pipe is to be had");
    pid_ = ::fork();
    if (pid_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      serve([&](std::uint16_t port) {
        [[maybe_unused]] const auto written = ::write(ends[1], &port, sizeof port);
      });
      ::_exit(0);
    }
    ::close(ends[1]);
    check(::read(ends[0], &port_, sizeof port_) == sizeof port_, "the child tells its port");
    ::close(ends[0]);
  }
  ~Child() {
    ::kill(pid_, SIGTERM);
    ::waitpid(pid_, nullptr, 0);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  std::uint16_t port() const { return port_; }

 private:
  pid_t pid_ = -1;
  std::uint16_t port_ = 0;
};

void serve_upstream(const std::function<void(std::uint16_t)>& tell) {
  sys::Loop loop;
  const http::Session::Rules rules;
  const std::vector<std::string> events = answer_events();
  const std::string whole = whole_answer();
  // Each event is written on its own, as models send them: a session joins what is written in one
  // go.
  std::function<void(http::Session&, std::size_t)> write_from = [&](http::Session& session,
                                                                    std::size_t at) {
    session.write(events[at]);
    if (at + 1 == events.size()) return session.finish();
    loop.when_idle([&write_from, &session, at] { write_from(session, at + 1); });
  };
  auto server = http::Server::open(
      loop, 0, rules, [](const http::Request&) { return http::Session::HeadVerdict(); },
      [&](http::Session& session, http::Request request) {
        if (!request.body.contains(R"("stream":true)"))
          return session.answer(200, {{"content-type", "application/json"}}, whole);
        session.begin(200, {{"content-type", "text/event-stream"}}, {});
        write_from(session, 0);
      });
  check(server.has_value(), "the upstream listens");
  tell((*server)->port());
  loop.run();
}

void serve_gateway(std::uint16_t upstream, const std::string& route_file,
                   const std::function<void(std::uint16_t)>& tell) {
  Options options;
  options.providers["claude"] = {fmt::format("http://127.0.0.1:{}", upstream), Secret("sk-bench")};
  options.prices = metering::built_in_prices();
  options.now = [] {
    return std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now());
  };
  options.chance = [] { return 0.5; };
  auto gateway = LocalGateway::open(std::move(options));
  check(gateway.has_value(), "the gateway opens");
  engine::Gateway::RouteSpec spec;
  spec.label = "bench/task#1";
  spec.agent = "claude";
  const auto route = (*gateway)->open(spec);
  check(route.has_value(), "the gateway opens a door");
  std::ofstream(route_file) << "/" << route->secret << "/v1/messages";
  tell((*gateway)->port());
  for (std::size_t told = 0;;) {
    ::usleep(20'000);
    told += (*gateway)->take_calls().size();
  }
}

std::uint16_t free_port() {
  const sys::Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), size);
  ::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.sin_port);
}

sys::Descriptor connected(std::uint16_t port) {
  sys::Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
    return {};
  const int yes = 1;
  ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  return socket;
}

constexpr std::string_view kNginx = R"(daemon off;
worker_processes 1;
pid {0}/pid;
error_log {0}/error.log crit;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  client_body_temp_path {0}/body;
  proxy_temp_path {0}/proxy;
  fastcgi_temp_path {0}/f;
  uwsgi_temp_path {0}/u;
  scgi_temp_path {0}/s;
  client_body_buffer_size 64k;
  keepalive_requests 100000000;
  upstream models {{ server 127.0.0.1:{1}; keepalive 64; keepalive_requests 100000000; }}
  server {{
    listen 127.0.0.1:{2};
    location / {{
      proxy_pass http://models;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_buffering off;
    }}
  }}
}}
)";

void serve_nginx(const std::string& program, std::uint16_t upstream, const std::string& folder,
                 const std::function<void(std::uint16_t)>& tell) {
  const std::uint16_t port = free_port();
  std::ofstream(folder + "/nginx.conf") << fmt::format(kNginx, folder, upstream, port);
  tell(port);
  const std::string conf = folder + "/nginx.conf";
  ::execl(program.c_str(), "nginx", "-p", folder.c_str(), "-c", conf.c_str(), "-e", "stderr",
          nullptr);
}

/// One client's connection: asks, reads until the last chunk, asks again.
struct Client {
  sys::Descriptor socket;
  std::string tail;
  sys::Loop::Moment asked{};
};

struct Measured {
  double requests_per_s = 0;
  std::vector<double> latencies_us;
};

class Load {
 public:
  Load(std::uint16_t port, const std::string& path, int clients, bool streams) {
    const std::string body = fmt::format(
        R"({{"model":"claude-opus-4-5","max_tokens":1000,"stream":{},"messages":[{{"role":"user","content":"{}"}}]}})",
        streams, std::string(4000, 'w'));
    request_ = fmt::format(
        "POST {} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: "
        "{}\r\n\r\n{}",
        path, body.size(), body);
    for (int i = 0; i < clients; ++i) {
      auto client = std::make_unique<Client>();
      client->socket = connected(port);
      check(bool(client->socket), "the server takes connections");
      loop_.watch(client->socket.get(), EPOLLIN,
                  [this, raw = client.get()](std::uint32_t) { on_ready(*raw); });
      clients_.push_back(std::move(client));
    }
  }

  Measured run(std::chrono::duration<double> span) {
    const sys::Loop::Moment begin = sys::Loop::now();
    until_ = begin + std::chrono::duration_cast<sys::Loop::Moment>(span);
    for (auto& client : clients_) ask(*client);
    loop_.run();
    const std::chrono::duration<double> took = sys::Loop::now() - begin;
    measured_.requests_per_s = static_cast<double>(measured_.latencies_us.size()) / took.count();
    for (auto& client : clients_) loop_.forget(client->socket.get());
    return std::move(measured_);
  }

 private:
  void ask(Client& client) {
    client.asked = sys::Loop::now();
    client.tail.clear();
    check(::send(client.socket.get(), request_.data(), request_.size(), MSG_NOSIGNAL) ==
              static_cast<ssize_t>(request_.size()),
          "a request goes out in one piece");
    ++running_;
  }

  /// Up to the last chunk, or of as many bytes as there are in a whole answer.
  bool is_whole(std::string_view answer) const {
    return answer.ends_with("\r\n0\r\n\r\n") ||
           (answer.ends_with(body_end_) && !answer.contains("chunked"));
  }

  void on_ready(Client& client) {
    std::array<char, 65536> buffer;
    const ssize_t count = ::recv(client.socket.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    check(count > 0, "the answer comes whole");
    client.tail.append(buffer.data(), static_cast<std::size_t>(count));
    if (!is_whole(client.tail)) return;
    check(client.tail.contains("output_tokens\":120") && client.tail.starts_with("HTTP/1.1 200"),
          "the answer is what was asked for");
    const sys::Loop::Moment now = sys::Loop::now();
    measured_.latencies_us.push_back(static_cast<double>((now - client.asked).count()) / 1000);
    --running_;
    if (now < until_) return ask(client);
    if (running_ == 0) loop_.stop();
  }

  sys::Loop loop_;
  std::string body_end_ = whole_answer().substr(whole_answer().size() - 40);
  std::string request_;
  std::vector<std::unique_ptr<Client>> clients_;
  sys::Loop::Moment until_{};
  int running_ = 0;
  Measured measured_;
};

struct Way {
  std::string name;
  std::uint16_t port;
  std::string path;
  std::vector<double> rates, p50s, p99s;
};

double at(std::vector<double> values, double share) {
  std::ranges::sort(values);
  return values[static_cast<std::size_t>(share * static_cast<double>(values.size() - 1))];
}

struct Kind {
  bool streams;
  int clients;
  std::string title() const {
    return fmt::format("{}, {} client{}", streams ? "streams" : "whole answers", clients,
                       clients == 1 ? "" : "s");
  }
};

void measure(std::vector<Way>& ways, Kind kind, double seconds, int rounds) {
  for (Way& way : ways) way.rates.clear(), way.p50s.clear(), way.p99s.clear();
  for (int round = -1; round < rounds; ++round) {
    for (Way& way : ways) {
      const bool warms_up = round < 0;
      Measured measured = Load(way.port, way.path, kind.clients, kind.streams)
                              .run(std::chrono::duration<double>(warms_up ? 0.2 : seconds));
      if (warms_up) continue;
      way.rates.push_back(measured.requests_per_s);
      way.p50s.push_back(at(measured.latencies_us, 0.5));
      way.p99s.push_back(at(measured.latencies_us, 0.99));
    }
  }
}

void print_for_people(const std::vector<Way>& ways, Kind kind, double seconds, int rounds) {
  fmt::print("{}, {} rounds of {} s: medians (least to most)\n", kind.title(), rounds, seconds);
  const Way& direct = ways.front();
  for (const Way& way : ways) {
    fmt::print(
        "  {:8} {:7.0f} requests/s ({:.0f} to {:.0f})   added p50 {:6.0f} us   added p99 {:6.0f} "
        "us   {:.2f} of direct\n",
        way.name, at(way.rates, 0.5), at(way.rates, 0), at(way.rates, 1),
        at(way.p50s, 0.5) - at(direct.p50s, 0.5), at(way.p99s, 0.5) - at(direct.p99s, 0.5),
        at(way.rates, 0.5) / at(direct.rates, 0.5));
  }
}

void print_as_json(const std::vector<Way>& ways, Kind kind) {
  for (const Way& way : ways) {
    bench::print_samples(kind.title(), way.name, "rate", way.rates);
    bench::print_samples(kind.title(), way.name, "p50", way.p50s);
    bench::print_samples(kind.title(), way.name, "p99", way.p99s);
  }
}

void wait_for(std::uint16_t port) {
  for (int i = 0; i < 500; ++i) {
    if (connected(port)) return;
    ::usleep(10'000);
  }
  check(false, "the proxy listens within five seconds");
}

std::string nginx_here() {
  for (const char* place : {"/usr/sbin/nginx", "/usr/bin/nginx", "/usr/local/sbin/nginx"}) {
    if (::access(place, X_OK) == 0) return place;
  }
  return {};
}

int run(double seconds, int rounds, bool as_json) {
  std::string name = (std::filesystem::temp_directory_path() / "gateway-bench-XXXXXX").string();
  const std::string folder = ::mkdtemp(name.data());
  {
    const Child upstream(serve_upstream);
    std::unique_ptr<Child> nginx;
    const std::string program = nginx_here();
    if (!program.empty()) {
      nginx = std::make_unique<Child>(
          [&](const auto& tell) { serve_nginx(program, upstream.port(), folder, tell); });
      wait_for(nginx->port());
    } else if (as_json) {
      bench::print_left_out("nginx", "`nginx` is not installed");
    } else {
      fmt::print("nginx is not installed: left out\n");
    }
    const Child gateway(
        [&](const auto& tell) { serve_gateway(upstream.port(), folder + "/door", tell); });
    std::string path;
    std::ifstream(folder + "/door") >> path;
    std::vector<Way> ways{{"direct", upstream.port(), "/v1/messages", {}, {}, {}}};
    if (nginx) ways.push_back({"nginx", nginx->port(), "/v1/messages", {}, {}, {}});
    ways.push_back({"gateway", gateway.port(), path, {}, {}, {}});
    for (const Kind kind : {Kind{true, 1}, Kind{true, 32}, Kind{false, 1}, Kind{false, 32}}) {
      measure(ways, kind, seconds, rounds);
      as_json ? print_as_json(ways, kind) : print_for_people(ways, kind, seconds, rounds);
    }
  }
  std::filesystem::remove_all(folder);
  return 0;
}

}  // namespace
}  // namespace interlock::gateway

int main(int count, char** arguments) {
  const bool as_json = interlock::bench::takes_json(count, arguments);
  const double seconds = count > 1 ? ::atof(arguments[1]) : 1.0;
  const int rounds = count > 2 ? ::atoi(arguments[2]) : 7;
  return interlock::gateway::run(seconds, rounds, as_json);
}
