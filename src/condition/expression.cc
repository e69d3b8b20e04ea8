#include "condition/expression.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/serialize.hpp>

#include "base/text.h"

// What a condition says of given values.
namespace interlock::condition {

namespace {

std::optional<double> number_of(const json::value& value) {
  if (const auto* number = value.if_int64()) return static_cast<double>(*number);
  if (const auto* number = value.if_uint64()) return static_cast<double>(*number);
  if (const auto* number = value.if_double()) return *number;
  return std::nullopt;
}

/// Numbers are equal whatever form they are written in: 1 and 1.0.
bool equal(const json::value& a, const json::value& b) {
  if (a.is_int64() && b.is_int64()) return a.get_int64() == b.get_int64();
  if (const auto x = number_of(a), y = number_of(b); x && y) return *x == *y;
  if (a.is_array() && b.is_array()) return std::ranges::equal(a.get_array(), b.get_array(), equal);
  if (a.is_object() && b.is_object()) {
    return a.get_object().size() == b.get_object().size() &&
           std::ranges::all_of(a.get_object(), [&](const auto& member) {
             const json::value* other = b.get_object().if_contains(member.key());
             return other != nullptr && equal(member.value(), *other);
           });
  }
  return a == b;
}

}  // namespace

std::string shown(const json::value& value) {
  constexpr std::size_t kMost = 60;
  std::string text = printable(json::serialize(value));
  if (text.size() <= kMost) return text;
  std::size_t end = kMost;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return text.substr(0, end) + "...";
}

json::value member_at(const json::value& whole, const std::vector<Step>& steps, std::size_t from) {
  const json::value* at = &whole;
  for (std::size_t i = from; i < steps.size(); ++i) {
    const Step& step = steps[i];
    if (step.index) {
      const auto* list = at->if_array();
      if (list == nullptr || *step.index >= list->size()) return nullptr;
      at = &(*list)[*step.index];
    } else {
      const auto* object = at->if_object();
      at = object == nullptr ? nullptr : object->if_contains(step.name);
      if (at == nullptr) return nullptr;
    }
  }
  return *at;
}

class Evaluation {
 public:
  Evaluation(const Expression& expression, const Values& values)
      : expression_(expression), values_(values) {}

  Result<bool> truth(std::uint32_t index) const {
    auto value = this->value(index);
    if (!value) return std::unexpected(value.error());
    if (value->is_bool()) return value->get_bool();
    return fail(Error::Kind::invalid,
                fmt::format("`{}` is {}, neither true nor false", written(index), shown(*value)));
  }

 private:
  using Kind = Expression::Kind;

  const Expression::Node& node(std::uint32_t index) const { return expression_.nodes_[index]; }
  std::string written(std::uint32_t index) const {
    return expression_.text_.substr(node(index).begin, node(index).length);
  }

  Result<json::value> value(std::uint32_t index) const {
    const Expression::Node& it = node(index);
    switch (it.kind) {
      case Kind::literal: return it.literal;
      case Kind::reference: return values_(it.reference);
      case Kind::list: return list(it);
      case Kind::negation: {
        auto inner = truth(it.parts[0]);
        if (!inner) return std::unexpected(inner.error());
        return json::value(!*inner);
      }
      case Kind::conjunction:
      case Kind::disjunction: return joined(it);
      default: return compared(it);
    }
  }

  Result<json::value> list(const Expression::Node& it) const {
    json::array all;
    for (const std::uint32_t part : it.parts) {
      auto one = value(part);
      if (!one) return one;
      all.push_back(std::move(*one));
    }
    return json::value(std::move(all));
  }

  /// The first part that settles it is the last that is asked.
  Result<json::value> joined(const Expression::Node& it) const {
    const bool settles = it.kind == Kind::disjunction;
    for (const std::uint32_t part : it.parts) {
      auto one = truth(part);
      if (!one) return std::unexpected(one.error());
      if (*one == settles) return json::value(settles);
    }
    return json::value(!settles);
  }

  Result<json::value> compared(const Expression::Node& it) const {
    auto left = value(it.parts[0]);
    if (!left) return left;
    auto right = value(it.parts[1]);
    if (!right) return right;
    switch (it.kind) {
      case Kind::equal: return json::value(equal(*left, *right));
      case Kind::unequal: return json::value(!equal(*left, *right));
      case Kind::contained:
      case Kind::not_contained: return contained(it, *left, *right);
      default: return ordered(it, *left, *right);
    }
  }

  Result<json::value> contained(const Expression::Node& it, const json::value& one,
                                const json::value& all) const {
    bool found = false;
    if (const auto* list = all.if_array()) {
      found = std::ranges::any_of(*list, [&](const json::value& each) { return equal(one, each); });
    } else if (const auto* text = all.if_string(); text != nullptr && one.is_string()) {
      found = std::string_view(*text).contains(std::string_view(one.get_string()));
    } else {
      return fail(Error::Kind::invalid,
                  fmt::format("`{}` is {}: `in` looks into a list, or for a text in a text",
                              written(it.parts[1]), shown(all)));
    }
    return json::value(found == (it.kind == Kind::contained));
  }

  Result<json::value> ordered(const Expression::Node& it, const json::value& left,
                              const json::value& right) const {
    int order = 0;
    if (left.is_string() && right.is_string()) {
      order = std::string_view(left.get_string()).compare(std::string_view(right.get_string()));
    } else if (left.is_int64() && right.is_int64()) {
      order = left.get_int64() < right.get_int64() ? -1 : left.get_int64() > right.get_int64();
    } else if (const auto x = number_of(left), y = number_of(right); x && y) {
      order = *x < *y ? -1 : *x > *y;
    } else {
      const bool fits = left.is_string() || number_of(left);
      return fail(Error::Kind::invalid,
                  fmt::format("`{}` is {} and `{}` is {}: only two numbers or two texts have an "
                              "order",
                              written(it.parts[fits ? 1 : 0]), shown(fits ? right : left),
                              written(it.parts[fits ? 0 : 1]), shown(fits ? left : right)));
    }
    switch (it.kind) {
      case Kind::less: return json::value(order < 0);
      case Kind::at_most: return json::value(order <= 0);
      case Kind::greater: return json::value(order > 0);
      default: return json::value(order >= 0);
    }
  }

  const Expression& expression_;
  const Values& values_;
};

std::vector<std::string> Expression::compared_with(std::size_t reference) const {
  std::vector<std::string> texts;
  const auto add = [&](const Node& node) {
    if (const auto* text = node.literal.if_string()) texts.emplace_back(*text);
  };
  for (const Node& node : nodes_) {
    if (node.kind < Kind::equal) continue;
    const bool is_order = node.kind >= Kind::less && node.kind <= Kind::at_least;
    for (const std::size_t side : {0, 1}) {
      const Node &one = nodes_[node.parts[side]], &other = nodes_[node.parts[1 - side]];
      if (is_order || one.kind != Kind::reference || one.reference != reference) continue;
      add(other);
      if (other.kind != Kind::list) continue;
      for (const std::uint32_t part : other.parts) add(nodes_[part]);
    }
  }
  return texts;
}

Result<bool> Expression::holds(const Values& values) const {
  return Evaluation(*this, values).truth(root_);
}

}  // namespace interlock::condition
