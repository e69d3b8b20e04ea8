#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/id.h"
#include "base/units.h"

namespace interlock::plan {
struct Plan;
}

namespace interlock::engine {

struct RunState;

/// What a post may be, and a topic may hold in a run; what attempts that failed posted counts too.
inline constexpr std::size_t kPostBytesMax = std::size_t{16} << 10U;
inline constexpr std::size_t kPostsMax = 1000;
/// Of texts in one answer; more come when they are asked for.
inline constexpr std::size_t kBoardAnswerBytesMax = std::size_t{256} << 10U;

/// A note on the board.
struct PostRecord {
  std::uint64_t seq = 0;  ///< Of its event.
  Time at{};
  std::string topic;
  std::optional<TaskId> task;  ///< None: a person.
  std::uint32_t attempt = 0;
  std::string by;  ///< The person.
  std::string text;
};

/// Whether a note counts.
enum class PostStanding : unsigned char {
  counts,   ///< A person's, or its task is done by the attempt that posted it.
  open,     ///< Its attempt may still succeed.
  dropped,  ///< Its attempt did not.
};
std::string_view name_of(PostStanding standing);
PostStanding standing_of(const RunState& run, const PostRecord& post);

/// A note as a reader sees it.
struct VisiblePost {
  std::uint32_t number = 1;
  const PostRecord* post = nullptr;
};
/// What an attempt of an earlier run was shown of a live topic, to be shown again where that run is
/// replayed.
struct RecordedReads {
  struct Note {
    std::uint32_t number = 1;
    std::string by;
    bool is_person = false;
    std::string text;
  };
  std::string task, topic;
  std::vector<Note> notes;            ///< All together.
  std::vector<std::uint32_t> so_far;  ///< After each look that showed something new: the last one.
};

/// What a task sees of a topic (by its place in `Plan::topics`) now, or would if it started now.
///
/// - `rounds`, `ordered`: what tasks of earlier rounds, or before it in plan order, posted by the
///   attempts that count, in plan order, then what people had posted when its attempt started;
///   numbered from 1 in this order. It is the same for as long as the attempt lives.
/// - `live`: all that is there but what was dropped, in the order of posting and numbered so.
std::vector<VisiblePost> visible_posts(const plan::Plan& plan, const RunState& run, TaskId reader,
                                       std::uint32_t topic);
/// Why a text cannot be posted; empty: it can.
std::string why_not_posted(const plan::Plan& plan, const RunState& run, const std::string& topic,
                           std::string_view text);
/// Why a task's agent cannot be told a text; empty: it can, by its next attempt.
std::string why_not_sent(const plan::Plan& plan, const RunState& run, TaskId task,
                         std::string_view text);
/// All of a topic for people, in the order of posting, numbered so.
std::vector<VisiblePost> all_posts(const RunState& run, const std::string& topic);

}  // namespace interlock::engine
