#include "report/run_html.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <ranges>

#include "base/percent.h"
#include "base/text.h"
#include "changes/path_text.h"
#include "report/markup.h"
#include "report/time_scale.h"

namespace interlock::report {
namespace {

using engine::TaskState;

std::string svg(const std::string& inside) {
  return fmt::format(
      "<svg viewBox=\"0 0 {:.0f} 10\" preserveAspectRatio=none aria-hidden=true>{}</svg>",
      TimeScale::kWidth, inside);
}

std::string sample_of(Span::Kind kind) {
  return fmt::format("<li>{}{}</li>",
                     svg(fmt::format("<path class={} d=\"M0 5H10000\"/>",
                                     static_cast<char>('a' + static_cast<int>(kind)))),
                     kind < Span::Kind::pending ? fmt::format("waits: {}", name_of(kind))
                                                : std::string(name_of(kind)));
}

std::string list_of(const std::vector<std::string>& texts) {
  std::string made;
  for (const std::string& one : texts) made += fmt::format("<li>{}</li>", html_prose(one));
  return made.empty() ? "" : "<ul>" + made + "</ul>\n";
}

std::string tile(std::string_view name, std::string_view value, std::string_view remark = {}) {
  return fmt::format("<div><dt>{}</dt><dd>{}{}</dd></div>\n", html_text(name), html_text(value),
                     remark.empty() ? "" : fmt::format("<small>{}</small>", html_text(remark)));
}

/// `of 12 paths: a, b`
std::string paths_text(const ConflictRow& row) {
  return row.count > row.paths.size()
             ? fmt::format("{} and {} more", join_words(row.paths, row.paths.size()),
                           row.count - row.paths.size())
             : join_words(row.paths, row.paths.size());
}

/// Writes the document from top to bottom.
class Document {
 public:
  explicit Document(const RunRecord& run) : run_(run), status_(run.status), scale_(run) {}

  std::string text() && {
    write_head();
    write_top();
    write_decision();
    write_tasks();
    write_waits();
    write_conflicts();
    write_retries();
    write_outputs();
    text_ += board_html(run_);
    text_ += messages_html(run_);
    write_failures();
    add("<footer>Made by Interlock from the run's journal. Everything in it: <code>interlock show "
        "{0} --json</code>, <code>interlock log {0}</code>, <code>interlock why {0} "
        "TASK</code>.</footer>\n</body>\n</html>\n",
        html_text(shell_quote(run_.id)));
    return std::move(text_);
  }

 private:
  template <typename... T>
  void add(fmt::format_string<T...> format, T&&... values) {
    fmt::format_to(std::back_inserter(text_), format, std::forward<T>(values)...);
  }

  void write_head() {
    const Digest style = digest_of(report_style());
    const std::string hash =
        changes::base64_of({reinterpret_cast<const char*>(style.bytes.data()), style.bytes.size()});
    add("<!doctype html>\n<html lang=en>\n<head>\n<meta charset=utf-8>\n"
        "<meta name=viewport content=\"width=device-width,initial-scale=1\">\n"
        "<meta http-equiv=Content-Security-Policy content=\"default-src 'none'; style-src "
        "'sha256-{}'; base-uri 'none'; form-action 'none'\">\n"
        "<meta name=referrer content=no-referrer>\n<title>{} - {}</title>\n<style>{}</style>\n"
        "</head>\n<body>\n",
        hash, html_text(status_.plan_name), html_text(run_.id), report_style());
  }

  void write_top() {
    add("<h1>{}</h1>\n<p class=lead>{}</p>\n", html_text(status_.plan_name),
        html_text(headline_of(run_)));
    add("<p class=meta>run <span class=id>{}</span> in <span class=id>{}</span>, began {}, {}",
        html_text(run_.id), html_text(run_.workspace), show_time(run_.began).substr(0, 19),
        html_text(run_.state));
    if (!status_.digest.empty())
      add(", digest <span class=id>{}</span>", html_text(status_.digest));
    add("</p>\n<dl class=tiles>\n");
    text_ += tile("took", show_duration(status_.elapsed),
                  status_.stood > std::chrono::milliseconds(1)
                      ? show_duration(status_.stood) + " of it waiting for a person"
                      : status_.pattern);
    const std::string saving = saving_text(run_);
    if (!saving.empty()) {
      text_ += tile("one by one", show_duration(status_.one_by_one.value_or(status_.sequential)),
                    status_.one_by_one ? "replayed with the times it took" : "sum of task times");
      const std::size_t share = saving.find(" (");
      text_ +=
          tile("saved", saving.substr(0, share),
               share == saving.npos ? "" : saving.substr(share + 2, saving.size() - share - 3));
    }
    text_ += tile("tokens", tokens_text(status_));
    text_ += tile("cost", cost_text(status_));
    if (status_.models.overhead && status_.tokens && *status_.tokens > 0) {
      text_ += tile("overhead", show_count(*status_.models.overhead) + " tokens",
                    show_percent(static_cast<double>(*status_.models.overhead),
                                 static_cast<double>(*status_.tokens)) +
                        " to start agents and return answers");
    }
    text_ += tile("tasks done", fmt::format("{} of {}", status_.done, status_.total),
                  status_.reused > 0 ? fmt::format("{} reused", status_.reused) : "");
    if (status_.failed > 0) text_ += tile("failed", fmt::format("{}", status_.failed));
    if (!run_.conflicts.empty())
      text_ += tile("conflicts", fmt::format("{}", run_.conflicts.size()));
    text_ += "</dl>\n";
    for (const auto& [task, process] : status_.unproven)
      add("<p class=bad>Left by <span class=id>{}</span>: {} could not be proven gone.</p>\n",
          html_text(task), html_text(process));
  }

  void write_decision() {
    text_ += "<section>\n<h2>What was decided</h2>\n";
    if (!run_.decided) {
      add("<p>{}. Why, and what was foretold, was not kept by the version that made this "
          "run.</p>\n</section>\n",
          html_text(status_.pattern));
      return;
    }
    const runs::DecisionRecord& decided = *run_.decided;
    add("<p><strong>{}</strong></p>\n", html_text(decided.pattern));
    text_ += list_of(decided.reasons);
    text_ +=
        "<div class=scroll><table class=ways><thead><tr><th>way<th>foretold<th class=n>half of the "
        "time within<th class=n>9 in 10<th class=n>tokens<th class=n>cost</tr></thead><tbody>\n";
    Duration most(1);
    const auto late = [](const runs::DecisionRecord::Way& way) {
      return way.p90.value_or(way.elapsed) + way.join;
    };
    for (const auto& way : decided.ways) most = std::max(most, late(way));
    most = std::max(most, status_.elapsed - status_.stood);
    for (const auto& way : decided.ways) write_way(way, most);
    const double real = part_of(status_.elapsed - status_.stood, most);
    add("<tr><td><strong>what it took</strong><td>{}<td class=n>{}<td><td class=n>{}<td "
        "class=n>{}</tr>\n</tbody></table></div>\n",
        svg(fmt::format("<path class=v d=\"M0 5H{:.0f}\"/>", real)),
        show_duration(status_.elapsed - status_.stood), tokens_text(status_), cost_text(status_));
    text_ += "<ul>\n";
    for (const auto& test : decided.tests) {
      add("<li>{}: <strong class={}>{}</strong>{}{}</li>\n", html_text(test.name),
          test.holds ? "good" : "bad", test.holds ? "yes" : "no", test.why.empty() ? "" : ", ",
          html_prose(test.why));
    }
    text_ += "</ul>\n";
    write_texts("What would let more overlap", decided.changes);
    write_texts("Warnings", decided.warnings);
    write_texts("Not in any forecast", decided.not_counted);
    if (!status_.hindsight.empty())
      add("<p><strong>In hindsight:</strong> {}</p>\n", html_text(status_.hindsight));
    text_ += "</section>\n";
  }

  static double part_of(Duration time, Duration most) {
    return TimeScale::kWidth * static_cast<double>(time.count()) /
           static_cast<double>(most.count());
  }

  void write_way(const runs::DecisionRecord::Way& way, Duration most) {
    const Duration half = way.p50.value_or(way.elapsed) + way.join;
    const Duration late = way.p90.value_or(way.elapsed) + way.join;
    std::string bar = fmt::format("<path class={} d=\"M0 5H{:.0f}\"/>", way.chosen ? "x" : "w",
                                  part_of(half, most));
    if (late > half)
      bar += fmt::format("<path class=v d=\"M{:.0f} 5H{:.0f}\"/>", part_of(half, most),
                         part_of(late, most));
    const bool wide = way.n > 1;
    add("<tr><td>{}{}{}{}<td>{}<td class=n>{}<td class=n>{}<td class=n>{}<td class=n>{}</tr>\n",
        way.chosen ? "<strong>" : "", html_text(way.name), wide ? fmt::format(" of {}", way.n) : "",
        way.chosen ? "</strong>, chosen" : "", svg(bar), show_duration(half),
        way.p90 ? show_duration(late) : "-", tokens_text(way), cost_text(way));
  }

  void write_texts(std::string_view title, const std::vector<std::string>& texts) {
    if (!texts.empty()) add("<h3>{}</h3>\n{}", title, list_of(texts));
  }

  void write_tasks() {
    const auto rows = rows_to_show(run_, kTasksInReport);
    text_ += "<section>\n<h2>What happened</h2>\n<ul class=key>";
    for (int kind = 0; kind <= static_cast<int>(Span::Kind::running); ++kind) {
      const bool seen = std::ranges::any_of(run_.tasks, [&](const TaskRow& row) {
        return std::ranges::any_of(
            row.spans, [&](const Span& one) { return one.kind == static_cast<Span::Kind>(kind); });
      });
      if (seen) text_ += sample_of(static_cast<Span::Kind>(kind));
    }
    text_ += "<li><span class=crit></span> what the end hung on</li></ul>\n";
    for (const auto& one : scale_.shortened())
      add("<p class=meta>Shortened on the axis: {} in which nothing ran, {} after the "
          "beginning.</p>\n",
          show_duration(one.length), show_duration(one.after));
    text_ += "<table class=t><thead><tr><th>task<th><span class=axis>";
    constexpr std::array kTicks{0.0, 0.25, 0.5, 0.75, 1.0};
    for (const double tick : kTicks) add("<span>{}</span>", show_duration(scale_.at(tick)));
    text_ += "</span><th class=n>took<th class=n>tokens<th class=n>cost</tr></thead><tbody>\n";
    for (const TaskRow* row : rows) write_task(*row);
    text_ += "</tbody></table>\n";
    if (rows.size() < run_.tasks.size())
      add("<p class=meta>Listed are the {} that failed, waited for approval or took longest, of "
          "{}; "
          "<code>interlock show {} --json</code> has all.</p>\n",
          rows.size(), run_.tasks.size(), html_text(shell_quote(run_.id)));
    text_ += "</section>\n";
  }

  void write_task(const TaskRow& row) {
    std::string about;
    if (row.state != TaskState::done) about = std::string(name_of(row.state));
    if (!row.remark.empty()) about += (about.empty() ? "" : ": ") + row.remark;
    constexpr std::size_t kRemarkMost = 160;
    add("<tr><td><span class=\"id{}\">{}</span>{}<td>{}<td class=n>{}<td class=n>{}<td "
        "class=n>{}\n",
        row.critical ? " crit" : "", html_text(elide_middle(row.id, 80)),
        about.empty() ? ""
                      : fmt::format("<span class=\"why{}\">{}</span>",
                                    row.state == TaskState::failed ? " bad" : "",
                                    html_text(elide_end(printable(about), kRemarkMost))),
        svg(spans_svg(row, scale_)), row.elapsed ? show_duration(*row.elapsed) : "-",
        tokens_text(row), cost_text(row));
  }

  void write_waits() {
    const engine::WaitedTime& waited = status_.waited;
    const std::array<std::pair<std::string_view, Duration>, 6> reasons{
        {{"what others had to do first (needs)", waited.needs},
         {"files others worked on (conflict)", waited.conflict},
         {"a quota", waited.quota},
         {"a free slot", waited.slot},
         {"a person (gate)", waited.gate},
         {"a pause before a retry (back-off)", waited.backoff}}};
    std::string rows;
    for (const auto& [reason, time] : reasons) {
      if (time >= std::chrono::milliseconds(1))
        rows += fmt::format("<tr><td>{}<td class=n>{}</tr>\n", reason, show_duration(time));
    }
    const auto& models = status_.models;
    if (models.waited_quota > Duration{})
      rows += fmt::format("<tr><td>a quota, in model calls<td class=n>{}</tr>\n",
                          show_duration(models.waited_quota));
    if (models.waited_lead > Duration{})
      rows += fmt::format("<tr><td>a prompt cache that another call filled<td class=n>{}</tr>\n",
                          show_duration(models.waited_lead));
    if (rows.empty()) return;
    add("<section>\n<h2>What tasks waited for</h2>\n<table><thead><tr><th>for<th class=n>all tasks "
        "together</tr></thead><tbody>\n{}</tbody></table>\n</section>\n",
        rows);
  }

  void write_conflicts() {
    if (run_.conflicts.empty()) return;
    text_ +=
        "<section>\n<h2>Conflicts, and how they ended</h2>\n<div "
        "class=scroll><table><thead><tr><th>"
        "task<th>with<th>on<th>ended</tr></thead><tbody>\n";
    for (const ConflictRow& row : run_.conflicts | std::views::take(kTasksInReport)) {
      const std::string with = !row.by.empty() ? join_words(row.by)
                               : !row.detail.empty() || row.is_merged
                                   ? "others of the run"
                                   : "somebody outside of the run";
      add("<tr><td class=id>{}#{}<td class=id>{}<td class=id>{}<td>{}</tr>\n", html_text(row.task),
          row.attempt, html_text(with),
          row.detail.empty() ? html_text(paths_text(row)) : html_prose(row.detail),
          html_text(row.ending));
    }
    text_ += "</tbody></table></div>\n</section>\n";
  }

  void write_retries() {
    std::string rows;
    for (const TaskRow* row : rows_to_show(run_, kTasksInReport)) {
      std::vector<std::string> ways;
      for (const Span& span : row->spans) {
        if (span.is_attempt())
          ways.push_back(fmt::format("#{} {} after {}", span.attempt, name_of(span.kind),
                                     show_duration(span.to - span.from)));
      }
      if (ways.size() < 2) continue;
      rows += fmt::format("<tr><td class=id>{}<td>{}</tr>\n", html_text(row->id),
                          html_text(join_words(ways, 12)));
    }
    if (rows.empty()) return;
    add("<section>\n<h2>Tried more than once</h2>\n<table><thead><tr><th>task<th>attempts</tr></"
        "thead><tbody>\n{}</tbody></table>\n</section>\n",
        rows);
  }

  void write_outputs() {
    if (run_.outputs.empty()) return;
    text_ += "<section>\n<h2>What came of it</h2>\n";
    for (const OutputRow& row : run_.outputs) {
      add("<h3>{} <span class=id>{}</span></h3>\n", row.kind, html_text(row.name));
      if (!row.failure.empty()) add("<p class=bad>{}</p>\n", html_text(row.failure));
      if (!row.digest) {
        if (row.failure.empty()) text_ += "<p>Not made yet.</p>\n";
        continue;
      }
      add("<p class=meta>{} bytes, SHA-256 <span class=id>{}</span></p>\n", row.bytes,
          row.digest->hex());
      if (!row.text.empty()) add("<pre>{}</pre>\n", html_lines(row.text));
      if (row.text.size() < row.bytes)
        add("<p class=meta>{}: <code>interlock output {} {}</code></p>\n",
            row.text.empty() ? "Not shown here" : "The rest", html_text(shell_quote(run_.id)),
            html_text(shell_quote(row.name)));
    }
    text_ += "</section>\n";
  }

  void write_failures() {
    if (run_.failures.empty()) return;
    text_ += "<section>\n<h2>Failures</h2>\n";
    for (const FailureLog& one : run_.failures) {
      add("<h3 class=id>{}</h3>\n<p class=bad>{}</p>\n", html_text(one.task), html_text(one.why));
      if (!one.lines.empty()) add("<pre>{}</pre>\n", html_lines(one.lines));
      if (one.lines.empty() && one.attempt > 0) text_ += "<p class=meta>It printed nothing.</p>\n";
      if (one.is_cut)
        add("<p class=meta>What it printed before: <code>interlock log {} {}</code></p>\n",
            html_text(shell_quote(run_.id)), html_text(shell_quote(one.task)));
    }
    if (status_.failed > run_.failures.size())
      add("<p>And {} more that failed.</p>\n", status_.failed - run_.failures.size());
    text_ += "</section>\n";
  }

  const RunRecord& run_;
  const engine::RunStatus& status_;
  TimeScale scale_;
  std::string text_;
};

}  // namespace

std::vector<const TaskRow*> rows_to_show(const RunRecord& run, std::size_t most) {
  std::vector<const TaskRow*> rows;
  for (const TaskRow& row : run.tasks) rows.push_back(&row);
  if (rows.size() <= most) return rows;
  const auto rank = [](const TaskRow* row) {
    const bool urgent = row->state == TaskState::failed || row->state == TaskState::reviewing;
    return std::pair(urgent ? 0 : 1, -row->elapsed.value_or(Duration{}).count());
  };
  std::ranges::stable_sort(rows, {}, rank);
  rows.resize(most);
  std::ranges::sort(rows, {}, [](const TaskRow* row) { return row->task; });
  return rows;
}

std::string saving_text(const RunRecord& run) {
  using engine::RunEnded;
  const auto ended = run.status.ended;
  if (ended != RunEnded::How::finished && ended != RunEnded::How::failed) return {};
  if (run.status.sequential <= Duration{}) return {};
  const auto saved = saved_by(run.status);
  if (!saved) return "not known";
  const Duration whole = run.status.one_by_one.value_or(run.status.sequential);
  if (*saved <= Duration{}) return "no time";
  return fmt::format("{} ({})", show_duration(*saved),
                     show_percent(to_seconds(*saved), to_seconds(whole)));
}

std::string headline_of(const RunRecord& run) {
  const engine::RunStatus& status = run.status;
  std::string text = fmt::format("{}{} after {}: {} of {} task{} done", status.ended ? "" : "Now ",
                                 run.state, show_duration(status.elapsed), status.done,
                                 status.total, status.total == 1 ? "" : "s");
  const auto count = [&](std::uint32_t number, std::string_view what) {
    if (number > 0) text += fmt::format(", {} {}", number, what);
  };
  count(status.failed, "failed");
  count(status.skipped, "skipped");
  count(status.cancelled, "cancelled");
  count(status.running, "running");
  if (!text.empty() && text.front() >= 'a' && text.front() <= 'z')
    text.front() = static_cast<char>(text.front() - 'a' + 'A');
  const std::string saving = saving_text(run);
  if (!saving.empty() && saving != "not known")
    text += fmt::format("; {} saved against one by one", saving);
  return text + ".";
}

std::string tokens_text(const runs::DecisionRecord::Way& way) {
  if (!way.tokens) return "unknown";
  return *way.tokens == 0 ? "none" : show_count(*way.tokens);
}

std::string cost_text(const runs::DecisionRecord::Way& way) {
  if (way.tokens == 0 && way.cost.value_or(0) == 0) return "none";
  return way.cost ? show_usd(*way.cost) : "unknown";
}

namespace {

bool is_model_asked(const engine::RunStatus& status) {
  return status.models.any || status.tokens || status.cost;
}

}  // namespace

std::string tokens_text(const engine::RunStatus& status) {
  if (!is_model_asked(status)) return "none";
  if (!status.tokens) return "unknown";
  return (status.models.all_known ? "" : "at least ") + show_count(*status.tokens);
}

std::string cost_text(const engine::RunStatus& status) {
  if (!is_model_asked(status)) return "none";
  if (!status.cost) return "unknown";
  return (status.models.cost_known ? "" : "at least ") + show_usd(*status.cost);
}

std::string run_html(const RunRecord& run) { return Document(run).text(); }

}  // namespace interlock::report
