// Any lines from a client, and any ends of its commands: each line out is one message, and every
// call comes to its end. A line that begins with `!` is the end of the oldest command.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "base/text.h"
#include "mcp/server.h"

using namespace interlock;
using namespace interlock::mcp;

namespace {

struct World {
  Server server{{"0", Approval::by_clients}};
  Moment now{0};
  std::vector<Server::CallId> running;

  void take(const std::vector<Server::Act>& acts) {
    for (const Server::Act& act : acts) {
      if (const auto* send = std::get_if<Server::Send>(&act)) {
        check(send->line.find('\n') == send->line.size() - 1, "a message is one line");
        check(parse_json(send->line).has_value(), "a message is JSON");
      } else if (const auto* start = std::get_if<Server::Start>(&act)) {
        check(!start->command.arguments.empty(), "a command has a verb");
        running.push_back(start->call);
      } else {
        std::erase(running, std::get<Server::Stop>(act).call);
      }
    }
    check(server.calls() <= Server::kCallsMax, "calls are bounded");
  }
  void end(std::string_view told) {
    if (running.empty()) return;
    const auto call = running.front();
    running.erase(running.begin());
    take(server.ended(call, {told.empty() ? 1 : 0, std::string(told), "error: no"}, now));
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  World world;
  for (const std::string_view line : split_lines({reinterpret_cast<const char*>(data), size})) {
    world.now += std::chrono::milliseconds(300);
    if (line.starts_with('!')) {
      world.end(line.substr(1));
    } else {
      world.take(world.server.take(line, world.now));
    }
    world.take(world.server.wake(world.now));
  }
  world.take(world.server.give_up_waiting());
  while (!world.running.empty()) world.end({});
  check(world.server.calls() == 0, "every call comes to its end");
  return 0;
}
