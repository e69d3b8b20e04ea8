#include "engine/trace.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/json.h"
#include "changes/path_text.h"
#include "changes/stale.h"

namespace interlock::engine {

using changes::Change;
using changes::Kind;

namespace {

/// In the order of the paths they belong to, which stand elsewhere in the text.
json::array to_json(const std::vector<Digest>& digests) {
  json::array array;
  for (const Digest& one : digests) array.emplace_back(one.hex());
  return array;
}

Result<std::vector<Digest>> digests_from(const json::value& value) {
  std::vector<Digest> digests;
  if (!value.is_array()) return fail(Error::Kind::invalid, "digests are not an array");
  for (const json::value& one : value.get_array()) {
    const auto digest = one.is_string() ? Digest::from_hex(one.get_string()) : std::nullopt;
    if (!digest) return fail(Error::Kind::invalid, "a digest is not 64 hexadecimal digits");
    digests.push_back(*digest);
  }
  return digests;
}

}  // namespace

std::string to_text(const Trace& trace) {
  // Canonical, as its digest is its name.
  return canonical_json(json::object{{"reads", changes::to_text(trace.reads)},
                                     {"found", to_json(trace.found)},
                                     {"left", changes::paths_to_json(trace.left)},
                                     {"left_states", to_json(trace.left_states)}});
}

Result<Trace> trace_from_text(std::string_view text) {
  // It is read by a later version perhaps, and its disk may have failed: whatever is not as it
  // should be is an error.
  const std::string tried = "cannot read the trace";
  auto parsed = parse_json(text);
  if (!parsed) return within(std::move(parsed.error()), tried);
  if (!parsed->is_object()) return fail(Error::Kind::invalid, tried + ": it is not an object");
  const json::object& object = parsed->get_object();
  // A key that is not known may change what the others mean.
  auto keys = changes::check_keys(object, {"reads", "found", "left", "left_states"});
  if (!keys) return within(std::move(keys.error()), tried);
  if (!object.at("reads").is_string())
    return fail(Error::Kind::invalid, tried + ": `reads` is not text");
  auto reads = changes::read_set_from_text(object.at("reads").get_string());
  auto found = digests_from(object.at("found"));
  auto left = changes::paths_from_json(object.at("left"));
  auto left_states = digests_from(object.at("left_states"));
  if (!reads) return within(std::move(reads.error()), tried);
  if (!found) return within(std::move(found.error()), tried);
  if (!left) return within(std::move(left.error()), tried);
  if (!left_states) return within(std::move(left_states.error()), tried);
  return Trace{std::move(*reads), std::move(*found), std::move(*left), std::move(*left_states)};
}

/// Content and presence: a file of the same bytes with another mode was changed.
changes::ReadSet states_of(const std::vector<std::string>& left) {
  return {changes::ReadsFrom::observed, left, {}, left};
}

changes::ReadSet reads_to_find_again(const changes::ReadSet& reads, const changes::Changeset& own) {
  changes::ReadSet again{reads.from, {}, reads.listing, {}};
  // A listing stays: that it added a name there itself is in what it left.
  const auto keep = [&](const std::vector<std::string>& from, std::vector<std::string>& to) {
    for (const std::string& path : from) {
      // Its own bytes are compared as what it left.
      if (own.find(path) == nullptr) to.push_back(path);
    }
  };
  keep(reads.content, again.content);
  keep(reads.presence, again.presence);
  return again;
}

std::string why_not_comparable(const plan::Task& task, const changes::ReadSet& reads,
                               const changes::WriteSet& writes, const changes::Changeset& own,
                               bool read_repository) {
  // What was not seen cannot be looked at again.
  if (reads.from != changes::ReadsFrom::observed || !writes.complete)
    return "it may have read more than was seen";
  // Its check may have passed for a file that nobody knows of.
  if (!task.verify.empty()) return "it has a `verify` command, whose reads nobody watches";
  if (read_repository) return "it reads the repository's own `.git`";
  const std::size_t count = reads.content.size() + reads.listing.size() + reads.presence.size();
  // Each of them is looked at whenever the task may start again.
  if (count + own.changes.size() > kTracedMax)
    return fmt::format("it touches more than {} paths", kTracedMax);
  for (const Change& one : own.changes) {
    const std::string path = changes::shown(one.path);
    const bool was_there = one.before.kind != Kind::absent;
    // The second time there is nothing to delete, and the end is another.
    if (one.after.kind == Kind::absent) return fmt::format("it deletes `{}`", path);
    if (was_there && one.before.kind != one.after.kind)
      return fmt::format("it puts something else in the place of `{}`", path);
    // What it starts from is gone by its own doing.
    if (std::ranges::binary_search(writes.updated, one.path))
      return fmt::format("it makes `{}` out of what was there, or because nothing was", path);
  }
  return {};
}

bool opened_repository(const Observed& observed) {
  // Not what it wrote there: commits and branches are no input.
  return std::ranges::any_of(observed.opened, [](const std::string& path) {
    return path.ends_with("/.git") || path.contains("/.git/");
  });
}

std::string first_difference(const std::vector<CacheKeyPart>& now,
                             const std::vector<Digest>& before) {
  for (std::size_t i = 0; i < now.size(); ++i) {
    // By place: paths come in one order.
    if (i >= before.size() || now[i].digest != before[i]) return now[i].name;
  }
  return now.size() == before.size() ? "" : "what it had read";
}

}  // namespace interlock::engine
