#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cli/commands.h"

// What verbs share that ask something of a run. The request is durable first; then its dispatcher,
// if it lives, is poked to look.
namespace interlock::cli {

struct Asked {
  journal::Store store;
  std::unique_ptr<runs::ChosenRun> run;
  std::string task;  ///< Empty: none was named.
};

Result<Asked> open_for_asking(const Context& context, const std::string& run,
                              const std::string& task = {});

/// Lets its dispatcher, if it lives, look for requests.
void poke(const runs::ChosenRun& run);
/// Returns the request's number.
Result<std::int64_t> post(journal::Store& store, const runs::ChosenRun& run,
                          engine::Request::Kind kind, const std::string& task,
                          const std::string& body = {});
Result<void> ask(Asked& asked, engine::Request::Kind kind, const std::string& task,
                 const std::string& body = {});

/// What was asked of which run, as JSON or in a line.
void report(const Context& context, const runs::ChosenRun& run, std::string_view did,
            const std::vector<std::string>& tasks, const std::string& line);

}  // namespace interlock::cli
