#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "sys/descriptor.h"

namespace interlock::cli {

/// Calls a person who is not looking: `terminal`, `desktop`, `command:CMD` (the notice on its
/// standard input) or a URL (the notice as the body of a POST, tried again).
///
/// A process of its own does it, so that no run waits for it: notices go there by a pipe, and where
/// the pipe breaks off before the run was over, it says that too. What it is given names runs and
/// tasks, and holds nothing that an agent said.
class Notifier {
 public:
  /// Refuses targets that cannot be reached from here. None: nobody is to be called.
  static Result<std::unique_ptr<Notifier>> start(const std::vector<std::string>& targets);

  /// `kind`: `gate`, `failed`, `stopping`, `window`, `ended`. Never waits: what the pipe has no
  /// room for is dropped.
  void notify(const std::string& kind, const std::string& run, const std::string& plan,
              const std::string& task, const std::string& text);
  /// The run is over: the pipe's end means nothing any more.
  void done();

 private:
  explicit Notifier(sys::Descriptor pipe) : pipe_(std::move(pipe)) {}
  void send(const json::object& notice);

  sys::Descriptor pipe_;
};

}  // namespace interlock::cli
