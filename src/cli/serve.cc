#include "cli/serve.h"

#include <curl/curl.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>

#include "base/digest.h"
#include "base/text.h"
#include "cli/commands.h"
#include "process/clock.h"
#include "web/web_server.h"

// `serve`: the page, and the socket that programs ask.
namespace interlock::cli {

namespace {

/// Below XDG_RUNTIME_DIR, which only the user may enter, else in the state folder; one for each
/// state folder.
Result<std::string> socket_of(const Context& context, const ServeRequest& request) {
  if (!request.socket.empty()) return request.socket;
  const char* runtime = std::getenv("XDG_RUNTIME_DIR");
  const bool has_runtime = runtime != nullptr && *runtime == '/';
  const std::string folder =
      has_runtime ? std::string(runtime) + "/interlock" : context.state_folder;
  std::error_code trouble;
  std::filesystem::create_directories(folder, trouble);
  if (trouble || (has_runtime && ::chmod(folder.c_str(), 0700) != 0))
    return fail(Error::Kind::io, fmt::format("cannot make `{}`: {}", printable(folder),
                                             trouble ? trouble.message() : std::strerror(errno)));
  return has_runtime ? fmt::format("{}/serve-{}.sock", folder,
                                   digest_of(context.state_folder).hex().substr(0, 8))
                     : folder + "/serve.sock";
}

/// Held as long as the server lives: a socket may be left by a dead one, a lock may not.
Result<sys::Descriptor> lock_of(const std::string& socket) {
  sys::Descriptor file(
      ::open((socket + ".lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file)
    return fail(Error::Kind::io,
                fmt::format("cannot open `{}.lock`: {}", printable(socket), std::strerror(errno)));
  if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0)
    return fail(Error::Kind::refused, fmt::format("a server is there: {}", printable(socket)),
                "interlock serve --link");
  return file;
}

std::size_t append(char* bytes, std::size_t, std::size_t count, void* into) {
  static_cast<std::string*>(into)->append(bytes, count);
  return count;
}

Result<std::string> ask_for_link(const std::string& socket) {
  struct Cleanup {
    void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
  };
  const std::unique_ptr<CURL, Cleanup> easy(curl_easy_init());
  std::string body;
  curl_easy_setopt(easy.get(), CURLOPT_UNIX_SOCKET_PATH, socket.c_str());
  curl_easy_setopt(easy.get(), CURLOPT_URL, "http://interlock/api/link");
  curl_easy_setopt(easy.get(), CURLOPT_POSTFIELDS, "{}");
  curl_easy_setopt(easy.get(), CURLOPT_TIMEOUT, 10L);
  curl_easy_setopt(easy.get(), CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy.get(), CURLOPT_WRITEFUNCTION, append);
  curl_easy_setopt(easy.get(), CURLOPT_WRITEDATA, &body);
  if (curl_easy_perform(easy.get()) != CURLE_OK)
    return fail(Error::Kind::missing, "no server runs here", "interlock serve --web");
  const auto answer = parse_json(body);
  const json::object* object = answer ? answer->if_object() : nullptr;
  const json::value* url = object == nullptr ? nullptr : object->if_contains("url");
  if (url == nullptr || !url->is_string())
    return fail(Error::Kind::refused, "the server that runs serves no page",
                "end it, and start `interlock serve --web`");
  return std::string(url->get_string());
}

/// A file that only its owner may read, made anew: whoever holds an old one open learns nothing.
Result<void> keep_bearer(const std::string& file, const std::string& bearer) {
  const std::string fresh = file + ".new";
  ::unlink(fresh.c_str());
  sys::Descriptor out(
      ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  const bool is_written = out &&
                          ::write(out.get(), bearer.data(), bearer.size()) == std::ssize(bearer) &&
                          ::rename(fresh.c_str(), file.c_str()) == 0;
  if (is_written) return {};
  return fail(Error::Kind::io,
              fmt::format("cannot write `{}`: {}", printable(file), std::strerror(errno)));
}

void show(const Context& context, const std::string& socket, const std::string& link) {
  if (context.json) {
    context.console.result(canonical_json(json::object{
                               {"version", 1},
                               {"socket", socket.empty() ? json::value() : json::value(socket)},
                               {"url", link.empty() ? json::value() : json::value(link)}}) +
                           "\n");
    return;
  }
  if (!link.empty()) {
    context.console.result(link + "\n");
    context.console.remark(
        "this link works once, for a minute: `interlock serve --link` makes another");
  }
  if (!socket.empty()) context.console.remark("socket: " + socket);
}

}  // namespace

Result<Exit> serve_command(const Context& context, const ServeRequest& request) {
  const auto socket = socket_of(context, request);
  if (!socket) return std::unexpected(socket.error());
  if (request.link) {
    const auto link = ask_for_link(*socket);
    if (!link) return std::unexpected(link.error());
    show(context, {}, *link);
    return Exit::done;
  }
  const auto lock = lock_of(*socket);
  if (!lock) return std::unexpected(lock.error());
  sys::Loop loop;
  process::SystemClock clock;
  constexpr std::array kSignals{SIGINT, SIGTERM, SIGHUP};
  const auto signals = loop.on_signals(kSignals, [&loop](int) { loop.stop(); });
  web::ServeOptions options{context.place(), *socket, std::nullopt};
  if (request.web || !request.metrics.empty()) options.port = request.port;
  auto server = web::WebServer::open(loop, clock, options);
  if (!server) return std::unexpected(server.error());
  if (!request.metrics.empty()) {
    if (auto kept = keep_bearer(request.metrics, (*server)->metrics_bearer()); !kept)
      return std::unexpected(kept.error());
    context.console.remark(fmt::format("metrics: http://127.0.0.1:{}/metrics, bearer in {}",
                                       (*server)->port(), printable(request.metrics)));
  }
  show(context, *socket, request.web ? (*server)->new_link() : std::string());
  loop.run();
  return Exit::done;
}

}  // namespace interlock::cli
