#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "schema/compiled.h"
#include "schema/document.h"

namespace interlock::schema {

/// Reads a schema. The error names the place in it by JSON pointer.
Result<std::unique_ptr<Compiled>> compile(std::string_view text);

/// Makes a document's nodes. Rules use it to read what stands beside and behind a keyword.
class Compiler {
 public:
  explicit Compiler(Compiled& into) : into_(into), document_(into.document, into.dialect) {}

  Result<void> run();

  Dialect dialect() const { return into_.dialect; }
  /// The node of a schema; its keywords are read later.
  const Node* node_of(const json::value& schema);
  /// The node that a reference in the schema now being read leads to.
  Result<const Node*> referred(std::string_view reference);
  /// The same, as the schema itself.
  Result<const json::value*> referred_schema(std::string_view reference) {
    return document_.resolve(*now_, reference);
  }
  void needs_seen() { into_.has_unevaluated = true; }
  void note(std::string text) { into_.notes.push_back(std::move(text)); }

 private:
  Result<void> read(const json::value& schema, Node& node);
  Result<void> read_keyword(const Rule& rule, const json::object& source, Node& node);
  Result<void> check_known(const json::object& source, const std::string& pointer);
  Result<void> hold(const json::value& value, Keyword& keyword);
  Result<void> find_circle() const;

  Compiled& into_;
  Document document_;
  std::unordered_map<const json::value*, Node*> nodes_;  // Looked up, never walked.
  std::vector<const json::value*> to_read_;
  const json::value* now_ = nullptr;
};

}  // namespace interlock::schema
