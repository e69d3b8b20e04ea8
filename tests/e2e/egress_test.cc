#include <fmt/format.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include <boost/json.hpp>

#include "e2e/isolation_harness.h"
#include "endpoint/endpoint.h"

// `network: gateway`: an attempt with one way out.
namespace interlock::e2e {
namespace {

using endpoint::Endpoint;
using ::testing::HasSubstr;

/// Asks its model, and tries to get out in other ways. What it could reach is its answer.
constexpr const char* kClient = R"sh(#!/bin/bash
cat >/dev/null
reached=
port=${ANTHROPIC_BASE_URL#http://127.0.0.1:}; port=${port%%/*}
try() { timeout 5 bash -c "$2" 2>/dev/null && reached="$reached $1"; }
try endpoint "exec 3<>/dev/tcp/127.0.0.1/$ENDPOINT"
try outside "exec 3<>/dev/tcp/192.0.2.1/80"
try sixth "exec 3<>/dev/tcp/::1/$ENDPOINT"
try datagram "echo x >/dev/udp/192.0.2.1/53"
try name "exec 3<>/dev/tcp/example.com/80"
try tunnel "exec 3<>/dev/tcp/127.0.0.1/$port; printf 'CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n' >&3; read -r line <&3; case \$line in *' 200 '*) ;; *) exit 1;; esac"
try itself "exec 3<>/dev/tcp/127.0.0.1/$port; printf 'CONNECT 127.0.0.1:$port HTTP/1.1\r\nHost: x\r\n\r\n' >&3; read -r line <&3; case \$line in *' 200 '*) ;; *) exit 1;; esac"
try through "exec 3<>/dev/tcp/127.0.0.1/$port; printf 'CONNECT 127.0.0.1:$ENDPOINT HTTP/1.1\r\nHost: x\r\n\r\n' >&3; read -r line <&3; case \$line in *' 200 '*) ;; *) exit 1;; esac; read -r line <&3; printf 'GET /x HTTP/1.1\r\nHost: x\r\n\r\n' >&3; read -r line <&3; case \$line in HTTP/1.1*) ;; *) exit 1;; esac"
INTERLOCK_KEY=$ANTHROPIC_API_KEY "$IL" chat --api anthropic --model m --base-url "$ANTHROPIC_BASE_URL" <<X >/dev/null 2>&1 && reached="$reached model"
question
X
[ -z "$HTTPS_PROXY" ] && reached="$reached noproxy"
echo "{\"type\":\"result\",\"subtype\":\"success\",\"is_error\":false,\"terminal_reason\":\"completed\",\"result\":\"reached$reached\",\"session_id\":\"s\"}"
)sh";

class Egress : public Isolated {
 protected:
  Egress() {
    environment()["THE_KEY"] = "sk-very-secret";
    write("client", kClient);
    shell("chmod +x client");
    environment()["IL"] = shell("printf %s \"$INTERLOCK\"").out;
    auto script = endpoint::read_script(R"({"otherwise": {"text": "Yes."}})");
    EXPECT_TRUE(script.has_value());
    if (script) endpoint_ = std::make_unique<Endpoint>(*script);
    const std::string url = endpoint_->base_url();
    environment()["ENDPOINT"] = url.substr(url.rfind(':') + 1);
  }

  /// Whether a host that says this of itself has networks for attempts.
  static bool has_networks(const boost::json::value& doctor) {
    for (const auto& one : doctor.at("host").as_array()) {
      if (at(one, "/name") == "own network") return at(one, "/there") == "true";
    }
    return false;
  }
  bool is_possible(const std::string& isolation) {
    const boost::json::value doctor = json_of({"doctor"});
    for (const auto& level : doctor.at("isolation").as_array()) {
      if (at(level, "/isolation") == isolation) return at(level, "/possible") == "true";
    }
    return false;
  }

  std::string plan(const std::string& settings) const {
    return fmt::format(
        "agents: {{c: {{kind: claude-code, bin: {}/client, base_url: \"{}\", model: m, key: "
        "THE_KEY, pass_env: [IL, ENDPOINT]}}}}\n"
        "tasks: [{{id: a, agent: c, prompt: go, reads: [client], writes: [], output: text, "
        "retries: 0, "
        "{}}}]\n",
        workspace(), endpoint_->base_url(), settings);
  }

  std::string reached(const std::string& settings) {
    write_plan(plan(settings));
    const Ended ended = interlock({"run", "plan.yaml", "--fresh"});
    EXPECT_EQ(ended.exit, 0) << ended.out << ended.err;
    return interlock({"output", "last", "a"}).out;
  }

  std::unique_ptr<Endpoint> endpoint_;
};

TEST_F(Egress, an_attempt_with_the_gateway_as_its_network_reaches_nothing_else) {
  if (!has_networks(json_of({"doctor"}))) GTEST_SKIP() << "no network of its own here";
  for (const char* isolation : {"direct", "view", "guard"}) {
    if (!is_possible(isolation)) continue;
    EXPECT_EQ(reached(fmt::format("network: gateway, isolation: {}", isolation)),
              "reached itself model")
        << isolation;
    EXPECT_THAT(interlock({"why", "last", "a"}).out,
                HasSubstr("kept from connecting to `example.com:443`"))
        << isolation;
  }
  EXPECT_EQ(reached("network: none, isolation: direct"), "reached itself model")
      << "with an agent whose calls pass the gateway it means the same";
}

TEST_F(Egress, the_gateway_is_nobodys_way_out_of_the_hosts_network) {
  const std::string reached_here = reached("isolation: direct");
  EXPECT_EQ(reached_here.find("tunnel"), std::string::npos);
  EXPECT_EQ(reached_here.find("through"), std::string::npos);
}

TEST_F(Egress, hosts_that_the_plan_allows_are_connected_to_and_no_others) {
  if (!has_networks(json_of({"doctor"}))) GTEST_SKIP() << "no network of its own here";
  const std::string host = "127.0.0.1:" + environment()["ENDPOINT"];
  for (const char* isolation : {"direct", "view", "guard"}) {
    if (!is_possible(isolation)) continue;
    EXPECT_EQ(reached(fmt::format("network: {{allow: [\"{}\", \"*.example.org\"]}}, isolation: {}",
                                  host, isolation)),
              "reached itself through model")
        << isolation;
    const std::string why = interlock({"why", "last", "a"}).out;
    EXPECT_THAT(why, HasSubstr("kept from connecting to `example.com:443`"));
    EXPECT_THAT(why, HasSubstr("connected to " + host + ", 1 connection, "));
  }
}

TEST_F(Egress, a_host_in_a_plan_is_a_host) {
  write_plan(
      "defaults: {network: {allow: [\"https://example.com/\", \"a.b:99999\"]}}\n"
      "tasks: [{id: a, run: 'true'}, {id: b, run: 'true', network: {}}]\n");
  const Ended ended = interlock({"plan", "plan.yaml"});
  EXPECT_EQ(ended.exit, 2);
  EXPECT_THAT(ended.err, HasSubstr("`https://example.com/` is not a host"));
  EXPECT_THAT(ended.err, HasSubstr("`a.b:99999` is not a host"));
  EXPECT_THAT(ended.err, HasSubstr("the network has no `allow`"));
}

TEST_F(Egress, a_task_whose_calls_do_not_pass_the_gateway_cannot_have_it_as_its_network) {
  write_plan("tasks: [{id: a, run: 'true', network: gateway}]\n");
  const Ended ended = interlock({"run", "plan.yaml"});
  EXPECT_EQ(ended.exit, 3) << ended.err;
  EXPECT_THAT(ended.err, HasSubstr("task `a` has `network: gateway`"));
  EXPECT_THAT(ended.err, HasSubstr("network: none"));
}

TEST_F(Egress, an_ordinary_user_has_it_as_well) {
  if (::geteuid() != 0) GTEST_SKIP() << "the tests above are it";
  write_plan(plan("network: {allow: [\"127.0.0.1:" + environment()["ENDPOINT"] +
                  "\"]}, isolation: direct"));
  shell("chmod 711 .. && chown -R 1001:1001 .. && chmod a+rx client");
  const std::string as_user =
      "setpriv --reuid=1001 --regid=1001 --clear-groups env HOME=" + folder() + " $INTERLOCK ";
  const Ended doctor = shell(as_user + "doctor --json");
  if (doctor.exit != 0 || !has_networks(boost::json::parse(doctor.out)))
    GTEST_SKIP() << "an ordinary user has no network of its own here";
  const Ended ended = shell(as_user + "run plan.yaml --fresh 2>&1; " + as_user + "output last a");
  EXPECT_THAT(ended.out, HasSubstr("reached itself through model")) << ended.err;
}

}  // namespace
}  // namespace interlock::e2e
