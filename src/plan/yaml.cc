// From libfyaml's events to a Document. Everything that makes a text no usable document is found
// here.

#include <fmt/format.h>
#include <libfyaml.h>

#include <algorithm>
#include <memory>
#include <unordered_map>

#include "base/check.h"
#include "base/text.h"
#include "plan/document.h"
#include "plan/yaml_words.h"

namespace interlock::plan {

namespace {

struct DiagFree {
  void operator()(fy_diag* diag) const { fy_diag_destroy(diag); }
};
struct ParserFree {
  void operator()(fy_parser* parser) const { fy_parser_destroy(parser); }
};

std::string_view text_of(fy_token* token) {
  if (token == nullptr) return {};
  std::size_t length = 0;
  const char* text = fy_token_get_text(token, &length);
  return text == nullptr ? std::string_view() : std::string_view(text, length);
}

/// The tags of the YAML 1.2 core schema; `!!str 12` makes text of what would be a number.
constexpr std::string_view kCoreTag = "tag:yaml.org,2002:";

}  // namespace

/// Builds the tree event by event, with the stack of what is still open.
class TreeBuilder {
 public:
  TreeBuilder(const SourceText& source, Problems& problems) : source_(source), problems_(problems) {
    document_.source_ = source.text();
  }

  /// False: stop here, a problem has been told.
  bool take(fy_event& event);
  void syntax_error(const fy_diag_error* error);
  bool empty() const { return document_.nodes_.empty(); }
  Document finish() { return std::move(document_); }

 private:
  struct Open {
    std::uint32_t node = 0;
    std::uint32_t last = Document::kNone;  ///< Its last child so far.
    std::uint64_t expanded = 1;            ///< Nodes below and including it, aliases unfolded.
    std::uint32_t height = 1;
    std::string anchor;
  };
  struct Anchored {
    std::uint32_t node = 0;
    std::uint64_t expanded = 1;
    std::uint32_t height = 0;
    bool open = false;  ///< Still being read: an alias to it would hold itself.
  };

  bool add(Document::Data data, fy_event& event, fy_token* anchor, fy_token* tag);
  bool add_scalar(fy_event& event);
  bool add_alias(fy_event& event);
  bool open(fy_event& event, Node::Kind kind, fy_token* anchor, fy_token* tag);
  bool close();
  bool accept_tag(fy_token* tag, bool& plain);
  void check_keys(const Open& map);
  void grow(std::uint64_t expanded, std::uint32_t height);
  bool stop(Span where, std::string message, std::string hint = {}) {
    problems_.add(where, std::move(message), std::move(hint));
    return false;
  }
  Span span_of(const fy_mark* start, const fy_mark* end) const;

  const SourceText& source_;
  Problems& problems_;
  Document document_;
  std::vector<Open> open_;
  std::unordered_map<std::string, Anchored> anchors_;
  std::uint64_t aliased_ = 0;
  std::uint32_t at_ = 0;  ///< Where the last thing ended: the place of what has no text.
  bool whole_ = false;    ///< A document has been read.
};

Span TreeBuilder::span_of(const fy_mark* start, const fy_mark* end) const {
  if (start == nullptr) return {at_, 1};
  const auto begin = static_cast<std::uint32_t>(start->input_pos);
  const auto stop = end == nullptr ? begin : static_cast<std::uint32_t>(end->input_pos);
  // Text over several lines is marked on its first.
  const auto line = source_.text().substr(begin, stop > begin ? stop - begin : 0);
  const auto length = std::min(line.size(), line.find('\n'));
  return {begin, std::max(1u, static_cast<std::uint32_t>(length))};
}

bool TreeBuilder::take(fy_event& event) {
  switch (event.type) {
    case FYET_SCALAR: return add_scalar(event);
    case FYET_ALIAS: return add_alias(event);
    case FYET_SEQUENCE_START:
      return open(event, Node::Kind::list, event.sequence_start.anchor, event.sequence_start.tag);
    case FYET_MAPPING_START:
      return open(event, Node::Kind::map, event.mapping_start.anchor, event.mapping_start.tag);
    case FYET_SEQUENCE_END:
    case FYET_MAPPING_END:
      if (const auto* end = fy_event_end_mark(&event))
        at_ = static_cast<std::uint32_t>(end->input_pos);
      return close();
    case FYET_DOCUMENT_START:
      if (!whole_) return true;
      return stop(span_of(fy_event_start_mark(&event), fy_event_end_mark(&event)),
                  "a second document begins here",
                  "a plan is one document: one file for each plan");
    case FYET_DOCUMENT_END: whole_ = true; return true;
    default: return true;
  }
}

bool TreeBuilder::accept_tag(fy_token* tag, bool& plain) {
  if (tag == nullptr) return true;
  const auto name = text_of(tag);
  const auto where = span_of(fy_token_start_mark(tag), fy_token_end_mark(tag));
  if (name.starts_with(kCoreTag)) {
    if (name.ends_with(":str")) plain = false;
    return true;
  }
  if (name == "!") {  // The non-specific tag: text, whatever it looks like.
    plain = false;
    return true;
  }
  return stop(where, "an unquoted `!` makes this a YAML tag, which plans do not have",
              "put quotes round it: `\"!src/gen/**\"`");
}

bool TreeBuilder::add(Document::Data data, fy_event& event, fy_token* anchor, fy_token* tag) {
  const auto* start = fy_event_start_mark(&event);
  const auto* end = fy_event_end_mark(&event);
  if (start == nullptr && tag != nullptr) start = fy_token_start_mark(tag);
  const auto span = span_of(start, end);
  data.begin = span.begin;
  data.length = span.length;
  if (document_.nodes_.size() >= Document::kMaxNodes) {
    return stop(span, fmt::format("the plan has more than {} million values",
                                  Document::kMaxNodes / 1'000'000));
  }
  if (!accept_tag(tag, data.plain)) return false;
  if (end != nullptr) at_ = static_cast<std::uint32_t>(end->input_pos);

  const auto index = static_cast<std::uint32_t>(document_.nodes_.size());
  document_.nodes_.push_back(data);
  if (!open_.empty()) {
    auto& parent = open_.back();
    (parent.last == Document::kNone ? document_.nodes_[parent.node].first
                                    : document_.nodes_[parent.last].next) = index;
    parent.last = index;
    ++document_.nodes_[parent.node].size;
  }
  if (anchor != nullptr) anchors_[std::string(text_of(anchor))] = {.node = index};
  return true;
}

bool TreeBuilder::add_scalar(fy_event& event) {
  auto* token = event.scalar.value;
  const auto style = token == nullptr ? FYSS_PLAIN : fy_token_scalar_style(token);
  std::string decoded;
  if (style == FYSS_SINGLE_QUOTED) {
    const auto begin = fy_token_start_mark(token)->input_pos;
    decoded = single_quoted_text(
        source_.text().substr(begin, fy_token_end_mark(token)->input_pos - begin));
  }
  const auto text = style == FYSS_SINGLE_QUOTED ? std::string_view(decoded) : text_of(token);
  Document::Data data{.plain = style == FYSS_PLAIN};
  data.size = static_cast<std::uint32_t>(text.size());
  const auto whole = source_.text();
  const bool in_source =
      !text.empty() && std::less_equal<>()(whole.data(), text.data()) &&
      std::less_equal<>()(text.data() + text.size(), whole.data() + whole.size());
  data.copied = !in_source;
  data.text =
      in_source ? static_cast<std::uint32_t>(text.data() - whole.data()) : document_.add_copy(text);
  if (text.find('\0') != text.npos) {
    return stop(span_of(fy_event_start_mark(&event), fy_event_end_mark(&event)),
                "text in a plan may not hold a NUL character");
  }
  if (!add(data, event, event.scalar.anchor, event.scalar.tag)) return false;
  grow(1, 0);
  return true;
}

/// An alias is a node that points at what it stands for; nothing is copied, but what a reader
/// would see through it counts.
bool TreeBuilder::add_alias(fy_event& event) {
  const auto where = span_of(fy_event_start_mark(&event), fy_event_end_mark(&event));
  const auto name = std::string(text_of(event.alias.anchor));
  const auto found = anchors_.find(name);
  if (found == anchors_.end()) {
    return stop(where, fmt::format("`*{}` refers to an anchor that is not there", printable(name)),
                "put quotes round a pattern that begins with `*`");
  }
  const auto target = found->second;
  if (target.open) return stop(where, fmt::format("`*{}` would hold itself", printable(name)));
  aliased_ += target.expanded;
  if (aliased_ > Document::kMaxAliased) {
    return stop(where, fmt::format("aliases unfold to more than {} million values",
                                   Document::kMaxAliased / 1'000'000));
  }
  if (open_.size() + target.height > Document::kMaxDepth) {
    return stop(where, fmt::format("nested more than {} deep", Document::kMaxDepth));
  }
  if (!add({.kind = document_.nodes_[target.node].kind, .alias = true, .first = target.node}, event,
           nullptr, nullptr)) {
    return false;
  }
  grow(target.expanded, target.height);
  return true;
}

bool TreeBuilder::open(fy_event& event, Node::Kind kind, fy_token* anchor, fy_token* tag) {
  if (open_.size() >= Document::kMaxDepth) {
    return stop(span_of(fy_event_start_mark(&event), fy_event_end_mark(&event)),
                fmt::format("nested more than {} deep", Document::kMaxDepth));
  }
  if (!add({.kind = kind}, event, anchor, tag)) return false;
  const auto node = static_cast<std::uint32_t>(document_.nodes_.size() - 1);
  open_.push_back({.node = node, .anchor = std::string(text_of(anchor))});
  if (anchor != nullptr) anchors_[std::string(text_of(anchor))].open = true;
  return true;
}

bool TreeBuilder::close() {
  check(!open_.empty(), "an end closes something");
  const auto closed = std::move(open_.back());
  open_.pop_back();
  if (!closed.anchor.empty()) {
    auto& anchored = anchors_[closed.anchor];
    if (anchored.node == closed.node) {
      anchored = {.node = closed.node, .expanded = closed.expanded, .height = closed.height};
    }
  }
  auto& data = document_.nodes_[closed.node];
  if (data.kind == Node::Kind::map) {
    data.size /= 2;
    check_keys(closed);
  }
  grow(closed.expanded, closed.height);
  return true;
}

/// Tells the open parent what has been added below it.
void TreeBuilder::grow(std::uint64_t expanded, std::uint32_t height) {
  if (open_.empty()) return;
  open_.back().expanded += expanded;
  open_.back().height = std::max(open_.back().height, height + 1);
}

void TreeBuilder::check_keys(const Open& map) {
  std::vector<Node> keys;
  for (const auto& [key, value] : Node(document_, map.node).entries()) {
    if (!key.is_scalar()) {
      problems_.add(key.span(), "a key must be a word");
    } else if (key.is_plain() && key.text() == "<<") {
      problems_.add(key.span(), "merge keys `<<` are not part of YAML 1.2",
                    "put what tasks share under `defaults`");
    } else {
      keys.push_back(key);
    }
  }
  std::ranges::stable_sort(keys, {}, &Node::text);
  const Node* first = nullptr;
  for (const auto& key : keys) {
    if (first != nullptr && first->text() == key.text()) {
      problems_.add(key.span(),
                    fmt::format("key `{}` is given twice", elide_end(printable(key.text()), 60)),
                    fmt::format("first on line {}", source_.place(first->span()).line));
    } else {
      first = &key;
    }
  }
}

void TreeBuilder::syntax_error(const fy_diag_error* error) {
  // The parser has no words for running out of memory, which it does in the middle of what is right
  // so far.
  constexpr std::size_t kManyNodes = 1'000'000;
  if (error == nullptr && document_.nodes_.size() >= kManyNodes) {
    problems_.add(
        {at_, 1},
        fmt::format(
            "the plan needs more memory than there is: {:.1f} million values were read, and about "
            "200 bytes are needed for each",
            static_cast<double>(document_.nodes_.size()) / 1e6),
        "split it, or let `foreach` unfold tasks that are alike");
    return;
  }
  if (error == nullptr) {
    problems_.add({at_, 1}, "this is not YAML");
    return;
  }
  const std::string_view text = error->msg == nullptr ? "this is not YAML" : error->msg;
  Span where{at_, 1};
  const auto* mark = error->fyt == nullptr ? nullptr : fy_token_start_mark(error->fyt);
  if (mark != nullptr) where = span_of(mark, fy_token_end_mark(error->fyt));
  // What was never closed is told where it was opened.
  const auto source = source_.text();
  const bool at_end =
      source.find_first_not_of(" \t\r\n", std::min<std::size_t>(where.begin, source.size())) ==
      source.npos;
  if (at_end && !open_.empty()) {
    const Span opened{document_.nodes_[open_.back().node].begin, 1};
    const auto bracket = source.substr(opened.begin, 1);
    if (bracket == "[" || bracket == "{")
      return problems_.add(opened, fmt::format("`{}` is never closed", bracket));
  }
  auto [message, hint] = in_plain_words(text);
  problems_.add(where, std::move(message), std::move(hint));
}

std::optional<Document> Document::parse(const SourceText& source, Problems& problems) {
  if (source.text().starts_with('{')) {
    if (auto document = parse_json(source.text())) return document;
  }
  if (source.text().size() > kMaxYamlBytes) {
    problems.add({0, 1},
                 fmt::format("a plan of more than {} MiB is read only where it is JSON without "
                             "faults, and this is not",
                             kMaxYamlBytes >> 20),
                 "split it, or let `foreach` unfold tasks that are alike");
    return std::nullopt;
  }
  fy_diag_cfg diag_config;
  fy_diag_cfg_default(&diag_config);
  diag_config.fp = nullptr;
  const std::unique_ptr<fy_diag, DiagFree> diag(fy_diag_create(&diag_config));
  check(diag != nullptr, "the parser's diagnostics can be made");
  fy_diag_set_collect_errors(diag.get(), true);

  fy_parse_cfg config{};
  // Depth is held by TreeBuilder, which says so in its own words.
  config.flags = static_cast<fy_parse_cfg_flags>(
      FYPCF_QUIET | FYPCF_COLLECT_DIAG | FYPCF_DEFAULT_VERSION_1_2 | FYPCF_JSON_NONE |
      FYPCF_DISABLE_DEPTH_LIMIT | FYPCF_SLOPPY_FLOW_INDENTATION);
  config.diag = diag.get();
  const std::unique_ptr<fy_parser, ParserFree> parser(fy_parser_create(&config));
  check(parser != nullptr, "the parser can be made");
  check(fy_parser_set_string(parser.get(), source.text().data(), source.text().size()) == 0,
        "the parser takes a text");

  TreeBuilder builder(source, problems);
  while (fy_event* event = fy_parser_parse(parser.get())) {
    const bool go_on = builder.take(*event);
    fy_parser_event_free(parser.get(), event);
    if (!go_on) return std::nullopt;
  }
  if (fy_parser_get_stream_error(parser.get())) {
    void* place = nullptr;
    builder.syntax_error(fy_diag_errors_iterate(diag.get(), &place));
    return std::nullopt;
  }
  if (builder.empty()) {
    problems.add({0, 1}, "the plan is empty", "`interlock init` writes one to begin with");
    return std::nullopt;
  }
  return builder.finish();
}

}  // namespace interlock::plan
