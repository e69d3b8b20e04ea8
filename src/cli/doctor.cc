#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "base/text.h"
#include "cli/commands.h"
#include "process/host.h"
#include "runs/isolation.h"
#include "runs/store_health.h"

// `doctor`: what this host can do, each thing tried out.
namespace interlock::cli {

namespace {

constexpr plan::Isolation kAll[] = {plan::Isolation::direct, plan::Isolation::guard,
                                    plan::Isolation::view, plan::Isolation::worktree};

struct Level {
  plan::Isolation isolation;
  Result<void> able;
};

std::string_view gives(plan::Isolation isolation) {
  switch (isolation) {
    case plan::Isolation::direct: return "in the workspace; what the plan declares is trusted";
    case plan::Isolation::guard: return "in the workspace; the kernel holds it to its footprint";
    case plan::Isolation::view:
      return "in a private snapshot; what it reads and writes is observed";
    case plan::Isolation::worktree: return "in a git worktree on a branch of its own";
  }
  return "";
}

constexpr Duration kClocksDiffer = std::chrono::seconds(1);

bool is_ready(const runs::StoreHealth& store) {
  return store.may_write && (!store.schema || *store.schema == store.known_schema);
}

std::string schema_text(const runs::StoreHealth& store) {
  if (!store.schema) return "none yet; the first run makes it";
  if (*store.schema == store.known_schema)
    return fmt::format("{}, as this Interlock", *store.schema);
  return fmt::format("{}, and this Interlock has {}", *store.schema, store.known_schema);
}

std::string clock_text(const runs::StoreHealth& store) {
  const Duration apart = std::chrono::abs(store.clock_ahead);
  if (apart <= store.round_trip) return "as this machine's, as far as can be told";
  return fmt::format("{:.1f} ms {} this machine's{}", to_seconds(apart) * 1e3,
                     store.clock_ahead.count() > 0 ? "ahead of" : "behind",
                     apart > kClocksDiffer ? "; times of events will look out of order" : "");
}

/// What is to be known of a store on a server before runs are put there.
Result<Exit> look_at_store(const Context& context) {
  const auto store = runs::health_of(context.place());
  if (!store) return std::unexpected(store.error());
  if (context.json) {
    const auto micros = [](Duration duration) { return std::int64_t{duration.count()}; };
    context.console.result(pretty_json(
        json::object{{"version", 1},
                     {"store", store->name},
                     {"server_version", store->version},
                     {"schema", store->schema ? json::value(*store->schema) : json::value(nullptr)},
                     {"known_schema", store->known_schema},
                     {"may_write", store->may_write},
                     {"commits_durably", store->commits_durably},
                     {"round_trip_us", micros(store->round_trip)},
                     {"clock_ahead_us", micros(store->clock_ahead)}}));
  } else {
    std::string text = fmt::format("store: {}\n", store->name);
    text += fmt::format("  server      PostgreSQL {}\n", printable(store->version));
    text += fmt::format("  schema      {}\n", schema_text(*store));
    text += fmt::format("  may write   {}\n",
                        store->may_write ? "yes" : "no: a standby, or the user may not");
    text +=
        fmt::format("  durable     {}\n",
                    store->commits_durably
                        ? "yes"
                        : "no: `fsync` or `synchronous_commit` is off, and a crash loses events");
    text += fmt::format("  round trip  {:.2f} ms\n", to_seconds(store->round_trip) * 1e3);
    text += fmt::format("  clock       {}\n", clock_text(*store));
    context.console.result(text);
  }
  return is_ready(*store) ? Exit::done : Exit::refused;
}

}  // namespace

Result<Exit> doctor_command(const Context& context) {
  if (!context.store.empty()) return look_at_store(context);
  std::error_code trouble;
  const std::string here = std::filesystem::canonical(".", trouble).string();
  if (!context.state_folder.empty())
    std::filesystem::create_directories(context.state_folder, trouble);
  const std::vector<process::HostAbility> abilities = process::probe_host(context.state_folder);
  std::vector<Level> levels;
  for (const plan::Isolation one : kAll)
    levels.push_back({one, runs::can_isolate(one, here, context.state_folder)});
  if (context.json) {
    json::array host, ladder;
    for (const process::HostAbility& one : abilities)
      host.push_back(json::object{{"name", one.name}, {"there", one.there}, {"why", one.why}});
    for (const Level& one : levels) {
      ladder.push_back(json::object{
          {"isolation", plan::name_of(one.isolation)},
          {"possible", one.able.has_value()},
          {"why", one.able ? json::value(nullptr) : json::value(one.able.error().message)},
          {"hint", one.able ? json::value(nullptr) : json::value(one.able.error().hint)}});
    }
    context.console.result(pretty_json(json::object{{"version", 1},
                                                    {"workspace", here},
                                                    {"isolation", std::move(ladder)},
                                                    {"host", std::move(host)}}));
    return Exit::done;
  }
  std::string text = fmt::format("isolation in `{}`:\n", printable(here));
  for (const Level& one : levels) {
    text += fmt::format("  {}  {}  {}\n", pad(one.able ? "yes" : "no", 3),
                        pad(plan::name_of(one.isolation), 8),
                        one.able ? std::string(gives(one.isolation)) : one.able.error().message);
    if (!one.able && !one.able.error().hint.empty())
      text += fmt::format("                 hint: {}\n", one.able.error().hint);
  }
  text += "this host has:\n";
  std::size_t widest = 0;
  for (const process::HostAbility& one : abilities)
    widest = std::max(widest, display_width(one.name));
  for (const process::HostAbility& one : abilities) {
    text += fmt::format("  {}  {}  {}\n", pad(one.there ? "yes" : "no", 3), pad(one.name, widest),
                        one.why);
  }
  context.console.result(text);
  return Exit::done;
}

}  // namespace interlock::cli
