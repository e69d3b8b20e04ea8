#include "engine/job.h"

#include <gtest/gtest.h>

namespace interlock::engine {
namespace {

using changes::Kind;

SpawnSpec some_spawn() {
  SpawnSpec spawn;
  spawn.name = {TaskId(7), 3, 0};
  spawn.arguments = {"sh", "-c", "echo 3:x\n\xff", ""};
  spawn.environment = {{"HOME", "/own/h"}, {"PATH", "/usr/bin"}, {"X", "a:b"}};
  spawn.folder = "/home/project";
  spawn.standard_input = std::string("in\0put", 6);
  spawn.label = "r-1/t#3";
  Sandbox& sandbox = spawn.sandbox.emplace();
  sandbox.snapshot = Sandbox::Snapshot{"/home/project", {"/layer"}, "/upper", "/work"};
  sandbox.binds = {{"/state/a", "/own/a"}};
  sandbox.workspace = "/home/project";
  sandbox.confined = true;
  sandbox.writable = {"/home/project", "/state/a", "/dev/null"};
  sandbox.watch = Sandbox::Watch::opens;
  return spawn;
}

JobSpec some_spec() {
  return {
      some_spawn(), {"PATH"}, {{"/home/project", digest_of("a")}, {"/state/a", digest_of("b")}}};
}

JobResult some_result() {
  JobResult result;
  result.exited = {.name = {TaskId(7), 3, 0}, .exit_code = 4};
  result.exited.strays = 2;
  result.exited.unproven = {"process 8"};
  result.exited.cpu_time = std::chrono::milliseconds(5);
  result.observed.complete = true;
  result.observed.opened = {"/home/project/a", "/home/project/\xff"};
  result.observed.denied = {{"/etc/x", true, false}};
  result.output = digest_of("out");
  result.left = {{"a", {Kind::file, 0644, 3, digest_of("abc")}}, {"gone", {}}};
  result.remarks = {"a remark"};
  return result;
}

/// No part of a text, and nothing with more behind it, is taken for the whole.
template <typename Read>
void expect_whole(const std::string& text, const Read& read) {
  ASSERT_TRUE(read(text).has_value());
  for (std::size_t size = 0; size < text.size(); ++size)
    ASSERT_FALSE(read(std::string_view(text).substr(0, size)).has_value()) << size;
  EXPECT_FALSE(read(text + "0:").has_value());
}

TEST(Job, IsReadAsItWasWritten) {
  const std::string text = text_of(some_spec());
  const auto read = read_job_spec(text);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(text_of(*read), text);
  EXPECT_EQ(read->spawn.arguments, some_spawn().arguments);
  EXPECT_EQ(read->spawn.standard_input, some_spawn().standard_input);
  EXPECT_EQ(read->spawn.sandbox->writable, some_spawn().sandbox->writable);
  EXPECT_EQ(read->spawn.sandbox->snapshot->upper, "") << "where that is is the worker's matter";
  EXPECT_EQ(read->folders[1].content, digest_of("b"));
  expect_whole(text, [](std::string_view part) { return read_job_spec(part); });
}

TEST(Job, ItsResultIsReadAsItWasWritten) {
  const std::string text = text_of(some_result());
  const auto read = read_job_result(text);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(text_of(*read), text);
  EXPECT_EQ(read->exited.exit_code, 4);
  EXPECT_EQ(read->exited.signal, std::nullopt);
  EXPECT_EQ(read->left, some_result().left);
  EXPECT_EQ(read->observed.denied, some_result().observed.denied);
  expect_whole(text, [](std::string_view part) { return read_job_result(part); });
}

TEST(Job, NoEntryLeadsOutOfItsFolder) {
  const auto is_read = [](const std::string& path, Kind kind = Kind::file) {
    const std::vector<JobEntry> entries{{path, {kind, 0644, 0, digest_of("")}}};
    return read_job_entries(text_of(entries)).has_value();
  };
  EXPECT_TRUE(is_read("a/b"));
  EXPECT_TRUE(is_read("", Kind::folder)) << "the folder itself";
  for (const char* path : {"../a", "/etc/passwd", "a/../../b", "a//b", ".git/config", "a/.git"})
    EXPECT_FALSE(is_read(path)) << path;
  EXPECT_FALSE(is_read("")) << "a folder is no file";
  EXPECT_FALSE(is_read("a", Kind::other));
  const JobEntry one{"b", {Kind::file, 0644, 0, digest_of("")}};
  EXPECT_FALSE(read_job_entries(text_of(std::vector{one, one}))) << "each path once";
}

TEST(Job, WhatNeedsThisMachineIsNoJob) {
  EXPECT_EQ(why_not_a_job(some_spawn()), std::nullopt);
  const auto why = [](const auto& change) {
    SpawnSpec spawn = some_spawn();
    change(spawn);
    return why_not_a_job(spawn).value_or("");
  };
  EXPECT_EQ(why([](SpawnSpec& one) { one.sandbox.reset(); }), "it does not work in a snapshot");
  EXPECT_EQ(why([](SpawnSpec& one) { one.sandbox->snapshot.reset(); }),
            "it does not work in a snapshot");
  EXPECT_EQ(why([](SpawnSpec& one) { one.name.phase = 1; }), "it checks or joins what is here");
  EXPECT_EQ(why([](SpawnSpec& one) { one.report_lines = true; }),
            "what it prints is followed line by line");
  EXPECT_EQ(why([](SpawnSpec& one) { one.sandbox->gateway_port = 1; }), "it asks the gateway");
  EXPECT_EQ(why([](SpawnSpec& one) { one.environment["INTERLOCK_BOARD"] = "x"; }),
            "it asks the gateway");
  EXPECT_EQ(why([](SpawnSpec& one) { one.remark_file = "/x"; }), "it has a setup or services");
}

}  // namespace
}  // namespace interlock::engine
