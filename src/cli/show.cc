#include <fmt/format.h>
#include <unistd.h>

#include "base/text.h"
#include "cli/commands.h"
#include "cli/keyboard.h"
#include "cli/watching.h"
#include "panel/panel.h"
#include "panel/screen.h"
#include "panel/summary.h"
#include "process/clock.h"
#include "report/run_report.h"
#include "runs/hindsight.h"
#include "runs/observed_footprints.h"
#include "runs/opened_run.h"
#include "web/watched_run.h"

namespace interlock::cli {

namespace {

panel::Size size_of_output(const Console& console) {
  return console.out().is_terminal ? panel::Screen(STDOUT_FILENO).size() : panel::Size{160, 100};
}

/// How a run in the list stands, without reading all of it.
std::string state_of(const journal::RunSummary& run, bool alive) {
  if (run.ended) return runs::ended_text(run.ended->how);
  return alive ? "running" : run.events == 0 ? "never began" : "died";
}

struct Listed {
  journal::RunSummary run;
  bool is_alive = false;
};

/// Where there is no journal yet there are no runs, which is no error.
Result<std::vector<Listed>> listed(const Context& context, const RunsOptions& options) {
  auto store = runs::open_store(context.place(), journal::Access::read);
  if (!store && store.error().kind == Error::Kind::missing) return {};
  if (!store) return std::unexpected(store.error());
  journal::RunFilter filter;
  filter.most = options.most;
  if (options.here) filter.folder = context.where.folder;
  auto runs = (*store)->runs(filter);
  if (!runs) return std::unexpected(runs.error());
  std::vector<Listed> list;
  for (journal::RunSummary& run : *runs) {
    const auto holder =
        run.ended ? Result<std::optional<journal::Holder>>() : (*store)->holder_of_run(run.id);
    if (!holder) return std::unexpected(holder.error());
    list.push_back({std::move(run), holder->has_value()});
  }
  return list;
}

Result<Exit> show_suggestions(const Context& context, journal::Store& store,
                              const runs::ChosenRun& run) {
  const auto all = runs::suggestions_of(store, run);
  if (!all) return std::unexpected(all.error());
  if (context.json) {
    context.console.result(pretty_json(runs::suggestions_json(run, *all)));
    return Exit::done;
  }
  if (all->known.empty()) {
    return fail(Error::Kind::missing, fmt::format("nothing of run {} was observed", run.id()),
                "run the plan with `--isolation view`");
  }
  context.console.result(runs::suggestions_text(run.plan(), *all));
  for (const std::string& one : all->unknown) context.console.remark("note: " + one);
  return Exit::done;
}

/// Draws the run again and again, as its dispatcher's own terminal does.
class Follower {
 public:
  Follower(const Context& context, journal::Store& store, web::WatchedRun& watched)
      : context_(context),
        store_(store),
        watched_(watched),
        screen_(STDERR_FILENO),
        watching_(store, runs::log_folder(context.state_folder, watched.run().id())) {}

  Result<Exit> follow() {
    process::SystemClock clock;
    for (;;) {
      if (auto read = watched_.refresh(store_, clock.now()); !read)
        return std::unexpected(read.error());
      const runs::ChosenRun& run = watched_.run();
      const engine::RunStatus view = watched_.status(clock.now());
      if (!run.dispatched()) return finish();
      if (context_.keys && Keyboard::was_stopped()) screen_.begin_anew();
      if (context_.keys && watching_.take_keys(run, run.state)) return leave(run);
      const panel::Style style = context_.console.err().style();
      const panel::Size size = screen_.size();
      const auto drawn =
          screen_.draw({}, context_.keys ? watching_.draw(run, run.state, view, size, style)
                                         : panel::draw_panel(view, size, style));
      if (!drawn) return std::unexpected(drawn.error());
      if (!process::sleep_unless_asked_to_end(kFrame)) {
        static_cast<void>(screen_.finish({}));
        return Exit::interrupted;
      }
    }
  }

 private:
  static constexpr Duration kFrame = std::chrono::milliseconds(200);

  /// Its last events may have come after it was last read.
  Result<Exit> finish() {
    process::SystemClock clock;
    if (auto read = watched_.refresh(store_, clock.now()); !read)
      return std::unexpected(read.error());
    const runs::ChosenRun& run = watched_.run();
    engine::RunStatus view = watched_.status(clock.now());
    runs::show_kept_hindsight(run, store_, view);
    static_cast<void>(screen_.finish(
        panel::draw_summary(view, screen_.size(), context_.console.err().style(), true)));
    return Exit::done;
  }
  Result<Exit> leave(const runs::ChosenRun& run) {
    static_cast<void>(screen_.finish({}));
    context_.console.remark(fmt::format("it goes on: `interlock show -f {}`", run.id()));
    return Exit::done;
  }

  const Context& context_;
  journal::Store& store_;
  web::WatchedRun& watched_;
  panel::Screen screen_;
  Watching watching_;
};

Result<Exit> follow(const Context& context, const std::string& name) {
  // What keys ask for is written where the run is kept.
  const auto named =
      runs::open_named(context.place(), context.where, name,
                       context.keys ? journal::Access::write : journal::Access::read);
  if (!named) return std::unexpected(named.error());
  const auto& [store, id] = *named;
  auto watched = web::WatchedRun::open(*store, id);
  if (!watched) return std::unexpected(watched.error());
  return Follower(context, *store, **watched).follow();
}

}  // namespace

Result<Exit> show_command(const Context& context, const std::string& name, bool suggest) {
  auto opened = runs::open_run(context.place(), context.where, name);
  if (!opened) return std::unexpected(opened.error());
  const auto& [store, run] = *opened;
  if (suggest) return show_suggestions(context, *store, *run);
  process::SystemClock clock;
  engine::RunStatus view = runs::view_from_outside(*run, clock.now());
  runs::show_kept_hindsight(*run, *store, view);
  const Time now = clock.now();
  const auto windows = runs::login_windows(*run, context.state_folder, now);
  if (context.json) {
    context.console.result(pretty_json(report::run_json(*run, view, *store, windows)));
  } else {
    std::vector<std::string> left;
    if (!run->state.ended)
      for (const runs::LoginWindow& one : windows) left.push_back(runs::window_text(one, now));
    context.console.result(report::run_text(*run, view, left, size_of_output(context.console),
                                            context.console.out().style()));
  }
  return Exit::done;
}

Result<Exit> follow_command(const Context& context, const std::string& name) {
  if (!context.console.err().moves_cursor)
    return fail(Error::Kind::invalid, "there is no terminal to draw on",
                "`interlock events -f` and `interlock log -f` print lines");
  if (!Keyboard::is_there(context.console)) return follow(context, name);
  return with_keys(context, [&](const Context& own) { return follow(own, name); });
}

Result<Exit> runs_command(const Context& context, const RunsOptions& options) {
  auto runs = listed(context, options);
  if (!runs) return std::unexpected(runs.error());
  json::array list;
  std::string text;
  for (const auto& [run, is_alive] : *runs) {
    const std::string state = state_of(run, is_alive);
    list.push_back(json::object{
        {"run", run.id},
        {"plan", run.plan_name},
        {"file", run.plan_file},
        {"workspace", run.workspace},
        {"state", state},
        {"created", show_time(run.created)},
        {"last", run.last ? json::value(show_time(*run.last)) : json::value(nullptr)}});
    text +=
        fmt::format("{}  {}  {}  {}  {}\n", pad(run.id, 15), show_time(run.created).substr(0, 19),
                    pad(state, 15), pad(elide_middle(printable(run.plan_name), 24), 24),
                    printable(run.workspace));
  }
  if (context.json) {
    context.console.result(pretty_json(json::object{{"version", 1}, {"runs", std::move(list)}}));
  } else {
    context.console.result(text);
    if (runs->empty()) context.console.remark("no runs yet: `interlock run PLAN` makes one");
  }
  return Exit::done;
}

}  // namespace interlock::cli
