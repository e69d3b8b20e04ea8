#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>

#include "endpoint/endpoint.h"

// The model endpoint as a program: prints its port on one line, serves until SIGTERM or SIGINT, or
// until its standard input ends (`--until-eof`), so that it does not outlive who started it.

namespace {

using interlock::endpoint::Endpoint;
using interlock::endpoint::read_script;
using interlock::endpoint::Script;

interlock::Result<Script> script_from(const std::string& file) {
  if (file.empty()) return Script{};
  std::ifstream in(file);
  if (!in)
    return interlock::fail(interlock::Error::Kind::missing, fmt::format("no script `{}`", file));
  const std::string text((std::istreambuf_iterator<char>(in)), {});
  return read_script(text);
}

void wait_for_end(bool until_eof, const sigset_t& ends) {
  if (until_eof) {
    while (std::getchar() != EOF) continue;
    return;
  }
  int signal = 0;
  sigwait(&ends, &signal);
}

}  // namespace

int main(int argc, char** argv) {
  std::string file, books;
  std::uint16_t port = 0;
  bool until_eof = false;
  CLI::App app("A model endpoint for tests, on 127.0.0.1.", "model_endpoint");
  app.add_option("--script", file, "What it answers (JSON, see tests/endpoint/script.h)");
  app.add_option("--books", books, "Where to write the books at the end");
  app.add_option("--port", port, "The port [any that is free]");
  app.add_flag("--until-eof", until_eof, "Serve until standard input ends");
  CLI11_PARSE(app, argc, argv);

  auto script = script_from(file);
  if (!script) {
    fmt::print(stderr, "error: {}\n", script.error().message);
    return 2;
  }
  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGTERM);
  sigaddset(&ends, SIGINT);
  if (!until_eof) pthread_sigmask(SIG_BLOCK, &ends, nullptr);  // before the server's thread is born
  const Endpoint endpoint(std::move(*script), port);
  fmt::print("{}\n", endpoint.port());
  std::fflush(stdout);
  wait_for_end(until_eof, ends);
  if (!books.empty()) std::ofstream(books) << interlock::pretty_json(endpoint.books());
  return 0;
}
