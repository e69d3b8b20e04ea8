#include "plan/read.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/text.h"
#include "plan/keys.h"
#include "plan/read_board.h"
#include "plan/tasks.h"

namespace interlock::plan {

namespace {

/// Dotted keys of `--set` that name a place of the plan begin with one of these.
constexpr std::string_view kSettable[] = {"defaults", "limits", "agents", "resources"};

/// Bytes that are no text of any plan, found before the parser sees them.
bool is_text(const SourceText& source, Problems& problems) {
  const auto text = source.text();
  const auto at = [](std::size_t byte) { return Span{static_cast<std::uint32_t>(byte), 1}; };
  if (text.starts_with("\xff\xfe") || text.starts_with("\xfe\xff")) {
    problems.add(at(0), "the plan is UTF-16", "save it as UTF-8");
  } else if (const auto bad = first_bad_utf8(text)) {
    problems.add(at(*bad),
                 fmt::format("byte 0x{:02x} is not UTF-8", static_cast<unsigned char>(text[*bad])),
                 "save the plan as UTF-8");
  } else if (const auto nul = text.find('\0'); nul != text.npos) {
    problems.add(at(nul), "a NUL byte stands in the plan", "is this a text file?");
  } else {
    return true;
  }
  return false;
}

std::vector<std::string_view> split_path(std::string_view key) {
  std::vector<std::string_view> path;
  while (true) {
    const auto dot = key.find('.');
    path.push_back(key.substr(0, dot));
    if (dot == key.npos) return path;
    key.remove_prefix(dot + 1);
  }
}

/// The entries of `--set`: those that name a place of the plan change it, the others fill `{key}`.
class SetEntries {
 public:
  SetEntries(const std::map<std::string, std::string>& entries, Problems& problems)
      : entries_(entries), problems_(problems) {}

  void change(Document& document);
  std::optional<std::string> find(std::string_view name);
  void report_unused(const Reading& reading, std::string_view text) const;

 private:
  Span span_of(const std::string& key) const {
    const auto index = std::distance(entries_.begin(), entries_.find(key));
    return {Span::kSet + static_cast<std::uint32_t>(index), 1};
  }

  const std::map<std::string, std::string>& entries_;
  Problems& problems_;
  std::set<std::string, std::less<>> used_;
};

void SetEntries::change(Document& document) {
  for (const auto& [key, value] : entries_) {
    const auto path = split_path(key);
    const bool names_place =
        path.size() > 1 && std::ranges::find(kSettable, path.front()) != std::end(kSettable);
    if (is_reserved(key)) {
      problems_.add(span_of(key), fmt::format("`{{{}}}` has a meaning of its own", printable(key)));
    } else if (first_bad_utf8(key + value) || (key + value).contains('\0')) {
      problems_.add(span_of(key), "not UTF-8 text");
    } else if (names_place) {
      used_.insert(key);
      const auto index = span_of(key).begin - Span::kSet;
      if (!document.set(path, value, index))
        problems_.add(span_of(key), "the plan has no map to put it into");
    }
  }
}

std::optional<std::string> SetEntries::find(std::string_view name) {
  const auto found = entries_.find(std::string(name));
  if (found == entries_.end()) return std::nullopt;
  used_.insert(found->first);
  return found->second;
}

void SetEntries::report_unused(const Reading& reading, std::string_view text) const {
  for (const auto& [key, value] : entries_) {
    if (used_.contains(key)) continue;
    problems_.add(span_of(key), fmt::format("nothing in the plan says `{{{}}}`", printable(key)),
                  did_you_mean(reading, key, braced_names(text)));
  }
}

/// `plans/review.yaml` is called `review`.
std::string name_from(std::string_view file) {
  file.remove_prefix(std::min(file.size(), file.rfind('/') + 1));
  const auto dot = file.rfind('.');
  return std::string(dot == 0 ? file : file.substr(0, dot));
}

/// Name and workspace of the plan.
void read_head(Reading& reading, const Fields& fields) {
  auto& plan = reading.plan;
  plan.file = reading.options.file;
  plan.name = name_from(plan.file);
  if (const auto node = fields["name"])
    plan.name = read_filled(reading, *node, "a name").value_or("");
  if (const auto node = fields["interlock"]; !node) {
    reading.problems.add(fields.node().span(), "the plan does not say `interlock: 1`",
                         "it is the version of this format, and stands first");
  } else if (node->text() != "1") {
    expected(reading, *node, "`1`, the version of the plan format");
  }
  std::string workspace = ".";
  const auto node = fields["workspace"];
  if (node) workspace = read_filled(reading, *node, "the path of a folder").value_or(workspace);
  const auto folder = reading.files.resolve_folder(reading.path_of(workspace));
  if (folder) {
    plan.workspace = *folder;
  } else {
    reading.problems.add(node.value_or(fields.node()).span(), folder.error().message,
                         folder.error().hint);
  }
}

void note_missing_reads(Plan& plan, const std::vector<std::string>& ids) {
  if (ids.empty()) return;
  plan.notes.push_back(fmt::format(
      "{} {} writes but no reads: taken to read nothing else; write `reads: []` to say so",
      join_words(ids, 3), ids.size() == 1 ? "declares" : "declare"));
}

void read_document(Reading& reading, const Document& document) {
  const Fields fields(reading, document.root(), "the plan", kPlanKeys);
  if (!document.root().is_map()) return;
  read_head(reading, fields);
  read_agents(reading, fields["agents"]);
  if (const auto node = fields["commits"]) {
    static constexpr std::string_view kWords[] = {"none", "task"};
    reading.plan.commit_each = read_choice(reading, *node, kWords) == 1u;
  }
  if (const auto node = fields["resources"]) read_resources(reading, *node);
  if (const auto node = fields["services"]) read_services(reading, *node);
  if (const auto node = fields["board"]) read_topics(reading, *node);
  if (const auto node = fields["limits"]; node && !node->is_null()) read_limits(reading, *node);
  const auto defaults = read_defaults(reading, fields["defaults"]);
  reading.plan.defaults = defaults;

  const auto tasks = fields["tasks"];
  if (!tasks && !reading.options.may_grow)
    return reading.problems.add(fields.node().span(), "the plan has no `tasks`");
  auto list = tasks ? read_tasks(reading, *tasks, defaults) : TaskList();
  std::vector<MergeDraft> merges;
  if (const auto node = fields["merge"]) merges = read_merges(reading, *node, defaults, list);
  if (const auto node = fields["verify"]; node && !node->is_null())
    read_run_check(reading, *node, defaults, list);
  const auto without_reads = std::move(list.without_reads);
  settle(reading, std::move(list), std::move(merges));
  note_missing_reads(reading.plan, without_reads);
  note_idle_topics(reading.plan);
}

}  // namespace

std::size_t max_plan_bytes() { return Document::kMaxBytes; }

ReadResult read_plan(std::string_view text, const ReadOptions& options, Files& files) {
  ReadResult result;
  if (text.size() > max_plan_bytes()) {
    result.problems.push_back(
        {.message = fmt::format("the plan is larger than {} MiB", max_plan_bytes() >> 20),
         .hint = "split it, or let `foreach` unfold tasks that are alike"});
    return result;
  }
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  const SourceText source(text);
  Problems problems(source, options.set);
  if (is_text(source, problems)) {
    if (auto document = Document::parse(source, problems)) {
      SetEntries set(options.set, problems);
      set.change(*document);
      Reading reading{options, files, problems, result.plan,
                      [&](std::string_view name) { return set.find(name); }};
      read_document(reading, *document);
      if (problems.reported() == 0) set.report_unused(reading, text);
    }
  }
  result.problems = problems.finish();
  return result;
}

}  // namespace interlock::plan
