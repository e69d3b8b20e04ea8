#include <SQLiteCpp/SQLiteCpp.h>
#include <gmock/gmock.h>

#include <csignal>

#include "e2e/cli_harness.h"
#include "e2e/isolation_harness.h"

// `interlock report`: a run as a document.
namespace interlock::e2e {

namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class Report : public Cli {};

constexpr const char* kMixed = R"(
name: "Notes <b>& co"
limits: {parallel: 2}
tasks:
  - {id: first, run: "echo '<img src=x>' > a; echo '<i>out</i>'", reads: [], writes: [a], output: text}
  - {id: second, run: "cat a > b", reads: [a], writes: [b]}
  - {id: flaky, run: "test -e f || { touch f; exit 3; }", reads: [], writes: [f], retries: 1, backoff: 10ms}
  - {id: broken, run: "echo 'cannot find it' >&2; exit 7", reads: [], writes: [z]}
  - {id: after, run: "true", reads: [], writes: [y], needs: [broken]}
)";

TEST_F(Report, tells_what_was_decided_what_happened_and_what_failed) {
  write_plan(kMixed);
  EXPECT_EQ(interlock({"run", "plan.yaml", "--pattern", "parallel"}).exit, 1);
  const Ended made = interlock({"report", "-o", "r.html"});
  EXPECT_EQ(made.exit, 0) << made.err;
  EXPECT_THAT(made.err, HasSubstr("wrote r.html of run"));
  const std::string page = read("r.html");
  EXPECT_THAT(
      page, AllOf(HasSubstr("<h1>Notes &lt;b&gt;&amp; co</h1>"),
                  HasSubstr("3 of 5 tasks done, 1 failed, 1 skipped"),
                  HasSubstr("You asked for <code>--pattern parallel</code>"),
                  HasSubstr("parallel of 2</strong>, chosen"), HasSubstr("independent: <strong")));
  EXPECT_THAT(page, AllOf(HasSubstr("flaky</span><span class=\"why\">2 attempts"),
                          HasSubstr("#1 failed after"), HasSubstr("files others worked on"),
                          HasSubstr("cannot find it"), HasSubstr("failed: exit status 7"),
                          HasSubstr("&lt;i&gt;out&lt;/i&gt;")));
  EXPECT_THAT(page, AllOf(Not(HasSubstr("<i>")), Not(HasSubstr("<img")), Not(HasSubstr("<script")),
                          Not(HasSubstr("http:"))));
}

TEST_F(Report, is_markdown_where_the_file_says_so) {
  write_plan(kMixed);
  interlock({"run", "plan.yaml"});
  EXPECT_EQ(at(json_of({"report", "-o", "r.md"}), "/file"), "r.md");
  EXPECT_THAT(read("r.md"),
              AllOf(HasSubstr("## Notes &lt;b&gt;&amp; co"), HasSubstr("| broken | failed |"),
                    HasSubstr("cannot find it"), Not(HasSubstr("<b>"))));
}

class ReportOfViews : public Isolated {};

TEST_F(ReportOfViews, tells_how_changes_that_met_ended_and_what_was_merged) {
  need("view");
  write("count", "0\n");
  write_plan(R"(
defaults: {isolation: view}
tasks:
  - {id: a, run: "read n <count; read line <../go; echo $((n+1)) >count; echo a", output: text}
  - {id: b, run: "read n <count; read line <../go; echo $((n+1)) >count; echo b", output: text}
merge: {joined: {from: [a, b], with: concat}}
)");
  NamedPipe go(folder() + "/go");
  Running run = start({"run", "plan.yaml", "--pattern", "parallel", "--face", "lines"});
  run.until_it_says("started     a");
  run.until_it_says("started     b");
  go.ring(20);
  EXPECT_EQ(run.wait().exit, 0);
  interlock({"report", "-o", "r.html"});
  // Stopped while it worked, or refused when it wanted to commit: whichever came first.
  EXPECT_THAT(read("r.html"), AllOf(HasSubstr("<td class=id>b#1<td class=id>"), HasSubstr("count"),
                                    HasSubstr("<td>done again on what others had made"),
                                    HasSubstr("<h3>merge <span class=id>joined</span></h3>"),
                                    HasSubstr("<pre>a\nb\n</pre>")));
  interlock({"report", "-o", "r.md"});
  EXPECT_THAT(read("r.md"), AllOf(HasSubstr("- b (attempt 1) on "), HasSubstr(": done again"),
                                  HasSubstr("- joined: 4 bytes")));
}

TEST_F(Report, of_a_run_that_goes_on_says_how_it_stands) {
  NamedPipe go(folder() + "/go");
  write_plan("tasks: [{id: waits, run: 'read line < " + go.path() + "', reads: [], writes: [a]}]");
  Running run = start({"run", "plan.yaml", "--face", "lines"});
  run.until_it_says("started");
  EXPECT_EQ(interlock({"report", "-o", "r.html"}).exit, 0);
  EXPECT_THAT(read("r.html"), AllOf(HasSubstr("Now running after"), HasSubstr("1 running"),
                                    Not(HasSubstr("<dt>saved"))));
  go.ring();
  EXPECT_EQ(run.wait().exit, 0);
}

TEST_F(Report, refuses_what_it_cannot_write) {
  EXPECT_EQ(interlock({"report", "-o", "r.html"}).exit, 2) << "there are no runs";
  EXPECT_FALSE(exists("r.html"));
  write_plan("tasks: [{id: a, run: 'true', reads: [], writes: []}]");
  interlock({"run", "plan.yaml"});
  EXPECT_THAT(interlock({"report"}).err, HasSubstr("--out is required"));
  const Ended ending = interlock({"report", "-o", "r.pdf"});
  EXPECT_EQ(ending.exit, 2);
  EXPECT_THAT(ending.err, AllOf(HasSubstr("neither .html nor .md"), HasSubstr("hint: ")));
  const Ended nowhere = interlock({"report", "-o", "no/such/r.html"});
  EXPECT_EQ(nowhere.exit, 4);
  EXPECT_THAT(nowhere.err, HasSubstr("cannot write `no/such/r.html`: No such file"));
  EXPECT_EQ(interlock({"report", "r-nothing", "-o", "r.html"}).exit, 2);
}

TEST_F(Report, says_so_where_an_earlier_version_kept_no_forecast) {
  write_plan("tasks: [{id: a, run: 'true', reads: [], writes: []}]");
  interlock({"run", "plan.yaml"});
  SQLite::Database(state() + "/interlock.db", SQLite::OPEN_READWRITE)
      .exec("UPDATE documents SET text = '{\"pattern\":\"sequential\"}' WHERE name = 'decision'");
  EXPECT_EQ(interlock({"report", "-o", "r.html"}).exit, 0);
  EXPECT_THAT(read("r.html"), HasSubstr("was not kept by the version that made this run"));
}

}  // namespace

}  // namespace interlock::e2e
