#include <fmt/format.h>

#include <map>
#include <set>

#include "merge/ways.h"

namespace interlock::merge {
namespace {

class Rows {
 public:
  Rows(const std::string& key, bool repeats) : key_(key), repeats_(repeats) {}

  Result<void> add(const Part& part, const json::value& row) {
    ++number_;
    const std::string text = canonical_json(row);
    if (!key_.empty()) return add_by_key(part, row, text);
    if (repeats_ || seen_.insert(text).second) rows_.push_back(row);
    return {};
  }
  void next_part() { number_ = 0; }
  json::array take() { return std::move(rows_); }

 private:
  struct First {
    const Part* part;
    std::string text;
  };

  Result<void> add_by_key(const Part& part, const json::value& row, const std::string& text) {
    const json::value* member = row.is_object() ? row.get_object().if_contains(key_) : nullptr;
    if (member == nullptr) {
      return fail(Error::Kind::invalid,
                  fmt::format("row {} of `{}` has no member `{}`", number_, part.task, key_));
    }
    const std::string identity = canonical_json(*member);
    const auto [first, is_new] = by_key_.try_emplace(identity, First{&part, text});
    if (is_new) {
      rows_.push_back(row);
    } else if (first->second.text != text) {
      return fail(Error::Kind::invalid,
                  fmt::format("`{}` and `{}` give different rows for `{}` {}",
                              first->second.part->task, part.task, key_, identity),
                  "let only one of them give it, or join with an agent");
    }
    return {};
  }

  const std::string& key_;
  bool repeats_;
  json::array rows_;
  std::set<std::string> seen_;
  std::map<std::string, First> by_key_;
  std::size_t number_ = 0;
};

}  // namespace

Result<json::array> rows_of(std::span<const Part> parts, const std::string& key, bool repeats) {
  Rows rows(key, repeats);
  for (const Part& part : parts) {
    const auto value = parse(part);
    if (!value) return std::unexpected(value.error());
    if (!value->is_array()) {
      return fail(Error::Kind::invalid, fmt::format("output of `{}` is {}, not an array of rows",
                                                    part.task, kind_of(*value)));
    }
    rows.next_part();
    for (const json::value& row : value->get_array()) {
      if (auto added = rows.add(part, row); !added) return std::unexpected(added.error());
    }
  }
  return rows.take();
}

Result<std::string> unite_rows(std::span<const Part> parts, const std::string& key) {
  const auto rows = rows_of(parts, key, /*repeats=*/false);
  if (!rows) return std::unexpected(rows.error());
  return canonical_json(*rows);
}

}  // namespace interlock::merge
