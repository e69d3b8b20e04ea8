#pragma once

#include <optional>

namespace interlock::footprint {

/// How far the current segment of a path has come, as its code points go by: the rule that no
/// segment is empty, `.` or `..`.
enum class Segment : unsigned char { none, empty, dot, dots, name };
inline constexpr unsigned kSegmentStates = 5;

/// After one more code point; nothing where no path goes on so. A path begins with a `/` here, as
/// automata read it.
constexpr std::optional<Segment> advance(Segment segment, char32_t next) {
  if (next == U'/') {
    if (segment == Segment::none || segment == Segment::name) return Segment::empty;
    return std::nullopt;
  }
  switch (segment) {
    case Segment::none: return std::nullopt;
    case Segment::empty: return next == U'.' ? Segment::dot : Segment::name;
    case Segment::dot: return next == U'.' ? Segment::dots : Segment::name;
    case Segment::dots:
    case Segment::name: return Segment::name;
  }
  return std::nullopt;
}

}  // namespace interlock::footprint
