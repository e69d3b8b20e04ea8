#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <future>
#include <string>
#include <vector>

#include "gateway/harness.h"
#include "gateway/http2_front.h"
#include "gateway/relay.h"

// How a provider is reached: over TLS, and through proxies.
namespace interlock::gateway::scenes {
namespace {

using engine::CallEnd;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;
using testing::StartsWith;

constexpr std::string_view kScript = R"({"otherwise": {"text": "Good morning to you."}})";

std::string written(const TempFolder& folder, const std::string& name, const std::string& text) {
  const std::string path = folder.path() + "/" + name;
  std::ofstream(path) << text;
  return path;
}

std::string address(std::string_view scheme, std::uint16_t port) {
  return fmt::format("{}://127.0.0.1:{}", scheme, port);
}

/// A provider, TLS before it, and a gateway before that which trusts `trusted`.
struct TlsWorld {
  TempFolder folder;
  Identity identity = make_identity();
  endpoint::Endpoint provider{endpoint::read_script(kScript).value()};
  std::unique_ptr<Relay> front = Relay::tls(identity, provider.port());

  std::function<void(Options&)> trusting(const Identity& trusted, const std::string& proxy = {}) {
    const std::string file = written(folder, "ca.pem", trusted.certificate);
    return [this, file, proxy](Options& options) {
      options.providers["claude"].base_url = address("https", front->port());
      options.network.ca_file = file;
      options.network.https_proxy = proxy;
    };
  }
};

Reply ask(World& world) {
  return Client().post(world.open().base_url + "/v1/messages", message("hi"));
}

TEST(Network, a_provider_behind_tls_is_known_by_its_certificate) {
  TlsWorld tls;
  World world(kScript, tls.trusting(tls.identity));
  const Reply reply = ask(world);
  EXPECT_EQ(reply.status, 200) << reply.body;
  EXPECT_THAT(reply.body, HasSubstr("message_stop"));
  const auto call = world.call();
  EXPECT_EQ(call.end, CallEnd::answered) << call.detail;
  EXPECT_EQ(tokens_of(call.usage), billed(tls.provider, 0));
  EXPECT_THAT(world.endpoint.entries(), IsEmpty());
}

TEST(Network, a_certificate_that_nobody_vouches_for_is_refused_at_once) {
  TlsWorld tls;
  World world(kScript, tls.trusting(make_identity()));
  const Reply reply = ask(world);
  EXPECT_EQ(reply.status, 400) << "clients would try again what a server failed at";
  EXPECT_THAT(reply.body, HasSubstr("certificate"));
  const auto call = world.call();
  EXPECT_EQ(call.end, CallEnd::unreachable);
  EXPECT_THAT(call.detail, HasSubstr("certificate"));
  EXPECT_EQ(call.retries, 0U);
  EXPECT_EQ(call.usage, no_usage()) << "nothing was sent to a stranger";
  EXPECT_EQ(tls.front->connections(), 1U);
  EXPECT_THAT(tls.provider.entries(), IsEmpty());
}

TEST(Network, a_missing_file_of_certificates_is_told_of) {
  TlsWorld tls;
  World world(kScript, [&](Options& options) {
    tls.trusting(tls.identity)(options);
    options.network.ca_file = tls.folder.path() + "/none.pem";
  });
  EXPECT_EQ(ask(world).status, 400);
  const auto call = world.call();
  EXPECT_THAT(call.detail, HasSubstr("none.pem"));
  EXPECT_EQ(call.retries, 0U);
}

TEST(Network, an_https_provider_is_reached_through_a_proxys_tunnel) {
  TlsWorld tls;
  const auto proxy = Relay::proxy();
  World world(kScript, tls.trusting(tls.identity, address("http", proxy->port())));
  EXPECT_EQ(ask(world).status, 200);
  EXPECT_EQ(world.call().end, CallEnd::answered);
  EXPECT_THAT(proxy->asked(),
              ElementsAre(fmt::format("CONNECT 127.0.0.1:{} HTTP/1.1", tls.front->port())));
  EXPECT_EQ(tls.provider.entries().size(), 1U);
}

TEST(Network, a_stranger_behind_a_proxys_tunnel_gets_nothing) {
  TlsWorld tls;
  const auto proxy = Relay::proxy();
  World world(kScript, tls.trusting(make_identity(), address("http", proxy->port())));
  EXPECT_EQ(ask(world).status, 400);
  const auto call = world.call();
  EXPECT_THAT(call.detail, HasSubstr("certificate"));
  EXPECT_EQ(call.usage, no_usage()) << "asking for the tunnel is not asking the model";
}

TEST(Network, a_proxy_that_opens_no_tunnel_is_not_asked_again) {
  TlsWorld tls;
  const auto proxy = Relay::refusing_proxy();
  World world(kScript, tls.trusting(tls.identity, address("http", proxy->port())));
  EXPECT_EQ(ask(world).status, 400);
  const auto call = world.call();
  EXPECT_EQ(call.end, CallEnd::unreachable);
  EXPECT_THAT(call.detail, HasSubstr("403"));
  EXPECT_EQ(call.usage, no_usage());
  EXPECT_EQ(proxy->connections(), 1U);
  EXPECT_THAT(tls.provider.entries(), IsEmpty());
}

TEST(Network, an_http_provider_is_asked_for_at_a_plain_proxy) {
  const auto proxy = Relay::proxy();
  World world(kScript, [&](Options& options) {
    options.network.http_proxy = address("http", proxy->port());
    options.network.https_proxy = "http://127.0.0.1:1";
  });
  EXPECT_EQ(ask(world).status, 200);
  EXPECT_EQ(tokens_of(world.call().usage), billed(world.endpoint, 0));
  EXPECT_THAT(proxy->asked(),
              ElementsAre("POST " + world.endpoint.base_url() + "/v1/messages HTTP/1.1"));
}

TEST(Network, hosts_that_need_no_proxy_are_reached_without) {
  const auto proxy = Relay::refusing_proxy();
  World world(kScript, [&](Options& options) {
    options.network.http_proxy = address("http", proxy->port());
    options.network.no_proxy = "example.org,127.0.0.1";
  });
  EXPECT_EQ(ask(world).status, 200);
  EXPECT_EQ(proxy->connections(), 0U);
}

TEST(Network, http_2_is_spoken_where_tls_agrees_on_it) {
  const std::string program = Http2Front::program();
  if (program.empty()) GTEST_SKIP() << "there is no nghttpx here (Debian: nghttp2-proxy)";
  TempFolder folder;
  const Identity identity = make_identity();
  endpoint::Endpoint provider(
      endpoint::read_script(R"({"rules": [{"prompt": "much", "steps": [{"huge": 5000000}]}],
                                "otherwise": {"text": "Good morning to you."},
                                    "keep_bodies": true})")
          .value());
  const Http2Front front(program, identity, provider.port());
  ASSERT_NE(front.port(), 0);
  World world(kScript, [&](Options& options) {
    options.providers["claude"].base_url = address("https", front.port());
    options.network.ca_file = written(folder, "ca.pem", identity.certificate);
  });
  const std::string url = world.open().base_url + "/v1/messages";
  std::string much = message("much");
  much.replace(much.find(":1000"), 5, ":9000000");
  std::vector<std::future<Reply>> replies;
  for (const std::string& body : {message("hi"), message("hi", false), much, message("hi")})
    replies.push_back(std::async(std::launch::async, [=] { return Client().post(url, body); }));
  for (auto& reply : replies) EXPECT_EQ(reply.get().status, 200);
  for (const auto& call : world.calls(4)) EXPECT_EQ(call.end, CallEnd::answered) << call.detail;
  for (const auto& entry : provider.entries())
    EXPECT_THAT(entry.headers, Contains(Pair("via", StartsWith("2 "))))
        << "as the front was spoken to";
}

}  // namespace
}  // namespace interlock::gateway::scenes
