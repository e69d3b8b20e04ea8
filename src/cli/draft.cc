#include "cli/draft.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <iterator>

#include "base/json.h"
#include "base/text.h"
#include "decide/words.h"
#include "plan/read.h"
#include "process/clock.h"
#include "runs/run_models.h"
#include "runs/start.h"
#include "sys/descriptor.h"
#include "workspace/local_files.h"

namespace interlock::cli {

namespace {

namespace fs = std::filesystem;

constexpr const char* kUsualDraft = "interlock.yaml";

std::unexpected<Error> is_there(const std::string& file) {
  return fail(Error::Kind::invalid,
              fmt::format("`{}` is there already, and is not overwritten", printable(file)),
              "`-o FILE` writes another, `--force` overwrites it");
}

/// In one step, so that nobody finds half a plan.
Result<void> write_plan(const std::string& file, const std::string& text, bool force) {
  const auto refused = [&]() -> Result<void> {
    return fail(Error::Kind::io,
                fmt::format("cannot write `{}`: {}", printable(file), std::strerror(errno)));
  };
  const std::string beside = fmt::format("{}.{}.new", file, ::getpid());
  const sys::Descriptor out(
      ::open(beside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666));
  if (!out) return refused();
  std::string_view rest = text;
  while (!rest.empty()) {
    const ssize_t count = ::write(out.get(), rest.data(), rest.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) {
      const auto why = refused();
      ::unlink(beside.c_str());
      return why;
    }
    rest.remove_prefix(static_cast<std::size_t>(count));
  }
  // A link does not go where something stands, as a renaming would.
  const bool placed = force ? ::rename(beside.c_str(), file.c_str()) == 0
                            : ::link(beside.c_str(), file.c_str()) == 0;
  const bool exists = errno == EEXIST;
  const auto why = placed ? Result<void>() : refused();
  if (!placed || !force) ::unlink(beside.c_str());
  if (!placed && exists) return is_there(file);
  return why;
}

/// The output of a task that is done.
std::optional<std::string> output_of(journal::Store& store, const runs::ChosenRun& run,
                                     const std::string& task) {
  const auto id = run.plan().find(task);
  if (!id || !run.state[*id].output) return std::nullopt;
  const auto bytes = store.blob(*run.state[*id].output);
  return bytes ? std::optional(*bytes) : std::nullopt;
}

struct Round {
  std::uint32_t number = 0;  ///< 0: no answer was checked.
  std::string problem;       ///< The first of what the last check found; empty: nothing.
};
Round last_round(journal::Store& store, const runs::ChosenRun& run) {
  Round last;
  for (std::uint32_t round = 1; round <= runs::kDraftRoundsMax; ++round) {
    const auto checked = output_of(store, run, fmt::format("{}.{}", runs::kDraftCheck, round));
    if (!checked) break;
    last = {round, {}};
    const auto value = parse_json(*checked);
    if (!value || !value->is_object()) continue;
    const json::value* problems = value->get_object().if_contains("problems");
    if (problems == nullptr || !problems->is_array() || problems->get_array().empty()) continue;
    const json::value& first = problems->get_array().front();
    if (first.is_string()) last.problem = first.get_string();
  }
  return last;
}

/// `12k tokens, $0.08`, as far as that is known; empty: no model was seen to be asked.
std::string spent_text(const engine::RunStatus& view) {
  std::vector<std::string> words;
  if (view.tokens)
    words.push_back(fmt::format("{}{} tokens", view.models.all_known ? "" : "at least ",
                                show_count(*view.tokens)));
  if (view.cost)
    words.push_back((view.models.cost_known ? "" : "at least ") + show_usd(*view.cost));
  return join_words(words);
}

Result<Exit> report_failure(const Context& context, journal::Store& store,
                            const runs::ChosenRun& run, const DraftOptions& options, Exit exit) {
  const Round last = last_round(store, run);
  const std::string& agent = options.request.agent;
  if (exit == Exit::interrupted) {
    context.console.insist(fmt::format(
        "no plan was written: interrupted; `interlock resume {0}` goes on, and `interlock output "
        "{0} {1}` prints what comes of it",
        run.id(), runs::kDraftTask));
    return exit;
  }
  Error error{Error::Kind::invalid, {}, {}};
  if (last.problem.empty()) {
    error.message = fmt::format("no plan was written: {}", runs::state_text(run));
    error.hint =
        fmt::format("interlock why {} {}.{}", run.id(), runs::kDraftWriter, last.number + 1);
  } else {
    // The picture of the line belongs to an answer that is not here.
    error.message = fmt::format("no plan was written: what `{}` answered is not one, after {}: {}",
                                printable(agent), decide::count_of(last.number, "round"),
                                last.problem.substr(0, last.problem.find('\n')));
    error.hint = fmt::format(
        "`interlock log {}` shows the answers; say the goal more exactly, or allow more "
        "`--rounds`",
        run.id());
  }
  context.console.complain(error);
  return exit == Exit::done ? Exit::failed : exit;
}

json::value optional_json(const std::optional<std::int64_t>& value) {
  return value ? json::value(*value) : json::value(nullptr);
}

}  // namespace

Result<Exit> draft_command(const Context& context, const DraftOptions& given, Face face) {
  DraftOptions options = given;
  if (options.out.empty()) options.out = kUsualDraft;
  if (options.request.goal == "-")
    options.request.goal.assign(std::istreambuf_iterator<char>(std::cin), {});
  if (options.request.goal.find_first_not_of(" \t\r\n") == std::string::npos)
    return fail(Error::Kind::invalid, "the goal is empty",
                "such as `--goal 'Write a manual of what is in src'`");
  if (first_bad_utf8(options.request.goal) || options.request.goal.contains('\0'))
    return fail(Error::Kind::invalid, "the goal is not UTF-8 text");
  if (options.request.agent.empty())
    return fail(Error::Kind::invalid, "nobody is named who writes the plan",
                "add `--agent claude`, or another client");
  const bool to_file = options.out != "-";
  std::error_code trouble;
  // Before anything is paid for.
  if (to_file && !options.force && fs::exists(fs::symlink_status(options.out, trouble)))
    return is_there(options.out);
  if (to_file && fs::is_directory(options.out, trouble))
    return fail(Error::Kind::invalid, fmt::format("`{}` is a folder", printable(options.out)));
  const fs::path parent = fs::absolute(options.out, trouble).parent_path();
  if (to_file && !fs::is_directory(parent, trouble))
    return fail(Error::Kind::missing,
                fmt::format("there is no folder `{}`", printable(parent.string())));
  options.request.file = to_file ? options.out : kUsualDraft;

  const std::string own = fs::read_symlink("/proc/self/exe", trouble).string();
  const auto drafting =
      runs::draft_plan(options.request, context.where, own, runs::own_environment());
  if (!drafting) return std::unexpected(drafting.error());
  auto store = runs::open_store(context.place(), journal::Access::write);
  if (!store) return std::unexpected(store.error());
  auto run = runs::start({**store, context.state_folder, context.where}, drafting->document,
                         drafting->how);
  if (!run) return std::unexpected(run.error());
  context.console.remark(fmt::format("`{}` writes the plan, in run {}",
                                     printable(options.request.agent), (*run)->id()));
  auto exit = dispatch_and_show(**store, context.state_folder, **run, face, context.console);
  if (!exit) {
    runs::forget_unbegun(**store, context.state_folder, (*run)->id());
    return exit;
  }
  const auto text = output_of(**store, **run, runs::kDraftTask);
  if (!text) return report_failure(context, **store, **run, options, *exit);
  process::SystemClock clock;
  const engine::RunStatus view = runs::view_from_outside(**run, clock.now());
  const Round last = last_round(**store, **run);
  if (to_file) {
    if (auto written = write_plan(options.out, *text, options.force); !written) {
      context.console.insist(fmt::format("the plan is kept: `interlock output {} {}`", (*run)->id(),
                                         runs::kDraftTask));
      return std::unexpected(written.error());
    }
  }
  const std::string spent = spent_text(view);
  context.console.insist(fmt::format("{} in {}{}{}; nothing of it was run",
                                     to_file ? fmt::format("wrote `{}`", printable(options.out))
                                             : std::string("the plan was written"),
                                     decide::count_of(last.number, "round"),
                                     spent.empty() ? "" : ": ", spent));
  if (context.json) {
    context.console.result(pretty_json(json::object{
        {"version", 1},
        {"run", (*run)->id()},
        {"file", to_file ? json::value(json::string(options.out)) : json::value(nullptr)},
        {"rounds", last.number},
        {"tokens", optional_json(view.tokens)},
        {"micro_usd", optional_json(view.cost)},
        {"plan", json::string(*text)}}));
    return Exit::done;
  }
  if (!to_file) {
    context.console.result(*text);
    return Exit::done;
  }
  auto shown = plan_command(context, options.out, {}, {});
  context.console.remark(fmt::format("next: interlock run {}", shell_quote(options.out)));
  return shown;
}

Result<Exit> check_draft_command(const Context& context, const DraftCheckOptions& options) {
  workspace::LocalFiles files;
  const auto answer = files.read(options.answer, plan::max_plan_bytes());
  if (!answer) return std::unexpected(answer.error());
  if (options.print) {
    const auto checked = parse_json(*answer);
    const json::value* text =
        checked && checked->is_object() ? checked->get_object().if_contains("plan") : nullptr;
    if (text == nullptr || !text->is_string())
      return fail(Error::Kind::invalid, "no plan was found good");
    context.console.result(std::string(text->get_string()));
    return Exit::done;
  }
  const auto checked = runs::check_draft(*answer, options.frame);
  if (!checked) return std::unexpected(checked.error());
  context.console.result(canonical_json(*checked) + "\n");
  return Exit::done;
}

}  // namespace interlock::cli
