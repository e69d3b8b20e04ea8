#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "chat/request.h"

namespace interlock::chat {

/// What the program around it gives to a call.
struct Around {
  std::function<bool(std::string_view lines)> write;  ///< False: nobody reads any more.
  int output = -1;        ///< A descriptor whose reader's leaving ends the call; -1: none.
  int signals = -1;       ///< A signalfd; what comes of it ends the call; -1: none.
  std::string ca_bundle;  ///< A file of certificates to trust instead of the system's; empty: none.
};

enum class Outcome : unsigned char {
  good,     ///< The last line is `final` with `stop`.
  bad,      ///< Another last line.
  stopped,  ///< By a signal; the last line says so.
  unread,   ///< The reader has gone, and nothing more was asked for.
};

/// Asks once, over HTTP, and writes lines as they come. Proxies are those of the environment
/// (`https_proxy`, `no_proxy`, ...), but for servers on this machine. Never follows a redirection,
/// which would carry the key elsewhere; knows no time limit, for that is the caller's business.
Outcome converse(const CallSpec& spec, const Request& request, const std::string& key,
                 const Around& around);

}  // namespace interlock::chat
