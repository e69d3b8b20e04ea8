#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "gateway/harness.h"

// What is kept of calls, and answered from what was kept.
namespace interlock::gateway::scenes {
namespace {

using engine::CallEnd;
using testing::HasSubstr;
using testing::Not;

std::string url_of(const engine::Gateway::Route& route) { return route.base_url + "/v1/messages"; }

std::vector<std::string> as_key(const engine::Gateway::Route& route) {
  return {"x-api-key: " + route.secret};
}

std::string everything_in(const std::string& folder) {
  std::string all;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    std::ifstream file(entry.path(), std::ios::binary);
    all.append(std::istreambuf_iterator<char>(file), {});
  }
  return all;
}

TEST(Recordings, what_was_recorded_is_replayed_without_a_provider) {
  const TempFolder folder;
  Reply first;
  Reply second;
  {
    World world(R"({"rules": [{"prompt": "hi", "steps": [{"text": "One."}, {"text": "Two."}]}]})",
                [&](Options& options) { options.record_folder = folder.path(); });
    const auto route = world.open();
    first = Client().post(url_of(route), message("hi"), as_key(route));
    second = Client().post(url_of(route), message("hi"), as_key(route));
    world.calls(2);
  }
  ASSERT_NE(first.body, second.body);
  World replaying(R"({"otherwise": {"status": 500}})",
                  [&](Options& options) { options.replay_folder = folder.path(); });
  const auto route = replaying.open();
  EXPECT_EQ(Client().post(url_of(route), message("hi"), as_key(route)).body, first.body);
  EXPECT_EQ(Client().post(url_of(route), message("hi"), as_key(route)).body, second.body);
  for (const auto& call : replaying.calls(2)) {
    EXPECT_TRUE(call.replayed);
    EXPECT_EQ(call.end, CallEnd::answered);
    EXPECT_EQ(call.usage, no_usage());
  }
  EXPECT_TRUE(replaying.endpoint.entries().empty());
}

TEST(Recordings, the_first_difference_is_told) {
  const TempFolder folder;
  {
    World world(R"({"otherwise": {"text": "One."}})",
                [&](Options& options) { options.record_folder = folder.path(); });
    const auto route = world.open();
    Client().post(url_of(route), message("hi"));
    world.call();
  }
  World replaying("{}", [&](Options& options) { options.replay_folder = folder.path(); });
  const auto route = replaying.open();
  const Reply reply = Client().post(url_of(route), message("ho"));
  EXPECT_EQ(reply.status, 400);
  const auto call = replaying.call();
  EXPECT_EQ(call.end, CallEnd::not_recorded);
  EXPECT_THAT(
      call.detail,
      HasSubstr(
          R"(request 1 of the task differs at $.messages[0].content: recorded "hi", now "ho")"));
  const auto other = replaying.open({}, 7);
  Client().post(url_of(other), message("hi"));
  EXPECT_THAT(replaying.call().detail, HasSubstr("no request 1 of task `task7` was recorded"));
}

TEST(Recordings, an_attempt_gets_back_what_the_one_before_had_paid) {
  const TempFolder folder;
  World world(R"({"otherwise": {"text": "Paid."}})",
              [&](Options& options) { options.record_folder = folder.path(); });
  const auto route = world.open();
  const Reply paid = Client().post(url_of(route), message("hi"), as_key(route));
  world.call();
  world.gateway->close(attempt_name(0, 1));
  const auto again = world.open([](auto& spec) { spec.replay_own = true; }, 0, 2);
  EXPECT_EQ(Client().post(url_of(again), message("hi"), as_key(again)).body, paid.body);
  EXPECT_TRUE(world.call().replayed);
  EXPECT_EQ(Client().post(url_of(again), message("and now"), as_key(again)).status, 200);
  EXPECT_FALSE(world.call().replayed);
  EXPECT_EQ(world.endpoint.entries().size(), 2U);
}

TEST(Recordings, hold_neither_the_secret_nor_the_key) {
  const TempFolder folder;
  World world(
      R"({"otherwise": {"text": "your key is sk-real-key-that-nobody-may-see",
          "headers": {"set-cookie": "sk-real-key-that-nobody-may-see"}}})",
      [&](Options& options) { options.record_folder = folder.path(); });
  const auto route = world.open();
  const std::string body = message("my key is " + route.secret + " at " + route.base_url, false);
  EXPECT_EQ(Client().post(url_of(route) + "?key=" + route.secret, body, as_key(route)).status, 200);
  world.call();
  const std::string kept = everything_in(folder.path());
  EXPECT_THAT(kept, HasSubstr("your key is "));
  EXPECT_THAT(kept, Not(HasSubstr(route.secret)));
  EXPECT_THAT(kept, Not(HasSubstr(kRealKey)));
}

}  // namespace
}  // namespace interlock::gateway::scenes
