#include "footprint/overlap.h"

#include <algorithm>
#include <optional>
#include <unordered_set>

#include "footprint/avoided.h"
#include "footprint/code_points.h"
#include "footprint/path_rule.h"

namespace interlock::footprint {

namespace {

/// Numbers seen before: a bit each while there are few, so that the common small search allocates
/// once.
class Seen {
 public:
  explicit Seen(std::uint64_t numbers) {
    if (numbers <= kDense) bits_.assign(numbers, false);
  }

  bool add(std::uint64_t number) {
    if (bits_.empty()) return sparse_.insert(number).second;
    if (bits_[number]) return false;
    bits_[number] = true;
    return true;
  }

 private:
  static constexpr std::uint64_t kDense = 1 << 16;

  std::vector<bool> bits_;
  std::unordered_set<std::uint64_t> sparse_;
};

/// Looks for a path that two automata accept and nothing avoided holds, through the product of all
/// three and the rule of what a path is.
class Search {
 public:
  Search(const Automaton& a, const Automaton& b, Avoided* avoided, Budget& budget)
      : a_(a),
        b_(b),
        avoided_(avoided),
        budget_(budget),
        seen_(avoided ? UINT64_MAX : std::uint64_t{a.states} * b.states * kSegmentStates) {}

  /// Nothing: the budget ended first.
  std::optional<bool> finds_path() {
    visit({.a = 0, .b = 0, .segment = Segment::none, .avoided = 0});
    while (!open_.empty()) {
      const Node node = open_.back();
      open_.pop_back();
      if (is_path(node)) return true;
      if (!budget_.spend()) return std::nullopt;
      expand(node);
    }
    return false;
  }

 private:
  struct Node {
    std::uint32_t a, b;
    Segment segment;
    Avoided::State avoided;
  };

  void visit(const Node& node) {
    const std::uint64_t pair = std::uint64_t{node.a} * b_.states + node.b;
    const std::uint64_t place = pair * kSegmentStates + static_cast<std::uint64_t>(node.segment);
    // Patterns have fewer than 2^16 states and a budget makes fewer than 2^28 avoided ones, so this
    // cannot wrap.
    if (seen_.add(avoided_ ? place << 28 | node.avoided : place)) open_.push_back(node);
  }

  bool is_path(const Node& node) const {
    return node.a == a_.accepting && node.b == b_.accepting && node.segment == Segment::name &&
           (avoided_ == nullptr || !avoided_->holds(node.avoided));
  }

  void expand(const Node& node) {
    for (const Automaton::Step& x : a_.from(node.a)) {
      if (x.reads_nothing()) {
        visit({x.to, node.b, node.segment, node.avoided});
        continue;
      }
      for (const Automaton::Step& y : b_.from(node.b)) {
        if (y.reads_nothing()) continue;
        const char32_t low = std::max(x.low, y.low), high = std::min(x.high, y.high);
        if (low <= high) read({x.to, y.to, node.segment, node.avoided}, low, high);
      }
    }
    for (const Automaton::Step& y : b_.from(node.b)) {
      if (y.reads_nothing()) visit({node.a, y.to, node.segment, node.avoided});
    }
  }

  /// Goes to `node` on each kind of code point in the range; its segment and avoided state are
  /// still those before.
  void read(Node node, char32_t low, char32_t high) {
    if (avoided_) return read_avoiding(node, low, high);
    // A range that holds `.` ends with it, since `/` comes next.
    if (high == U'.' && low < high) step(node, high);
    step(node, low);
  }

  void read_avoiding(const Node& node, char32_t low, char32_t high) {
    const auto atoms = avoided_->atoms();
    for (std::size_t atom = avoided_->atom_of(low); atom < atoms.size() && atoms[atom] <= high;
         ++atom) {
      // Below `low` an atom holds nothing else: `low` may lie inside it.
      const char32_t value = std::max(low, atoms[atom]);
      if (!occurs(value) || !budget_.spend()) continue;
      Node next = node;
      next.avoided = avoided_->next(node.avoided, atom, budget_);
      step(next, value);
    }
  }

  void step(Node node, char32_t value) {
    const std::optional<Segment> segment = advance(node.segment, value);
    if (!segment) return;
    node.segment = *segment;
    visit(node);
  }

  const Automaton& a_;
  const Automaton& b_;
  Avoided* avoided_;
  Budget& budget_;
  Seen seen_;
  std::vector<Node> open_;
};

bool is_plain(const Glob& glob) { return glob.is_literal() || glob.is_all_below(); }

/// Whether `outer`, a plain path or all below one, holds all of `inner`: decided by the prefixes
/// alone.
bool plainly_contains(const Glob& outer, const Glob& inner) {
  if (!is_plain(outer) || !is_at_or_below(inner.literal_prefix(), outer.literal_prefix()))
    return false;
  if (outer.is_literal()) return true;
  return inner.is_all_below() || inner.literal_prefix().size() > outer.literal_prefix().size();
}

bool plainly_contains(const Area& outer, const Area& inner) {
  return outer.exclude.empty() && plainly_contains(*outer.include, *inner.include);
}

/// Whether the pattern goes on with `**` and more after its prefix, so that it reaches below every
/// folder there.
bool goes_anywhere(const Glob& glob) {
  std::string_view rest = glob.text();
  if (!rest.starts_with(glob.literal_prefix())) return false;  // Escapes.
  rest.remove_prefix(glob.literal_prefix().size());
  return rest.starts_with(glob.literal_prefix().empty() ? "**/" : "/**/");
}

/// What every match ends with, as far as the pattern's last characters tell.
std::string_view tail_of(const Glob& glob) {
  const std::string_view text = glob.text();
  // Plain paths mean what lies below as well, and braces may unfold to one.
  if (is_plain(glob) || text.contains('{')) return {};
  return text.substr(text.find_last_of("*?[]\\/") + 1);
}

std::optional<bool> overlap_on_text(const Glob& a, const Glob& b) {
  const bool may_conflict = is_at_or_below(a.literal_prefix(), b.literal_prefix()) ||
                            is_at_or_below(b.literal_prefix(), a.literal_prefix());
  if (!may_conflict) return false;
  // Every pattern matches some path, so what holds all of the other meets it.
  if ((is_plain(a) && is_plain(b)) || plainly_contains(a, b) || plainly_contains(b, a)) return true;
  const auto reaches = [](const Glob& anywhere, const Glob& plain) {
    return is_plain(plain) && goes_anywhere(anywhere) &&
           is_at_or_below(plain.literal_prefix(), anywhere.literal_prefix());
  };
  if (reaches(a, b) || reaches(b, a)) return true;
  const std::string_view tail_a = tail_of(a), tail_b = tail_of(b);
  if (!tail_a.ends_with(tail_b) && !tail_b.ends_with(tail_a)) return false;
  return std::nullopt;
}

bool meet(const Glob& a, const Glob& b, Budget& budget) {
  if (const auto known = overlap_on_text(a, b)) return *known;
  Automaton made_a, made_b;
  return Search(a.automaton(made_a), b.automaton(made_b), nullptr, budget)
      .finds_path()
      .value_or(true);
}

/// Whether some path lies in both areas and in none of `cover`.
std::optional<bool> conflict_outside(std::span<const Area> cover, const Area& a, const Area& b,
                                     Budget& budget) {
  std::vector<const Glob*> excluded;
  for (const Area& area : {a, b}) {
    for (const Glob& glob : area.exclude) {
      // Exclusions are often for other patterns of the same list.
      if (meet(glob, *a.include, budget) && meet(glob, *b.include, budget))
        excluded.push_back(&glob);
    }
  }
  Automaton made_a, made_b;
  const Automaton& automaton_a = a.include->automaton(made_a);
  const Automaton& automaton_b = b.include->automaton(made_b);
  if (excluded.empty() && cover.empty()) {
    return Search(automaton_a, automaton_b, nullptr, budget).finds_path();
  }
  Avoided avoided(excluded, cover);
  return Search(automaton_a, automaton_b, &avoided, budget).finds_path();
}

std::vector<Area> areas_of(const PatternSet& set) {
  std::vector<Area> areas;
  for (const Glob& glob : set.include) areas.push_back({&glob, set.exclude});
  return areas;
}

}  // namespace

bool overlaps(const Area& a, const Area& b, Budget& budget) {
  if (a.exclude.empty() && b.exclude.empty()) return meet(*a.include, *b.include, budget);
  if (!meet(*a.include, *b.include, budget)) return false;
  return conflict_outside({}, a, b, budget).value_or(true);
}

bool covers(std::span<const Area> cover, const Area& a, const Area& b, Budget& budget) {
  if (!meet(*a.include, *b.include, budget)) return true;
  std::vector<Area> near;
  for (const Area& area : cover) {
    if (plainly_contains(area, a) || plainly_contains(area, b)) return true;
    if (meet(*area.include, *a.include, budget) && meet(*area.include, *b.include, budget))
      near.push_back(area);
  }
  // Where both are plain they meet in one of them, and no number of smaller plain areas adds up to
  // that.
  const auto plain = [](const Area& area) {
    return area.exclude.empty() && is_plain(*area.include);
  };
  if (plain(a) && plain(b) && std::ranges::all_of(near, plain)) return false;
  return !conflict_outside(near, a, b, budget).value_or(true);
}

bool contains(const Area& outer, const Area& inner, Budget& budget) {
  if (plainly_contains(outer, inner)) return true;
  if (is_plain(*outer.include)) return false;
  const bool same =
      *outer.include == *inner.include && std::ranges::equal(outer.exclude, inner.exclude);
  return same || covers({&outer, 1}, inner, inner, budget);
}

bool matches_some_path(const Automaton& automaton) {
  Budget unlimited{SIZE_MAX};
  Automaton made;
  const Automaton& everything = Glob::parse("**")->automaton(made);
  return *Search(automaton, everything, nullptr, unlimited).finds_path();
}

bool is_at_or_below(std::string_view path, std::string_view folder) {
  if (folder.empty()) return true;
  return path.starts_with(folder) && (path.size() == folder.size() || path[folder.size()] == '/');
}

bool overlaps(const Glob& a, const Glob& b) {
  Budget budget = kOneQuestion;
  return meet(a, b, budget);
}

bool overlaps(const PatternSet& a, const PatternSet& b) {
  Budget budget = kOneQuestion;
  const std::vector<Area> areas_of_b = areas_of(b);
  for (const Area& x : areas_of(a)) {
    for (const Area& y : areas_of_b) {
      if (overlaps(x, y, budget)) return true;
    }
  }
  return false;
}

bool covers(std::span<const PatternSet* const> cover, const PatternSet& a, const PatternSet& b) {
  Budget budget = kOneQuestion;
  std::vector<Area> cover_areas;
  for (const PatternSet* set : cover)
    std::ranges::copy(areas_of(*set), std::back_inserter(cover_areas));
  const std::vector<Area> areas_of_b = areas_of(b);
  for (const Area& x : areas_of(a)) {
    for (const Area& y : areas_of_b) {
      if (!covers(cover_areas, x, y, budget)) return false;
    }
  }
  return true;
}

}  // namespace interlock::footprint
