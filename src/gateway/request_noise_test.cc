#include "gateway/request_noise.h"

#include <gtest/gtest.h>

namespace interlock::gateway {
namespace {

TEST(RequestNoise, paths_of_the_attempt_get_the_names_that_stand_for_them) {
  const engine::RequestNoise noise{
      .paths = {{"/state/r-1/home", "/<home>"}, {"/state/r-1/home/tmp", "/<tmp>"}}};
  EXPECT_EQ(without_noise(R"({"a":"/state/r-1/home/tmp/x and /state/r-1/home"})", noise),
            R"({"a":"/<tmp>/x and /<home>"})");
}

TEST(RequestNoise, random_ids_are_numbered_so_that_equal_ones_stay_equal) {
  const engine::RequestNoise noise{.ids = true};
  EXPECT_EQ(
      without_noise("msg_9c80544d-ee98-5e51-96fe-654e6039fce5 01a21932-3abd-7431-9dc6-13cdecd5e5d9 "
                    "9c80544d-ee98-5e51-96fe-654e6039fce5",
                    noise),
      "msg_<id 1> <id 2> <id 1>");
}

TEST(RequestNoise, ids_made_of_the_time_and_what_codex_says_of_a_command_are_left_out) {
  const engine::RequestNoise noise{.ids = true};
  EXPECT_EQ(without_noise("run_shell_command_1795727411976_0, 12345678901234567, "
                          "Chunk ID: a2cf86 Wall time: 0.0512 seconds, Process Group PGID: 3916",
                          noise),
            "run_shell_command_<id 1>_0, 12345678901234567, Chunk ID: <id> Wall time: <time> "
            "seconds, Process Group PGID: <id>");
}

TEST(RequestNoise, days_are_known_in_the_ways_clients_tell_them) {
  const engine::RequestNoise noise{.dates = true};
  EXPECT_EQ(without_noise("Thursday, November 26, 2026; Thu Nov 26 2026; 2026-11-26; "
                          "2026-11-26T18:51:04.073Z; May 3, 2027",
                          noise),
            "<date>; <date>; <date>; <date>; <date>");
  EXPECT_EQ(without_noise("version 2026-99-01, may 5 of 2000, 10-11-2026", noise),
            "version 2026-99-01, may 5 of 2000, 10-11-2026");
}

TEST(RequestNoise, nothing_is_touched_that_was_not_named) {
  const std::string body = "9c80544d-ee98-5e51-96fe-654e6039fce5 2026-11-26 /state/r-1/home";
  EXPECT_EQ(without_noise(body, {}), body);
  EXPECT_EQ(words_of({}), "");
  EXPECT_EQ(words_of({.paths = {{"/a", "/b"}}, .ids = true, .dates = true}),
            "its own paths, random ids, dates");
}

}  // namespace
}  // namespace interlock::gateway
