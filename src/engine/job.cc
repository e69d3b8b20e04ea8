#include "engine/job.h"

#include <algorithm>

#include "base/check.h"
#include "base/fields.h"
#include "changes/path_text.h"

namespace interlock::engine {

namespace {

/// Machines with different versions talk to each other: what is of another form is refused.
constexpr std::string_view kSpecForm = "interlock job 1", kResultForm = "interlock result 1",
                           kEntriesForm = "interlock entries 1";

std::int64_t signed_size(std::size_t size) { return static_cast<std::int64_t>(size); }

void add(std::string& text, const std::optional<Digest>& digest) {
  add_field(text, digest ? digest->hex() : std::string());
}
void add(std::string& text, const std::optional<std::int64_t>& number) {
  add_field(text, number ? std::to_string(*number) : std::string());
}
void add(std::string& text, AttemptName name) {
  add_field(text, signed_size(name.task.index()));
  add_field(text, std::int64_t{name.attempt});
  add_field(text, std::int64_t{name.phase});
}
void add(std::string& text, const std::set<std::string>& all) {
  add_fields(text, {all.begin(), all.end()});
}

class Reader : public FieldReader {
 public:
  using FieldReader::FieldReader;

  bool flag() {
    const std::int64_t value = number();
    if (value != 0 && value != 1) refuse();
    return value == 1;
  }
  /// Not above `most`.
  template <typename T>
  T bounded(std::int64_t most) {
    const std::int64_t value = number();
    if (value < 0 || value > most) refuse();
    return is_good() ? static_cast<T>(value) : T{};
  }
  std::optional<Digest> maybe_digest() {
    const std::string hex = text();
    if (hex.empty()) return std::nullopt;
    const auto digest = Digest::from_hex(hex);
    if (!digest) refuse();
    return digest;
  }
  Digest digest() {
    const auto found = maybe_digest();
    if (!found) refuse();
    return found.value_or(Digest{});
  }
  std::optional<std::int64_t> maybe_number() {
    const std::string digits = text();
    if (digits.empty()) return std::nullopt;
    std::string field;
    add_field(field, digits);
    FieldReader one(field);
    const std::int64_t value = one.number();
    if (!one.is_good()) refuse();
    return value;
  }
  AttemptName name() {
    constexpr std::int64_t kMost = UINT32_MAX;
    const auto task = bounded<std::uint32_t>(kMost);
    const auto attempt = bounded<std::uint32_t>(kMost);
    return {TaskId(task), attempt, bounded<std::uint32_t>(kMost)};
  }
  std::set<std::string> set() {
    const auto all = list();
    return {all.begin(), all.end()};
  }
};

void add(std::string& text, const Sandbox& sandbox) {
  check(sandbox.snapshot.has_value() && !sandbox.held_to, "only work in a snapshot travels");
  add_field(text, sandbox.snapshot->at);
  add_field(text, signed_size(sandbox.binds.size()));
  for (const Sandbox::Bind& bind : sandbox.binds)
    add_field(text, bind.from), add_field(text, bind.at);
  add_field(text, sandbox.workspace);
  add_field(text, std::int64_t{sandbox.confined});
  add_fields(text, sandbox.writable);
  add_field(text, std::int64_t{sandbox.own_network});
  add_field(text, static_cast<std::int64_t>(sandbox.watch));
}

Sandbox read_sandbox(Reader& reader) {
  Sandbox sandbox;
  sandbox.snapshot.emplace().at = reader.text();
  for (std::size_t left = reader.count(); reader.is_good() && left > 0; --left) {
    Sandbox::Bind& bind = sandbox.binds.emplace_back();
    bind.from = reader.text();
    bind.at = reader.text();
  }
  sandbox.workspace = reader.text();
  sandbox.confined = reader.flag();
  sandbox.writable = reader.list();
  sandbox.own_network = reader.flag();
  sandbox.watch = reader.bounded<Sandbox::Watch>(static_cast<std::int64_t>(Sandbox::Watch::all));
  return sandbox;
}

void add(std::string& text, const Observed& observed) {
  add_field(text, std::int64_t{observed.complete});
  add_field(text, observed.gap);
  add_field(text, std::int64_t{observed.may_have_read_anything});
  add_field(text, observed.broken);
  add(text, observed.opened);
  add(text, observed.looked_at);
  add(text, observed.written);
  add(text, observed.updated);
  add_field(text, signed_size(observed.denied.size()));
  for (const Denied& one : observed.denied) {
    add_field(text, one.path);
    add_field(text, std::int64_t{one.writing});
    add_field(text, std::int64_t{one.is_act});
  }
}

Observed read_observed(Reader& reader) {
  Observed observed;
  observed.complete = reader.flag();
  observed.gap = reader.text();
  observed.may_have_read_anything = reader.flag();
  observed.broken = reader.text();
  observed.opened = reader.set();
  observed.looked_at = reader.set();
  observed.written = reader.set();
  observed.updated = reader.set();
  for (std::size_t left = reader.count(); reader.is_good() && left > 0; --left) {
    Denied denied;
    denied.path = reader.text();
    denied.writing = reader.flag();
    denied.is_act = reader.flag();
    observed.denied.insert(std::move(denied));
  }
  return observed;
}

void add(std::string& text, const std::vector<JobEntry>& entries) {
  add_field(text, signed_size(entries.size()));
  for (const JobEntry& entry : entries) {
    add_field(text, entry.path);
    add_field(text, static_cast<std::int64_t>(entry.state.kind));
    add_field(text, std::int64_t{entry.state.mode});
    add_field(text, entry.state.size);
    add_field(text, entry.state.digest.hex());
  }
}

std::vector<JobEntry> read_entries(Reader& reader) {
  constexpr std::int64_t kModeMax = 07777;
  std::vector<JobEntry> entries;
  for (std::size_t left = reader.count(); reader.is_good() && left > 0; --left) {
    JobEntry entry;
    entry.path = reader.text();
    entry.state.kind =
        reader.bounded<changes::Kind>(static_cast<std::int64_t>(changes::Kind::link));
    entry.state.mode = reader.bounded<std::uint32_t>(kModeMax);
    entry.state.size = reader.number();
    entry.state.digest = reader.digest();
    // Somebody else wrote them, and files are made and deleted by them here.
    if (!entry.path.empty() && !changes::check_path(entry.path)) reader.refuse();
    if (entry.path.empty() && entry.state.kind != changes::Kind::folder) reader.refuse();
    if (entry.state.size < 0) reader.refuse();
    if (!entries.empty() && entries.back().path >= entry.path) reader.refuse();
    entries.push_back(std::move(entry));
  }
  return entries;
}

std::unexpected<Error> refused(const char* what) {
  return fail(Error::Kind::invalid, std::string("this is not ") + what + " of this version",
              "dispatcher and workers are to be of the same Interlock");
}

}  // namespace

std::string text_of(const JobSpec& spec) {
  std::string text;
  const SpawnSpec& spawn = spec.spawn;
  add_field(text, kSpecForm);
  add(text, spawn.name);
  add_fields(text, spawn.arguments);
  add_field(text, signed_size(spawn.environment.size()));
  for (const auto& [name, value] : spawn.environment) add_field(text, name), add_field(text, value);
  add_field(text, spawn.folder);
  add_field(text, spawn.standard_input);
  add_field(text, spawn.label);
  add_field(text, std::int64_t{spawn.keep_output});
  add(text, *spawn.sandbox);
  add_field(text, signed_size(spawn.output_bytes_max));
  add_fields(text, spec.passed_on);
  add_field(text, signed_size(spec.folders.size()));
  for (const JobSpec::Folder& folder : spec.folders)
    add_field(text, folder.path), add_field(text, folder.content.hex());
  return text;
}

Result<JobSpec> read_job_spec(std::string_view text) {
  Reader reader(text);
  JobSpec spec;
  if (reader.text() != kSpecForm) return refused("a job");
  SpawnSpec& spawn = spec.spawn;
  spawn.name = reader.name();
  spawn.arguments = reader.list();
  for (std::size_t left = reader.count(); reader.is_good() && left > 0; --left) {
    std::string name = reader.text();
    spawn.environment[std::move(name)] = reader.text();
  }
  spawn.folder = reader.text();
  spawn.standard_input = reader.text();
  spawn.label = reader.text();
  spawn.keep_output = reader.flag();
  spawn.sandbox = read_sandbox(reader);
  spawn.output_bytes_max = reader.bounded<std::size_t>(INT64_MAX);
  spec.passed_on = reader.list();
  for (std::size_t left = reader.count(); reader.is_good() && left > 0; --left) {
    std::string path = reader.text();
    spec.folders.push_back({std::move(path), reader.digest()});
  }
  const bool is_whole = reader.is_good() && reader.is_at_end() && !spawn.arguments.empty() &&
                        !spec.folders.empty() &&
                        spec.folders.front().path == spawn.sandbox->snapshot->at;
  if (!is_whole) return refused("a job");
  return spec;
}

std::string text_of(const JobResult& result) {
  std::string text;
  const Exited& exited = result.exited;
  add_field(text, kResultForm);
  add(text, exited.name);
  add(text, exited.exit_code ? std::optional<std::int64_t>(*exited.exit_code) : std::nullopt);
  add(text, exited.signal ? std::optional<std::int64_t>(*exited.signal) : std::nullopt);
  add_field(text, std::int64_t{exited.strays});
  add_field(text, std::int64_t{exited.output_cut});
  add_field(text, exited.hindered);
  add_fields(text, exited.unproven);
  add(text, exited.cpu_time ? std::optional<std::int64_t>(exited.cpu_time->count()) : std::nullopt);
  add(text, exited.memory_peak_bytes);
  add(text, result.observed);
  add(text, result.output);
  add(text, result.log);
  add(text, result.left);
  add_fields(text, result.remarks);
  return text;
}

Result<JobResult> read_job_result(std::string_view text) {
  Reader reader(text);
  JobResult result;
  if (reader.text() != kResultForm) return refused("a job's result");
  Exited& exited = result.exited;
  exited.name = reader.name();
  if (const auto code = reader.maybe_number()) exited.exit_code = static_cast<int>(*code);
  if (const auto signal = reader.maybe_number()) exited.signal = static_cast<int>(*signal);
  exited.strays = reader.bounded<std::uint32_t>(UINT32_MAX);
  exited.output_cut = reader.flag();
  exited.hindered = reader.text();
  exited.unproven = reader.list();
  if (const auto time = reader.maybe_number()) exited.cpu_time = Duration(*time);
  exited.memory_peak_bytes = reader.maybe_number();
  result.observed = read_observed(reader);
  result.output = reader.maybe_digest();
  result.log = reader.maybe_digest();
  result.left = read_entries(reader);
  result.remarks = reader.list();
  if (!reader.is_good() || !reader.is_at_end()) return refused("a job's result");
  return result;
}

std::string text_of(const std::vector<JobEntry>& entries) {
  std::string text;
  add_field(text, kEntriesForm);
  add(text, entries);
  return text;
}

Result<std::vector<JobEntry>> read_job_entries(std::string_view text) {
  Reader reader(text);
  if (reader.text() != kEntriesForm) return refused("a list of files");
  auto entries = read_entries(reader);
  if (!reader.is_good() || !reader.is_at_end()) return refused("a list of files");
  return entries;
}

std::optional<std::string> why_not_a_job(const SpawnSpec& spec) {
  if (!spec.sandbox || !spec.sandbox->snapshot) return "it does not work in a snapshot";
  if (spec.name.phase != 0) return "it checks or joins what is here";
  if (spec.report_lines) return "what it prints is followed line by line";
  const bool has_route = spec.sandbox->gateway_port || !spec.secrets.empty() ||
                         spec.environment.contains("INTERLOCK_BOARD");
  if (has_route) return "it asks the gateway";
  if (!spec.remark_file.empty()) return "it has a setup or services";
  return std::nullopt;
}

}  // namespace interlock::engine
