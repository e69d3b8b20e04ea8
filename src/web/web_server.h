#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/ports.h"
#include "http/server.h"
#include "runs/open_store.h"
#include "sys/loop.h"
#include "web/access.h"
#include "web/child_command.h"
#include "web/metrics.h"
#include "web/watched_run.h"

namespace interlock::web {

struct ServeOptions {
  runs::StorePlace place;
  std::string socket;                 ///< Path of the Unix socket.
  std::optional<std::uint16_t> port;  ///< Of the page, on 127.0.0.1; 0: any; none: no page.
};

/// Lets programs and a page look at runs, and ask things of them. It has no state that matters:
/// runs are processes of their own, what is shown is read out of the journal, and what is asked is
/// done by commands. Killing it ends nothing.
///
/// Paths (docs/serve.md): `/health`, `/metrics`, `/open/CODE`, the page's files, and below `/api/`:
/// `session`, `link`, `runs`, `history`, and of a run `state`, `stream`, `ways`, `forecast`,
/// `graph`, `quotas`, `usage`, `board`, `messages`, `log`, `diff`, `output`, `why`, `approve`, `reject`,
/// `cancel`, `pause`, `resume`, `set`, `add`, `move`, `post`, `send`.
class WebServer {
 public:
  static Result<std::unique_ptr<WebServer>> open(sys::Loop& loop, engine::Clock& clock,
                                                 const ServeOptions& options);
  ~WebServer();
  WebServer(WebServer&&) = delete;

  /// Of the page; 0: there is none.
  std::uint16_t port() const { return tcp_ ? tcp_->port() : 0; }
  std::string new_link();
  const std::string& metrics_bearer() const { return access_.metrics_bearer(); }

 private:
  /// A page that follows a run: whole at first, then differences.
  struct Stream;
  /// A request that waits for a command.
  struct Pending;
  /// What a command prints: a document; what agents wrote; a document nobody wants any more once
  /// its client has left.
  enum class Answer : unsigned char { json, text, forecast };

  WebServer(sys::Loop& loop, engine::Clock& clock, runs::StorePlace place);
  http::Session::HeadVerdict judge(const http::Request& request, bool unix_socket) const;
  void answer(http::Session& session, const http::Request& request, bool unix_socket);
  void answer_file(http::Session& session, const http::Request& request, const std::string& name);
  void answer_open(http::Session& session, const std::string& code);
  void answer_runs(http::Session& session);
  void answer_metrics(http::Session& session);
  void answer_run(http::Session& session, const http::Request& request, const Target& target);
  void answer_log(http::Session& session, const runs::ChosenRun& run, const Target& target);
  void answer_ask(http::Session& session, const http::Request& request, const std::string& verb,
                  WatchedRun& watched);
  void answer_command(http::Session& session, std::vector<std::string> words, Answer answer);
  void begin_stream(http::Session& session, const http::Request& request, WatchedRun& watched);
  void tick();
  void send_news(Stream& stream);
  Result<WatchedRun*> watched(const std::string& id);
  journal::Store* store();
  static Duration uptime();

  sys::Loop& loop_;
  engine::Clock& clock_;
  runs::StorePlace place_;
  std::string boot_;  ///< Tells this server's numbers from those of one before.
  Duration began_;    ///< As `uptime` has it.
  http::Session::Rules rules_;
  Access access_;
  std::unique_ptr<journal::Store> store_;
  RunCounters counters_;
  std::map<std::string, std::unique_ptr<WatchedRun>> watched_;
  std::list<std::unique_ptr<Stream>> streams_;
  std::list<std::unique_ptr<Pending>> pending_;
  sys::Loop::Timer ticker_;
  std::unique_ptr<http::Server> unix_, tcp_;  ///< Last: their sessions use what is above.
};

/// One file of the page; nothing: there is none of that name.
struct Asset {
  std::string_view name, type, content;
};
const Asset* find_asset(std::string_view name);

}  // namespace interlock::web
