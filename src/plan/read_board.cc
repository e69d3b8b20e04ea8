#include "plan/read_board.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "plan/keys.h"

namespace interlock::plan {

namespace {

constexpr std::size_t kMostTopics = 100;
constexpr std::size_t kMostTopicBytes = 64;
constexpr std::int64_t kMostRounds = 1000;
constexpr std::size_t kMostLinks = 5'000'000;

/// It stands in a command line, a URL and a message.
bool is_topic_name(std::string_view name) {
  const auto is_letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  };
  return !name.empty() && name.size() <= kMostTopicBytes && is_letter(name.front()) &&
         std::ranges::all_of(
             name, [&](char c) { return is_letter(c) || c == '_' || c == '-' || c == '.'; });
}

/// Marks the topics of a list as posted to, or read.
void take_topics(Reading& reading, Node node, bool TopicUse::* what, BoardUse& use) {
  const auto& declared = reading.plan.topics;
  for (const Item& item : read_items(reading, node, "a topic or a list of topics")) {
    const std::string name = fill(item.text, reading.set);
    const auto found = std::ranges::find(declared, name, &Topic::name);
    if (found == declared.end()) {
      std::vector<std::string> names;
      for (const Topic& one : declared) names.push_back(one.name);
      reading.problems.add(item.node.span(), fmt::format("no topic {}", quoted(name)),
                           did_you_mean(reading, name, names, "declare it under `board`"));
      continue;
    }
    const auto topic = static_cast<std::uint32_t>(found - declared.begin());
    auto own = std::ranges::find(use.topics, topic, &TopicUse::topic);
    if (own == use.topics.end()) own = use.topics.insert(own, TopicUse{topic, false, false});
    (*own).*what = true;
  }
}

bool has_rounds(const Reading& reading, const BoardUse& use) {
  return std::ranges::any_of(use.topics, [&](const TopicUse& one) {
    return reading.plan.topics[one.topic].kind == TopicKind::rounds;
  });
}

/// Whether `earlier`, which stands before it in plan order, may post what `reader` reads.
bool may_be_seen(const Plan& plan, const Task& earlier, const Task& reader) {
  return std::ranges::any_of(reader.board.topics, [&](const TopicUse& use) {
    if (!use.reads || !earlier.board.posts(use.topic)) return false;
    const TopicKind kind = plan.topics[use.topic].kind;
    return kind == TopicKind::ordered ||
           (kind == TopicKind::rounds && earlier.board.round < reader.board.round);
  });
}

/// Whether `later` may post to a topic of rounds what `earlier` should have seen.
bool comes_too_late(const Plan& plan, const Task& earlier, const Task& later) {
  return std::ranges::any_of(later.board.topics, [&](const TopicUse& use) {
    return use.posts && plan.topics[use.topic].kind == TopicKind::rounds &&
           earlier.board.reads(use.topic) && later.board.round < earlier.board.round;
  });
}

void sort_once(std::vector<TaskId>& tasks) {
  std::ranges::sort(tasks);
  tasks.erase(std::ranges::unique(tasks).begin(), tasks.end());
}

}  // namespace

std::string_view name_of(TopicKind kind) { return kTopicKinds[static_cast<std::size_t>(kind)]; }

void read_topics(Reading& reading, Node node) {
  if (node.is_null()) return;
  if (!node.is_map())
    return expected(reading, node, "a map from topics to `rounds`, `ordered` or `live`");
  if (node.size() > kMostTopics)
    return reading.problems.add(node.span(), fmt::format("more than {} topics", kMostTopics));
  for (const auto& [key, value] : node.entries()) {
    const std::string name(key.text());
    if (!is_topic_name(name)) {
      reading.problems.add(key.span(), fmt::format("{} is not a name for a topic", quoted(name)),
                           "names are letters, digits, `_`, `-` and `.`, at most 64");
      continue;
    }
    const auto kind = read_choice(reading, value, kTopicKinds);
    if (kind) reading.plan.topics.push_back({name, static_cast<TopicKind>(*kind)});
  }
}

BoardUse read_board_use(Reading& reading, Node node) {
  BoardUse use;
  if (!node.is_map()) {
    take_topics(reading, node, &TopicUse::posts, use);
    for (TopicUse& one : use.topics) one.reads = true;
  } else {
    const Fields fields(reading, node, "a use of the board", kBoardUseKeys);
    if (const auto post = fields["post"]) take_topics(reading, *post, &TopicUse::posts, use);
    if (const auto read = fields["read"]) take_topics(reading, *read, &TopicUse::reads, use);
    if (const auto round = fields["round"]) {
      use.round_said = true;
      if (const auto number = read_integer(reading, *round, 1, kMostRounds))
        use.round = static_cast<std::uint32_t>(*number);
      if (!has_rounds(reading, use) && !use.topics.empty())
        reading.problems.add(round->span(), "none of its topics goes by rounds",
                             "leave `round` out, or declare the topic as `rounds`");
    }
    if (!fields["post"] && !fields["read"])
      reading.problems.add(node.span(), "it names no topic", "give it `post`, `read` or both");
  }
  std::ranges::sort(use.topics, {}, &TopicUse::topic);
  return use;
}

void link_rounds(Reading& reading, const TaskList& list, NeedLists& after) {
  const Plan& plan = reading.plan;
  std::size_t links = 0;
  for (std::uint32_t topic = 0; topic < plan.topics.size(); ++topic) {
    if (plan.topics[topic].kind != TopicKind::rounds) continue;
    std::vector<std::uint32_t> posters;
    for (std::uint32_t i = 0; i < list.tasks.size(); ++i) {
      if (list.tasks[i].board.posts(topic)) posters.push_back(i);
    }
    for (std::uint32_t i = 0; i < list.tasks.size(); ++i) {
      const BoardUse& own = list.tasks[i].board;
      if (!own.reads(topic)) continue;
      for (const std::uint32_t poster : posters) {
        if (list.tasks[poster].board.round >= own.round) continue;
        after[i].push_back(poster);
        if (++links <= kMostLinks) continue;
        return reading.problems.add(
            list.id_spans[i],
            fmt::format("rounds of topic {} join tasks in more than {} million ways",
                        quoted(plan.topics[topic].name), kMostLinks / 1'000'000),
            "let one task of each round sum up what the others post");
      }
    }
  }
}

void link_ordered(Plan& plan) {
  // By topic: whom the next reader waits for.
  std::vector<std::vector<TaskId>> open(plan.topics.size());
  for (std::size_t i = 0; i < plan.tasks.size(); ++i) {
    Task& task = plan.tasks[i];
    bool is_reader = false;
    for (const TopicUse& use : task.board.topics) {
      if (plan.topics[use.topic].kind != TopicKind::ordered) continue;
      auto& before = open[use.topic];
      if (use.reads) {
        task.after.insert(task.after.end(), before.begin(), before.end());
        is_reader = true;
      }
      if (use.posts && use.reads) before.clear();
      if (use.posts) before.emplace_back(i);
    }
    if (is_reader) sort_once(task.after);
  }
}

void link_added(Reading& reading, TaskList& list, const Plan& plan) {
  for (std::size_t i = 0; i < list.tasks.size(); ++i) {
    Task& own = list.tasks[i];
    if (own.board.empty()) continue;
    for (std::size_t at = 0; at < plan.tasks.size() + i; ++at) {
      const Task& earlier =
          at < plan.tasks.size() ? plan.tasks[at] : list.tasks[at - plan.tasks.size()];
      if (comes_too_late(plan, earlier, own))
        return reading.problems.add(
            list.id_spans[i],
            fmt::format("it posts in round {}, and {} of round {} stands before it",
                        own.board.round, quoted(earlier.id), earlier.board.round),
            "a task that is added comes last: give it a later round");
      if (may_be_seen(plan, earlier, own)) own.after.emplace_back(at);
    }
    sort_once(own.after);
  }
}

void note_idle_topics(Plan& plan) {
  if (plan.tasks.empty()) return;  // They are still to be added.
  for (std::uint32_t topic = 0; topic < plan.topics.size(); ++topic) {
    const auto any = [&](bool (BoardUse::*what)(std::uint32_t) const) {
      return std::ranges::any_of(plan.tasks,
                                 [&](const Task& task) { return (task.board.*what)(topic); });
    };
    const bool posted = any(&BoardUse::posts), read = any(&BoardUse::reads);
    const std::string name = quoted(plan.topics[topic].name);
    if (!posted && !read) {
      plan.notes.push_back(fmt::format("no task posts to or reads topic {}", name));
    } else if (!posted) {
      plan.notes.push_back(fmt::format("no task posts to topic {}: only people can", name));
    } else if (!read) {
      plan.notes.push_back(fmt::format("no task reads topic {}", name));
    }
  }
}

}  // namespace interlock::plan
