#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "gateway/loop.h"
#include "quota/account.h"

namespace interlock::gateway {

/// A quota of the plan and the account that keeps it.
struct QuotaOption {
  enum class Charge : unsigned char {
    actual,       ///< The provider counts the output that was made.
    reserve_max,  ///< It counts `max_tokens` when the request comes in, and corrects that at the
                  ///< end.
  };

  std::string name;
  std::string file;
  quota::Limits limits;
  Charge charge = Charge::actual;
  std::optional<bool>
      counts_cached;  ///< Input read from a cache; default: as the API's provider does.
};

/// The lines before the accounts. One call may need several accounts and takes all or none; who
/// came first is asked for first, in every line alike, so that no two calls wait for one another.
class Admission {
 public:
  struct Want {
    std::size_t quota = 0;
    quota::Cost cost;
  };
  struct Held {
    std::size_t quota = 0;
    quota::Grant grant;
  };
  /// Who stands in line. `admitted` or `turned_away` is told once, then it is out of it; may be
  /// told before `join` returns.
  class Seeker {
   public:
    virtual ~Seeker() = default;
    virtual void admitted(std::vector<Held> held) = 0;
    /// It is the first in its line, and the quota has room for it at `until`; none: only what
    /// others do can help. Told each time it is asked again. Must not join or leave.
    virtual void deferred(const QuotaOption& quota, std::optional<quota::Moment> until) {
      (void)quota, (void)until;
    }
    /// The quota will not let it through any more within its time.
    virtual void turned_away(const QuotaOption& quota, bool is_spent) = 0;
  };

  static Result<std::unique_ptr<Admission>> open(Loop& loop,
                                                 const std::vector<QuotaOption>& quotas);
  ~Admission();
  Admission(Admission&&) = delete;

  std::optional<std::size_t> find(std::string_view name) const;
  const QuotaOption& option(std::size_t quota) const { return quotas_[quota].option; }
  quota::Account& account(std::size_t quota) { return *quotas_[quota].account; }

  /// A place in line, for good: who is sent back keeps it.
  std::uint64_t draw_ticket() { return ++last_ticket_; }
  /// `latest`: who cannot be admitted by then is turned away as soon as that is sure.
  void join(std::uint64_t ticket, std::vector<Want> wants, std::optional<quota::Moment> latest,
            Seeker& seeker);
  void leave(std::uint64_t ticket);
  void settle(const Held& held, const quota::Cost& actual);
  void spent(std::size_t quota, std::optional<quota::Moment> until);
  /// Something may have become free.
  void pump();

 private:
  struct Quota {
    QuotaOption option;
    std::unique_ptr<quota::Account> account;
    bool has_place = false;
  };
  struct Waiting {
    std::vector<Want> wants;
    std::optional<quota::Moment> latest;
    Seeker* seeker = nullptr;
  };
  /// What came of asking for one.
  struct Asked {
    std::vector<Held> held;
    std::optional<std::size_t> denied_by;
    quota::Denial denial;
  };

  explicit Admission(Loop& loop) : loop_(loop) {}
  Asked ask(const Waiting& waiting, quota::Moment now);
  void pump_once();
  void give_up_places();
  void wake_at(std::optional<quota::Moment> moment);

  Loop& loop_;
  std::vector<Quota> quotas_;
  std::uint64_t last_ticket_ = 0;
  std::map<std::uint64_t, Waiting> line_;
  Loop::Timer timer_;
  bool is_pumping_ = false;
  bool again_ = false;
};

}  // namespace interlock::gateway
