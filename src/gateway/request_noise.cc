#include "gateway/request_noise.h"

#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>
#include <map>
#include <string_view>
#include <vector>

#include "base/text.h"

namespace interlock::gateway {

namespace {

/// UUIDs (RFC 9562: 8-4-4-4-12 hexadecimal digits), and runs of digits as long as a time in
/// milliseconds since 1970, of which some clients make ids.
const RE2& id() {
  static const RE2 pattern(
      "([0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}|[0-9]{13,})");
  return pattern;
}
constexpr std::size_t kDigitsOfTime = 13;  ///< From 2001 to 2286.

/// What Codex writes before the output of each command, and Gemini CLI and Qwen Code behind it.
const RE2& id_of_command() {
  static const RE2 pattern("(Chunk ID: |Process Group PGID: )[0-9a-f]+");
  return pattern;
}
const RE2& wall_time() {
  static const RE2 pattern("(Wall time: )[0-9.]+");
  return pattern;
}

/// Days as clients tell a model: `2026-11-26` with or without a time, `Thursday, November 26,
/// 2026`, `Thu Nov 26 2026`.
const RE2& date() {
  static const RE2 pattern(
      "[0-9]{4}-[01][0-9]-[0-3][0-9](?:T[0-9:.]+(?:Z|[+-][0-9:]+)?)?|"
      "(?:(?:Mon|Tues?|Wed(?:nes)?|Thu(?:rs)?|Fri|Sat(?:ur)?|Sun)(?:day)?,? )?"
      "(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|"
      "Sept?(?:ember)?|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?) [0-9]{1,2},? [0-9]{4}");
  return pattern;
}

/// The longest first: a folder's name is the beginning of what lies in it.
void replace_paths(std::string& body, std::vector<engine::RequestNoise::Path> paths) {
  std::ranges::sort(paths, std::ranges::greater(),
                    [](const auto& path) { return path.own.size(); });
  for (const auto& [own, stand_in] : paths) {
    if (own.empty()) continue;
    for (std::size_t at = body.find(own); at != body.npos;
         at = body.find(own, at + stand_in.size()))
      body.replace(at, own.size(), stand_in);
  }
}

std::string number_ids(std::string_view body) {
  std::map<std::string, std::size_t, std::less<>> numbers;
  std::string numbered;
  re2::StringPiece left(body.data(), body.size());
  re2::StringPiece found;
  const char* copied = body.data();
  while (RE2::FindAndConsume(&left, id(), &found)) {
    const bool is_uuid = found.find('-') != re2::StringPiece::npos;
    if (!is_uuid && found.size() != kDigitsOfTime) continue;
    numbered.append(copied, found.data());
    const auto number = numbers.try_emplace(std::string(found), numbers.size() + 1).first->second;
    numbered += fmt::format("<id {}>", number);
    copied = found.data() + found.size();
  }
  return numbered.append(copied, body.data() + body.size());
}

}  // namespace

std::string without_noise(std::string body, const engine::RequestNoise& noise) {
  replace_paths(body, noise.paths);
  if (noise.ids) {
    body = number_ids(body);
    RE2::GlobalReplace(&body, id_of_command(), "\\1<id>");
    RE2::GlobalReplace(&body, wall_time(), "\\1<time>");
  }
  if (noise.dates) RE2::GlobalReplace(&body, date(), "<date>");
  return body;
}

std::string words_of(const engine::RequestNoise& noise) {
  std::vector<std::string> words;
  if (!noise.paths.empty()) words.emplace_back("its own paths");
  if (noise.ids) words.emplace_back("random ids");
  if (noise.dates) words.emplace_back("dates");
  return fmt::format("{}", fmt::join(words, ", "));
}

}  // namespace interlock::gateway
