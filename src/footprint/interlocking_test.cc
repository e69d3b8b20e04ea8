#include "footprint/interlocking.h"

#include <fmt/format.h>
#include <algorithm>
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

namespace interlock::footprint {
namespace {

/// A list of tasks to interlock, built one by one.
class Tasks {
 public:
  using Patterns = std::vector<std::string>;

  struct Task {
    Footprint footprint;
    std::vector<TaskId> needs, output_of;
    std::vector<ResourceId> locks;
  };

  Task& add(const Patterns& reads, const Patterns& writes) {
    tasks_.push_back({});
    tasks_.back().footprint = {parse(reads), parse(writes), false};
    return tasks_.back();
  }
  Task& add_unknown() {
    tasks_.push_back({});
    tasks_.back().footprint.unknown = true;
    return tasks_.back();
  }

  std::vector<Claim> claims() const {
    std::vector<Claim> claims;
    for (const Task& task : tasks_)
      claims.push_back({&task.footprint, task.needs, task.output_of, task.locks});
    return claims;
  }

  Interlocking interlocking() const {
    const std::vector<std::string> resources{"database", "gpu"};
    return interlock(claims(), resources);
  }

  /// One edge a line: `0 -> 2 write-read src/a`.
  std::string edges() const {
    std::string text;
    for (const Edge& edge : interlocking().edges) {
      text += fmt::format("{} -> {} {}{}{}\n", edge.before.index(), edge.after.index(),
                          name_of(edge.why), edge.on.empty() ? "" : " ", edge.on);
    }
    return text;
  }

 private:
  static PatternSet parse(const Patterns& patterns) {
    auto set = PatternSet::parse(patterns);
    EXPECT_TRUE(set.has_value()) << set.error().message;
    return std::move(*set);
  }

  std::vector<Task> tasks_;
};

TEST(Interlocking, a_reader_waits_for_the_last_writer_and_a_writer_for_the_readers_since) {
  Tasks tasks;
  tasks.add({}, {"a"});
  tasks.add({"a"}, {});
  tasks.add({"a"}, {});
  tasks.add({}, {"a"});
  tasks.add({"a"}, {});
  EXPECT_EQ(tasks.edges(),
            "0 -> 1 write-read a\n"
            "0 -> 2 write-read a\n"
            "0 -> 3 write-write a\n"
            "1 -> 3 read-write a\n"
            "2 -> 3 read-write a\n"
            "3 -> 4 write-read a\n");
}

TEST(Interlocking, tasks_with_disjoint_footprints_do_not_meet) {
  Tasks tasks;
  tasks.add({"src/auth/**"}, {"notes/auth.md"});
  tasks.add({"src/auth/**"}, {"notes/review.md"});
  tasks.add({"src/*.cc"}, {"src/*.md"});
  EXPECT_EQ(tasks.edges(), "");
}

TEST(Interlocking, patterns_meet_by_what_they_could_match) {
  Tasks tasks;
  tasks.add({}, {"src/*/x.md"});
  tasks.add({"src/auth/**"}, {});
  tasks.add({"src/auth"}, {"src/auth/y.md"});
  tasks.add({"**/*.md"}, {});
  EXPECT_EQ(tasks.edges(),
            "0 -> 1 write-read src/auth/**\n"
            "0 -> 2 write-read src/auth\n"
            "1 -> 2 read-write src/auth/y.md\n"
            "0 -> 3 write-read **/*.md\n"
            "2 -> 3 write-read **/*.md\n");
}

TEST(Interlocking, a_task_that_reads_and_writes_a_file_counts_as_its_writer) {
  Tasks tasks;
  tasks.add({"a"}, {"a"});
  tasks.add({"a"}, {"a"});
  tasks.add({"a"}, {});
  EXPECT_EQ(tasks.edges(),
            "0 -> 1 write-write a\n"
            "0 -> 1 write-read a\n"
            "1 -> 2 write-read a\n");
}

TEST(Interlocking, a_later_writer_of_all_of_it_stands_for_the_earlier_ones) {
  Tasks tasks;
  tasks.add({}, {"a/x"});
  tasks.add({}, {"a/y"});
  tasks.add({}, {"a/**"});
  tasks.add({"a/x"}, {});
  EXPECT_EQ(tasks.edges(),
            "0 -> 2 write-write a/**\n"
            "1 -> 2 write-write a/**\n"
            "2 -> 3 write-read a/x\n");
}

TEST(Interlocking, a_later_writer_of_a_part_stands_for_it_only_where_no_more_is_read) {
  Tasks tasks;
  tasks.add({}, {"a/**"});
  tasks.add({}, {"a/x"});
  tasks.add({"a/x/1"}, {});
  tasks.add({"a/**"}, {});
  EXPECT_EQ(tasks.edges(),
            "0 -> 1 write-write a/x\n"
            "1 -> 2 write-read a/x/1\n"
            "0 -> 3 write-read a/**\n"
            "1 -> 3 write-read a/**\n");
}

TEST(Interlocking, several_later_writers_together_stand_for_an_earlier_one) {
  Tasks tasks;
  tasks.add({}, {"*"});
  tasks.add({}, {"[a-m]*"});
  tasks.add({}, {"[!a-m]*"});
  tasks.add({"*"}, {});
  EXPECT_EQ(tasks.edges(),
            "0 -> 1 write-write [a-m]*\n"
            "0 -> 2 write-write [!a-m]*\n"
            "1 -> 3 write-read *\n"
            "2 -> 3 write-read *\n");
}

TEST(Interlocking, exclusions_belong_to_all_patterns_of_their_list) {
  Tasks tasks;
  tasks.add({}, {"src/**", "!src/gen/**"});
  tasks.add({"src/gen/a.cc"}, {});
  tasks.add({"src/main.cc"}, {});
  EXPECT_EQ(tasks.edges(), "0 -> 2 write-read src/main.cc\n");
}

TEST(Interlocking, an_unknown_footprint_meets_every_task) {
  Tasks tasks;
  tasks.add({}, {});
  tasks.add({}, {"a"});
  tasks.add_unknown();
  tasks.add({"a"}, {});
  tasks.add_unknown();
  EXPECT_EQ(tasks.edges(),
            "0 -> 2 unknown\n"
            "1 -> 2 unknown\n"
            "2 -> 3 unknown\n"
            "2 -> 4 unknown\n"
            "3 -> 4 unknown\n");
}

TEST(Interlocking, needs_and_locks_are_edges_of_their_own) {
  Tasks tasks;
  tasks.add({}, {"a"}).locks = {ResourceId(0)};
  auto& second = tasks.add({"a"}, {});
  second.needs = {TaskId(0)};
  second.output_of = {TaskId(0)};
  auto& third = tasks.add({}, {});
  third.needs = {TaskId(1)};
  third.locks = {ResourceId(1), ResourceId(0)};
  EXPECT_EQ(tasks.edges(),
            "0 -> 1 needs output\n"
            "0 -> 1 write-read a\n"
            "0 -> 2 lock database\n"
            "1 -> 2 needs\n");
}

TEST(Interlocking, chains_of_writers_of_everything_stay_linear) {
  Tasks tasks;
  for (int i = 0; i < 3000; ++i) tasks.add({fmt::format("in/{}", i)}, {"**"});
  EXPECT_EQ(tasks.interlocking().edges.size(), 2 * 2999u);
}

TEST(Interlocking, readers_of_everything_that_each_write_a_file_stay_bounded) {
  Tasks tasks;
  for (int i = 0; i < 2000; ++i) tasks.add({"**"}, {fmt::format("out/{}", i)});
  const Interlocking graph = tasks.interlocking();
  EXPECT_LT(graph.edges.size(), 256u * 256u + 2000u * 2u);
  for (std::size_t i = 1; i < 2000; ++i)
    ASSERT_EQ(graph.into(TaskId(i)).back().before, TaskId(i - 1));
}

/// Which pairs are joined by a path of edges.
std::vector<std::vector<bool>> reached_by_paths(const Interlocking& graph, std::size_t tasks) {
  std::vector<std::vector<bool>> reached(tasks, std::vector<bool>(tasks, false));
  for (std::size_t after = 0; after < tasks; ++after) {
    for (const Edge& edge : graph.into(TaskId(after))) {
      reached[edge.before.index()][after] = true;
      for (std::size_t i = 0; i < tasks; ++i) {
        if (reached[i][edge.before.index()]) reached[i][after] = true;
      }
    }
  }
  return reached;
}

bool is_true(const Edge& edge, const Claim& before, const Claim& after) {
  const Footprint &x = *before.footprint, &y = *after.footprint;
  switch (edge.why) {
    case Why::outcome: return std::ranges::find(after.after, edge.before) != after.after.end();
    case Why::needs: return std::ranges::find(after.needs, edge.before) != after.needs.end();
    case Why::write_write: return overlaps(x.writes, y.writes);
    case Why::read_write: return overlaps(x.reads, y.writes);
    case Why::write_read: return overlaps(x.writes, y.reads);
    case Why::lock: return before.locks.front() == after.locks.front();
    case Why::unknown: return x.unknown || y.unknown;
  }
  return false;
}

Tasks random_tasks(unsigned seed, const std::vector<std::string>& patterns) {
  std::mt19937 random(seed);
  const auto below = [&](std::size_t bound) { return random() % bound; };
  const auto list = [&](std::size_t longest) {
    Tasks::Patterns chosen;
    for (std::size_t i = below(longest + 1); i > 0; --i)
      chosen.push_back(patterns[below(patterns.size())]);
    if (!chosen.empty() && below(4) == 0) chosen.push_back("!" + patterns[below(patterns.size())]);
    return chosen;
  };
  Tasks tasks;
  for (std::size_t i = 0, count = 5 + below(30); i < count; ++i) {
    Tasks::Task& task = below(20) == 0 ? tasks.add_unknown() : tasks.add(list(2), list(1 + i % 2));
    if (i > 0 && below(8) == 0) task.needs = {TaskId(below(i))};
    if (below(8) == 0) task.locks = {ResourceId(below(2))};
  }
  return tasks;
}

TEST(Interlocking, every_conflict_of_a_random_plan_is_ordered_and_every_edge_is_true) {
  const std::vector<std::string> patterns{
      "**",     "a",       "a/**",  "a/b",     "a/*",      "a/b/c",   "b",       "b/*.md",
      "*.md",   "**/*.md", "x.md",  "a/x.md",  "{a,b}/x*", "[a-m]*",  "[!a-m]*", "?",
      "*/b/**", "a/**/c",  "c/d/e", "c/{d,f}", "*",        "**/[a-d]"};
  for (unsigned seed = 0; seed < 120; ++seed) {
    const Tasks tasks = random_tasks(seed, patterns);
    const std::vector<Claim> claims = tasks.claims();
    const Interlocking graph = tasks.interlocking();
    const auto reached = reached_by_paths(graph, claims.size());
    for (std::size_t after = 0; after < claims.size(); ++after) {
      for (std::size_t before = 0; before < after; ++before) {
        ASSERT_TRUE(reached[before][after] || !conflicts(claims[before], claims[after]))
            << "seed " << seed << ": " << before << " and " << after << "\n"
            << tasks.edges();
      }
    }
    for (const Edge& edge : graph.edges) {
      ASSERT_LT(edge.before, edge.after);
      ASSERT_TRUE(is_true(edge, claims[edge.before.index()], claims[edge.after.index()]))
          << "seed " << seed << ": " << edge.before.index() << " -> " << edge.after.index() << " "
          << name_of(edge.why);
    }
  }
}

TEST(Interlocking, on_plain_files_the_edges_are_the_last_writer_and_the_readers_since) {
  for (unsigned seed = 0; seed < 50; ++seed) {
    std::mt19937 random(seed);
    Tasks tasks;
    std::set<std::tuple<std::size_t, std::size_t, Why>> expected, found;
    std::map<std::string, std::size_t> last_writer;
    std::map<std::string, std::set<std::size_t>> readers_since;
    for (std::size_t task = 0; task < 60; ++task) {
      std::vector<std::string> reads, writes;
      for (auto n = random() % 4; n > 0; --n) reads.push_back(fmt::format("f{}", random() % 12));
      for (auto n = random() % 3; n > 0; --n) writes.push_back(fmt::format("f{}", random() % 12));
      tasks.add(reads, writes);
      for (const auto& file : reads) {
        if (last_writer.contains(file)) expected.emplace(last_writer[file], task, Why::write_read);
      }
      for (const auto& file : writes) {
        if (last_writer.contains(file)) expected.emplace(last_writer[file], task, Why::write_write);
        for (const std::size_t reader : readers_since[file])
          expected.emplace(reader, task, Why::read_write);
      }
      for (const auto& file : reads) readers_since[file].insert(task);
      for (const auto& file : writes) {
        last_writer[file] = task;
        readers_since[file].clear();
      }
      std::erase_if(expected,
                    [](const auto& edge) { return std::get<0>(edge) == std::get<1>(edge); });
    }
    for (const Edge& edge : tasks.interlocking().edges)
      found.emplace(edge.before.index(), edge.after.index(), edge.why);
    ASSERT_EQ(found, expected) << "seed " << seed;
  }
}

}  // namespace
}  // namespace interlock::footprint
