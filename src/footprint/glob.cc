#include "footprint/glob.h"

#include <algorithm>

#include "footprint/code_points.h"
#include "footprint/overlap.h"
#include "footprint/path_rule.h"

namespace interlock::footprint {

namespace {

/// The states a pattern can be in after what it has read, and those reached from them without
/// reading.
class StateSet {
 public:
  explicit StateSet(const Automaton& automaton)
      : automaton_(&automaton), held_(automaton.states, 0) {}

  bool holds(std::uint32_t state) const { return held_[state] != 0; }
  bool empty() const { return states_.empty(); }

  void add(std::uint32_t state) {
    std::size_t next = states_.size();
    insert(state);
    for (; next < states_.size(); ++next) {
      for (const Automaton::Step& step : automaton_->from(states_[next])) {
        if (step.reads_nothing()) insert(step.to);
      }
    }
  }

  void add_after(const StateSet& before, char32_t value) {
    for (const std::uint32_t state : before.states_) {
      for (const Automaton::Step& step : automaton_->from(state)) {
        if (step.low <= value && value <= step.high) add(step.to);
      }
    }
  }

  void clear() {
    for (const std::uint32_t state : states_) held_[state] = 0;
    states_.clear();
  }

 private:
  void insert(std::uint32_t state) {
    if (held_[state]) return;
    held_[state] = 1;
    states_.push_back(state);
  }

  const Automaton* automaton_;
  std::vector<char> held_;
  std::vector<std::uint32_t> states_;
};

bool accepts(const Automaton& automaton, std::string_view path) {
  StateSet now(automaton), next(automaton);
  now.add(0);
  const auto read = [&](char32_t value) {
    next.clear();
    next.add_after(now, value);
    std::swap(now, next);
  };
  read(U'/');
  while (!path.empty() && !now.empty()) {
    const CodePoint first = first_code_point(path);
    path.remove_prefix(first.bytes);
    read(first.value);
  }
  return now.holds(automaton.accepting);
}

}  // namespace

bool is_path(std::string_view text) {
  Segment segment = Segment::empty;
  for (const char next : text) {
    if (next == '\0') return false;
    const auto advanced = advance(segment, static_cast<unsigned char>(next));
    if (!advanced) return false;
    segment = *advanced;
  }
  return segment == Segment::name;
}

std::string escape(std::string_view path) {
  std::string pattern;
  for (const char next : path) {
    const bool special =
        std::string_view("*?[{}\\").contains(next) || (next == '!' && pattern.empty());
    if (special) pattern += '\\';
    pattern += next;
  }
  return pattern;
}

bool Glob::matches(std::string_view path) const {
  if (!is_path(path)) return false;
  switch (shape_) {
    case Shape::path: return is_at_or_below(path, literal_prefix());
    case Shape::below:
      return is_at_or_below(path, literal_prefix()) && path.size() > literal_prefix().size();
    case Shape::general: return accepts(automaton_, path);
  }
  return false;
}

Result<PatternSet> PatternSet::parse(std::span<const std::string> patterns) {
  PatternSet set;
  for (const std::string_view pattern : patterns) {
    const bool excluded = pattern.starts_with('!');
    auto glob = Glob::parse(pattern.substr(excluded ? 1 : 0));
    if (!glob) return std::unexpected(std::move(glob.error()));
    (excluded ? set.exclude : set.include).push_back(std::move(*glob));
  }
  if (set.include.empty() && !set.exclude.empty()) {
    return fail(Error::Kind::invalid, "the patterns only exclude",
                "begin with what they exclude from, such as `**`");
  }
  return set;
}

bool PatternSet::matches(std::string_view path) const {
  const auto matched = [&](const Glob& glob) { return glob.matches(path); };
  return std::ranges::any_of(include, matched) && std::ranges::none_of(exclude, matched);
}

std::string PatternSet::text() const {
  std::string text;
  for (const Glob& glob : include) text += (text.empty() ? "" : ", ") + glob.text();
  for (const Glob& glob : exclude) text += ", !" + glob.text();
  return text;
}

}  // namespace interlock::footprint
