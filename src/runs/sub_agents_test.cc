#include "runs/sub_agents.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "base/json.h"
#include "snapshots/files.h"

namespace interlock::runs {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class SubAgents : public ::testing::Test {
 protected:
  SubAgents() {
    std::string name = (fs::temp_directory_path() / "sub-agents-XXXXXX").string();
    folder_ = fs::canonical(::mkdtemp(name.data())).string();
    fs::create_directories(root());
    write("notes", "1\n2\n3\n4\n5\n6\n7\n");
  }
  ~SubAgents() override { snapshots::remove_tree(folder_); }

  std::string root() const { return folder_ + "/work"; }
  std::string state() const { return folder_ + "/state"; }
  SubAgentCopies copies() const { return SubAgentCopies(state()); }

  void sh(const std::string& folder, const std::string& line) const {
    EXPECT_EQ(std::system(("cd '" + folder + "' && " + line).c_str()), 0) << line;
  }
  void write(const std::string& path, const std::string& text) const {
    std::ofstream(root() + "/" + path) << text;
  }
  static std::string read(const std::string& file) {
    std::ifstream stream(file);
    return {std::istreambuf_iterator<char>(stream), {}};
  }
  std::string text(const std::string& path) const { return read(root() + "/" + path); }

  SubAgentCopy begin(const std::string& name) const {
    const auto path = copies().make(root(), "session", name);
    EXPECT_TRUE(path) << path.error().message;
    auto copy = copies().find(name);
    EXPECT_TRUE(copy);
    if (path && copy) {
      EXPECT_EQ(*path, copy->tree());
    }
    return copy.value_or(SubAgentCopy());
  }
  BroughtBack back(const std::string& name) const {
    auto result = copies().bring_back(*copies().find(name));
    EXPECT_TRUE(result) << result.error().message;
    return result ? std::move(*result) : BroughtBack();
  }

  std::string folder_;
};

TEST_F(SubAgents, what_two_change_in_one_file_is_merged) {
  const auto a = begin("a"), b = begin("b");
  sh(a.tree(), "sed -i s/1/one/ notes && echo a >of-a");
  sh(b.tree(), "sed -i s/7/seven/ notes && echo b >of-b");
  EXPECT_EQ(text("notes"), "1\n2\n3\n4\n5\n6\n7\n") << "private until it is brought back";
  EXPECT_THAT(back("b").merged, IsEmpty());
  const BroughtBack second = back("a");
  EXPECT_THAT(second.paths, ElementsAre("notes", "of-a"));
  EXPECT_THAT(second.merged, ElementsAre("notes"));
  EXPECT_EQ(text("notes"), "one\n2\n3\n4\n5\n6\nseven\n");
  EXPECT_EQ(text("of-a") + text("of-b"), "a\nb\n");
  EXPECT_EQ(read(a.tree() + "/notes"), text("notes")) << "its copy goes on from there";
  EXPECT_THAT(back("a").paths, IsEmpty());
}

TEST_F(SubAgents, the_same_lines_come_in_when_the_second_has_mended_them) {
  const auto a = begin("a"), b = begin("b");
  sh(a.tree(), "sed -i s/4/four/ notes && echo a >of-a");
  sh(b.tree(), "sed -i s/4/vier/ notes && echo b >of-b");
  back("a");
  const BroughtBack told = back("b");
  ASSERT_EQ(told.conflicts.size(), 1u);
  EXPECT_EQ(told.conflicts.front().path, "notes");
  EXPECT_THAT(told.conflicts.front().theirs, HasSubstr("-4\n+four\n"));
  EXPECT_FALSE(fs::exists(root() + "/of-b")) << "all of it or nothing";
  EXPECT_EQ(copies().find("b")->reports, 1u);
  EXPECT_EQ(back("b").conflicts.size(), 1u) << "it has done nothing about it";
  EXPECT_EQ(text("notes"), "1\n2\n3\nfour\n5\n6\n7\n");
  sh(b.tree(), "sed -i 's/vier/four, vier/' notes");
  write("notes", "0\n1\n2\n3\nfour\n5\n6\n7\n");  // A person saves elsewhere in it.
  EXPECT_THAT(back("b").conflicts, IsEmpty());
  EXPECT_EQ(text("notes"), "0\n1\n2\n3\nfour, vier\n5\n6\n7\n");
  EXPECT_EQ(text("of-b"), "b\n");
  EXPECT_EQ(copies().find("b")->reports, 0u);
}

TEST_F(SubAgents, mended_paths_stay_mended_while_others_are_told) {
  write("more", "x\n");
  const auto a = begin("a"), b = begin("b");
  sh(a.tree(), "echo a >notes");
  sh(b.tree(), "echo b >notes; echo b >more");
  back("a");
  EXPECT_EQ(back("b").conflicts.front().path, "notes");
  sh(b.tree(), "echo 'a and b' >notes");
  write("more", "y\n");
  EXPECT_EQ(back("b").conflicts.front().path, "more");
  sh(b.tree(), "echo 'y and b' >more");
  EXPECT_THAT(back("b").conflicts, IsEmpty());
  EXPECT_EQ(text("notes") + text("more"), "a and b\ny and b\n");
}

TEST_F(SubAgents, all_kinds_of_changes_come_back) {
  sh(root(),
     "mkdir -p d/deep old && echo x >d/deep/x && echo o >old/o && ln -s notes link && "
     "echo t >tool && printf 'a\\000b' >bytes");
  const auto a = begin("a");
  sh(a.tree(),
     "rm -r old && chmod 755 tool && ln -sf tool link && mkdir -p new/er empty && "
     "echo n >new/er/n && rm d/deep/x && printf 'c\\000d' >bytes");
  EXPECT_THAT(back("a").conflicts, IsEmpty());
  sh(root(),
     "test ! -e old && test -x tool && test $(readlink link) = tool && test -d empty && "
     "test $(cat new/er/n) = n && test ! -e d/deep/x && test -d d/deep && "
     "test $(wc -c <bytes) = 3 && grep -qa c bytes");
}

TEST_F(SubAgents, nothing_of_a_person_is_lost_with_a_folder) {
  sh(root(), "mkdir old && echo o >old/o");
  const auto a = begin("a");
  sh(a.tree(), "rm -r old && echo a >of-a");
  sh(root(), "echo mine >old/mine");
  const BroughtBack told = back("a");
  ASSERT_THAT(told.conflicts, ::testing::Not(IsEmpty()));
  EXPECT_EQ(told.conflicts.front().path, "old/mine");
  EXPECT_EQ(text("old/mine") + text("old/o"), "mine\no\n");
  EXPECT_FALSE(fs::exists(root() + "/of-a"));
}

TEST_F(SubAgents, bytes_that_are_no_text_are_never_merged) {
  sh(root(), "printf 'a\\000b' >bytes");
  const auto a = begin("a");
  sh(a.tree(), "printf 'c\\000b' >bytes");
  sh(root(), "printf 'a\\000d' >bytes");
  const BroughtBack told = back("a");
  ASSERT_EQ(told.conflicts.size(), 1u);
  EXPECT_EQ(told.conflicts.front().theirs, "");
}

TEST_F(SubAgents, in_git_what_is_ignored_stays_behind_and_the_repository_is_untouched) {
  sh(root(),
     "git init -q -b main . && printf '*.log\\n/build/\\n' >.gitignore && git add -A && "
     "git -c user.name=x -c user.email=y commit -qm first && echo l >noise.log && "
     "mkdir sub && echo s >sub/s");
  const auto path = copies().make(root() + "/sub", "session", "a");
  ASSERT_TRUE(path) << path.error().message;
  const auto a = *copies().find("a");
  EXPECT_EQ(*path, a.tree() + "/sub");
  sh(a.tree(),
     "test ! -e noise.log && test -z \"$(git status --short notes)\" && "
     "mkdir build obj && echo b >build/b && echo o >obj/o.log && echo n >notes && "
     "git add -A && git -c user.name=x -c user.email=y commit -qm mine");
  const BroughtBack brought = back("a");
  EXPECT_THAT(brought.paths, ElementsAre("notes"));
  EXPECT_THAT(brought.remarks, ElementsAre("`build` and `obj` was left out: git ignores it"));
  sh(root(),
     "test \"$(git log --format=%s)\" = first && test \"$(git branch)\" = '* main' && "
     "test ! -e build && test ! -e obj && test \"$(git status --short notes)\" = ' M notes'");
}

TEST_F(SubAgents, a_return_that_was_broken_off_is_finished_by_the_next) {
  const auto a = begin("a"), b = begin("b");
  sh(a.tree(), "echo a >of-a && echo more >>notes");
  back("a");
  // As if the process had died between noting it and bringing it in.
  const std::string commit = a.place() + "/commit";
  fs::create_directories(commit + "/after");
  std::ofstream(commit + "/after/late") << "late\n";
  const changes::Changeset late{
      {{"late", {}, {changes::Kind::file, 0644, 5, digest_of("late\n")}}}};
  std::ofstream(commit + "/changes.json") << changes::to_text(late);
  std::ofstream(commit + "/intent").flush();
  back("b");
  EXPECT_EQ(text("late"), "late\n");
  EXPECT_FALSE(fs::exists(commit));
}

TEST_F(SubAgents, a_copy_with_something_of_its_own_is_not_removed) {
  const auto a = begin("a");
  sh(a.tree(), "echo a >of-a");
  const auto refused = copies().remove(a);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, Error::Kind::refused);
  EXPECT_THAT(refused.error().message, HasSubstr("`of-a`"));
  back("a");
  EXPECT_TRUE(copies().remove(*copies().find("a")));
  EXPECT_FALSE(copies().find("a"));
  EXPECT_FALSE(fs::exists(a.folder));
  EXPECT_FALSE(fs::exists(a.place() + "/texts"));
}

TEST_F(SubAgents, copies_of_ended_clients_go_after_a_week_unless_they_hold_something) {
  const auto a = begin("a"), b = begin("b");
  sh(b.tree(), "echo b >of-b");
  for (const auto& copy : {a, b})
    fs::last_write_time(copy.folder + "/copy.json",
                        fs::file_time_type::clock::now() - std::chrono::hours(24 * 8));
  begin("c");
  EXPECT_FALSE(copies().find("a"));
  EXPECT_TRUE(copies().find("b"));
  EXPECT_TRUE(copies().find("c"));
}

TEST_F(SubAgents, they_are_found_by_session_name_and_path) {
  const auto a = begin("a");
  ASSERT_TRUE(copies().make(root(), "another", "b"));
  EXPECT_EQ(copies().of_session("session").size(), 1u);
  EXPECT_EQ(copies().find_around(a.tree() + "/d")->name, "a");
  EXPECT_FALSE(copies().find_around(root()));
  EXPECT_FALSE(copies().make(root(), "session", "a")) << "names are used once";
}

TEST_F(SubAgents, a_state_folder_in_the_workspace_is_refused) {
  const auto made = SubAgentCopies(root() + "/.state").make(root(), "session", "a");
  ASSERT_FALSE(made);
  EXPECT_THAT(made.error().message, HasSubstr("the state folder lies in the workspace"));
}

}  // namespace
}  // namespace interlock::runs
