#include "metering/prefix.h"

#include "metering/prices.h"
#include "metering/scan.h"

namespace interlock::metering {
namespace {

constexpr std::string_view kMark = "\"cache_control\"";
constexpr std::string_view kBillingLine = "x-anthropic-billing-header:";

/// Adds parts of a body, as they are written.
class Collector {
 public:
  Collector(Api api, std::string_view model) { hasher_.add_field(name_of(api)).add_field(model); }
  void add(std::string_view name, std::string_view written) {
    if (written.empty() || written == "null" || written == "[]") return;
    hasher_.add_field(name).add_field(written);
    bytes_ += written.size();
  }
  /// Tells apart, and counts for nothing.
  void add_name(std::string_view written) { hasher_.add_field(written); }
  Prefix finish() { return bytes_ == 0 ? Prefix{} : Prefix{hasher_.finish(), bytes_}; }

 private:
  Hasher hasher_;
  std::size_t bytes_ = 0;
};

/// Inside a string the quotes would be escaped, so this is a key (or, harmlessly, a string of that
/// text).
bool is_marked(const Glance& value) {
  return find_text(value.text(), kMark) != std::string_view::npos;
}

void add_system(Collector& collector, const Glance& system) {
  if (!system.is_array()) return collector.add("system", system.text());
  system.each_item([&](Glance block) {
    const std::string_view text = block["text"].text();
    if (text.substr(0, 1) == "\"" && text.substr(1).starts_with(kBillingLine)) return;
    collector.add("system", block.text());
  });
}

/// Blocks of messages up to the last that is marked. A role changes what the model reads.
void add_marked_messages(Collector& collector, const Glance& messages) {
  std::size_t last = 0;
  std::size_t count = 0;
  messages.each_item([&](Glance message) {
    ++count;
    if (is_marked(message)) last = count;
  });
  count = 0;
  messages.each_item([&](Glance message) {
    if (++count > last) return;
    const Glance content = message["content"];
    collector.add_name(message["role"].text());
    if (count < last || !content.is_array()) return collector.add("message", content.text());
    std::size_t marked = 0;
    std::size_t at = 0;
    content.each_item([&](Glance block) {
      ++at;
      if (is_marked(block)) marked = at;
    });
    at = 0;
    content.each_item([&](Glance block) {
      if (++at <= marked) collector.add("block", block.text());
    });
  });
}

/// The messages before the first that is the user's.
void add_leading_system(Collector& collector, const Glance& messages) {
  bool leading = true;
  messages.each_item([&](Glance message) {
    const std::string_view role = message["role"].text();
    leading = leading && (role == "\"system\"" || role == "\"developer\"");
    if (!leading) return;
    // Items of the Responses API have ids that are drawn for each request, and that no model reads.
    collector.add_name(role);
    collector.add("system", message["content"].text());
  });
}

/// `"1b4e28ba-2fa1-11d2-883f-0016d3cca427"`, with its quotes.
bool is_drawn(const Glance& key) {
  const std::string_view text = key.text();
  constexpr std::size_t kLength = 38;
  if (text.size() != kLength || text.front() != '"' || text.back() != '"') return false;
  for (std::size_t i = 1; i + 1 < kLength; ++i) {
    const char c = text[i];
    const bool is_dash = i == 9 || i == 14 || i == 19 || i == 24;
    const bool is_hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    if (is_dash ? c != '-' : !is_hex) return false;
  }
  return true;
}

}  // namespace

std::optional<std::string> with_shared_key(Api api, std::string_view body, const Digest& prefix) {
  if (api != Api::openai_responses && api != Api::openai_chat) return {};
  const auto whole = Glance::of(body);
  if (!whole || !whole->is_object()) return {};
  const Glance key = (*whole)["prompt_cache_key"];
  if (!key.is_there() || !is_drawn(key)) return {};
  constexpr std::size_t kDigits = 32;
  const std::size_t at = static_cast<std::size_t>(key.text().data() - body.data());
  std::string shared(body.substr(0, at));
  shared += '"' + prefix.hex().substr(0, kDigits) + '"';
  shared += body.substr(at + key.text().size());
  return shared;
}

void PromptParts::take(std::string_view key, const Glance& value) {
  if (key == "tools") tools = value;
  if (key == "system" || key == "instructions" || key == "systemInstruction" ||
      key == "system_instruction")
    system = value;
  if (key == "messages") messages = value;
  if (key == "input") input = value;
  if (key == "prompt_cache_key") cache_key = value;
  if (key == "cachedContent") cached = value;
  if (key == "cache_control") mark = value;
}

Prefix prefix_of(Api api, std::string_view model, const PromptParts& parts) {
  Collector collector(api, model);
  collector.add("tools", parts.tools.text());
  add_system(collector, parts.system);
  switch (api) {
    case Api::anthropic: {
      const bool marked =
          parts.mark.is_object() || is_marked(parts.tools) || is_marked(parts.system);
      if (!marked && !is_marked(parts.messages)) return {};
      if (!marked) add_marked_messages(collector, parts.messages);
      break;
    }
    case Api::openai_chat:
    case Api::openai_responses:
      add_leading_system(collector, api == Api::openai_chat ? parts.messages : parts.input);
      // Requests with different keys are sent to different machines, which share no cache. One that
      // was drawn for a session is none that anybody chose: `with_shared_key` puts another in its
      // place.
      if (!is_drawn(parts.cache_key)) collector.add_name(parts.cache_key.text());
      break;
    case Api::gemini: collector.add("cached", parts.cached.text()); break;
  }
  return collector.finish();
}

Tokens cache_least_of(std::string_view model) {
  const Price* price = built_in_prices().find(model);
  return price != nullptr ? price->cache_least : Price{}.cache_least;
}

}  // namespace interlock::metering
