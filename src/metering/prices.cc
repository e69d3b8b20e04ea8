#include "metering/prices.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>

#include "base/check.h"
#include "base/json.h"
#include "base/text.h"
#include "metering/price_list.h"

namespace interlock::metering {
namespace {

std::unexpected<Error> wrong(const std::string& what) {
  return fail(Error::Kind::invalid, "the list of prices: " + what);
}

/// Dollars per million tokens, which is also what a token costs in millionths of a dollar; kept in
/// millionths of a dollar per million tokens.
Result<MicroUsd> read_dollars(const std::string& model, std::string_view key,
                              const json::value& value) {
  constexpr double kDollarsMax = 1e6;
  const bool is_number = value.is_double() || value.is_int64();
  const double dollars = is_number ? value.to_number<double>() : -1;
  if (dollars < 0 || dollars > kDollarsMax) {
    return wrong(fmt::format("`{}` of `{}` is to be dollars per million tokens, a number from 0 on",
                             key, model));
  }
  return static_cast<MicroUsd>(std::llround(dollars * 1e6));
}

Result<void> read_member(Price& price, std::string_view key, const json::value& value) {
  if (key == "cache_least" || key == "up_to") {
    if (!value.is_int64() || value.get_int64() < 0)
      return wrong(fmt::format("`{}` of `{}` is to be a count of tokens", key, price.model));
    if (key == "up_to") {
      price.up_to = value.get_int64();
    } else {
      price.cache_least = value.get_int64();
    }
    return {};
  }
  std::optional<MicroUsd>* slot = nullptr;
  if (key == "input") slot = &price.input;
  if (key == "output") slot = &price.output;
  if (key == "cache_read") slot = &price.cache_read;
  if (key == "cache_write") slot = &price.cache_write;
  if (slot == nullptr) {
    return wrong(fmt::format(
        "`{}` of `{}` is none of input, output, cache_read, cache_write, cache_least and up_to",
        printable(key), price.model));
  }
  if (value.is_null()) return {};
  const auto dollars = read_dollars(price.model, key, value);
  if (!dollars) return std::unexpected(dollars.error());
  *slot = *dollars;
  return {};
}

Result<Price> read_price(std::string_view model, const json::value& value) {
  Price price;
  price.model = printable(model);
  if (price.model.empty() || !value.is_object())
    return wrong(fmt::format("the model `{}` is to have an object", price.model));
  for (const auto& member : value.get_object()) {
    if (auto read = read_member(price, member.key(), member.value()); !read)
      return std::unexpected(read.error());
  }
  return price;
}

/// The beginning that a name is to have; nothing when the whole name is meant.
std::optional<std::string_view> beginning_of(const Price& price) {
  if (!price.model.ends_with('*')) return {};
  return std::string_view(price.model).substr(0, price.model.size() - 1);
}

/// Whether the prices are those of a prompt that long.
bool is_for(const Price& price, const Usage& usage) {
  if (!price.up_to) return true;
  if (!usage.input || !usage.cache_read || !usage.cache_write) return false;
  return *usage.input + *usage.cache_read + *usage.cache_write <= *price.up_to;
}

/// Exact, in millionths of a dollar times a million; nothing when it is not known.
std::optional<double> part(const std::optional<Tokens>& tokens,
                           const std::optional<MicroUsd>& price) {
  if (!tokens) return {};
  if (*tokens == 0) return 0;
  if (!price) return {};
  return static_cast<double>(*tokens) * static_cast<double>(*price);
}

}  // namespace

const Price* Prices::find(std::string_view model) const {
  const Price* best = nullptr;
  std::size_t longest = 0;
  for (const Price& price : prices) {
    const auto beginning = beginning_of(price);
    if (!beginning && price.model == model) return &price;
    if (!beginning || !model.starts_with(*beginning)) continue;
    if (best != nullptr && beginning->size() <= longest) continue;
    best = &price;
    longest = beginning->size();
  }
  return best;
}

const Prices& built_in_prices() {
  static const Prices prices = [] {
    auto read = read_prices(price_list());
    check(read.has_value(), "the list of prices that comes along can be read");
    return *std::move(read);
  }();
  return prices;
}

Result<Prices> read_prices(std::string_view text) {
  const auto document = parse_json(text);
  if (!document) return wrong(document.error().message);
  if (!document->is_object()) return wrong("is to be an object with `date`, `source` and `models`");
  Prices prices;
  for (const auto& member : document->get_object()) {
    const std::string_view key = member.key();
    if ((key == "date" || key == "source") && member.value().is_string()) {
      (key == "date" ? prices.date : prices.source) = std::string(member.value().get_string());
    } else if (key == "models" && member.value().is_object()) {
      for (const auto& model : member.value().get_object()) {
        auto price = read_price(model.key(), model.value());
        if (!price) return std::unexpected(price.error());
        prices.prices.push_back(*std::move(price));
      }
    } else {
      return wrong(fmt::format("`{}` is to be `date`, `source` (texts) or `models` (an object)",
                               printable(key)));
    }
  }
  return prices;
}

Prices overridden(Prices base, const Prices& own) {
  Prices both = own;
  const auto is_reported = [&](const Price& price) {
    return std::ranges::any_of(own.prices,
                               [&](const Price& mine) { return mine.model == price.model; });
  };
  // A beginning among one's own goes before every name of the list that it covers.
  const auto is_covered = [&](const Price& price) {
    return std::ranges::any_of(own.prices, [&](const Price& mine) {
      const auto beginning = beginning_of(mine);
      return beginning && std::string_view(price.model).starts_with(*beginning);
    });
  };
  std::ranges::copy_if(base.prices, std::back_inserter(both.prices), [&](const Price& price) {
    return !is_reported(price) && !is_covered(price);
  });
  if (both.date.empty()) both.date = base.date;
  if (both.source.empty()) both.source = base.source;
  return both;
}

std::optional<MicroUsd> cost_of(const Prices& prices, std::string_view model, const Usage& usage) {
  const Price* price = prices.find(model);
  if (price == nullptr || !is_for(*price, usage)) return {};
  const auto input = part(usage.input, price->input);
  const auto output = part(usage.output, price->output);
  const auto read = part(usage.cache_read, price->cache_read);
  const auto written = part(usage.cache_write, price->cache_write);
  if (!input || !output || !read || !written) return {};
  // Up: a budget is rather kept than passed.
  return static_cast<MicroUsd>(std::ceil((*input + *output + *read + *written) / 1e6));
}

std::optional<MicroUsd> saved_by_cache(const Prices& prices, std::string_view model,
                                       const Usage& usage) {
  const Price* price = prices.find(model);
  if (price == nullptr || !is_for(*price, usage)) return {};
  if (!usage.cache_read || !usage.cache_write) return {};
  const auto without = part(*usage.cache_read + *usage.cache_write, price->input);
  const auto read = part(usage.cache_read, price->cache_read);
  const auto written = part(usage.cache_write, price->cache_write);
  if (!without || !read || !written) return {};
  return static_cast<MicroUsd>(std::llround((*without - *read - *written) / 1e6));
}

}  // namespace interlock::metering
