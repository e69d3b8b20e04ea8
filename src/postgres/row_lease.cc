#include "postgres/row_lease.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <cstdlib>

#include "base/json.h"
#include "base/text.h"
#include "sys/process_identity.h"

namespace interlock::postgres {
namespace {

using std::chrono::microseconds;

/// Beside notifications, of which one can be missed while the connection is made anew.
constexpr Duration kBetweenLooks = std::chrono::seconds(1);
/// How long the thread looks elsewhere at most: the lease ends within that.
constexpr Duration kNap = std::chrono::milliseconds(200);

std::int64_t micros(Duration duration) { return std::int64_t{duration.count()}; }

std::string word_in(const json::object& object, const char* key) {
  const json::value* member = object.if_contains(key);
  return member != nullptr && member->is_string() ? std::string(member->get_string())
                                                  : std::string();
}
std::int64_t number_in(const json::object& object, const char* key) {
  const json::value* member = object.if_contains(key);
  return member != nullptr && member->is_int64() ? member->get_int64() : 0;
}

/// Processes of another namespace have other numbers.
std::int64_t pid_namespace() {
  struct stat file{};
  return ::stat("/proc/self/ns/pid", &file) == 0 ? static_cast<std::int64_t>(file.st_ino) : 0;
}

}  // namespace

Result<LeaseTimes> lease_times() {
  LeaseTimes times;
  const char* said = std::getenv("INTERLOCK_LEASE");
  if (said == nullptr || *said == '\0') return times;
  const auto term = parse_duration(said);
  if (!term || *term < LeaseTimes::kShortest)
    return fail(Error::Kind::invalid,
                fmt::format("INTERLOCK_LEASE is `{}`, and not a duration of at least {}",
                            printable(said), show_duration(LeaseTimes::kShortest)),
                "as in `60s`");
  times.term = *term;
  return times;
}

std::string own_process() {
  const auto self = sys::identity_of(::getpid());
  if (!self) return "{}";
  return json::serialize(json::object{{"boot", self->boot_id},
                                      {"pid", self->pid},
                                      {"start", self->start_ticks},
                                      {"namespace", pid_namespace()}});
}

bool is_known_dead(std::string_view process) {
  const auto value = parse_json(process);
  if (!value || !value->is_object()) return false;
  const json::object& object = value->get_object();
  const std::string boot = word_in(object, "boot");
  if (boot.empty() || boot != sys::boot_id()) return false;
  if (number_in(object, "namespace") != pid_namespace() || pid_namespace() == 0) return false;
  return !sys::is_alive({boot, number_in(object, "pid"), number_in(object, "start")});
}

std::string text_of(const journal::Holder& holder) {
  return json::serialize(json::object{{"run", holder.run},
                                      {"plan", holder.plan},
                                      {"pid", holder.pid},
                                      {"host", holder.host},
                                      {"since", holder.since.time_since_epoch().count()}});
}

journal::Holder holder_of(std::string_view text) {
  const auto value = parse_json(text);
  if (!value || !value->is_object()) return {};
  const json::object& object = value->get_object();
  return {word_in(object, "run"), word_in(object, "plan"), number_in(object, "pid"),
          word_in(object, "host"), Time(Duration(number_in(object, "since")))};
}

Result<std::unique_ptr<RowLease>> RowLease::take(const StoreUrl& url, std::int64_t number,
                                                 const journal::Holder& holder, LeaseTerm& term) {
  const auto times = lease_times();
  if (!times) return std::unexpected(times.error());
  Connection::Options options;
  options.access = journal::Access::write;
  options.statement_at_most = options.connect_at_most = std::chrono::seconds(2);
  auto connection = Connection::open(url, options);
  if (!connection) return std::unexpected(connection.error());
  Connection& server = **connection;
  std::optional<Error> refusal;
  std::int64_t epoch = 0;
  microseconds taken_at{};
  const auto take_it = [&]() -> Outcome<void> {
    Transaction transaction(server);
    if (auto begun = transaction.begin(); !begun) return begun;
    // The run's row first, as appends do: who waits here sees what the other did.
    auto next = server.run("UPDATE runs SET epoch = epoch + 1 WHERE number = $1 RETURNING epoch",
                           Parameters(number));
    if (!next) return std::unexpected(next.error());
    if (next->empty()) {
      refusal = Error{Error::Kind::missing, fmt::format("there is no run `{}`", holder.run),
                      "`interlock runs` lists them"};
      return {};
    }
    auto there = server.run(
        "SELECT holder, process, "
        "(extract(epoch FROM expires - clock_timestamp()) * 1000000)::bigint FROM leases "
        "WHERE run = $1",
        Parameters(number));
    if (!there) return std::unexpected(there.error());
    if (!there->empty() && there->number(0, 2) > 0 && !is_known_dead(there->view(0, 1))) {
      refusal = journal::held_by(fmt::format("run `{}`", holder.run), holder_of(there->view(0, 0)));
      const Duration left(there->number(0, 2));
      refusal->hint += fmt::format("; if that one is dead, the run is free in {}",
                                   show_duration(std::chrono::ceil<std::chrono::seconds>(left)));
      return {};
    }
    epoch = next->number(0, 0);
    taken_at = uptime();
    auto taken = server.run(
        "INSERT INTO leases(run, epoch, holder, process, expires) VALUES($1, $2, $3, $4, "
        "clock_timestamp() + $5 * interval '1 microsecond') ON CONFLICT (run) DO UPDATE SET epoch "
        "= excluded.epoch, holder = excluded.holder, process = excluded.process, expires = "
        "excluded.expires",
        Parameters(number, epoch, text_of(holder), own_process(), micros(times->term)));
    if (!taken) return std::unexpected(taken.error());
    return transaction.commit();
  };
  if (auto taken = take_it(); !taken) return std::unexpected(taken.error().error);
  if (refusal) return std::unexpected(*refusal);
  term.until = taken_at + times->term - times->margin();
  return std::unique_ptr<RowLease>(
      new RowLease(std::move(*connection), *times, number, epoch, term));
}

RowLease::RowLease(std::unique_ptr<Connection> connection, LeaseTimes times, std::int64_t run,
                   std::int64_t epoch, LeaseTerm& term)
    : connection_(std::move(connection)),
      name_(connection_->url().name()),
      times_(times),
      run_(run),
      epoch_(epoch),
      term_(term) {
  // Signals are the dispatcher's business.
  sigset_t all, before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this] { renew_until_stopped(); });
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

RowLease::~RowLease() {
  {
    const std::lock_guard lock(mutex_);
    stops_ = true;
    call_ = {};
  }
  thread_.join();
  {
    const std::lock_guard lock(term_.mutex);
    term_.is_over = true;
  }
  // Where this fails the term runs out.
  static_cast<void>(connection_->run("DELETE FROM leases WHERE run = $1 AND epoch = $2",
                                     Parameters(run_, epoch_)));
}

Result<void> RowLease::held() const {
  const std::lock_guard lock(term_.mutex);
  if (term_.is_taken)
    return fail(Error::Kind::refused, "another dispatcher has taken the run over",
                "`interlock show` says how it stands");
  if (uptime() < term_.until) return {};
  return fail(Error::Kind::io,
              fmt::format("the store, {}, could not be reached for {}: the run is given up before "
                          "another dispatcher may take it",
                          name_, show_duration(times_.term - times_.margin())),
              "its events are safe; `interlock resume` goes on once the store is there again");
}

void RowLease::on_news(std::function<void()> call) {
  const std::lock_guard lock(mutex_);
  call_ = std::move(call);
}

void RowLease::report_news() {
  const std::lock_guard lock(mutex_);
  if (call_) call_();
}

bool RowLease::renew() {
  const microseconds sent = uptime();
  auto renewed = connection_->run(
      "UPDATE leases SET expires = clock_timestamp() + $3 * interval '1 microsecond' WHERE run = "
      "$1 AND epoch = $2 RETURNING epoch",
      Parameters(run_, epoch_, micros(times_.term)));
  if (!renewed) return false;
  const std::lock_guard lock(term_.mutex);
  if (renewed->empty())
    term_.is_taken = true;
  else
    term_.until = std::max(term_.until, sent + times_.term - times_.margin());
  return true;
}

bool RowLease::has_new_request() {
  auto rows = connection_->run(
      "SELECT max(number) FROM requests WHERE run = $1 AND taken = 0 AND number > $2",
      Parameters(run_, last_request_));
  if (!rows || rows->empty() || rows->is_null(0, 0)) return false;
  last_request_ = rows->number(0, 0);
  return true;
}

void RowLease::renew_until_stopped() {
  // One connection a try: the loop below decides how often.
  connection_->patience([] { return uptime(); });
  microseconds renewed_at = uptime(), looked_at{};
  bool listens = false, was_held = true;
  const auto connect_again = [&] {
    listens = false;
    static_cast<void>(connection_->reconnect());
  };
  for (;;) {
    {
      const std::lock_guard lock(mutex_);
      if (stops_) return;
    }
    if (connection_->socket() < 0) connect_again();
    if (connection_->socket() >= 0 && !listens)
      listens = connection_->script(fmt::format("LISTEN run_{}", run_)).has_value();
    if (uptime() - renewed_at >= times_.between_renewals()) {
      if (renew())
        renewed_at = uptime();
      else
        connect_again();
    }
    bool is_news = connection_->wait_for_notice(kNap);
    if (is_news || uptime() - looked_at >= kBetweenLooks) {
      is_news |= has_new_request();
      looked_at = uptime();
    }
    const bool is_held = held().has_value();
    if (is_news || (was_held && !is_held)) report_news();
    was_held = is_held;
  }
}

}  // namespace interlock::postgres
