#include "engine/event.h"

#include "plan/plan.h"

#include <gtest/gtest.h>

#include "base/json.h"

namespace interlock::engine {
namespace {

const Digest kKey = digest_of("key");

ModelCall a_call() {
  ModelCall call;
  call.name = {TaskId(1), 2, 0};
  call.number = 7;
  call.model = "model-1";
  call.end = CallEnd::cut_off;
  call.status = 200;
  call.bytes = 4096;
  call.usage = {1, std::nullopt, 3, 4, std::nullopt};
  call.retries = 2;
  call.waited_quota = Duration(5);
  call.waited_lead = Duration(6);
  call.elapsed = Duration(7);
  call.saved = 8;
  call.cut = true;
  call.replayed = true;
  call.offers_tools = true;
  call.failure = agents::Failure::refused;
  call.detail = "the stream broke";
  call.remark = "the provider says 50/min";
  call.warning = "the log-in has used 90 % of its 5h";
  return call;
}

/// One of each, every member set to something that is not its default.
std::vector<Event> one_of_each() {
  const ProcessIdentity process{"boot", 42, 4711};
  return {
      RunBegan{"ann@desk", process, true},
      RunStopping{"interrupted"},
      RunEnded{RunEnded::How::paused_at_gate, kKey.hex()},
      GateReached{TaskId(3), GateKind::after},
      GateAnswered{std::nullopt, GateKind::review, true, "ann"},
      AttemptStarted{TaskId(1),
                     2,
                     AttemptStarted::Trigger::correction,
                     3,
                     kKey,
                     {{"command", digest_of("run")}, {"reads `a`", digest_of("a")}},
                     "reads `a` changed",
                     {Duration(1), Duration(2), Duration(3), Duration(4), Duration(5), Duration(6)},
                     plan::Isolation::view,
                     17,
                     true,
                     TaskId(0),
                     TaskId(2)},
      ProcessSpawned{TaskId(1), 2, process},
      AttemptEnded{TaskId(1),
                   2,
                   Outcome::output_invalid,
                   3,
                   9,
                   "what\nwas wrong",
                   4,
                   kKey,
                   Duration(123456),
                   {1, 2, 3, 4, 5},
                   digest_of("changes"),
                   digest_of("reads"),
                   {"kept from writing `/etc/x`"},
                   {"secret"},
                   {"other"},
                   "observed",
                   "gateway",
                   3000,
                   40,
                   true,
                   digest_of("writes"),
                   {"process 812 (`sleep`)"},
                   Duration(2'500'000),
                   1 << 30},
      TaskDone{TaskId(1), 2, kKey, digest_of("tree"), "r-1"},
      TaskFailed{TaskId(1), Outcome::went_silent, "wrote nothing"},
      TaskSkipped{TaskId(2), TaskId(1), "its condition `false` does not hold"},
      TaskCancelled{TaskId(2), "ann"},
      TaskRevived{TaskId(2)},
      RetryPlanned{TaskId(1), AttemptStarted::Trigger::retry, Time(Duration(77)), true, "again"},
      MergeMade{1, kKey},
      MergeFailed{1, "two say `a`"},
      ChangesReady{TaskId(1), 2},
      ChangesMerged{TaskId(1), 2, kKey, 3, {{"src/a", digest_of("merged")}}},
      ChangesCommitted{TaskId(1), 2, kKey, 4, {"no commit was made"}},
      CommitRefused{TaskId(1), 2, {"src/a", "src/b"}, 7, {TaskId(0)}, "`src/a` changed"},
      ChangesCheckpointed{5},
      CheckpointRefused{{"src/a"}},
      SessionBegan{TaskId(1), 2, "s-1", "model-1", "2.1"},
      ModelCalled{TaskId(1), 2, a_call()},
      ChangesLost{3, {TaskId(0), TaskId(1)}, "not whole"},
      CallWaiting{TaskId(1), 2, "quota `api`", Time(Duration(88))},
      AttemptsBatched{TaskId(0), 1, {TaskId(1), TaskId(4)}},
      TasksAdded{2, R"([{"id":"a"},{"id":"b"}])", "{}", "ann", 17},
      TasksRefused{"no task `x`", "ann", 18},
      AdditionsClosed{"ann"},
      RunHeld{true, "ann"},
      RunReleased{"ann"},
      RunRetuned{2, 800'000, 5'000'000, "ann", true},
      FamilyExpanded{TaskId(2), 2, R"(["a","b"])"},
      TryEnded{TaskId(1), 2, true, "not wanted", digest_of("diff")},
      TryPicked{TaskId(3), TaskId(1), "it was the first that was good"},
      TryDropped{TaskId(2), "`fix.1` was picked"},
      BoardPosted{"findings", TaskId(2), 1, "a note", {}, 0},
      BoardRead{TaskId(3), 1, "findings", 2, 5, 3},
      MessageSent{TaskId(3), "look at b", "ann", 19},
      TaskMoved{TaskId(3), TaskMoved::Place::before, TaskId(2), "ann", 20},
      RequestRefused{"`b` is running", "ann", 21},
  };
}

TEST(RecordedEvent, EveryFactComesBackFromItsJsonAsItWas) {
  const std::vector<Event> events = one_of_each();
  ASSERT_EQ(events.size(), std::variant_size_v<Event>);
  for (std::size_t i = 0; i < events.size(); ++i) {
    ASSERT_EQ(events[i].index(), i) << "one of each, in order";
    const json::object body = to_json(events[i]);
    const auto again = event_from_json(name_of(events[i]), body);
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_EQ(again->index(), i);
    EXPECT_EQ(canonical_json(to_json(*again)), canonical_json(body)) << name_of(events[i]);
  }
}

TEST(RecordedEvent, WhatIsUnknownIsNotWritten) {
  AttemptEnded event;
  event.task = TaskId(5);
  EXPECT_EQ(canonical_json(to_json(event)),
            R"({"attempt":1,"elapsed_us":0,"outcome":"succeeded","strays":0,"task":5})");
}

TEST(RecordedEvent, MembersOfANewerVersionAreIgnored) {
  json::object body = to_json(TaskRevived{TaskId(7)});
  body["colour"] = "blue";
  const auto event = event_from_json("task_revived", body);
  ASSERT_TRUE(event);
  EXPECT_EQ(std::get<TaskRevived>(*event).task, TaskId(7));
}

TEST(RecordedEvent, DamagedFactsAreRefusedByName) {
  const auto bad = event_from_json("task_revived", json::object{{"task", "seven"}});
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().message, "the journal's `task_revived` has a bad `task`");
  const auto unknown = event_from_json("task_painted", {});
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().message,
            "the journal holds a `task_painted`, which this version does not know");
}

}  // namespace
}  // namespace interlock::engine
