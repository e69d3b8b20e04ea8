#pragma once

#include <algorithm>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "endpoint/books.h"
#include "endpoint/prompt_cache.h"
#include "endpoint/quota.h"
#include "endpoint/reply.h"
#include "endpoint/script.h"

// The provider behind the endpoint: what it answers to a request, what that costs, and the books of
// it. Knows no sockets, and takes the time from whoever asks.
namespace interlock::endpoint {

struct Incoming {
  std::string_view method, target, body;
  Headers headers;  ///< Names in lower case.
};

struct Answer {
  std::int64_t number = 0;  ///< In the books; 0: it is not in them.
  int status = 200;
  Headers headers;
  std::string content_type = "application/json";
  std::string body;
  std::vector<Frame> frames;  ///< Not empty: a stream, instead of the body.
  bool as_array = false;      ///< The frames are the members of one JSON array.
  Step step;                  ///< How it is delivered.
};

/// Whole calls are thread-safe.
class Provider {
 public:
  explicit Provider(Script script);

  Answer ask(const Incoming& incoming, Time now);
  /// The first byte of the answer: only now the prompt was read, and is there for others to share.
  void began(std::int64_t number, Time now);
  void told(std::int64_t number, const Used& used);
  void ended(std::int64_t number, CallEnd end, Time now);

  /// An answer is worked at; for as long as the result lives others count it.
  std::shared_ptr<void> work() const { return working_; }
  /// How fast each goes that is worked at now, where 1 is alone.
  double pace() const {
    const auto at_once = static_cast<double>(working_.use_count() - 1);
    return 1 / (1 + script_.slows_by * std::max(0.0, at_once - script_.slows_beyond));
  }

  std::vector<Entry> entries() const;
  json::object books() const;
  /// Until it holds of the books, or `patience` is over: whether it held.
  bool wait_until(const std::function<bool(const std::vector<Entry>&)>& holds,
                  Duration patience) const;

 private:
  Answer look(const Asked& asked, const Incoming& incoming) const;
  Answer read_books(std::string_view target) const;
  Answer answer(const Asked& asked, const Step& step, Entry& entry, Time now);
  Answer deliver(const Asked& asked, const Step& step, Entry& entry, Time now);
  Answer refuse(const Asked& asked, const Refused& refused, Entry& entry, Time now);
  Entry& enter(const Asked& asked, const Incoming& incoming, Time now);

  const Script script_;
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  Chooser chooser_;
  PromptCache cache_;
  Quota quota_;
  std::vector<Entry> entries_;
  std::vector<Demand>
      demands_;  ///< Of each entry that the quota let through; its index + 1 is the number.
  std::vector<bool> admitted_;
  std::vector<std::vector<Prefix>> prefixes_;  ///< Of each entry whose answer has not begun.
  std::size_t in_flight_ = 0;
  std::shared_ptr<int> working_ = std::make_shared<int>(0);
};

}  // namespace interlock::endpoint
