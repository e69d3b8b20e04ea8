#pragma once

#include <CLI/App.hpp>
#include <functional>
#include <string>

#include "cli/commands.h"
#include "cli/options.h"

namespace interlock::cli {

using Verb = std::function<Result<Exit>(const Context&, const Options&)>;

/// Whether a verb has to have a journal, so that a place for it must be known.
enum class Journal : unsigned char { needed, not_needed };

/// Adds verbs to the command line; remembers which one was called.
class CommandLine {
 public:
  CommandLine();

  CLI::App& app() { return app_; }
  const Options& options() const { return options_; }
  const Verb& verb() const { return verb_; }
  Journal journal() const { return journal_; }

 private:
  CLI::App* add(const std::string& name, const std::string& about, Verb verb,
                Journal journal = Journal::needed);
  void add_file(CLI::App* sub);
  void add_set(CLI::App* sub);
  void add_plan_options(CLI::App* sub);
  void add_json(CLI::App* sub);
  void add_face(CLI::App* sub);
  void add_detach(CLI::App* sub);
  static Result<Exit> perhaps_apart(const Context& context, const Options& options,
                                    const std::function<Result<Exit>(const Context&, Face)>& work);
  void add_which_plan(CLI::App* sub);
  /// RUN may be left out: the latest run that belongs to this folder.
  void add_run(CLI::App* sub);
  /// Both may be left out, and a word alone is a task of the latest run where there is one.
  CLI::Option* add_run_and_task(CLI::App* sub, const std::string& about);
  void add_draft(CLI::App* plan);
  void add_draft_check();
  void add_planning();
  void add_looking();
  void add_traces();
  void add_asking();
  void add_queues();
  void add_rest();
  void add_chat();

  CLI::App app_;
  Options options_;
  Verb verb_;
  Journal journal_ = Journal::needed;
};

/// Whether `plan` is to have a plan written, by `--goal`; and doing so.
bool drafts(const Options& options);
Result<Exit> draft_of(const Context& context, const Options& options);

}  // namespace interlock::cli
