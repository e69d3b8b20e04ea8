#include <fmt/format.h>
#include <poll.h>

#include <boost/json/serialize.hpp>

#include "base/json.h"
#include "base/text.h"
#include "cli/asking.h"
#include "cli/queue.h"
#include "process/clock.h"

// `pause`, `set` and `wait`: what is asked of a run while it goes on, and waiting for it.
namespace interlock::cli {

namespace {

using engine::TaskState;

bool is_over(const runs::ChosenRun& run) {
  return run.state.ended && *run.state.ended != engine::RunEnded::How::interrupted &&
         *run.state.ended != engine::RunEnded::How::paused_at_gate &&
         *run.state.ended != engine::RunEnded::How::limit_reached;
}

Result<void> check_not_over(const runs::ChosenRun& run) {
  if (!is_over(run)) return {};
  return fail(Error::Kind::refused,
              fmt::format("{} is over: {}", runs::whole_name(run), runs::state_text(run)));
}

/// One of `parallel=2`, `tokens=800k`, `usd=5`, `on_quota=wait`.
Result<void> read_setting(const std::string& setting, json::object& body) {
  const std::size_t equals = setting.find('=');
  const std::string key = setting.substr(0, equals);
  const std::string value = equals == setting.npos ? std::string() : setting.substr(equals + 1);
  std::optional<std::int64_t> number;
  if (key == "on_quota") {
    if (value != "wait" && value != "stop")
      return fail(Error::Kind::invalid,
                  fmt::format("`{}` is not a value for `on_quota`", printable(value)),
                  "`on_quota=wait` sleeps over a quota that is used up, `on_quota=stop` does not");
    body[key] = value;
    return {};
  }
  if (key == "parallel") {
    number = parse_count(value);
    if (number && (*number < 1 || *number > 1024)) number.reset();
  } else if (key == "tokens") {
    number = parse_count(value);
  } else if (key == "usd") {
    number = parse_usd(value);
  } else {
    return fail(Error::Kind::invalid,
                fmt::format("`{}` cannot be set while a run goes on", printable(key)),
                "what can: `parallel=2`, `tokens=800k`, `usd=5.00`, `on_quota=wait`");
  }
  if (!number || *number < 1)
    return fail(Error::Kind::invalid,
                fmt::format("`{}` is not a value for `{}`", printable(value), key),
                "such as `parallel=2` (up to 1024), `tokens=800k`, `usd=5.00`");
  body[key] = *number;
  return {};
}

}  // namespace

Result<Exit> pause_command(const Context& context, const std::string& name, bool calls) {
  auto asked = open_for_asking(context, name);
  if (!asked) return std::unexpected(asked.error());
  if (auto able = check_not_over(*asked->run); !able) return std::unexpected(able.error());
  if (auto done = ask(*asked, engine::Request::Kind::hold, {}, calls ? "calls" : ""); !done)
    return std::unexpected(done.error());
  report(
      context, *asked->run, "paused", {},
      fmt::format("asked to pause {}: nothing more starts{}; `interlock resume {}` lets it go on",
                  runs::whole_name(*asked->run), calls ? ", and no model call is sent" : "",
                  asked->run->id()));
  return Exit::done;
}

Result<Exit> set_command(const Context& context, const std::string& word,
                         const std::vector<std::string>& given) {
  // The run may be left out.
  const bool is_setting = word.contains('=');
  const std::string name = is_setting ? std::string() : word;
  std::vector<std::string> settings = given;
  if (is_setting) settings.insert(settings.begin(), word);
  json::object body;
  for (const std::string& one : settings) {
    if (auto read = read_setting(one, body); !read) return std::unexpected(read.error());
  }
  if (body.empty())
    return fail(Error::Kind::invalid, "nothing is set",
                "such as `interlock set last parallel=2 tokens=800k`");
  auto asked = open_for_asking(context, name);
  if (!asked) return std::unexpected(asked.error());
  if (auto able = check_not_over(*asked->run); !able) return std::unexpected(able.error());
  if (auto done = ask(*asked, engine::Request::Kind::retune, {}, json::serialize(body)); !done)
    return std::unexpected(done.error());
  report(context, *asked->run, "set", {},
         fmt::format("asked {} to go on with {}", runs::whole_name(*asked->run),
                     join_words(settings)));
  return Exit::done;
}

namespace {

constexpr int kLookMs = 100;

/// What there is to say when it is over; nothing: it is not.
std::optional<Exit> end_of(const runs::ChosenRun& run, const std::optional<TaskId>& task) {
  if (task) {
    const TaskState state = run.state[*task].state;
    if (state < TaskState::done) return std::nullopt;
    return run.state[*task].went_well() ? Exit::done : Exit::failed;
  }
  if (run.state.finished_count < run.state.tasks.size()) return std::nullopt;
  // A queue stands on; any other run has still to end.
  const bool stands = run.request.stands && !run.state.additions_closed;
  if (!stands && !run.state.ended && run.dispatched()) return std::nullopt;
  for (const engine::TaskRecord& one : run.state.tasks) {
    if (!one.went_well()) return Exit::failed;
  }
  return Exit::done;
}

}  // namespace

Result<Exit> wait_command(const Context& context, const std::string& name, const std::string& word,
                          const std::string& timeout) {
  std::optional<Duration> patience;
  if (!timeout.empty()) {
    patience = parse_duration(timeout);
    if (!patience)
      return fail(Error::Kind::invalid,
                  fmt::format("`--timeout {}` is not a duration", printable(timeout)),
                  "such as `90s` or `10m`");
  }
  auto store = runs::open_store(context.place(), journal::Access::read);
  if (!store) return std::unexpected(store.error());
  auto meant = runs::choose_meant(**store, context.where, name, word);
  if (!meant) return std::unexpected(meant.error());
  std::unique_ptr<runs::ChosenRun> run = std::move(meant->run);
  process::SystemClock clock;
  const Time began = clock.now();
  for (;;) {
    std::optional<TaskId> task;
    if (!meant->name.empty()) {
      const auto id = runs::choose_task(*run, meant->name);
      if (!id) return std::unexpected(id.error());
      task = *id;
    }
    if (const auto end = end_of(*run, task)) return *end;
    if (!run->dispatched())
      return fail(
          Error::Kind::refused,
          fmt::format("nobody dispatches {}: {}", runs::whole_name(*run), runs::state_text(*run)),
          fmt::format("interlock resume {}", run->id()));
    // Until something has happened.
    for (;;) {
      if (patience && clock.now() - began >= *patience)
        return fail(Error::Kind::refused, fmt::format("still not over after {}", timeout));
      ::poll(nullptr, 0, kLookMs);
      const auto summary = (*store)->summary(run->id());
      if (!summary) return std::unexpected(summary.error());
      if (summary->events != run->state.seq || !run->dispatched()) break;
    }
    auto again = runs::read_on(**store, std::move(run));
    if (!again) return std::unexpected(again.error());
    run = std::move(*again);
  }
}

}  // namespace interlock::cli
