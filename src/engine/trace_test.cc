#include "engine/trace.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace interlock::engine {
namespace {

using changes::Change;
using changes::Kind;
using changes::ReadsFrom;
using changes::State;
using testing::ElementsAre;

const State kFile{Kind::file, 0644, 1, digest_of("a")};
const State kOther{Kind::file, 0644, 1, digest_of("b")};

/// An attempt that read `in` and changed `out`.
class TraceTest : public testing::Test {
 protected:
  std::string why() const { return why_not_comparable(task_, reads_, writes_, own_, repository_); }

  plan::Task task_;
  changes::ReadSet reads_{ReadsFrom::observed, {"in"}, {}, {"out"}};
  changes::WriteSet writes_{true, {"out"}, {}, {}};
  changes::Changeset own_{{{"out", {}, kFile}}};
  bool repository_ = false;
};

TEST_F(TraceTest, who_writes_anew_can_be_compared) {
  EXPECT_EQ(why(), "");
  own_.changes[0].before = kOther;
  EXPECT_EQ(why(), "") << "what was there before does not matter";
  EXPECT_THAT(reads_to_find_again(reads_, own_).presence, testing::IsEmpty());
  EXPECT_THAT(reads_to_find_again(reads_, own_).content, ElementsAre("in"));
}

TEST_F(TraceTest, who_builds_on_what_was_there_cannot) {
  writes_.updated = {"out"};
  EXPECT_EQ(why(), "it makes `out` out of what was there, or because nothing was");
}

TEST_F(TraceTest, who_deletes_or_replaces_cannot) {
  own_.changes[0] = {"out", kFile, {}};
  EXPECT_EQ(why(), "it deletes `out`");
  own_.changes[0] = {"out", {Kind::folder, 0755, 0, {}}, kFile};
  EXPECT_EQ(why(), "it puts something else in the place of `out`");
}

TEST_F(TraceTest, what_was_not_seen_proves_nothing) {
  repository_ = true;
  EXPECT_EQ(why(), "it reads the repository's own `.git`");
  task_.verify.shell = "true";
  EXPECT_EQ(why(), "it has a `verify` command, whose reads nobody watches");
  writes_.complete = false;
  EXPECT_EQ(why(), "it may have read more than was seen");
  writes_.complete = true;
  reads_.from = ReadsFrom::declared;
  EXPECT_EQ(why(), "it may have read more than was seen");
}

TEST_F(TraceTest, more_paths_than_are_worth_it_are_not_compared) {
  for (std::size_t i = 0; i < kTracedMax; ++i) reads_.listing.push_back(std::to_string(i));
  EXPECT_EQ(why(), "it touches more than 4096 paths");
}

TEST(Trace, is_told_as_text_and_back) {
  Trace trace;
  trace.reads = {ReadsFrom::observed, {"a", "odd \xff"}, {""}, {"b"}};
  trace.found = {digest_of("1"), digest_of("2"), digest_of("3"), digest_of("4")};
  trace.left = {"out"};
  trace.left_states = {digest_of("5"), digest_of("6")};
  EXPECT_EQ(trace_from_text(to_text(trace)).value(), trace);
  EXPECT_FALSE(trace_from_text("{}"));
  EXPECT_FALSE(trace_from_text("[]"));
  std::string cut = to_text(trace);
  cut.replace(cut.find(digest_of("5").hex()), 4, "zzzz");
  EXPECT_EQ(trace_from_text(cut).error().message,
            "cannot read the trace: a digest is not 64 hexadecimal digits");
}

TEST(Trace, names_the_first_state_that_differs) {
  const std::vector<CacheKeyPart> now{{"`a`", digest_of("1")}, {"`b`", digest_of("2")}};
  EXPECT_EQ(first_difference(now, {digest_of("1"), digest_of("2")}), "");
  EXPECT_EQ(first_difference(now, {digest_of("1"), digest_of("3")}), "`b`");
  EXPECT_EQ(first_difference(now, {digest_of("1")}), "`b`");
  EXPECT_EQ(first_difference(now, {digest_of("1"), digest_of("2"), digest_of("3")}),
            "what it had read");
}

TEST(Trace, knows_who_asked_the_repository) {
  Observed observed;
  observed.opened = {"/w/a", "/w/.github/x", "/w/x.git/y"};
  EXPECT_FALSE(opened_repository(observed));
  observed.opened.insert("/w/sub/.git/HEAD");
  EXPECT_TRUE(opened_repository(observed));
}

}  // namespace
}  // namespace interlock::engine
