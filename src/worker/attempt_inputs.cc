#include "worker/attempt_inputs.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>
#include <utility>

#include "base/text.h"
#include "engine/batch.h"
#include "worker/prompt.h"

namespace interlock::worker {

using engine::AttemptSpec;

namespace {

/// File names in the attempt's folder; ids are safe as file names but for the colon of a
/// coordinator's.
std::string output_file_of(std::string name) {
  std::replace(name.begin(), name.end(), ':', '.');
  return "outputs/" + name;
}

bool mentions(const plan::Command& command, std::string_view name) {
  std::vector<std::string> texts = command.arguments;
  texts.push_back(command.shell);
  return std::any_of(texts.begin(), texts.end(), [name](const std::string& text) {
    const auto found = plan::placeholders(text);
    return std::find(found.begin(), found.end(), name) != found.end();
  });
}

}  // namespace

AttemptInputs::AttemptInputs(const AttemptSpec& spec, const engine::HostEnvironment& around,
                             engine::AttemptFolders& folders,
                             const std::map<Digest, std::string>& outputs)
    : spec_(spec),
      agent_(spec.agent),
      adapter_(engine::adapter_of(spec.agent, spec)),
      around_(around),
      folders_(folders),
      outputs_(outputs) {}

Result<void> AttemptInputs::put_outputs(Place place) {
  place_ = std::move(place);
  return put_outputs_of(spec_.work.front());
}

/// The path of what is put there, as the attempt sees it.
Result<std::string> AttemptInputs::put(const std::string& file, std::string_view content) {
  auto path = folders_.put(spec_.name, file, content);
  if (!path) return std::unexpected(path.error());
  return place_.folder + "/" + file;
}

Result<void> AttemptInputs::put_outputs_of(const AttemptSpec::Work& work) {
  for (const AttemptSpec::Input& input : work.inputs) {
    std::string content;
    if (input.output) content = outputs_.at(*input.output);
    if (input.unneeded) content = "(nothing: this task was not needed)";
    auto path = put(output_file_of(input.id), content);
    if (!path) return std::unexpected(path.error());
    values_["output_files." + input.id] = *path;
    // The line end that ends a text file is not part of what is said in the middle of a sentence.
    while (!content.empty() && content.back() == '\n') content.pop_back();
    values_["outputs." + input.id] = std::move(content);
  }
  // After all of them: a later round stands for what is done in rounds.
  for (const AttemptSpec::Input& input : work.inputs) {
    if (input.round_of.empty()) continue;
    for (const std::string_view kind : {"outputs.", "output_files."})
      values_[fmt::format("{}{}", kind, input.round_of)] =
          values_[fmt::format("{}{}", kind, input.id)];
  }
  values_["run.id"] = around_.run;
  values_["task.id"] = work.task.id;
  values_["workspace"] = place_.workspace;
  values_["tmp"] = place_.folder + "/tmp";
  values_["deadline"] = show_time(spec_.deadline);
  return {};
}

Result<void> AttemptInputs::put_merge(Place place) {
  // What the plan puts into its environment may be made of outputs.
  if (auto made = put_outputs(std::move(place)); !made) return made;
  const AttemptSpec::FileMerge& merge = *spec_.merge;
  const auto versions = {std::tuple(engine::kBaseFile, "merge.base", &merge.base),
                         std::tuple(engine::kOursFile, "merge.ours", &merge.ours),
                         std::tuple(engine::kTheirsFile, "merge.theirs", &merge.theirs)};
  for (const auto& [file, name, content] : versions) {
    auto path = put(std::string(file), *content);
    if (!path) return std::unexpected(path.error());
    values_[name] = std::move(*path);
  }
  values_["merge.path"] = merge.path;
  values_["merge.marker"] = "7";  // What is usual for marks of a conflict.
  values_["merge.base_label"] = "before";
  values_["merge.ours_label"] = "committed";
  values_["merge.their_label"] = spec_.task().id;
  return {};
}

Result<void> AttemptInputs::put_prompt() {
  const auto asked = asked_text();
  if (!asked) return std::unexpected(asked.error());
  if (!schema_.empty()) {
    auto path = put("schema.json", schema_);
    if (!path) return std::unexpected(path.error());
    schema_file_ = *path;
  }
  if (spec_.task().prompt.empty() && !spec_.mends) return {};
  if (!spec_.resumes) prompt_ = *asked + described_schema();
  prompt_ += said_of_before();
  std::vector<std::string> said;
  for (const engine::MessageRecord& message : spec_.work.front().messages)
    said.push_back(message.text);
  prompt_ += say_messages(said);
  if (spec_.mends || agent_.prompt_by != plan::PromptBy::file) return {};
  auto path = put("prompt.md", prompt_);
  if (!path) return std::unexpected(path.error());
  values_["prompt_file"] = *path;
  return {};
}

std::string AttemptInputs::said_of_before() const {
  if (spec_.goes_on && spec_.resumes) return say_go_on(place_.has_view);
  if (spec_.mends) return say_what_others_changed(spec_.correction);
  if (spec_.correction.empty()) return {};
  return say_what_was_wrong(spec_.correction, spec_.resumes && place_.has_view);
}

/// The task's own prompt, or one that holds those of all tasks that share the attempt.
Result<std::string> AttemptInputs::asked_text() {
  const plan::Task& own = spec_.task();
  schema_ = own.output.schema.value_or("");
  if (spec_.work.size() == 1 && spec_.work.front().judged) {
    return plan::fill(own.prompt, lookup()) + shown_tries();
  }
  if (spec_.work.size() == 1) return plan::fill(own.prompt, lookup());
  // Placeholders mean what they mean for the task whose prompt it is.
  std::vector<std::string> prompts;
  for (const AttemptSpec::Work& one : spec_.work) {
    if (auto made = put_outputs_of(one); !made) return std::unexpected(made.error());
    prompts.push_back(plan::fill(one.task.prompt, lookup()));
  }
  if (auto made = put_outputs_of(spec_.work.front()); !made) return std::unexpected(made.error());
  schema_ = engine::batch_schema(spec_.tasks());
  return engine::batch_prompt(prompts);
}

/// The task, and what its good tries answered and changed.
std::string AttemptInputs::shown_tries() const {
  const AttemptSpec::Work& work = spec_.work.front();
  const auto content = [&](const std::optional<Digest>& digest) {
    return digest ? outputs_.at(*digest) : std::string();
  };
  const plan::Task& judged = *work.judged;
  const std::string task = !judged.prompt.empty()      ? plan::fill(judged.prompt, lookup())
                           : !judged.run.shell.empty() ? judged.run.shell
                                                       : join_words(judged.run.arguments, 100);
  std::vector<ShownTry> tries;
  for (const AttemptSpec::Try& one : work.tries)
    tries.push_back({one.number, content(one.output), content(one.diff)});
  return say_tries(task, tries);
}

/// For clients without an option for it.
std::string AttemptInputs::described_schema() const {
  if (adapter_ == nullptr || adapter_->takes_schema() || schema_.empty()) return {};
  return fmt::format("\n\nAnswer with JSON alone, which holds to this JSON Schema:\n{}\n", schema_);
}

plan::Command AttemptInputs::with_prompt(plan::Command command) {
  if (spec_.task().prompt.empty()) return command;
  const bool by_file = agent_.prompt_by == plan::PromptBy::file;
  if (agent_.prompt_by == plan::PromptBy::standard_input) return command;
  const std::string_view name = by_file ? "prompt_file" : "prompt";
  if (!by_file) values_["prompt"] = prompt_;
  if (mentions(command, name)) return command;
  const std::string placeholder = fmt::format("{{{}}}", name);
  if (command.shell.empty()) {
    command.arguments.push_back(placeholder);
  } else {
    command.shell += " " + placeholder;
  }
  return command;
}

std::vector<std::string> AttemptInputs::arguments_of(const plan::Command& command) const {
  plan::Command filled = plan::fill_command(command, lookup());
  if (filled.shell.empty()) return std::move(filled.arguments);
  return {"sh", "-c", std::move(filled.shell)};
}

std::vector<std::string> AttemptInputs::arguments_of(const plan::Command& command, int port) {
  values_["port"] = fmt::format("{}", port);
  auto arguments = arguments_of(command);
  values_.erase("port");
  return arguments;
}

plan::Lookup AttemptInputs::lookup() const {
  return [this](std::string_view name) -> std::optional<std::string> {
    const auto found = values_.find(std::string(name));
    return found == values_.end() ? std::nullopt : std::optional(found->second);
  };
}

}  // namespace interlock::worker
