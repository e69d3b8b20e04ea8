#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "footprint/code_points.h"
#include "footprint/glob.h"

namespace interlock::footprint {

/// Builds a pattern's automaton from left to right, a constant number of states for each part.
///
/// What a part means depends on what stands before it: `**` takes whole segments, and only a
/// pattern that met no wildcard also means what lies below. Inside braces several of these can hold
/// at once, so the end of what was read is not one state but a front: one state for each place it
/// can stand in.
class AutomatonBuilder {
 public:
  enum Place : unsigned char {
    in_name,      ///< Within a segment or at its end.
    after_slash,  ///< At the start of a segment. Its slash is not yet read, since `**` may stand
                  ///< for no segment.
    after_dot,  ///< After a `.` that began a segment. Neither is read yet, since as a whole segment
                ///< it says nothing.
    after_some,  ///< After a `**` that took segments.
    after_none,  ///< After a `**` that took none.
  };
  static constexpr std::uint32_t kNowhere = UINT32_MAX;
  /// For each place: without a wildcard so far, with one.
  using Front = std::array<std::array<std::uint32_t, 2>, 5>;

  AutomatonBuilder();

  void read_character(char32_t character);
  void read_dot();
  void read_one_of(std::span<const CodePointRange> ranges);  ///< `?` and `[...]`
  void read_run();                                           ///< `*`
  void read_slash();
  void read_segments();  ///< `**`

  const Front& front() const { return front_; }
  void go_back_to(const Front& front) { front_ = front; }
  /// Goes on from all of `fronts` at once: the end of braces.
  void join(std::span<const Front> fronts);

  bool stands(Place place) const;
  /// Whether a segment starts here, whatever was chosen before.
  bool only_after_slash() const;
  /// Whether nothing was read yet on some way here.
  bool at_start() const { return front_[after_slash][0] == 0; }

  Automaton finish();

 private:
  std::uint32_t new_state() { return states_++; }
  void add_step(std::uint32_t from, std::uint32_t to, char32_t low, char32_t high);
  void skip(std::uint32_t from, std::uint32_t to) { add_step(from, to, 1, 0); }
  void add_name_steps(std::uint32_t from, std::uint32_t to);
  std::uint32_t merged(std::span<const std::uint32_t> states);
  /// The state within the current segment, its slash and dot read; kNowhere when there is none.
  std::uint32_t enter_name(int wild);
  std::uint32_t after(std::uint32_t state, char32_t character);
  /// Any number of further segments behind `state`, at least one: the state after them.
  std::uint32_t segments_after(std::uint32_t state);

  std::uint32_t states_ = 1;
  std::vector<Automaton::Step> steps_;
  Front front_;
};

}  // namespace interlock::footprint
