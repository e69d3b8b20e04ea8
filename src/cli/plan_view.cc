#include "cli/plan_view.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.h"
#include "cli/plan_bars.h"
#include "decide/words.h"

namespace interlock::cli {
namespace {

using decide::Decision;
using decide::Pattern;
using footprint::Edge;

constexpr std::size_t kMostEdges = 8;
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

/// What is known of a sum: the whole, at least the known parts, or nothing.
template <typename T, typename Get, typename Show>
std::string sum_of(const std::vector<decide::Expected>& expected, Get get, Show show) {
  T sum = 0;
  bool any = false, all = true;
  for (const decide::Expected& it : expected) {
    const std::optional<T> part = get(it);
    any |= part.has_value();
    all &= part.has_value();
    sum += part.value_or(0);
  }
  if (all) return show(sum);
  return any && sum > 0 ? "at least " + show(sum) : "unknown";
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
    headline();
    bars();
    table();
    decision();
    arithmetic();
    edges();
    list("What would have to change for more to overlap", decision_.changes);
    list("Warnings", decision_.warnings);
    list("Notes", plan_.notes);
    return std::move(text_);
  }

 private:
  std::string ink(std::string_view code, std::string text) const {
    return screen_.color ? fmt::format("\x1b[{}m{}\x1b[0m", code, text) : text;
  }

  void line(std::string_view text) { text_ += fmt::format("{}\n", text); }
  void section(std::string_view title) { line("\n" + ink("1", std::string(title))); }

  /// `text` behind `lead`, broken between words, the rest set in under it. `lead` is never broken.
  void wrapped(std::string_view lead, std::string_view lead_ink, std::string_view text) {
    const std::size_t indent = display_width(lead);
    const std::size_t room = std::max<std::size_t>(screen_.columns, indent + 20) - indent;
    std::string row;
    bool first = true;
    const auto flush = [&] {
      line((first ? (lead_ink.empty() ? std::string(lead) : ink(lead_ink, std::string(lead)))
                  : std::string(indent, ' ')) +
           row);
      first = false;
      row.clear();
    };
    while (!text.empty()) {
      const std::size_t end = std::min(text.find(' '), text.size());
      const std::string_view word = text.substr(0, end);
      if (!row.empty() && display_width(row) + 1 + display_width(word) > room) flush();
      if (!row.empty()) row += ' ';
      row += word;
      text.remove_prefix(std::min(end + 1, text.size()));
    }
    flush();
  }

  void headline() {
    const Duration elapsed = decision_.chosen().elapsed;
    std::string text = fmt::format("{} {} {} {} {}", ink("1", printable(plan_.name)), signs_.dot,
                                   decide::count_of(plan_.tasks.size(), "task"), signs_.dot,
                                   ink("1", heading_of(decision_.pattern, decision_.n)));
    text += fmt::format(" {} {}", signs_.dot, decide::show_time_taken(elapsed));
    if (elapsed != decision_.sequential.elapsed)
      text += fmt::format(" instead of {}", decide::show_time_taken(decision_.sequential.elapsed));
    line(text);
  }

  void bars() {
    const std::vector<std::string> lines = draw_bars(plan_, expected_, decision_, screen_);
    if (lines.empty()) return;
    line("");
    for (const std::string& it : lines) line(it);
  }

  void table() {
    const std::array forecasts{&decision_.sequential, &decision_.parallel, &decision_.queue};
    const std::array patterns{Pattern::sequential, Pattern::parallel, Pattern::queue};
    const auto total = [](const decide::Expected& it) {
      return it.tokens && it.overhead_tokens ? std::optional(*it.tokens + *it.overhead_tokens)
                                             : std::nullopt;
    };
    // What a task is known to cost at least: of one whose work is unknown, the tax.
    const auto at_least = [](const decide::Expected& it) {
      return it.tokens.value_or(0) + it.overhead_tokens.value_or(0);
    };
    Tokens known = 0, tax = 0;
    for (const decide::Expected& it : expected_)
      known += at_least(it), tax += it.overhead_tokens.value_or(0);
    const bool all_known = std::ranges::all_of(
        expected_, [&](const decide::Expected& it) { return total(it).has_value(); });
    const std::string tokens = all_known   ? show_count(known)
                               : known > 0 ? "at least " + show_count(known)
                                           : "unknown";
    const std::string share =
        all_known && known > 0 ? fmt::format(" ({} %)", (100 * tax + known / 2) / known) : "";
    const std::string cost = sum_of<MicroUsd>(
        expected_, [](const auto& it) { return it.cost; }, show_usd);

    std::array<std::vector<std::string>, 3> columns;
    for (std::size_t i = 0; i < columns.size(); ++i) {
      columns[i] = {heading_of(patterns[i], forecasts[i]->n),
                    decide::show_time_taken(forecasts[i]->elapsed), tokens, show_count(tax) + share,
                    cost};
    }
    const std::array<std::string_view, 5> labels{"", "elapsed", "tokens", "of them overhead",
                                                 "cost"};
    line("");
    for (std::size_t row = 0; row < labels.size(); ++row) {
      std::string text = "  " + pad(labels[row], 16);
      for (const auto& column : columns) {
        std::size_t width = 0;
        for (const std::string& it : column) width = std::max(width, display_width(it));
        text += "   " + pad_left(column[row], width);
      }
      line(text);
    }
    if (tax == 0) return;
    const bool prior = std::ranges::any_of(expected_, [](const auto& it) {
      return it.overhead_from == decide::From::prior && it.overhead_tokens.value_or(0) > 0;
    });
    wrapped("  ", "",
            fmt::format("A task's tokens are its work; the overhead of dispatching it is added{}",
                        prior ? fmt::format(" (assumed: {} to start an agent, {} to return)",
                                            show_count(decide::kPriorSpawnTokens),
                                            show_count(decide::kPriorReturnTokens))
                              : ""));
  }

  void test(std::string_view name, const decide::Test& it) {
    wrapped(fmt::format("  {} {:<12} ", it.holds ? signs_.holds : signs_.fails, name),
            it.holds ? "32" : "31", it.why);
  }

  void decision() {
    section("Decision: " + heading_of(decision_.pattern, decision_.n));
    for (const std::string& reason : decision_.reasons)
      wrapped(fmt::format("  {} ", signs_.item), "", reason);
    line("");
    test("independent", decision_.independent);
    test("mergeable", decision_.mergeable);
    test("worth it", decision_.worthwhile);
  }

  std::string_view say_conflicts() const {
    if (decision_.lifting.edges_lifted == 0)
      return "repairing conflicts: none can happen, tasks that meet wait for each other";
    return decision_.saving.conflict > Duration::zero()
               ? "doing again what conflicts: what speculation is expected to waste"
               : "doing again what conflicts: not counted, as the pattern was asked for";
  }

  void arithmetic() {
    const decide::Saving& it = decision_.saving;
    const bool by_quota = it.quota > it.critical_path;
    struct Term {
      char sign;
      Duration value;
      std::string_view what;
    };
    const std::array terms{
        Term{' ', it.sequential, "one task after the other"},
        Term{'-', std::max(it.critical_path, it.quota),
             by_quota ? "what the quotas need to admit it all" : "the longest chain of tasks"},
        Term{'-', it.overhead,
             it.overhead > Duration::zero() ? "waiting for slots and capacities"
                                            : "waiting for slots and capacities: none"},
        Term{'-', it.conflict, say_conflicts()},
        Term{'-', it.merge, "merging: coordinators are tasks of the plan and counted above"},
        Term{'=', it.saved, "saved"},
    };
    std::size_t width = 0;
    for (const Term& term : terms)
      width = std::max(width, decide::show_time_taken(term.value).size());
    section("Is it worth it?");
    for (const Term& term : terms) {
      wrapped(fmt::format("  {} {}   ", term.sign,
                          pad_left(decide::show_time_taken(term.value), width)),
              "", term.what);
    }
    wrapped(fmt::format("    {}   ", pad_left(decide::show_time_taken(it.required), width)), "",
            it.required == plan_.limits.min_saving ? "asked for by `limits.min_saving`"
                                                   : "asked for: a tenth of the time in sequence");
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
};

}  // namespace

std::string render_plan(const plan::Plan& plan, const footprint::Interlocking& interlocking,
                        const std::vector<decide::Expected>& expected,
                        const decide::Decision& decision, const PlanScreen& screen) {
  return Page(plan, interlocking, expected, decision, screen).draw();
}

}  // namespace interlock::cli
