#include "workspace/recorded_files.h"

#include <fmt/format.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

namespace interlock::workspace {
namespace {

// A question is the key under which its answer is kept.
std::string read_question(const std::string& path, std::size_t max_bytes) {
  return fmt::format("read {} {}", max_bytes, path);
}
std::string matching_question(const std::string& folder, const footprint::PatternSet& patterns) {
  return fmt::format("matching {} in {}", patterns.text(), folder);
}
std::string folder_question(const std::string& path) { return "folder " + path; }

json::value refusal(const Error& error) {
  return json::object{{"error", error.message},
                      {"hint", error.hint},
                      {"kind", static_cast<std::int64_t>(error.kind)}};
}

std::unexpected<Error> unknown(const std::string& question) {
  return fail(Error::Kind::internal,
              fmt::format("the run's record of its files does not know `{}`", question));
}

}  // namespace

Result<std::string> RecordingFiles::read(const std::string& path, std::size_t max_bytes) {
  auto content = inner_.read(path, max_bytes);
  record_[read_question(path, max_bytes)] =
      content ? json::object{{"answer", *content}} : refusal(content.error());
  return content;
}

Result<std::vector<std::string>> RecordingFiles::matching(const std::string& folder,
                                                          const footprint::PatternSet& patterns) {
  auto paths = inner_.matching(folder, patterns);
  json::value& kept = record_[matching_question(folder, patterns)];
  if (paths) {
    json::array list;
    for (const std::string& path : *paths) list.emplace_back(path);
    kept = json::object{{"answer", std::move(list)}};
  } else {
    kept = refusal(paths.error());
  }
  return paths;
}

Result<std::string> RecordingFiles::resolve_folder(const std::string& path) {
  auto folder = inner_.resolve_folder(path);
  record_[folder_question(path)] =
      folder ? json::object{{"answer", *folder}} : refusal(folder.error());
  return folder;
}

std::string RecordingFiles::text() const { return json::serialize(record_); }

Result<RecordedFiles> RecordedFiles::parse(std::string_view text) {
  json::parse_options options;
  options.allow_invalid_utf8 = true;  // File names are bytes.
  boost::system::error_code error;
  json::value value = json::parse(text, error, {}, options);
  if (error || !value.is_object())
    return fail(Error::Kind::io, "the run's record of its files is not a JSON object");
  return RecordedFiles(std::move(value.get_object()));
}

Result<json::value> RecordedFiles::answer(const std::string& question) const {
  const json::value* kept = record_.if_contains(question);
  if (kept == nullptr || !kept->is_object()) return unknown(question);
  const json::object& object = kept->get_object();
  if (const json::value* answer = object.if_contains("answer")) return *answer;
  const json::value* message = object.if_contains("error");
  const json::value* hint = object.if_contains("hint");
  const json::value* kind = object.if_contains("kind");
  const bool whole =
      message && message->is_string() && hint && hint->is_string() && kind && kind->is_int64();
  if (!whole) return unknown(question);
  return fail(static_cast<Error::Kind>(kind->get_int64()), std::string(message->get_string()),
              std::string(hint->get_string()));
}

Result<std::string> RecordedFiles::read(const std::string& path, std::size_t max_bytes) {
  const std::string question = read_question(path, max_bytes);
  const auto kept = answer(question);
  if (!kept) return std::unexpected(kept.error());
  if (!kept->is_string()) return unknown(question);
  return std::string(kept->get_string());
}

Result<std::vector<std::string>> RecordedFiles::matching(const std::string& folder,
                                                         const footprint::PatternSet& patterns) {
  const std::string question = matching_question(folder, patterns);
  const auto kept = answer(question);
  if (!kept) return std::unexpected(kept.error());
  if (!kept->is_array()) return unknown(question);
  std::vector<std::string> paths;
  for (const json::value& path : kept->get_array()) {
    if (!path.is_string()) return unknown(question);
    paths.emplace_back(path.get_string());
  }
  return paths;
}

Result<std::string> RecordedFiles::resolve_folder(const std::string& path) {
  const auto kept = answer(folder_question(path));
  if (!kept) return std::unexpected(kept.error());
  if (!kept->is_string()) return unknown(folder_question(path));
  return std::string(kept->get_string());
}

}  // namespace interlock::workspace
