#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/json.h"
#include "plan/read.h"

// What a plan's reading saw, kept with the run: `resume` reads exactly the same plan, whatever
// became of the files.
namespace interlock::workspace {

/// Passes everything on and remembers every answer, refusals too.
class RecordingFiles final : public plan::Files {
 public:
  /// `inner` must outlive it.
  explicit RecordingFiles(plan::Files& inner) : inner_(inner) {}

  Result<std::string> read(const std::string& path, std::size_t max_bytes) override;
  Result<std::vector<std::string>> matching(const std::string& folder,
                                            const footprint::PatternSet& patterns) override;
  Result<std::string> resolve_folder(const std::string& path) override;

  /// One JSON object: `{"<question>": {"answer": ...} | {"error": ..., "hint": ..., "kind": ...}}`.
  const json::object& record() const { return record_; }
  std::string text() const;

 private:
  plan::Files& inner_;
  json::object record_;
};

/// Answers as a record says; what was not asked then is an error now.
class RecordedFiles final : public plan::Files {
 public:
  static Result<RecordedFiles> parse(std::string_view text);

  Result<std::string> read(const std::string& path, std::size_t max_bytes) override;
  Result<std::vector<std::string>> matching(const std::string& folder,
                                            const footprint::PatternSet& patterns) override;
  Result<std::string> resolve_folder(const std::string& path) override;

 private:
  explicit RecordedFiles(json::object record) : record_(std::move(record)) {}
  Result<json::value> answer(const std::string& question) const;

  json::object record_;
};

}  // namespace interlock::workspace
