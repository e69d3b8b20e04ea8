#include "report/run_html.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "report/markup.h"
#include "report/time_scale.h"

namespace interlock::report {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using namespace std::chrono_literals;

TaskRow row_of(const std::string& id, std::vector<Span> spans) {
  TaskRow row;
  row.id = id;
  row.agent = "sh";
  row.state = engine::TaskState::done;
  row.elapsed = 10s;
  row.spans = std::move(spans);
  return row;
}

RunRecord run_of(std::size_t tasks) {
  RunRecord run;
  run.id = "r-20261126-7f3a";
  run.state = "finished";
  run.began = Time(0s);
  run.status.plan_name = "many";
  run.status.ended = engine::RunEnded::How::finished;
  for (std::size_t i = 0; i < tasks; ++i) {
    const Time at{std::chrono::seconds{i}};
    TaskRow row = row_of(fmt::format("a-task-with-quite-a-long-name/{:05}", i),
                         {{Span::Kind::needs, at, at + 1s, 0},
                          {Span::Kind::conflict, at + 1s, at + 2s, 0},
                          {Span::Kind::failed, at + 2s, at + 3s, 1},
                          {Span::Kind::backoff, at + 3s, at + 4s, 0},
                          {Span::Kind::slot, at + 4s, at + 5s, 0},
                          {Span::Kind::work, at + 5s, at + 6s, 2}});
    row.task = TaskId(static_cast<std::uint32_t>(i));
    row.remark = "2 attempts, 1 met others' changes";
    row.used.input = row.used.output = 123456;
    row.complete.asked = true;
    run.tasks.push_back(std::move(row));
  }
  run.until = Time(std::chrono::seconds(tasks + 6));
  return run;
}

TEST(RunHtml, of_a_thousand_tasks_stays_under_a_megabyte_and_of_more_lists_a_thousand) {
  const std::string thousand = run_html(run_of(1000));
  EXPECT_LT(thousand.size(), 1'000'000U);
  EXPECT_THAT(thousand, AllOf(HasSubstr("name/00000<"), HasSubstr("name/00999<")));
  RunRecord more = run_of(3000);
  more.tasks[2999].state = engine::TaskState::failed;
  more.tasks[2998].elapsed = 20s;
  const std::string text = run_html(more);
  EXPECT_LT(text.size(), 1'000'000U);
  EXPECT_THAT(text, AllOf(HasSubstr("name/02999<"), HasSubstr("name/02998<"),
                          Not(HasSubstr("name/02997<")), HasSubstr("of 3000;")));
}

TEST(RunHtml, escapes_whatever_is_in_it) {
  RunRecord run = run_of(1);
  const std::string nasty = "</style><script>alert('\"1\"')</script>\x1b[2J\xff&amp;";
  run.workspace = run.status.plan_name = run.status.hindsight = run.state = nasty;
  run.tasks[0].id = run.tasks[0].remark = nasty;
  run.conflicts.push_back({nasty, 1, {nasty}, 2, {nasty}, nasty});
  run.outputs.push_back({nasty, "merge", digest_of("x"), nasty, nasty, 99});
  run.failures.push_back({nasty, nasty, 1, nasty, true});
  run.topics.push_back({nasty, nasty, {{1, nasty, 1, 1, nasty, Time(0s), nasty}}});
  run.messages.push_back({nasty, nasty, Time(0s), nasty, 0, false});
  run.status.unproven.emplace_back(nasty, nasty);
  run.decided = runs::DecisionRecord{nasty,
                                     {{nasty, 1s, {}, {}, {}, {}, {}, 1, true}},
                                     {{nasty, true, nasty}},
                                     {nasty},
                                     {nasty},
                                     {nasty},
                                     {nasty}};
  const std::string text = run_html(run);
  EXPECT_THAT(text, AllOf(HasSubstr("&lt;script&gt;alert(&#39;&quot;1&quot;&#39;)"),
                          Not(HasSubstr("<script")), Not(HasSubstr("\x1b")), Not(HasSubstr("\xff")),
                          HasSubstr("&amp;amp;")));
  const std::size_t style_ends = text.find("</style>");
  EXPECT_EQ(text.find("</style>", style_ends + 1), std::string::npos);
  run.failures.clear();  // Inside of a fence anything may stand.
  run.outputs.clear();
  EXPECT_THAT(run_markdown(run), AllOf(Not(HasSubstr("<script")), Not(HasSubstr("\x1b"))));
}

TEST(RunHtml, tells_of_notes_who_wrote_them_when_and_whether_they_count) {
  RunRecord run = run_of(1);
  EXPECT_THAT(run_html(run), Not(HasSubstr("The board")));
  TopicRow ideas{"ideas", "rounds", {}};
  ideas.notes.push_back({1, "a", 1, 1, "counts", Time(0s), "first\nsecond"});
  ideas.notes.push_back({2, "b", 2, 2, "dropped", Time(60s), std::string(5000, 'x')});
  ideas.notes.push_back({3, "ann@desk", 0, 0, "counts", Time(3600s), "mine"});
  run.topics = {ideas, {"chat", "live", {}}};
  run.messages = {{"a", "ann", Time(0s), "Mind the gap.", 2, true},
                  {"a", "ann", Time(0s), "Too late.", 0, true}};
  const std::string text = run_html(run);
  EXPECT_THAT(text, AllOf(HasSubstr("rounds, 3 notes"), HasSubstr("live, 0 notes"),
                          HasSubstr("<pre>first\nsecond\n</pre>"),
                          HasSubstr("round 1, 1970-01-01T00:00:00"),
                          HasSubstr("round 2, attempt 2, 1970-01-01T00:01:00, dropped: its attempt "
                                    "came to nothing"),
                          HasSubstr("a person, 1970-01-01T01:00:00"),
                          HasSubstr("board read ideas --run r-20261126-7f3a --after 1</code>")));
  EXPECT_THAT(text, AllOf(HasSubstr("told to attempt 2"),
                          HasSubstr("told to nobody: no attempt came after it")));
  EXPECT_THAT(
      run_markdown(run),
      AllOf(HasSubstr("- a (round 1, 1970-01-01T00:00:00): first"),
            HasSubstr("- ann to a (1970-01-01T00:00:00): Mind the gap.; told to attempt 2")));
}

TEST(RunHtml, of_a_thousand_notes_shows_the_latest_and_where_the_others_are) {
  RunRecord run = run_of(1);
  TopicRow topic{"ideas", "live", {}};
  for (std::uint32_t i = 1; i <= 1000; ++i)
    topic.notes.push_back({i, "a", 1, 0, "counts", Time(0s), std::string(4000, 'y')});
  run.topics = {topic};
  const std::string text = run_html(run);
  EXPECT_LT(text.size(), 400'000U);
  EXPECT_THAT(text, AllOf(HasSubstr("And 800 earlier ones"), HasSubstr("<p class=meta>1000. ")));
  EXPECT_LT(run_markdown(run).size(), 20'000U);
}

TEST(RunHtml, needs_nothing_from_anywhere) {
  const std::string text = run_html(run_of(3));
  EXPECT_THAT(text, AllOf(Not(HasSubstr("http:")), Not(HasSubstr("https:")), Not(HasSubstr("src=")),
                          Not(HasSubstr("url(")), Not(HasSubstr("href=")),
                          HasSubstr("default-src 'none'; style-src 'sha256-")));
}

TEST(RunHtml, shows_what_is_not_known_as_unknown) {
  RunRecord run = run_of(1);
  run.tasks[0].used = {};
  EXPECT_EQ(tokens_text(run.tasks[0]), "unknown");
  run.tasks[0].used.input = 1000;
  run.tasks[0].complete.tokens = false;
  EXPECT_EQ(tokens_text(run.tasks[0]), "at least 1k");
  run.tasks[0].complete.asked = false;
  run.tasks[0].used = no_usage();
  EXPECT_EQ(tokens_text(run.tasks[0]), "none");
}

TEST(RunHtml, says_none_where_no_model_was_to_be_asked_and_unknown_where_that_is_not_known) {
  RunRecord run = run_of(1);
  run.decided.emplace();
  run.decided->ways.push_back({"sequential", 1s, {}, {}, {}, 0, 0, 1, true});
  EXPECT_THAT(run_html(run), AllOf(HasSubstr("<td class=n>none<td class=n>none</tr>"),
                                   Not(HasSubstr("$0.00")), Not(HasSubstr("<td class=n>0<"))));
  EXPECT_THAT(run_markdown(run), HasSubstr("| none | none |"));
  EXPECT_EQ(tokens_text({"queue", 1s, {}, {}, {}, {}, {}, 2, false}), "unknown");
  EXPECT_EQ(cost_text({"queue", 1s, {}, {}, {}, 1200, 0, 2, false}), "$0.00");
}

TEST(RunHtml, prints_nothing_that_a_printer_would_have_to_paint_for_each_task) {
  // A gradient behind each row makes a document of megabytes of the pages.
  const std::string style(report_style());
  EXPECT_THAT(style.substr(style.find("@media print")),
              HasSubstr(".t td:nth-child(2){background:none}"));
}

TEST(TimeScale, is_to_scale_but_for_long_spells_in_which_nothing_ran) {
  RunRecord run;
  run.began = Time(0s);
  run.until = Time(8h + 20s);
  run.tasks.push_back(row_of("a", {{Span::Kind::work, Time(0s), Time(10s), 1}}));
  run.tasks.push_back(row_of("b", {{Span::Kind::work, Time(8h + 10s), Time(8h + 20s), 1}}));
  const TimeScale scale(run);
  ASSERT_EQ(scale.shortened().size(), 1U);
  EXPECT_EQ(scale.shortened()[0].after, Duration(10s));
  EXPECT_EQ(scale.shortened()[0].length, Duration(8h));
  EXPECT_DOUBLE_EQ(scale.place(Time(0s)), 0);
  EXPECT_NEAR(scale.place(Time(5s)) * 2, scale.place(Time(10s)), 1);
  EXPECT_GT(scale.place(Time(10s)), 4000);
  EXPECT_NEAR(scale.place(Time(8h + 20s)), TimeScale::kWidth, 1e-6);
  EXPECT_EQ(scale.at(1), Duration(8h + 20s));
}

TEST(TimeScale, of_a_run_that_did_nothing_has_places_all_the_same) {
  RunRecord run;
  run.began = run.until = Time(5s);
  const TimeScale scale(run);
  EXPECT_GE(scale.place(Time(5s)), 0);
  EXPECT_LE(scale.place(Time(6s)), TimeScale::kWidth);
}

TEST(Markup, keeps_texts_from_being_markdown) {
  EXPECT_EQ(markdown_text("a|b *c* [d](e) @me #1 www.x http://y `z`"),
            "a\\|b \\*c\\* \\[d\\](e) &#64;me &#35;1 www&#46;x http&#58;//y \\`z\\`");
  EXPECT_EQ(markdown_block("x\n````\ny"), "`````text\nx\n````\ny\n`````\n");
}

TEST(Markup, makes_code_of_what_stands_in_backticks) {
  EXPECT_EQ(html_prose("`a<b` and `c"), "<code>a&lt;b</code> and `c");
}

}  // namespace
}  // namespace interlock::report
