#include "report/plan_view.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/text.h"
#include "decide/words.h"
#include "report/plan_bars.h"
#include "report/plan_sources.h"
#include "report/plan_table.h"

namespace interlock::report {
namespace {

using decide::Decision;
using footprint::Edge;

constexpr std::size_t kMostEdges = 8;
constexpr std::size_t kMostSources = 12;
constexpr std::size_t kMostTasksReduced = 500;

/// The edges a person wants to see: one a pair, and none that follows from two others.
std::vector<const Edge*> edges_to_show(const plan::Plan& plan,
                                       const footprint::Interlocking& interlocking) {
  const std::size_t all = plan.tasks.size();
  const bool reduce = all <= kMostTasksReduced;  // Else it would take longer than it is worth.
  std::vector<std::vector<bool>> goes_before(reduce ? all : 0, std::vector<bool>(reduce ? all : 0));
  std::vector<const Edge*> shown;
  for (std::size_t i = 0; i < all; ++i) {
    const auto into = interlocking.into(TaskId(i));
    // From the nearest back, so that what a nearer task waits for already is known.
    for (std::size_t k = into.size(); k-- > 0;) {
      const Edge& edge = into[k];
      const bool follows = reduce && goes_before[i][edge.before.index()];
      if (reduce && !follows) {
        const auto& further = goes_before[edge.before.index()];
        for (std::size_t j = 0; j < edge.before.index(); ++j) {
          if (further[j]) goes_before[i][j] = true;
        }
        goes_before[i][edge.before.index()] = true;
      }
      if (!follows && edge.why != footprint::Why::unknown) shown.push_back(&edge);
    }
  }
  return shown;
}

/// How long a time at the beginning of `text` is, such as `3 m 37 s,`; 0: there is none.
std::size_t time_at(std::string_view text) {
  constexpr std::array<std::string_view, 5> kUnits{"ms", "s", "m", "h", "d"};
  const std::size_t blank = text.find(' ');
  const std::string_view number = text.substr(0, blank);
  if (blank == std::string_view::npos || number.empty() ||
      number.find_first_not_of("0123456789.") != std::string_view::npos)
    return 0;
  const std::size_t end = std::min(text.find(' ', blank + 1), text.size());
  const std::string_view unit = text.substr(blank + 1, end - blank - 1);
  if (std::ranges::find(kUnits, unit.substr(0, unit.find_first_of(",.;:)`"))) == kUnits.end())
    return 0;
  const bool may_go_on = end < text.size() && std::ranges::find(kUnits, unit) != kUnits.end();
  const std::size_t more = may_go_on ? time_at(text.substr(end + 1)) : 0;
  return more > 0 ? end + 1 + more : end;
}

/// The first word of `text`, up to its blank or the end. A time is one word.
std::size_t end_of_word(std::string_view text) {
  const std::size_t begin = std::min(text.find_first_not_of("(`"), text.size());
  const std::size_t time = time_at(text.substr(begin));
  return time > 0 ? begin + time : std::min(text.find(' '), text.size());
}

class Page {
 public:
  Page(const plan::Plan& plan, const footprint::Interlocking& interlocking,
       const std::vector<decide::Expected>& expected, const Decision& decision,
       const PlanScreen& screen)
      : plan_(plan),
        interlocking_(interlocking),
        expected_(expected),
        decision_(decision),
        screen_(screen),
        signs_(plan_signs(screen.unicode)) {}

  std::string draw() {
    if (screen_.full) return draw_full();
    // The end is written first: what is to be known before it gets the room it leaves, and the bars
    // what is left then.
    table(true);
    std::string table_text = std::exchange(text_, {});
    decision();
    const std::string decision_text = std::exchange(text_, {});
    const std::size_t warned = std::min<std::size_t>(decision_.warnings.size(), 2);
    const std::size_t needed = warned > 0 ? warned + 1 : 0;
    if (rows_with(table_text + decision_text) + needed > screen_.lines) {
      table(false);
      table_text = std::exchange(text_, {});
    }
    notices(room_beside(table_text + decision_text));
    std::string said = std::exchange(text_, {});
    // What agents may do stands first among the notes, and before what is only compared with.
    if (notes_shown_ < std::min<std::size_t>(plan_.notes.size(), 2)) {
      table(false);
      table_text = std::exchange(text_, {});
      warnings_shown_ = notes_shown_ = 0;
      notices(room_beside(table_text + decision_text));
      said = std::exchange(text_, {});
    }
    decision();
    const std::string end = table_text + said + std::exchange(text_, {});
    headline();
    bars(room_beside(end));
    return text_ + end;
  }

 private:
  /// Rows of the screen that are free beside this text, the headline and a blank line.
  std::size_t room_beside(std::string_view text) const {
    return screen_.lines - std::min<std::size_t>(screen_.lines, rows_with(text));
  }
  static std::size_t rows_with(std::string_view text) {
    return static_cast<std::size_t>(std::ranges::count(text, '\n')) + 2;
  }

  /// Warnings, the first of them in any case, and notes where they fit and leave room for bars.
  void notices(std::size_t room) {
    constexpr std::size_t kAlways = 2, kBars = 5;
    const std::string before = std::exchange(text_, {});
    std::vector<std::string> shown;
    std::size_t rows = 1;  // The blank line.
    const auto try_to_show = [&](std::string_view lead, std::string_view ink, const std::string& it,
                                 std::size_t most, std::size_t limit) {
      wrapped(lead, ink, it, most);
      const auto more = static_cast<std::size_t>(std::ranges::count(text_, '\n'));
      std::string text = std::exchange(text_, {});
      if (rows + more > limit) return false;
      rows += more;
      shown.push_back(std::move(text));
      return true;
    };
    for (const std::string& warning : decision_.warnings) {
      if (!try_to_show("  ! ", "33", warning, 2, room) &&
          (warnings_shown_ >= kAlways || !try_to_show("  ! ", "33", warning, 1, ~std::size_t{0})))
        break;
      ++warnings_shown_;
    }
    // What clients may do comes first among the notes.
    const std::size_t bars = std::min(plan_.tasks.size() + 2, kBars);
    const std::size_t limit = room - std::min(room, bars);
    const std::string sign = fmt::format("  {} ", signs_.item);
    for (const std::string& note : plan_.notes) {
      if (!try_to_show(sign, "", note, 2, limit) && !try_to_show(sign, "", note, 1, limit)) break;
      ++notes_shown_;
    }
    text_ = before;
    if (!shown.empty()) line("");
    for (const std::string& it : shown) text_ += it;
  }

  std::string draw_full() {
    headline();
    bars(0);
    table(true);
    tax();
    cached();
    if (any_from_history(expected_))
      list("Where the numbers come from", list_sources(plan_, expected_, kMostSources));
    arithmetic();
    edges();
    list("What would let more overlap", decision_.changes);
    list("Warnings", decision_.warnings);
    list("Notes", plan_.notes);
    decision();
    return std::move(text_);
  }

  std::string ink(std::string_view code, std::string text) const {
    return screen_.color ? fmt::format("\x1b[{}m{}\x1b[0m", code, text) : text;
  }

  void line(std::string_view text) { text_ += fmt::format("{}\n", text); }
  void section(std::string_view title) { line("\n" + ink("1", std::string(title))); }

  /// `text` behind `lead`, broken between words, the rest set in under it; of what is longer than
  /// `most` rows the end goes. `lead` is never broken.
  void wrapped(std::string_view lead, std::string_view lead_ink, std::string_view text,
               std::size_t most = 1000) {
    // On narrow screens the rest is set in less deep, or words would stand one below the other.
    constexpr std::size_t kNarrow = 60, kLeastRoom = 20;
    const std::size_t indent = display_width(lead);
    const std::size_t hang = screen_.columns < kNarrow ? std::min<std::size_t>(indent, 4) : indent;
    std::string row;
    std::size_t rows = 0;
    const auto room = [&] {
      const std::size_t before = rows == 0 ? indent : hang;
      return std::max(screen_.columns, before + kLeastRoom) - before;
    };
    const auto flush = [&] {
      line((rows == 0 ? (lead_ink.empty() ? std::string(lead) : ink(lead_ink, std::string(lead)))
                      : std::string(hang, ' ')) +
           row);
      ++rows;
      row.clear();
    };
    while (!text.empty()) {
      if (rows + 1 == most) {
        row = elide_end((row.empty() ? "" : row + " ") + std::string(text), room());
        break;
      }
      const std::size_t end = end_of_word(text);
      const std::string_view word = text.substr(0, end);
      const std::size_t wanted = display_width(row) + (row.empty() ? 0 : 1) + display_width(word);
      if (wanted > room() && (!row.empty() || (rows == 0 && hang < indent))) {
        flush();
        continue;
      }
      if (!row.empty()) row += ' ';
      row += word;
      text.remove_prefix(std::min(end + 1, text.size()));
    }
    flush();
  }

  void headline() {
    const Duration elapsed = decision_.chosen().elapsed;
    std::string text = fmt::format("{} {} {} {} {}", printable(plan_.name), signs_.dot,
                                   decide::count_of(plan_.tasks.size(), "task"), signs_.dot,
                                   heading_of(decision_.pattern, decision_.n));
    text += fmt::format(" {} {}", signs_.dot, decide::show_time_taken(elapsed));
    const Duration join = decision_.chosen().join;
    if (join > Duration::zero())
      text += fmt::format(" and {} of joining", decide::show_time_taken(join));
    const std::string instead =
        fmt::format(" instead of {}", decide::show_time_taken(decision_.sequential.elapsed));
    // Where there is no room for it the table says it.
    if (elapsed != decision_.sequential.elapsed &&
        display_width(text) + display_width(instead) <= screen_.columns)
      text += instead;
    line(ink("1", elide_end(text, screen_.columns)));
  }

  /// At most so many lines of them; 0: all three ways.
  void bars(std::size_t most) {
    const std::vector<std::string> lines =
        screen_.full ? draw_bars(plan_, expected_, decision_, screen_)
                     : draw_chosen_bars(plan_, expected_, decision_, screen_, most);
    if (lines.empty()) return;
    line("");
    for (const std::string& it : lines) line(it);
  }

  void table(bool others) {
    line("");
    for (const std::string& it : draw_table(expected_, decision_, screen_, others)) line(it);
  }

  void tax() {
    const bool any = std::ranges::any_of(
        expected_, [](const auto& it) { return it.overhead_tokens.value_or(0) > 0; });
    if (!any) return;
    const bool prior = std::ranges::any_of(expected_, [](const auto& it) {
      return it.overhead_from == decide::From::prior && it.overhead_tokens.value_or(0) > 0;
    });
    wrapped("  ", "",
            fmt::format("A task's tokens are its work; the tax of dispatching it is added{}",
                        prior ? fmt::format(" (assumed: {} to start an agent, {} to return)",
                                            show_count(decide::kPriorSpawnTokens),
                                            show_count(decide::kPriorReturnTokens))
                              : ""));
  }

  /// What the columns' tokens do not tell.
  void cached() {
    const std::array forecasts{&decision_.sequential, &decision_.parallel, &decision_.queue};
    const bool any = std::ranges::any_of(
        forecasts, [](const decide::Forecast* it) { return it->cached_tokens > 0; });
    if (any) {
      wrapped("  ", "",
              fmt::format("Of them from the prompt cache, for a tenth of the price: sequential {}, "
                          "parallel {}, queue {}",
                          show_count(forecasts[0]->cached_tokens),
                          show_count(forecasts[1]->cached_tokens),
                          show_count(forecasts[2]->cached_tokens)));
    }
    const auto& one = decision_.one_agent;
    if (one && one->cached_tokens) {
      wrapped(
          "  ", "",
          fmt::format("One agent for all is started once, but reads what its context holds again "
                      "with each call: {} from the cache{}",
                      show_count(*one->cached_tokens),
                      one->fits ? "" : "; it would outgrow a context of 200k"));
    }
  }

  void test(std::string_view name, const decide::Test& it) {
    wrapped(fmt::format("  {} {:<12} ", it.holds ? signs_.holds : signs_.fails, name),
            it.holds ? "32" : "31", it.why, screen_.full ? 1000 : 2);
  }

  void decision() {
    constexpr std::size_t kMostReasons = 3;
    section("Decision: " + heading_of(decision_.pattern, decision_.n));
    test("independent", decision_.independent);
    test("mergeable", decision_.mergeable);
    test("worth it", decision_.worthwhile);
    std::size_t shown = 0;
    for (const std::string& reason : decision_.reasons) {
      if (!screen_.full && shown++ == kMostReasons) break;
      item(reason);
    }
    if (const auto sources = say_sources(expected_)) item(*sources);
    if (!decision_.left_out.empty())
      item("Not counted: " + join_words(decision_.left_out, decision_.left_out.size()));
    if (!screen_.full) more();
  }

  void item(const std::string& text) {
    wrapped(fmt::format("  {} ", signs_.item), "", text, screen_.full ? 1000 : 2);
  }

  /// What `--full` would add.
  void more() {
    std::vector<std::string> rest;
    const auto add = [&](std::size_t count, const std::string& what) {
      if (count > 0) rest.push_back(decide::count_of(count, what));
    };
    const std::size_t warnings = decision_.warnings.size() - warnings_shown_;
    add(warnings, warnings_shown_ > 0 ? "more warning" : "warning");
    const std::size_t notes = plan_.notes.size() - notes_shown_;
    add(notes, notes_shown_ > 0 ? "more note" : "note");
    if (!decision_.changes.empty())
      rest.push_back(fmt::format("{} for more to overlap",
                                 decide::count_of(decision_.changes.size(), "proposal")));
    if (rest.empty()) rest.emplace_back("the arithmetic");
    item(fmt::format("With `--full`: {}", join_words(rest, rest.size())));
  }

  std::string_view say_conflicts() const {
    const decide::Speculation& it = decision_.speculation;
    if (it.edges_lifted > 0) return "doing again what conflicts, as expected";
    return it.edges_joined > 0
               ? "repairing conflicts: merge drivers join what tasks both write"
               : "repairing conflicts: none can happen, tasks that meet wait for each other";
  }

  void arithmetic() {
    const decide::Saving& it = decision_.saving;
    const bool by_quota = it.quota > it.critical_path;
    // Those wait for all others, and all others for them, without being tied to anybody.
    const bool some_alone =
        std::ranges::any_of(decision_.verdicts, [](const auto& one) { return one.exclusive; });
    struct Term {
      char sign;
      Duration value;
      std::string_view what;
    };
    const std::array terms{
        Term{' ', it.sequential, "one task after the other"},
        Term{'-', std::max(it.critical_path, it.quota),
             by_quota     ? "what the quotas need to admit it all"
             : some_alone ? "the longest chain, with the tasks that run alone"
                          : "the longest chain of tasks"},
        Term{'-', it.overhead,
             it.overhead > Duration::zero() ? "waiting for slots, capacities and people"
                                            : "waiting for slots and capacities: none"},
        Term{'-', it.conflict, say_conflicts()},
        Term{'-', it.merge,
             it.merge > Duration::zero()
                 ? "joining by hand what overlapped"
                 : "joining by hand: nothing; coordinators are tasks of the plan"},
        Term{'=', it.saved, "saved, if the estimates come true"},
    };
    std::size_t width = 0;
    for (const Term& term : terms)
      width = std::max(width, decide::show_time_taken(term.value).size());
    width = std::max({width, decide::show_time_taken(it.required).size(),
                      decide::show_time_taken(it.mean_saved.value_or(Duration{})).size()});
    section("Is it worth it?");
    const auto row = [&](char sign, Duration value, std::string_view what) {
      wrapped(fmt::format("  {} {}   ", sign, pad_left(decide::show_time_taken(value), width)), "",
              what);
    };
    for (const Term& term : terms) row(term.sign, term.value, term.what);
    row(' ', it.required,
        it.required == plan_.limits.min_saving ? "asked for by `limits.min_saving`"
                                               : "asked for: a tenth of the time in sequence");
    if (it.mean_saved) {
      row(' ', std::max(Duration::zero(), *it.mean_saved),
          fmt::format("saved on average of {} draws, of {}", decision_.sequential.range.draws,
                      decide::show_time_taken(*it.mean_sequential)));
    }
  }

  void edges() {
    const std::vector<const Edge*> shown = edges_to_show(plan_, interlocking_);
    if (shown.empty()) return;
    section("Who waits for whom");
    for (std::size_t i = 0; i < std::min(shown.size(), kMostEdges); ++i) {
      wrapped(fmt::format("  {} ", signs_.item), "", decide::say_edge(plan_, *shown[i]));
    }
    if (shown.size() > kMostEdges) line(fmt::format("    and {} more", shown.size() - kMostEdges));
  }

  void list(std::string_view title, const std::vector<std::string>& lines) {
    if (lines.empty()) return;
    section(title);
    for (const std::string& it : lines) wrapped(fmt::format("  {} ", signs_.item), "", it);
  }

  const plan::Plan& plan_;
  const footprint::Interlocking& interlocking_;
  const std::vector<decide::Expected>& expected_;
  const Decision& decision_;
  const PlanScreen& screen_;
  PlanSigns signs_;
  std::string text_;
  std::size_t warnings_shown_ = 0, notes_shown_ = 0;  ///< Of a page that is not the whole one.
};

}  // namespace

std::string render_plan(const plan::Plan& plan, const footprint::Interlocking& interlocking,
                        const std::vector<decide::Expected>& expected,
                        const decide::Decision& decision, const PlanScreen& screen) {
  return Page(plan, interlocking, expected, decision, screen).draw();
}

}  // namespace interlock::report
