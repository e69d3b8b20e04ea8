#include "footprint/growing_interlocking.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <random>

namespace interlock::footprint {
namespace {

PatternSet patterns(const std::vector<std::string>& texts) {
  return PatternSet::parse(texts).value();
}

Footprint touching(const std::vector<std::string>& reads, const std::vector<std::string>& writes) {
  return {patterns(reads), patterns(writes), false};
}

std::string text_of(const std::vector<Edge>& edges) {
  std::string text;
  for (const Edge& edge : edges)
    text += fmt::format("{} {} {}\n", edge.before.index(), name_of(edge.why), edge.on);
  return text;
}

TEST(GrowingInterlocking, ATaskWaitsForThoseItMeetsAndForNobodyElse) {
  GrowingInterlocking growing({}, {"database"});
  const Footprint a = touching({}, {"src/a.md"}), b = touching({"docs/**"}, {"out/b"}),
                  c = touching({"src/*.md"}, {"docs/x"}), d = touching({"src/b.cc"}, {});
  EXPECT_EQ(text_of(growing.add({&a})), "");
  EXPECT_EQ(text_of(growing.add({&b})), "");
  EXPECT_EQ(text_of(growing.add({&c})), "0 write-read src/*.md\n1 read-write docs/x\n");
  EXPECT_EQ(text_of(growing.add({&d})), "");
}

TEST(GrowingInterlocking, NeedsAndLocksAreEdgesToo) {
  GrowingInterlocking growing({}, {"database"});
  const Footprint none;
  const std::vector<ResourceId> locks{ResourceId(0)};
  const std::vector<TaskId> needs{TaskId(0)};
  growing.add({&none, {}, {}, locks});
  EXPECT_EQ(text_of(growing.add({&none, needs, needs, locks})),
            "0 needs output\n0 lock database\n");
}

TEST(GrowingInterlocking, AnUnknownFootprintFollowsWhatIsOpenAndAllLaterFollowIt) {
  GrowingInterlocking growing({}, {});
  const Footprint a = touching({}, {"a"}), b = touching({"b"}, {}), later = touching({"c"}, {});
  Footprint unknown;
  unknown.unknown = true;
  growing.add({&a});
  growing.add({&b});
  EXPECT_EQ(text_of(growing.add({&unknown})), "0 unknown \n1 unknown \n");
  EXPECT_EQ(text_of(growing.add({&later})), "2 unknown \n");
}

TEST(GrowingInterlocking, WhoIsFollowedByALaterWriterIsNotWaitedForAgain) {
  GrowingInterlocking growing({}, {});
  const Footprint one = touching({}, {"log/1"}), all = touching({}, {"log/**"});
  growing.add({&one});
  EXPECT_EQ(text_of(growing.add({&all})), "0 write-write log/**\n");
  EXPECT_EQ(text_of(growing.add({&one})), "1 write-write log/1\n");
}

/// Whether every two tasks that conflict are joined by a path of edges.
void expect_joined(const std::vector<Claim>& claims, const std::vector<Edge>& edges,
                   std::size_t known, unsigned seed) {
  const std::size_t count = claims.size();
  std::vector<std::vector<bool>> reaches(count, std::vector<bool>(count));
  for (const Edge& edge : edges) {
    const std::uint32_t to = edge.after.index(), from = edge.before.index();
    reaches[from][to] = true;
    for (std::size_t i = 0; i < from; ++i) {
      if (reaches[i][from]) reaches[i][to] = true;
    }
  }
  for (std::size_t later = known; later < count; ++later) {
    for (std::size_t earlier = 0; earlier < later; ++earlier) {
      const bool joined = reaches[earlier][later] || !conflicts(claims[earlier], claims[later]);
      ASSERT_TRUE(joined) << earlier << " and " << later << " conflict, seed " << seed;
    }
  }
}

TEST(GrowingInterlocking, TasksThatConflictAreAlwaysJoinedByAPath) {
  const std::vector<std::string> kTexts = {"a",    "b",     "d/x", "d/y", "d/**", "*.md",
                                           "e.md", "new/*", "d/?", "**",  "new",  "new/1"};
  for (unsigned seed = 1; seed <= 300; ++seed) {
    std::mt19937 random(seed);
    const auto below = [&](std::size_t bound) { return random() % bound; };
    const std::size_t count = 2 + below(14), known = below(count);
    std::vector<Footprint> footprints(count);
    for (Footprint& one : footprints) {
      one.unknown = below(12) == 0;
      std::vector<std::string> reads, writes;
      for (auto n = below(3); n > 0; --n) reads.push_back(kTexts[below(kTexts.size())]);
      for (auto n = below(3); n > 0; --n) writes.push_back(kTexts[below(kTexts.size())]);
      if (!writes.empty() && below(6) == 0) writes.emplace_back("!a");
      if (!one.unknown) one.reads = patterns(reads), one.writes = patterns(writes);
    }
    std::vector<Claim> claims;
    for (const Footprint& one : footprints) claims.push_back({&one});
    const auto before = std::span(claims).first(known);
    std::vector<Edge> edges = interlock(before, {}).edges;
    GrowingInterlocking growing(before, {});
    for (std::size_t i = known; i < count; ++i) {
      for (Edge& edge : growing.add(claims[i])) edges.push_back(std::move(edge));
    }
    expect_joined(claims, edges, known, seed);
    if (HasFatalFailure()) return;
  }
}

}  // namespace
}  // namespace interlock::footprint
