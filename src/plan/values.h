#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/units.h"
#include "plan/document.h"
#include "plan/fill.h"
#include "plan/read.h"

namespace interlock::plan {

/// What every part of the reader works on.
struct Reading {
  const ReadOptions& options;
  Files& files;
  Problems& problems;
  Plan& plan;
  Lookup set;  ///< `{key}` of `--set key=value`; notes which keys were used.

  /// The path of a file the plan names, which is relative to the plan's folder.
  std::string path_of(std::string_view name) const;
};

/// The keys of a map, each known by name; what is not known is a problem with the nearest key as
/// its hint.
class Fields {
 public:
  /// `what` is the thing in the message: `a task`. A node that is no map has no fields.
  Fields(Reading& reading, Node node, std::string_view what,
         std::span<const std::string_view> known);

  std::optional<Node> operator[](std::string_view key) const {
    return (mask_ & bit_of(key)) == 0 ? std::nullopt : find(key);
  }
  Node node() const { return node_; }

 private:
  /// Most keys that are asked for are not there, as one bit of 64 tells.
  static constexpr std::uint64_t bit_of(std::string_view key) {
    if (key.empty()) return 1;
    const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(key[at]); };
    return std::uint64_t{1} << ((byte(0) * 5u + byte(key.size() - 1) * 3u + key.size()) % 64);
  }
  std::optional<Node> find(std::string_view key) const;

  Node node_;
  std::uint64_t mask_ = 0;
  std::vector<std::pair<std::string_view, Node>> fields_;
};

/// The readers of single values. Each tells a problem and gives nothing when the node is something
/// else; `wanted` completes ``expected ...``.
std::optional<std::string> read_text(Reading& reading, Node node, std::string_view wanted);
/// The same, with `--set` filled in and braces as they will be.
std::optional<std::string> read_filled(Reading& reading, Node node, std::string_view wanted);
std::optional<bool> read_bool(Reading& reading, Node node);
std::optional<std::int64_t> read_integer(Reading& reading, Node node, std::int64_t least,
                                         std::int64_t most);
std::optional<Duration> read_duration(Reading& reading, Node node);
std::optional<Tokens> read_count(Reading& reading, Node node);
std::optional<MicroUsd> read_usd(Reading& reading, Node node);

/// One of `words`; the index of the one that was written.
std::optional<std::size_t> read_choice(Reading& reading, Node node,
                                       std::span<const std::string_view> words);

/// A text of a list and where it stands.
struct Item {
  std::string text;
  Node node;
};
/// A list of texts, or one text that stands for a list of one.
std::vector<Item> read_items(Reading& reading, Node node, std::string_view wanted);
std::vector<std::string> texts_of(std::vector<Item> items);
/// A map from names of environment variables to texts; numbers and booleans are texts here.
std::map<std::string, std::string> read_environment(Reading& reading, Node node);
/// An argument list, or a string for the shell. A text is as in the document: not filled.
std::optional<Command> read_command(Reading& reading, Node node);

/// The place of a problem, as ``expected a duration such as `90s`, found a list``.
void expected(Reading& reading, Node node, std::string_view wanted, std::string hint = {});
/// ``did you mean `prompt`?``, or `otherwise` when no candidate is near.
/// Long lists of candidates and of problems get none, so that a bad plan is told of in no time.
std::string did_you_mean(const Reading& reading, std::string_view word,
                         std::span<const std::string> candidates, std::string otherwise = {});
std::string did_you_mean(const Reading& reading, std::string_view word,
                         std::span<const std::string_view> candidates);
/// A word of the plan inside a message: in backquotes, safe on a terminal, not too long.
std::string quoted(std::string_view word);

}  // namespace interlock::plan
