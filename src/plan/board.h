#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace interlock::plan {

/// What a read of a topic shows.
enum class TopicKind : unsigned char {
  rounds,   ///< What tasks of earlier rounds posted.
  ordered,  ///< What tasks before the reader in plan order posted.
  live,     ///< What is there at that moment.
};
std::string_view name_of(TopicKind kind);

/// A place where tasks leave notes for each other.
struct Topic {
  std::string name;
  TopicKind kind = TopicKind::ordered;

  bool operator==(const Topic&) const = default;
};

/// What a task does with one topic.
struct TopicUse {
  std::uint32_t topic = 0;  ///< Of `Plan::topics`.
  bool posts = false, reads = false;

  bool operator==(const TopicUse&) const = default;
};

/// What a task does with the board.
struct BoardUse {
  std::vector<TopicUse> topics;  ///< Each topic once, in the plan's order.
  std::uint32_t round = 1;       ///< Of the task, for topics of the kind `rounds`.
  bool round_said = false;       ///< By the plan; else that of its `repeat`, or the first.

  bool empty() const { return topics.empty(); }
  const TopicUse* find(std::uint32_t topic) const {
    for (const TopicUse& use : topics) {
      if (use.topic == topic) return &use;
    }
    return nullptr;
  }
  bool posts(std::uint32_t topic) const {
    const TopicUse* const use = find(topic);
    return use != nullptr && use->posts;
  }
  bool reads(std::uint32_t topic) const {
    const TopicUse* const use = find(topic);
    return use != nullptr && use->reads;
  }

  bool operator==(const BoardUse&) const = default;
};

}  // namespace interlock::plan
