#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

// Conditions as plans write them: `outputs.review.approved == false and outcome.build != 'failed'`.
//
//     or         := and { "or" and }
//     and        := not { "and" not }
//     not        := "not" not | comparison
//     comparison := value [ ( "==" | "!=" | "<" | "<=" | ">" | ">=" | "in" | "not" "in" ) value ]
//     value      := number | text | "true" | "false" | "null" | list | reference | "(" or ")"
//     list       := "[" [ value { "," value } ] "]"
//     reference  := ( "outputs" | "outcome" ) step { step }, also in braces: {outputs.review.score}
//     step       := "." name | "[" number "]" | "[" text "]"
//
// Nothing in them has an effect, and each is told in time that grows with its length.
namespace interlock::condition {

/// `.approved`, `['approved']` or `[0]`.
struct Step {
  std::string name;
  std::optional<std::size_t> index;  ///< Of a list; then there is no name.

  bool operator==(const Step&) const = default;
};

/// A value that comes from outside: of a task's output, or how a task ended.
struct Reference {
  bool is_outcome = false;
  /// The first name the task, as do more of them where its id holds dots; the rest lead to a
  /// member of its output.
  std::vector<Step> steps;
  std::size_t begin = 0, length = 0;  ///< Where in the text, in bytes.
};

/// Why a text is no condition; the place is in bytes.
struct Mistake {
  std::size_t begin = 0, length = 1;
  std::string message, hint;
};

/// A value of `{name}` that stands for itself; nothing: there is none of the name.
using Placeholders = std::function<std::optional<std::string>(std::string_view name)>;
/// The value of a reference, by its number. An error ends the question.
using Values = std::function<Result<json::value>(std::size_t reference)>;

class Expression {
 public:
  static constexpr std::size_t kMaxBytes = 4096;
  static constexpr std::size_t kMaxDepth = 64;

  /// Nothing where `mistake` says why.
  static std::optional<Expression> parse(std::string_view text, const Placeholders& known,
                                         Mistake& mistake);

  /// In the order in which they are written.
  const std::vector<Reference>& references() const { return references_; }
  /// As it was written, with placeholders filled in: it parses without them, to the same.
  const std::string& text() const { return text_; }
  /// The texts that are held against a reference with `==`, `!=` or `in`.
  std::vector<std::string> compared_with(std::size_t reference) const;
  /// Asks for no more values than it takes. An error says which value does not fit.
  Result<bool> holds(const Values& values) const;

 private:
  friend class Parser;
  friend class Evaluation;

  enum class Kind : unsigned char {
    literal,
    reference,
    list,
    negation,
    conjunction,
    disjunction,
    equal,
    unequal,
    less,
    at_most,
    greater,
    at_least,
    contained,
    not_contained
  };
  struct Node {
    Kind kind = Kind::literal;
    std::size_t begin = 0, length = 0;  ///< In the text.
    std::vector<std::uint32_t> parts;   ///< Other nodes.
    json::value literal;
    std::size_t reference = 0;
  };

  std::string text_;
  std::vector<Node> nodes_;
  std::uint32_t root_ = 0;
  std::vector<Reference> references_;
};

/// The member that `steps` lead to; null where there is none.
json::value member_at(const json::value& whole, const std::vector<Step>& steps, std::size_t from);

/// A value as a message shows it: as JSON, cut to what fits a line.
std::string shown(const json::value& value);

}  // namespace interlock::condition
