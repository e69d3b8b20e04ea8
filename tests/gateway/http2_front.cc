#include "gateway/http2_front.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <vector>

namespace interlock::gateway::scenes {
namespace {

/// One that nobody listens on; the proxy cannot be asked which it took.
std::uint16_t free_port() {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const any = reinterpret_cast<sockaddr*>(&address);
  EXPECT_EQ(::bind(socket, any, size), 0);
  EXPECT_EQ(::getsockname(socket, any, &size), 0);
  ::close(socket);
  return ntohs(address.sin_port);
}

}  // namespace

std::string Http2Front::program() {
  const char* const path = std::getenv("PATH");
  std::string folders = std::string(path == nullptr ? "" : path) + ":/usr/sbin";
  for (std::size_t at = 0; at < folders.size();) {
    const std::size_t end = std::min(folders.find(':', at), folders.size());
    const std::string file = folders.substr(at, end - at) + "/nghttpx";
    if (::access(file.c_str(), X_OK) == 0) return file;
    at = end + 1;
  }
  return {};
}

Http2Front::Http2Front(const std::string& program, const Identity& identity,
                       std::uint16_t provider) {
  const std::string key = folder_.path() + "/key.pem";
  const std::string certificate = folder_.path() + "/certificate.pem";
  std::ofstream(key) << identity.key;
  std::ofstream(certificate) << identity.certificate;
  const std::uint16_t port = free_port();
  std::vector<std::string> words{program,
                                 fmt::format("--frontend=127.0.0.1,{}", port),
                                 fmt::format("--backend=127.0.0.1,{}", provider),
                                 "--single-process",
                                 "--workers=1",
                                 "--no-ocsp",
                                 "--log-level=NOTICE",
                                 "--errorlog-file=/dev/stderr",
                                 "--accesslog-file=/dev/null",
                                 "--conf=/dev/null",
                                 key,
                                 certificate};
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  std::array<int, 2> pipe{};
  EXPECT_EQ(::pipe2(pipe.data(), O_CLOEXEC), 0);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, pipe[1], STDERR_FILENO);
  const int failed =
      ::posix_spawn(&process_, program.c_str(), &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  ::close(pipe[1]);
  port_ = failed == 0 ? port : 0;
  if (failed != 0) process_ = -1;
  wait_until_it_listens(pipe[0]);
  ::close(pipe[0]);
}

Http2Front::~Http2Front() {
  if (process_ < 0) return;
  ::kill(process_, SIGKILL);
  ::waitpid(process_, nullptr, 0);
}

void Http2Front::wait_until_it_listens(int said) {
  std::string words;
  std::array<char, 512> some{};
  while (words.find("Listening on") == std::string::npos) {
    const ssize_t size = ::read(said, some.data(), some.size());
    if (size <= 0) {
      ADD_FAILURE() << words;
      port_ = 0;
      return;
    }
    words.append(some.data(), static_cast<std::size_t>(size));
  }
}

}  // namespace interlock::gateway::scenes
