#pragma once

#include <arpa/inet.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <functional>
#include <string>

#include "e2e/isolation_harness.h"

// `interlock serve`, and a client that asks it as a browser would.
namespace interlock::e2e {

/// One connection; ends with this.
class Client {
 public:
  explicit Client(int port) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ok_ = ::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  }
  explicit Client(const std::string& path) : socket_(::socket(AF_UNIX, SOCK_STREAM, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    ok_ = ::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  }
  Client(const Client&) = delete;
  ~Client() { ::close(socket_); }

  bool is_connected() const { return ok_; }
  void send(const std::string& text) const {
    for (std::size_t at = 0; at < text.size();) {
      const ssize_t n = ::send(socket_, text.data() + at, text.size() - at, MSG_NOSIGNAL);
      if (n <= 0) return;
      at += static_cast<std::size_t>(n);
    }
  }
  /// Until it holds `text`, or the connection ends.
  const std::string& until(const std::string& text) {
    while (got_.find(text) == std::string::npos && read_some()) {
    }
    return got_;
  }
  const std::string& rest() {
    while (read_some()) {
    }
    return got_;
  }

 private:
  bool read_some() {
    char buffer[8192];
    const ssize_t n = ::recv(socket_, buffer, sizeof buffer, 0);
    if (n > 0) got_.append(buffer, static_cast<std::size_t>(n));
    return n > 0;
  }
  int socket_;
  bool ok_ = false;
  std::string got_;
};

class Serve : public Isolated {
 protected:
  Serve() { environment()["XDG_RUNTIME_DIR"] = folder(); }

  Running serve() {
    Running running = start({"serve", "--web"});
    running.until_it_says("socket: ");
    link_ = running.said().substr(0, running.said().find('\n'));
    port_ = std::stoi(link_.substr(link_.find(':', 7) + 1));
    return running;
  }
  std::string own() const { return fmt::format("Host: 127.0.0.1:{}\r\n", port_); }
  /// The whole answer to a request whose head is `first` and `headers`, each with its CR LF.
  std::string ask(const std::string& first, const std::string& headers,
                  const std::string& body = {}) const {
    Client client(port_);
    client.send(fmt::format("{} HTTP/1.1\r\n{}Connection: close\r\n{}\r\n{}", first, headers,
                            body.empty() ? "" : fmt::format("Content-Length: {}\r\n", body.size()),
                            body));
    return client.rest();
  }
  static int status_of(const std::string& answer) {
    return answer.size() > 12 ? std::stoi(answer.substr(9, 3)) : 0;
  }
  static std::string body_of(const std::string& answer) {
    return answer.substr(answer.find("\r\n\r\n") + 4);
  }
  /// Opens the page as a browser does.
  void open_page() {
    const std::string opened = ask("GET " + link_.substr(link_.find("/open")), own());
    EXPECT_EQ(status_of(opened), 303) << opened;
    const std::size_t at = opened.find("set-cookie: ");
    cookie_ = "Cookie: " + opened.substr(at + 12, opened.find(';', at) - at - 12) + "\r\n";
    EXPECT_THAT(opened, ::testing::HasSubstr("; HttpOnly; SameSite=Strict; Path=/"));
    const std::string session = ask("POST /api/session", own() + cookie_ + page(), "{}");
    ASSERT_EQ(status_of(session), 200) << session;
    bearer_ = "Authorization: Bearer " + at_text(session, "/bearer") + "\r\n";
  }
  std::string page() const {
    return fmt::format(
        "Origin: http://127.0.0.1:{}\r\nSec-Fetch-Site: same-origin\r\nContent-Type: "
        "application/json\r\n",
        port_);
  }
  static std::string at_text(const std::string& answer, const std::string& pointer) {
    return at(boost::json::parse(body_of(answer)), pointer);
  }
  std::string get(const std::string& path) const { return ask("GET " + path, own() + bearer_); }
  std::string post(const std::string& path, const std::string& body) const {
    return ask("POST " + path, own() + bearer_ + page(), body);
  }
  /// Until it holds; it is said where it does not for a minute.
  static void wait_until(const std::function<bool()>& holds) {
    for (int i = 0; i < 1200 && !holds(); ++i) ::usleep(50'000);
    EXPECT_TRUE(holds());
  }
  std::string socket_path() {
    const Ended found = shell("ls ../interlock/*.sock");
    return workspace() + "/" + found.out.substr(0, found.out.find('\n'));
  }
  std::string over_socket(const std::string& first) {
    Client client(socket_path());
    client.send(first + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    return client.rest();
  }
  void run_one() {
    write_plan("tasks: [{id: a, run: 'echo hello', reads: [], writes: [], output: text}]");
    EXPECT_EQ(interlock({"run", "plan.yaml"}).exit, 0);
  }
  std::string id() { return at(json_of({"show"}), "/run"); }

  int port_ = 0;
  std::string link_, cookie_, bearer_;
};

}  // namespace interlock::e2e
