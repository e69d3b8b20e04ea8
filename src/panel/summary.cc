#include "panel/summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <string_view>
#include <utility>

#include "base/percent.h"
#include "base/text.h"
#include "base/units.h"
#include "panel/line.h"

namespace interlock::panel {
namespace {

using engine::RunEnded;
using engine::RunStatus;
using engine::TaskState;
using engine::TaskStatus;

constexpr std::size_t kGap = 2;
constexpr std::size_t kLabelColumns = 12;
constexpr std::size_t kRowsForReason = 3;

struct Ending {
  std::string_view sign;
  std::string_view words;
  Ink ink;
};

Ending ending_of(const RunStatus& run, Style style) {
  const Signs& signs = signs_of(style);
  if (!run.ended) return {signs.running, "is still running", Ink::busy};
  switch (*run.ended) {
    case RunEnded::How::finished: return {signs.done, "finished", Ink::good};
    case RunEnded::How::failed: return {signs.failed, "failed", Ink::bad};
    case RunEnded::How::paused_at_gate: return {signs.ask, "paused at a gate", Ink::ask};
    case RunEnded::How::interrupted: return {signs.ask, "interrupted", Ink::ask};
    case RunEnded::How::cancelled: return {signs.skipped, "cancelled", Ink::ask};
    case RunEnded::How::limit_reached: return {signs.ask, "stopped at a limit", Ink::ask};
  }
  return {};
}

std::string draw_fates(const RunStatus& run) {
  std::string text =
      fmt::format("{} of {} task{} done", run.done, run.total, run.total == 1 ? "" : "s");
  const auto add = [&](std::uint32_t number, std::string_view what) {
    if (number > 0) text += fmt::format(", {} {}", number, what);
  };
  add(run.failed, "failed");
  add(run.skipped, "skipped");
  add(run.cancelled, "cancelled");
  add(run.reused, "reused");
  add(run.retried, "retried");
  add(run.corrected, "corrected");
  add(run.merged, "merged");
  add(run.conflicted, run.conflicted == 1 ? "conflict" : "conflicts");
  return text;
}

/// Writes the summary from top to bottom.
class Summary {
 public:
  Summary(const RunStatus& run, Size size, Style style, bool wraps)
      : run_(run), size_(size), style_(style), wraps_(wraps) {}

  std::vector<std::string> draw() && {
    draw_headline();
    draw_times();
    draw_spent();
    draw_waited();
    draw_promise();
    draw_unproven();
    if (!run_.digest.empty()) event("digest", run_.digest);
    draw_failures();
    draw_next();
    return std::move(lines_);
  }

 private:
  Line line() const { return Line(std::string::npos, style_); }

  void event(std::string_view label, std::string_view value, std::string_view remark = {}) {
    constexpr std::size_t kIndent = kGap + kLabelColumns + kGap;
    Line event = line();
    event.gap(kGap).add_column(label, kLabelColumns, Ink::faint).gap(kGap);
    const std::size_t room = size_.columns - std::min(size_.columns, kIndent);
    const auto width = [&](std::string_view text) { return display_width(showable(text, style_)); };
    const auto go_on = [&] {
      lines_.push_back(event.text());
      event = line();
      event.gap(kIndent);
    };
    std::size_t left = room - std::min(room, width(value));
    if (width(value) <= room || !wraps_) {
      event.add(value);
    } else {
      bool is_first = true;
      for (const std::string& text : wrap_words(value, std::max<std::size_t>(room, 1), style_)) {
        if (!std::exchange(is_first, false)) go_on();
        event.add(text);
        left = room - std::min(room, width(text));
      }
    }
    if (remark.empty()) return lines_.push_back(event.text());
    if (!wraps_ || left >= kGap + width(remark)) {
      lines_.push_back(event.gap(kGap).add(remark, Ink::faint).text());
      return;
    }
    for (const std::string& text : wrap_words(remark, std::max<std::size_t>(room, 1), style_)) {
      go_on();
      event.add(text, Ink::faint);
    }
    lines_.push_back(event.text());
  }

  /// Words wrapped at spaces, each line behind `indent` columns.
  void say(std::size_t indent, std::string_view text, Ink ink) {
    if (!wraps_) return lines_.push_back(line().gap(indent).add(text, ink).text());
    const std::size_t room = size_.columns - std::min(size_.columns, indent);
    for (const std::string& one : wrap_words(text, std::max<std::size_t>(room, 1), style_))
      lines_.push_back(line().gap(indent).add(one, ink).text());
  }

  void draw_headline() {
    const Ending ending = ending_of(run_, style_);
    Line headline = line();
    headline.add(ending.sign, ending.ink).gap(1).add(run_.plan_name, Ink::strong).gap(1);
    headline.add(fmt::format("{}: ", ending.words), ending.ink);
    const std::string fates = draw_fates(run_);
    const std::size_t used = display_width(
        showable(fmt::format("{} {} {}: ", ending.sign, run_.plan_name, ending.words), style_));
    if (!wraps_ || used + display_width(fates) <= size_.columns) {
      lines_.push_back(headline.add(fates).text());
      return;
    }
    lines_.push_back(headline.text());
    say(kGap, fates, Ink::plain);
  }

  void draw_times() {
    std::string how = run_.pattern;
    if (is_known(run_.stood))
      how += fmt::format(", {} of it waiting for a person", show_duration(run_.stood));
    event("took", show_duration(run_.elapsed), how);
    if (is_known(run_.failed_work))
      event("failed work", show_duration(run_.failed_work), "attempts that came to nothing");
    if (run_.tries_untaken > 0) {
      std::string cost =
          fmt::format("{} not taken, {}", run_.tries_untaken, show_duration(run_.untaken));
      if (run_.untaken_tokens) cost += fmt::format(", {} tokens", show_count(*run_.untaken_tokens));
      if (run_.untaken_cost) cost += fmt::format(", {}", show_usd(*run_.untaken_cost));
      event("tries", cost, "others were picked, or they were not good");
    }
    if (run_.lost > Duration{}) {
      const std::string tokens =
          run_.lost_tokens ? fmt::format(" and {} tokens", show_count(*run_.lost_tokens)) : "";
      event("redone", show_duration(run_.lost) + tokens, "outdated by other tasks' changes");
    }
    if (run_.sequential <= Duration{}) return;
    event("sequentially", show_duration(one_by_one()),
          run_.one_by_one ? "replayed one by one, as long as each task really took"
                          : "sum of task times");
    draw_saved();
    if (!run_.hindsight.empty()) event("in hindsight", run_.hindsight);
  }

  Duration one_by_one() const { return run_.one_by_one.value_or(run_.sequential); }

  /// Time of people is not the pattern's, so it counts on neither side. Where attempts failed or
  /// quotas held the run up, one by one would have taken longer than the sum of what succeeded:
  /// then a loss is not known, and none is told.
  void draw_saved() {
    const bool over = run_.ended == RunEnded::How::finished || run_.ended == RunEnded::How::failed;
    if (!over) return;
    const Duration saved = one_by_one() - (run_.elapsed - run_.stood);
    const bool is_loss_known =
        run_.one_by_one ||
        (run_.failed_work == Duration{} && run_.lost == Duration{} &&
         run_.waited.quota == Duration{} && run_.models.waited_quota == Duration{});
    if (saved > Duration{}) {
      event("saved", show_duration(saved),
            show_percent(to_seconds(saved), to_seconds(one_by_one())));
    } else if (is_loss_known) {
      event("saved", "no time",
            is_slower(-saved) ? fmt::format("{} slower than sequentially", show_duration(-saved))
                              : "");
    }
  }

  /// A replay is right to some percent only.
  bool is_slower(Duration by) const {
    constexpr std::int64_t kTwentieth = 20;
    return is_known(by) && (!run_.one_by_one || by * kTwentieth > run_.elapsed);
  }

  /// Shorter is noise.
  static bool is_known(Duration time) { return time >= std::chrono::milliseconds(1); }

  void draw_spent() {
    if (!run_.models.any && !run_.tokens && !run_.cost) {
      event("tokens", "none", "no model was asked");
      return;
    }
    const std::string_view part = "at least: not all was told";
    const std::string_view more = run_.models.all_known ? "" : part;
    const std::string_view more_cost = run_.models.cost_known ? "" : part;
    event("tokens", run_.tokens ? show_count(*run_.tokens) : "unknown", run_.tokens ? more : "");
    event("cost", run_.cost ? show_usd(*run_.cost) : "unknown",
          run_.cost ? more_cost : "the provider told none and the model has no known price");
    draw_models();
  }

  /// What was asked of models, and what that took beside the work itself.
  void draw_models() {
    const RunStatus::Models& models = run_.models;
    if (models.calls + models.refused == 0) return;
    std::string remark;
    const auto add = [&remark](const std::string& words) {
      remark += (remark.empty() ? "" : ", ") + words;
    };
    if (models.refused > 0) add(fmt::format("{} not answered", models.refused));
    if (models.again > 0) add(fmt::format("{} sent again", models.again));
    if (models.replayed > 0) add(fmt::format("{} from a recording", models.replayed));
    if (models.waited_quota > Duration{})
      add(fmt::format("waited {} for quotas", show_duration(models.waited_quota)));
    if (models.waited_lead > Duration{})
      add(fmt::format("{} for a prompt cache", show_duration(models.waited_lead)));
    event("calls", fmt::format("{}", models.calls), remark);
    if (models.saved && *models.saved != 0) event("cache saved", show_usd(*models.saved));
    if (models.overhead && run_.tokens && *run_.tokens > 0) {
      event("overhead",
            fmt::format("{} tokens ({})", show_count(*models.overhead),
                        show_percent(static_cast<double>(*models.overhead),
                                     static_cast<double>(*run_.tokens))),
            "to start agents and return answers");
    }
  }

  void draw_waited() {
    const engine::WaitedTime& waited = run_.waited;
    const std::array<std::pair<std::string_view, Duration>, 6> reasons{
        {{"needs", waited.needs},
         {"conflict", waited.conflict},
         {"quota", waited.quota},
         {"slot", waited.slot},
         {"gate", waited.gate},
         {"back-off", waited.backoff}}};
    std::size_t widest = 0;
    for (const auto& [reason, time] : reasons) {
      if (is_known(time)) widest = std::max(widest, show_duration(time).size());
    }
    std::string_view label = "waited for";
    for (const auto& [reason, time] : reasons) {
      if (!is_known(time)) continue;
      event(std::exchange(label, ""),
            fmt::format("{:<8}  {:>{}}", reason, show_duration(time), widest));
    }
  }

  void draw_promise() {
    std::string_view label = "isolation";
    for (const RunStatus::Held& one : run_.held) {
      event(std::exchange(label, ""), one.isolation,
            fmt::format("{} task{}: {}", one.tasks, one.tasks == 1 ? "" : "s", one.words));
    }
  }

  /// Whether they are the attempt's, or will ever be gone, a person has to see.
  void draw_unproven() {
    std::string_view label = "not gone";
    for (const auto& [task, process] : run_.unproven) {
      event(std::exchange(label, ""), task, fmt::format("{} could not be proven gone", process));
    }
  }

  void draw_failures() {
    constexpr std::size_t kLinesAFailure = 2;
    constexpr std::size_t kRowsForTheRest = 4;
    const std::size_t rows_left =
        size_.rows - std::min(size_.rows, lines_.size() + kRowsForTheRest);
    const std::size_t most = std::max<std::size_t>(3, rows_left / kLinesAFailure);
    std::size_t shown = 0;
    for (const TaskStatus& task : run_.tasks) {
      if (task.state != TaskState::failed || shown == most) continue;
      draw_failure(task);
      ++shown;
    }
    if (run_.failed > shown) {
      const std::string more = fmt::format("+ {} more failed: ", run_.failed - shown);
      lines_.push_back(line().gap(kGap).add(more).add(command("show")).text());
    }
    for (const auto& [name, why] : run_.merges_failed) {
      Line what(size_.columns * kRowsForReason, style_);
      what.gap(kGap).add(signs_of(style_).failed, Ink::bad).gap(1);
      what.add(fmt::format("merge `{}`", name), Ink::strong).gap(kGap);
      lines_.push_back(what.add(why, Ink::bad).text());
    }
  }

  void draw_failure(const TaskStatus& task) {
    Line what(size_.columns * kRowsForReason, style_);
    what.gap(kGap)
        .add(signs_of(style_).failed, Ink::bad)
        .gap(1)
        .add(task.id, Ink::strong)
        .gap(kGap);
    lines_.push_back(what.add(task.detail, Ink::bad).text());
    Line look = line();
    lines_.push_back(look.gap(kGap + kGap).add(command("log", task.id), Ink::faint).text());
  }

  void draw_next() {
    const bool at_limit = run_.ended == RunEnded::How::limit_reached;
    const bool goes_on = at_limit || run_.ended == RunEnded::How::paused_at_gate ||
                         run_.ended == RunEnded::How::interrupted;
    if (run_.ended == RunEnded::How::failed && run_.failed + run_.cancelled > 0) {
      lines_.push_back(line()
                           .gap(kGap)
                           .add("run again what failed: ")
                           .add(command("retry"), Ink::strong)
                           .text());
    }
    if (!goes_on) return;
    if (at_limit && !run_.stopping.empty()) say(kGap, run_.stopping, Ink::ask);
    if (!run_.attention.empty()) say(kGap, run_.attention, Ink::ask);
    const std::string go_on = run_.go_on.empty() ? command("resume") : run_.go_on;
    lines_.push_back(line().gap(kGap).add("go on with: ").add(go_on, Ink::strong).text());
  }

  std::string command(std::string_view verb, std::string_view task = {}) const {
    std::string text = fmt::format("interlock {} {}", verb, shell_quote(run_.run));
    if (!task.empty()) text += " " + shell_quote(task);
    return text;
  }

  const RunStatus& run_;
  Size size_;
  Style style_;
  bool wraps_;
  std::vector<std::string> lines_;
};

}  // namespace

std::vector<std::string> draw_summary(const RunStatus& run, Size size, Style style, bool wraps) {
  return Summary(run, size, style, wraps).draw();
}

}  // namespace interlock::panel
