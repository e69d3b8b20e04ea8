#include "schema/compiler.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <set>

#include "base/text.h"

namespace interlock::schema {
namespace {

std::string shown(const std::string& pointer) {
  return pointer.empty() ? "the top" : "`" + pointer + "`";
}

std::unexpected<Error> wrong(std::string message, std::string hint = {}) {
  return fail(Error::Kind::invalid, std::move(message), std::move(hint));
}

/// The dialect that `$schema` names; nothing when there is no `$schema`.
Result<std::optional<Dialect>> named_dialect(const json::value& document) {
  const json::value* member =
      document.is_object() ? document.get_object().if_contains("$schema") : nullptr;
  if (member == nullptr) return std::nullopt;
  if (!member->is_string()) return wrong("`$schema` at the top: expected a URI");
  std::string uri(member->get_string());
  if (uri.ends_with('#')) uri.pop_back();
  const std::size_t scheme = uri.find("://");
  const std::string rest = scheme == std::string::npos ? uri : uri.substr(scheme + 3);
  if (rest == "json-schema.org/draft-07/schema" || rest == "json-schema.org/draft-06/schema")
    return Dialect::draft7;
  if (rest == "json-schema.org/draft/2020-12/schema") return Dialect::draft2020;
  return wrong(fmt::format("`$schema` at the top: the dialect `{}` is not known here", uri),
               "draft 7 (`http://json-schema.org/draft-07/schema#`) and 2020-12 "
               "(`https://json-schema.org/draft/2020-12/schema`) are");
}

Result<std::unique_ptr<Compiled>> compile_as(Dialect dialect, const json::value& document) {
  auto compiled = std::make_unique<Compiled>();
  compiled->document = document;
  compiled->dialect = dialect;
  if (auto done = Compiler(*compiled).run(); !done) return std::unexpected(done.error());
  return compiled;
}

/// Words of OpenAPI and of editors that describe, and so change no verdict.
constexpr std::string_view kAnnotations[] = {"example",
                                             "externalDocs",
                                             "xml",
                                             "discriminator",
                                             "markdownDescription",
                                             "enumNames",
                                             "enumDescriptions",
                                             "markdownEnumDescriptions",
                                             "defaultSnippets",
                                             "errorMessage",
                                             "propertyOrdering"};

bool is_annotation(std::string_view name) {
  return std::ranges::find(kAnnotations, name) != std::end(kAnnotations);
}

std::string_view name_of(Dialect dialect) {
  return dialect == Dialect::draft7 ? "draft 7" : "2020-12";
}

}  // namespace

Result<std::unique_ptr<Compiled>> compile(std::string_view text) {
  const auto document = parse_json(text);
  if (!document) return within(document.error(), "the schema is not JSON");
  const auto named = named_dialect(*document);
  if (!named) return std::unexpected(named.error());
  auto compiled = compile_as(named->value_or(Dialect::draft7), *document);
  if (compiled || *named) return compiled;
  // Without `$schema`, keywords that only the newer dialect has say which one is meant.
  auto newer = compile_as(Dialect::draft2020, *document);
  if (!newer) return compiled;
  (*newer)->notes.push_back("read as 2020-12: say so with `$schema`");
  return newer;
}

Result<void> Compiler::run() {
  into_.top = node_of(into_.document);
  for (const auto& [name, schema] : document_.dynamic_anchors())
    into_.dynamic_anchors[name] = node_of(*schema);
  while (!to_read_.empty()) {
    now_ = to_read_.back();
    to_read_.pop_back();
    Node& node = *nodes_.at(now_);
    if (auto done = read(*now_, node); !done) return done;
  }
  return find_circle();
}

const Node* Compiler::node_of(const json::value& schema) {
  const auto [at, is_new] = nodes_.try_emplace(&schema);
  if (is_new) {
    at->second = &into_.nodes.emplace_back();
    to_read_.push_back(&schema);
  }
  return at->second;
}

Result<const Node*> Compiler::referred(std::string_view reference) {
  const auto schema = referred_schema(reference);
  if (!schema) return std::unexpected(schema.error());
  return node_of(**schema);
}

Result<void> Compiler::read(const json::value& schema, Node& node) {
  const Document::Place& place = document_.place_of(schema);
  node.pointer = place.pointer;
  node.resource = place.resource;
  if (schema.is_bool()) {
    node.is_false = !schema.get_bool();
    return {};
  }
  if (!schema.is_object())
    return wrong(
        fmt::format("{}: expected a schema: an object, `true` or `false`", shown(node.pointer)));
  const json::object& source = schema.get_object();
  if (auto known = check_known(source, node.pointer); !known) return known;
  const bool only_ref = into_.dialect == Dialect::draft7 && source.contains("$ref");
  for (const Rule& rule : all_rules()) {
    if (!rule.is_in(into_.dialect) || !source.contains(rule.name)) continue;
    if (only_ref && rule.name != "$ref") {
      if (rule.check != nullptr)
        note(fmt::format("`{}` at {} is ignored beside `$ref`, as draft 7 has it", rule.name,
                         shown(node.pointer)));
      continue;
    }
    if (auto done = read_keyword(rule, source, node); !done) return done;
  }
  return {};
}

Result<void> Compiler::check_known(const json::object& source, const std::string& pointer) {
  std::vector<std::string> names;
  for (const Rule& rule : all_rules()) names.emplace_back(rule.name);
  for (const auto& [key, value] : source) {
    const std::string name(key);
    if (rule_named(name, into_.dialect) != nullptr || name.starts_with("x-")) continue;
    const Dialect other = into_.dialect == Dialect::draft7 ? Dialect::draft2020 : Dialect::draft7;
    const Rule* elsewhere = rule_named(name, other);
    if (elsewhere != nullptr && elsewhere->name == name) {
      return wrong(fmt::format("`{}` at {} is a keyword of {}, and this schema is {}", name,
                               shown(pointer), name_of(other), name_of(into_.dialect)),
                   "name the dialect with `$schema`");
    }
    if (is_annotation(name)) {
      note(fmt::format(
          "`{}` at {} is not a keyword of JSON Schema; it only describes and is not checked", name,
          shown(pointer)));
      continue;
    }
    if (name == "nullable") {
      note(
          fmt::format("`nullable` at {} is OpenAPI's and is not checked: in JSON Schema, write "
                      "`\"type\": [..., \"null\"]`",
                      shown(pointer)));
      continue;
    }
    if (const auto near = nearest_word(name, names)) {
      return wrong(fmt::format("unknown keyword `{}` at {}", printable(name), shown(pointer)),
                   fmt::format("did you mean `{}`?", *near));
    }
    note(fmt::format("unknown keyword `{}` at {} is not checked", printable(name), shown(pointer)));
  }
  return {};
}

Result<void> Compiler::read_keyword(const Rule& rule, const json::object& source, Node& node) {
  Keyword keyword;
  keyword.rule = &rule;
  keyword.value = source.if_contains(rule.name);
  auto done = hold(*keyword.value, keyword);
  if (done && rule.prepare != nullptr) done = rule.prepare(*this, source, keyword);
  if (!done) return within(done.error(), fmt::format("`{}` at {}", rule.name, shown(node.pointer)));
  if (rule.check != nullptr) node.keywords.push_back(std::move(keyword));
  return {};
}

/// Makes nodes of the schemas that a keyword holds.
Result<void> Compiler::hold(const json::value& value, Keyword& keyword) {
  switch (keyword.rule->holds) {
    case Holds::none: return {};
    case Holds::list:
      if (!value.is_array() || value.get_array().empty())
        return wrong("expected a list of schemas, at least one");
      break;
    case Holds::by_name:
    case Holds::schemas_or_names:
      if (!value.is_object()) return wrong("expected an object of schemas");
      for (const auto& [name, schema] : value.get_object()) {
        if (!schema.is_array()) keyword.named.emplace_back(std::string(name), node_of(schema));
      }
      return {};
    case Holds::schema:
    case Holds::schema_or_list: break;
  }
  visit_held(*keyword.rule, value, [&](const json::value& schema, const std::string&) {
    keyword.schemas.push_back(node_of(schema));
  });
  return {};
}

/// Refuses schemas that lead back to themselves without going down into the value: checking one
/// would never end.
Result<void> Compiler::find_circle() const {
  enum class Mark : unsigned char { open, done };
  std::unordered_map<const Node*, Mark> marks;
  struct Frame {
    const Node* node;
    std::vector<const Node*> next;
  };
  const auto frame_of = [](const Node* node) {
    Frame frame{node, {}};
    for (const Keyword& keyword : node->keywords) {
      if (!keyword.rule->in_place) continue;
      std::ranges::copy(keyword.schemas, std::back_inserter(frame.next));
      for (const auto& [name, held] : keyword.named) frame.next.push_back(held);
    }
    return frame;
  };
  for (const Node& start : into_.nodes) {
    if (!marks.try_emplace(&start, Mark::open).second) continue;
    std::vector<Frame> path{frame_of(&start)};
    while (!path.empty()) {
      if (path.back().next.empty()) {
        marks[path.back().node] = Mark::done;
        path.pop_back();
        continue;
      }
      const Node* next = path.back().next.back();
      path.back().next.pop_back();
      const auto [mark, is_new] = marks.try_emplace(next, Mark::open);
      if (is_new)
        path.push_back(frame_of(next));
      else if (mark->second == Mark::open)
        return wrong(fmt::format("the schema at {} leads back to itself", shown(next->pointer)));
    }
  }
  return {};
}

}  // namespace interlock::schema
