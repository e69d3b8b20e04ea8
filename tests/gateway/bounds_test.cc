#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <string>
#include <vector>

#include "gateway/fd.h"
#include "gateway/harness.h"

// What strangers, slow and devious clients can take of the gateway: little, and nothing unmetered.
namespace interlock::gateway::scenes {
namespace {

using engine::CallEnd;
using testing::HasSubstr;
using testing::StartsWith;

/// A client that says exactly these bytes.
class Peer {
 public:
  explicit Peer(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address),
              0);
  }
  void say(std::string_view text) { ::send(socket_.get(), text.data(), text.size(), MSG_NOSIGNAL); }
  /// All that comes until the gateway closes.
  std::string hear_all() {
    std::string all;
    char bytes[4096];
    for (ssize_t got = 1; got > 0;) {
      got = ::recv(socket_.get(), bytes, sizeof bytes, 0);
      if (got > 0) all.append(bytes, static_cast<std::size_t>(got));
    }
    return all;
  }

 private:
  Fd socket_;
};

/// The secret, as a path begins with it.
std::string way_in(const engine::Gateway::Route& route) { return "/" + route.secret; }

std::string ask(World& world, const std::string& path, const std::string& method = "POST") {
  const std::string body = message("hi");
  Peer peer(world.gateway->port());
  peer.say(method + " " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: " +
           std::to_string(body.size()) + "\r\n\r\n" + body);
  return peer.hear_all();
}

TEST(Bounds, a_stranger_is_answered_before_its_body) {
  World world(R"({})");
  const auto route = world.open();
  for (const char* framing : {"Content-Length: 60000000", "Transfer-Encoding: chunked"}) {
    Peer peer(world.gateway->port());
    peer.say(std::string("POST /nobody/v1/messages HTTP/1.1\r\n") + framing + "\r\n\r\n");
    EXPECT_THAT(peer.hear_all(), StartsWith("HTTP/1.1 404")) << framing;
  }
}

TEST(Bounds, who_says_nothing_or_half_of_it_is_parted_with) {
  World world(R"({})", [](Options& options) {
    options.sessions.stranger = options.sessions.head = options.sessions.body =
        std::chrono::milliseconds(20);
  });
  const auto route = world.open();
  Peer silent(world.gateway->port());
  EXPECT_EQ(silent.hear_all(), "");
  Peer in_its_head(world.gateway->port());
  in_its_head.say("POST /x HTTP/1.1\r\nHo");
  EXPECT_THAT(in_its_head.hear_all(), StartsWith("HTTP/1.1 408"));
  Peer in_its_body(world.gateway->port());
  in_its_body.say("POST " + way_in(route) + "/v1/messages HTTP/1.1\r\nContent-Length: 10\r\n\r\n{");
  EXPECT_THAT(in_its_body.hear_all(), StartsWith("HTTP/1.1 408"));
}

TEST(Bounds, strangers_have_so_many_connections_and_no_more) {
  World world(R"({})", [](Options& options) { options.sessions.most_strangers = 3; });
  const auto route = world.open();
  std::vector<std::unique_ptr<Peer>> strangers;
  for (int i = 0; i < 5; ++i) strangers.push_back(std::make_unique<Peer>(world.gateway->port()));
  EXPECT_EQ(strangers[0]->hear_all(), "");
  EXPECT_EQ(strangers[1]->hear_all(), "");
  EXPECT_THAT(ask(world, way_in(route) + "/v1/messages"), StartsWith("HTTP/1.1 200"));
}

TEST(Bounds, a_call_is_metered_however_its_path_is_written) {
  World world(R"({})");
  const auto route = world.open([](auto& spec) { spec.tokens = 1; });
  for (const char* path : {"/v1/messages", "/v1/messages/", "/v1/%6dessages", "/v1/%6Dessages",
                           "/v1/messages;x", "/v1;a=b/messages", "//v1///messages", "/V1/Messages",
                           "/v1/messages?beta=true", "/v1/messages/?x"}) {
    EXPECT_THAT(ask(world, way_in(route) + path), StartsWith("HTTP/1.1 400")) << path;
    EXPECT_EQ(world.call().end, CallEnd::over_budget) << path;
  }
  EXPECT_TRUE(world.endpoint.entries().empty());
}

TEST(Bounds, a_path_that_servers_read_differently_is_refused) {
  World world(R"({})");
  const auto route = world.open();
  for (const char* path :
       {"/v1/x/../messages", "/v1/x/%2e%2e/messages", "/v1/./messages", "/v1%2fmessages",
        "/v1/messages%", "/v1/messages%00", "/v1/x%5c..%5cmessages", "/v1\\messages",
        "/v1/%25%36%64essages", "/v1/messag\xc3\xa9s", "/v1/..;/messages"}) {
    EXPECT_THAT(ask(world, way_in(route) + path), StartsWith("HTTP/1.1 400")) << path;
  }
  EXPECT_TRUE(world.endpoint.entries().empty());
}

TEST(Bounds, what_cannot_be_metered_passes_only_where_the_plan_says_so) {
  World world(R"({})", [](Options& options) {
    options.providers["generous"] = options.providers["claude"];
    options.providers["generous"].unmetered = {"/v1/embeddings", "/v1/files/*"};
  });
  const auto route = world.open();
  for (const char* path : {"/v1/messages/batches", "/v1/batches", "/v1/embeddings",
                           "/v1/completions", "/v1beta/models/m:batchGenerateContent", "/"}) {
    EXPECT_THAT(ask(world, way_in(route) + path), StartsWith("HTTP/1.1 403")) << path;
  }
  EXPECT_THAT(ask(world, way_in(route) + "/v1/messages", "PUT"), StartsWith("HTTP/1.1 403"));
  EXPECT_THAT(ask(world, way_in(route) + "/v1/messages", "GET"), StartsWith("HTTP/1.1 403"));
  EXPECT_THAT(ask(world, way_in(route) + "/v1/models", "GET"), StartsWith("HTTP/1.1 200"));
  const auto generous = world.open([](auto& spec) { spec.agent = "generous"; }, 1);
  // The endpoint knows neither: that it answers so shows that they came through.
  EXPECT_THAT(ask(world, way_in(generous) + "/v1/embeddings"), HasSubstr("no such path"));
  EXPECT_THAT(ask(world, way_in(generous) + "/v1/files/7"), HasSubstr("no such path"));
  EXPECT_THAT(ask(world, way_in(generous) + "/v1/batches"), StartsWith("HTTP/1.1 403"));
}

TEST(Bounds, lines_that_end_otherwise_and_two_lengths_are_refused_at_once) {
  World world(R"({})");
  const auto route = world.open();
  const std::string line = "POST " + way_in(route) + "/v1/messages HTTP/1.1";
  for (const std::string& text :
       {line + "\nHost: x\n\n", line + "\r\nHost: x\n\r\n\r\n", line + "\r\nA: b\rC: d\r\n\r\n",
        line + "\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        line + "\r\nTransfer-Encoding: chunked\r\n\r\n2\n{}\n0\r\n\r\n"}) {
    Peer peer(world.gateway->port());
    peer.say(text);
    EXPECT_THAT(peer.hear_all(), StartsWith("HTTP/1.1 4")) << text;
  }
  EXPECT_TRUE(world.endpoint.entries().empty());
}

}  // namespace
}  // namespace interlock::gateway::scenes
