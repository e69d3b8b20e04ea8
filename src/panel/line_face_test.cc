#include "panel/line_face.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <utility>
#include <vector>

namespace interlock::panel {
namespace {

using namespace std::chrono_literals;
using engine::Notice;

Notice make_notice(Notice::Kind kind, std::string task, std::string text, Duration at) {
  Notice notice;
  notice.kind = kind;
  notice.task = std::move(task);
  notice.text = std::move(text);
  notice.at = at;
  return notice;
}

std::vector<Notice> notices_of_a_run() {
  using Kind = Notice::Kind;
  std::vector<Notice> notices{
      make_notice(Kind::started, "research-auth", "", 0s),
      make_notice(Kind::reused, "outline", "from run r7k1", 20ms),
      make_notice(Kind::done, "research-auth", "", 4s + 240ms),
      make_notice(Kind::retrying, "summary-of-all-the-chapters", "in 2 s", 5s),
      make_notice(Kind::failed, "review-pr", "exit status 1", 12s + 900ms),
      make_notice(Kind::warning, "review-pr", "the log-in has used 80 % of its 5h", 13s),
      make_notice(Kind::gate, "migrate", "`interlock approve r7k2 migrate`", 13min),
      make_notice(Kind::stopping, "", "interrupted", 3h)};
  notices[2].elapsed = 4s + 200ms;
  notices[4].elapsed = 800ms;
  notices[4].output = {"\x1b[31merror:\x1b[0m no such file", "make: *** [all] Error 2"};
  return notices;
}

std::string printed(LineFace face) {
  std::string text;
  for (const Notice& notice : notices_of_a_run()) {
    for (const std::string& line : face.lines_of(notice)) text += line + "\n";
  }
  return text;
}

TEST(LineFace, TellsEachNoticeOnALineOfItsOwnInColumns) {
  EXPECT_EQ(
      printed(LineFace(LineFace::Verbosity::everything, /*unicode=*/true)),
      "[   0.0s] started     research-auth\n"
      "[   0.0s] reused      outline           from run r7k1\n"
      "[   4.2s] done        research-auth     4.2 s\n"
      "[   5.0s] retrying    summary-of-all-the-chapters  in 2 s\n"
      "[  12.9s] failed      review-pr                    0.8 s  exit status 1\n"
      "            | error: no such file\n"
      "            | make: *** [all] Error 2\n"
      "[  13.0s] warning     review-pr                    the log-in has used 80 % of its 5h\n"
      "[ 780.0s] gate        migrate                      `interlock approve r7k2 migrate`\n"
      "[10800.0s] stopping                                 interrupted\n");
}

TEST(LineFace, WhenQuietTellsFailuresAndWhatStandsStill) {
  EXPECT_EQ(printed(LineFace(LineFace::Verbosity::failures, /*unicode=*/true)),
            "[  12.9s] failed      review-pr         0.8 s  exit status 1\n"
            "            | error: no such file\n"
            "            | make: *** [all] Error 2\n"
            "[  13.0s] warning     review-pr         the log-in has used 80 % of its 5h\n"
            "[ 780.0s] gate        migrate           `interlock approve r7k2 migrate`\n"
            "[10800.0s] stopping                      interrupted\n");
}

}  // namespace
}  // namespace interlock::panel
