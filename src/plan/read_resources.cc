#include <fmt/format.h>

#include <algorithm>

#include "plan/keys.h"
#include "plan/settings.h"

namespace interlock::plan {

namespace {

constexpr std::string_view kKinds[] = {"quota", "lock", "slots"};
constexpr std::int64_t kMostSlots = 1'000'000;
constexpr std::int64_t kMostConcurrent = 100'000;

/// It names a file.
bool is_account_name(const std::string& name) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
  };
  return !name.empty() && name.size() <= 100 && name[0] != '.' && std::ranges::all_of(name, fits);
}

std::optional<Rate> read_rate(Reading& reading, Node node) {
  const auto text = node.is_scalar() ? fill(node.text(), reading.set) : std::string();
  const auto rate = parse_rate(text);
  if (rate && rate->amount > 0) return rate;
  expected(reading, node, "a rate above zero such as `50/min`, `40k/min` or `5M/day`");
  return std::nullopt;
}

/// Dollars per time: `2.50/h`. The unit is read as of `1/h`, the amount as dollars.
std::optional<Rate> read_usd_rate(Reading& reading, Node node) {
  const auto text = node.is_scalar() ? fill(node.text(), reading.set) : std::string();
  const auto slash = text.find('/');
  if (slash != text.npos) {
    const auto usd = parse_usd(text.substr(0, slash));
    const auto unit = parse_rate("1" + text.substr(slash));
    if (usd && *usd > 0 && unit) return Rate{*usd, unit->per};
  }
  expected(reading, node, "dollars per time, above zero, such as `2.50/h`");
  return std::nullopt;
}

/// How the provider counts, and whose limits they are.
void read_accounting(Reading& reading, const Fields& fields, Resource& resource) {
  static constexpr std::string_view kCharges[] = {"actual", "reserve_max"};
  static constexpr std::string_view kCached[] = {"free", "counted"};
  if (const auto value = fields["burst"]) {
    resource.burst = read_duration(reading, *value);
    if (resource.burst && *resource.burst <= Duration{})
      expected(reading, *value, "a time above zero, such as `6s`");
  }
  if (const auto value = fields["slowing"]) resource.slowing = read_slowing(reading, *value);
  if (const auto value = fields["charge"]) {
    resource.charge =
        static_cast<Resource::Charge>(read_choice(reading, *value, kCharges).value_or(0));
  }
  if (const auto value = fields["cached_input"]) {
    if (const auto index = read_choice(reading, *value, kCached))
      resource.counts_cached = *index == 1;
  }
  if (const auto value = fields["account"]) {
    const auto name = read_filled(reading, *value, "the name of an account");
    if (name && is_account_name(*name)) {
      resource.account = *name;
    } else if (name) {
      expected(reading, *value, "a name of letters, digits, `-`, `_` and `.`");
    }
  }
}

void read_quota(Reading& reading, Node node, Resource& resource) {
  const Fields fields(reading, node, "a quota", kQuotaKeys);
  auto& rates = resource.rates;
  if (const auto value = fields["requests"]) rates.requests = read_rate(reading, *value);
  if (const auto value = fields["input_tokens"]) rates.input_tokens = read_rate(reading, *value);
  if (const auto value = fields["output_tokens"]) rates.output_tokens = read_rate(reading, *value);
  if (const auto value = fields["usd"]) rates.usd = read_usd_rate(reading, *value);
  if (const auto value = fields["concurrency"]) {
    resource.concurrency = read_integer(reading, *value, 1, kMostConcurrent);
  }
  read_accounting(reading, fields, resource);
  if (const auto value = fields["window"]) {
    static constexpr std::string_view kWindows[] = {"bucket", "sliding"};
    resource.counts_windows = read_choice(reading, *value, kWindows).value_or(0) == 1;
    const bool has_rate = rates.requests || rates.input_tokens || rates.output_tokens || rates.usd;
    if (!has_rate)
      reading.problems.add(value->span(),
                           fmt::format("`window` says how rates are counted, and quota {} has none",
                                       quoted(resource.name)),
                           "give it a rate, such as `requests: 50/min`, or leave `window` out");
  }
  const bool limits = rates.requests || rates.input_tokens || rates.output_tokens || rates.usd ||
                      resource.concurrency;
  if (!limits && node.size() < 2) {
    reading.problems.add(
        node.span(), fmt::format("quota {} limits nothing", quoted(resource.name)),
        "give it `requests`, `input_tokens`, `output_tokens`, `usd` or `concurrency`");
  }
}

Resource read_resource(Reading& reading, std::string name, Node node) {
  Resource resource;
  resource.name = std::move(name);
  resource.place = reading.problems.source().place(node.span());
  if (!node.is_map()) {
    expected(reading, node, "a resource as a map", "for example `{kind: lock}`");
    return resource;
  }
  const auto kind = node.member("kind");
  if (!kind) {
    reading.problems.add(node.span(),
                         fmt::format("resource {} has no `kind`", quoted(resource.name)),
                         "one of quota, lock and slots");
    return resource;
  }
  const auto index = read_choice(reading, *kind, kKinds);
  if (!index) return resource;
  resource.kind = static_cast<Resource::Kind>(*index);
  if (resource.kind == Resource::Kind::quota) {
    read_quota(reading, node, resource);
  } else if (resource.kind == Resource::Kind::lock) {
    const Fields fields(reading, node, "a lock", kLockKeys);
  } else {
    const Fields fields(reading, node, "slots", kSlotsKeys);
    if (const auto value = fields["slowing"]) resource.slowing = read_slowing(reading, *value);
    if (const auto value = fields["capacity"]) {
      resource.capacity = read_integer(reading, *value, 1, kMostSlots).value_or(kMostSlots);
    } else {
      reading.problems.add(node.span(),
                           fmt::format("slots {} have no `capacity`", quoted(resource.name)));
      resource.capacity = kMostSlots;
    }
  }
  return resource;
}

std::optional<ResourceId> find_resource(Reading& reading, Node node) {
  const auto name = read_filled(reading, node, "the name of a resource");
  if (!name) return std::nullopt;
  const auto& resources = reading.plan.resources;
  const auto found = std::ranges::find(resources, *name, &Resource::name);
  if (found != resources.end())
    return ResourceId(static_cast<std::size_t>(found - resources.begin()));
  std::vector<std::string> names;
  for (const auto& resource : resources) names.push_back(resource.name);
  reading.problems.add(node.span(), fmt::format("no resource {}", quoted(*name)),
                       did_you_mean(reading, *name, names, "declare it under `resources`"));
  return std::nullopt;
}

void read_quota_use(Reading& reading, Node node, Use& use) {
  static constexpr std::string_view kKeys[] = {"requests", "input_tokens", "output_tokens"};
  const Fields fields(reading, node, "the use of a quota", kKeys);
  if (const auto value = fields["requests"]) use.requests = read_count(reading, *value).value_or(1);
  if (const auto value = fields["input_tokens"]) use.input_tokens = read_count(reading, *value);
  if (const auto value = fields["output_tokens"]) use.output_tokens = read_count(reading, *value);
}

std::optional<Use> read_use(Reading& reading, Node key, Node amount) {
  const auto id = find_resource(reading, key);
  if (!id) return std::nullopt;
  Use use{.resource = *id};
  const auto& resource = reading.plan.resources[id->index()];
  switch (resource.kind) {
    case Resource::Kind::quota:
      if (!amount.is_null()) read_quota_use(reading, amount, use);
      break;
    case Resource::Kind::slots:
      if (!amount.is_null())
        use.amount = read_integer(reading, amount, 1, resource.capacity).value_or(1);
      break;
    case Resource::Kind::lock:
      if (!amount.is_null() && amount.text() != "1") {
        reading.problems.add(
            amount.span(),
            fmt::format("lock {} is taken whole: it has no amount", quoted(resource.name)),
            "leave the value out, or make it `slots`");
      }
      break;
  }
  return use;
}

}  // namespace

void read_resources(Reading& reading, Node node) {
  if (node.is_null()) return;
  if (!node.is_map()) return expected(reading, node, "a map from names to resources");
  if (node.size() > kMostDeclared) {
    return reading.problems.add(node.span(), fmt::format("more than {} resources", kMostDeclared));
  }
  auto& resources = reading.plan.resources;
  for (const auto& [key, value] : node.entries()) {
    const auto same = [&](const Resource& resource) { return resource.name == key.text(); };
    if (!key.is_scalar() || std::ranges::any_of(resources, same)) continue;
    resources.push_back(read_resource(reading, std::string(key.text()), value));
  }
}

std::vector<Use> read_uses(Reading& reading, Node node) {
  std::vector<Use> uses;
  const auto add = [&](Node key, const std::optional<Use>& use) {
    if (!use) return;
    if (std::ranges::find(uses, use->resource, &Use::resource) == uses.end()) {
      uses.push_back(*use);
    } else {
      reading.problems.add(key.span(), fmt::format("{} is used twice", quoted(key.text())));
    }
  };
  const auto add_plain = [&](Node name) {
    if (const auto id = find_resource(reading, name)) add(name, Use{.resource = *id});
  };
  if (node.is_map()) {
    for (const auto& [key, amount] : node.entries()) {
      if (key.is_scalar()) add(key, read_use(reading, key, amount));
    }
  } else if (node.is_list()) {
    for (const auto& item : node.items()) add_plain(item);
  } else {
    add_plain(node);
  }
  return uses;
}

}  // namespace interlock::plan
