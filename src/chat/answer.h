#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agents/chat_lines.h"
#include "base/units.h"
#include "chat/pieces.h"
#include "chat/request.h"
#include "metering/model_call.h"

namespace interlock::chat {

/// What HTTP says before the answer.
struct Head {
  int status = 0;
  std::string content_type;
  std::vector<metering::Header> headers;
};

/// How the transport ended.
struct Transport {
  std::string trouble;   ///< Empty: none.
  bool was_sent = true;  ///< The request, as far as that can be told.
};

/// How it all ended: the last line is `final` and `stop`, or it is not.
struct Ended {
  std::string lines;
  bool is_good = false;
};

/// Makes the lines of `interlock chat` from one answer as it comes. Pure: knows no sockets, no
/// clock.
class Answer {
 public:
  explicit Answer(const CallSpec& spec);

  void take_head(Head head);
  /// The next bytes of the body; the lines that follow from them.
  std::string take(std::string_view bytes);
  /// Nothing more will come. Messages never show `key`.
  Ended end(const Transport& transport, Time now, const std::string& key);
  /// Somebody ended it from outside.
  Ended abort(std::string_view why);

 private:
  bool streams() const;
  Usage usage() const;
  Ended conclude(const Transport& transport, Time now);
  Ended finished();
  Ended failed(agents::Failure failure, std::string_view message);

  metering::Api api_;
  bool wrapped_;
  Pieces pieces_;
  metering::AnswerReader reader_;
  Head head_;
  std::string text_;
  std::string body_;  ///< Of what is no stream; its beginning.
  bool was_sent_ = true;
  std::string key_;
};

}  // namespace interlock::chat
