#include "engine/cache_key.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace interlock::engine {

namespace {

/// Fields, each with its length: `a b` as one argument and as two are different commands.
Digest digest_of_command(const plan::Command& command) {
  Hasher hasher;
  hasher.add_field(command.shell);
  for (const std::string& argument : command.arguments) hasher.add_field(argument);
  return hasher.finish();
}

/// What decides what comes of it. Its key and how long it may take do not.
Digest digest_of_agent(const plan::Agent& agent, const plan::Task& task) {
  Hasher hasher;
  // The task's own word on its model outranks the agent's.
  const std::string& model = task.model.empty() ? agent.model : task.model;
  hasher.add_field(plan::name_of(agent.kind)).add_field(model).add_field(agent.binary);
  hasher.add_field(agent.api).add_field(agent.base_url);
  for (const std::string& argument : agent.arguments) hasher.add_field(argument);
  // How its output is read is part of what its answer is.
  for (const plan::EventRule& rule : agent.events) {
    hasher.add_field(rule.at).add_field(
        fmt::format("{}{}", static_cast<int>(rule.gives), rule.sum));
    for (const auto& [path, value] : rule.when) hasher.add_field(path).add_field(value);
  }
  return hasher.finish();
}

/// As the plan sets it: what a machine has besides differs without a reason.
Digest digest_of_environment(const plan::Agent& agent, const plan::Task& task) {
  Hasher hasher;
  // Apart, as the task's may stand in for the agent's.
  for (const auto* variables : {&agent.environment, &task.environment}) {
    for (const auto& [name, value] : *variables) hasher.add_field(name).add_field(value);
    hasher.add_field("");
  }
  return hasher.finish();
}

/// What it does with a topic and, where that is certain before it starts, what it will see there.
Digest digest_of_board(const plan::Plan& plan, TaskId task, const plan::TopicUse& use,
                       const RunState& run) {
  const plan::Topic& topic = plan.topics[use.topic];
  Hasher hasher;
  hasher.add_field(plan::name_of(topic.kind));
  hasher.add_field(fmt::format("{}{}", use.posts ? "posts" : "", use.reads ? "reads" : ""));
  // What will be read of a live topic is chance; such a result is not reused at all
  // (`result_reuse.cc`).
  if (!use.reads || topic.kind == plan::TopicKind::live) return hasher.finish();
  for (const VisiblePost& one : visible_posts(plan, run, task, use.topic)) {
    // By id: numbers of tasks change with any that is put before them.
    const auto& author = one.post->task;
    hasher.add_field(author ? plan[*author].id : "").add_field(one.post->text);
  }
  return hasher.finish();
}

/// The schema's text, not its file: it may be moved.
Digest digest_of_output_spec(const plan::OutputSpec& output) {
  Hasher hasher;
  hasher.add_field(fmt::format("{}", static_cast<int>(output.form))).add_field(output.file);
  hasher.add_field(output.schema.value_or(""));
  return hasher.finish();
}

/// `depth` leading segments of a path, for grouping.
std::string folder_of(const std::string& name, int depth) {
  std::size_t end = 0;
  // Of a path with fewer segments, all there are.
  for (int i = 0; i < depth; ++i) {
    const std::size_t slash = name.find('/', end);
    if (slash == std::string::npos) break;
    end = slash + 1;
  }
  return end == 0 ? std::string(".") : name.substr(0, end);
}

/// One ingredient a folder, where one a file would be too many.
std::vector<CacheKeyPart> by_folder(const std::vector<CacheKeyPart>& files, int depth) {
  std::map<std::string, std::pair<Hasher, std::size_t>> groups;
  for (const CacheKeyPart& file : files) {
    auto& [hasher, count] = groups[folder_of(file.name, depth)];
    hasher.add_field(file.name).add_field(file.digest);
    ++count;
  }
  std::vector<CacheKeyPart> result;
  for (auto& [folder, group] : groups) {
    result.push_back({fmt::format("{} ({} files)", folder, group.second), group.first.finish()});
  }
  return result;
}

/// The deepest folders that are few enough: they say best where something changed.
std::vector<CacheKeyPart> shorten(std::vector<CacheKeyPart> files) {
  for (int depth = 3; files.size() > kReadsListed && depth >= 0; --depth) {
    std::vector<CacheKeyPart> grouped = by_folder(files, depth);
    if (grouped.size() <= kReadsListed) return grouped;
  }
  return files;
}

}  // namespace

Result<std::vector<CacheKeyPart>> cache_key_parts_of(const plan::Plan& plan, TaskId id,
                                                     const RunState& run, Workspace& workspace) {
  // Cheap ones first; each is named, as `why` says which differed.
  const plan::Task& task = plan[id];
  const plan::Agent& agent = plan.agents[task.agent.index()];
  std::vector<CacheKeyPart> result;
  result.push_back({"command", digest_of_command(task.run)});
  if (!task.prompt.empty()) result.push_back({"prompt", digest_of(task.prompt)});
  result.push_back({fmt::format("agent `{}`", agent.name), digest_of_agent(agent, task)});
  result.push_back({"environment", digest_of_environment(agent, task)});
  result.push_back({"output form", digest_of_output_spec(task.output)});
  if (!task.verify.empty()) result.push_back({"verify", digest_of_command(task.verify)});
  if (!task.setup.empty()) result.push_back({"setup", digest_of_command(task.setup)});
  // A part each, so that `why` can name the one that changed.
  for (const plan::Service& service : task.services) {
    Hasher hasher;
    hasher.add_field(digest_of_command(service.run)).add_field(digest_of_command(service.ready));
    result.push_back({fmt::format("service `{}`", service.name), hasher.finish()});
  }
  for (const plan::TopicUse& use : task.board.topics) {
    result.push_back({fmt::format("topic `{}`", plan.topics[use.topic].name),
                      digest_of_board(plan, id, use, run)});
  }
  if (!run[id].messages.empty()) {
    Hasher hasher;
    for (const MessageRecord& message : run[id].messages) hasher.add_field(message.text);
    result.push_back({"messages", hasher.finish()});
  }
  // By content: a task that was run again and gave the same changes nothing.
  for (const TaskId needed : task.output_of) {
    result.push_back(
        {fmt::format("output of `{}`", plan[needed].id), run[needed].output.value_or(Digest{})});
  }
  // Last, as they are many, and may not be known yet.
  auto reads = workspace.fingerprints(task.footprint.reads);
  if (!reads) return within(reads.error(), fmt::format("while reading what `{}` reads", task.id));
  for (CacheKeyPart& file : shorten(std::move(*reads))) {
    result.push_back({fmt::format("reads `{}`", file.name), file.digest});
  }
  return result;
}

Digest key_of(const std::vector<CacheKeyPart>& cache_key_parts) {
  Hasher hasher;
  // In their order, which the plan alone decides.
  for (const CacheKeyPart& one : cache_key_parts) hasher.add_field(one.name).add_field(one.digest);
  return hasher.finish();
}

namespace {
constexpr std::string_view kUndeclared = "undeclared read of ";
constexpr std::string_view kIncomparable = "not comparable: ";
}  // namespace

std::string first_undeclared(const footprint::Footprint& footprint, const changes::ReadSet& reads) {
  if (footprint.unknown || reads.from != changes::ReadsFrom::observed) return {};
  // What it only looked for is the matter of `undeclared_ways`.
  for (const std::string& path : reads.content) {
    if (!footprint.reads.matches(path) && !footprint.writes.matches(path)) return path;
  }
  return {};
}

std::string undeclared_folder(const footprint::Footprint& footprint,
                              const changes::Changeset& own) {
  if (footprint.unknown) return {};
  for (auto at = own.changes.begin(); at != own.changes.end(); ++at) {
    // Files that it may not write would have failed it; folders on the way to them do not.
    if (at->after.kind != changes::Kind::folder || footprint.writes.matches(at->path)) continue;
    const bool holds_something =
        std::any_of(at, own.changes.end(), [&](const changes::Change& one) {
          return one.after.kind != changes::Kind::absent && one.path.starts_with(at->path + "/") &&
                 footprint.writes.matches(one.path);
        });
    if (!holds_something) return at->path;
  }
  return {};
}

std::vector<std::string> undeclared_ways(const footprint::Footprint& footprint,
                                         const changes::ReadSet& reads,
                                         const changes::Changeset& own) {
  std::vector<std::string> ways;
  if (footprint.unknown || reads.from != changes::ReadsFrom::observed) return ways;
  for (const std::string& path : reads.presence) {
    // What it declares is a part of the key, and what it made was not there to be missed.
    if (footprint.reads.matches(path) || footprint.writes.matches(path) || own.find(path)) continue;
    footprint::PatternSet below;
    if (auto glob = footprint::Glob::parse(footprint::escape(path)))
      below.include.push_back(std::move(*glob));
    if (overlaps(below, footprint.reads) || overlaps(below, footprint.writes)) ways.push_back(path);
  }
  return ways;
}

std::string first_missing(Workspace& workspace, const std::vector<std::string>& paths) {
  for (const std::string& path : paths) {
    // A folder is an error too, but of another kind.
    const auto there = workspace.read(path, 0);
    if (!there && there.error().kind == Error::Kind::missing) return path;
  }
  return {};
}

CacheKeyPart undeclared_read(const std::string& path, const std::string& run) {
  // A digest that no key of another run can have.
  return {fmt::format("{}`{}`", kUndeclared, path), digest_of(run + "\n" + path)};
}

CacheKeyPart incomparable(const std::string& why, const std::string& run) {
  return {fmt::format("{}{}", kIncomparable, why), digest_of(run + "\n" + why)};
}

std::string first_difference(const std::vector<CacheKeyPart>& before,
                             const std::vector<CacheKeyPart>& now) {
  // By name: a part may be new, or gone, and then all others would seem to differ.
  std::map<std::string_view, Digest> known;
  for (const CacheKeyPart& one : before) known.emplace(one.name, one.digest);
  for (const CacheKeyPart& one : now) {
    const auto found = known.find(one.name);
    if (found == known.end()) return fmt::format("{} is new", one.name);
    if (found->second != one.digest) return fmt::format("{} changed", one.name);
    known.erase(found);
  }
  if (known.empty()) return {};
  // Said before what is merely gone: no later run can have those parts, so they are always left
  // over.
  for (const auto& [name, digest] : known) {
    if (name.starts_with(kIncomparable))
      return fmt::format("its results cannot be compared ({}), last done",
                         name.substr(kIncomparable.size()));
    if (name.starts_with(kUndeclared))
      return fmt::format("it had read {}, which its `reads` do not name,",
                         name.substr(kUndeclared.size()));
  }
  return fmt::format("{} is gone", known.begin()->first);
}

}  // namespace interlock::engine
