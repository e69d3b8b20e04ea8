#include "web/styled_line.h"

#include <algorithm>
#include <array>
#include <optional>

#include "base/text.h"

namespace interlock::web {
namespace {

using Colour = TextStyle::Colour;

constexpr char kEscape = '\x1b';
constexpr std::size_t kTabStop = 8;
constexpr std::size_t kParametersMost = 32;

/// Of the sixteen. Black and white are the page's own ink: on paper of either theme one of them
/// could not be read.
Colour of_sixteen(int number) {
  constexpr std::array kEight{Colour::none, Colour::red,     Colour::green, Colour::yellow,
                              Colour::blue, Colour::magenta, Colour::cyan,  Colour::none};
  constexpr int kBrightBlack = 8;
  return number == kBrightBlack ? Colour::gray : kEight[static_cast<std::size_t>(number % 8)];
}

Colour nearest(int red, int green, int blue) {
  const int most = std::max({red, green, blue}), least = std::min({red, green, blue});
  constexpr int kPale = 48, kDark = 64, kBright = 192;
  if (most - least < kPale) return most > kDark && most < kBright ? Colour::gray : Colour::none;
  const int half = (most + least) / 2;
  const bool r = red > half, g = green > half, b = blue > half;
  if (r && g) return Colour::yellow;
  if (g && b) return Colour::cyan;
  if (r && b) return Colour::magenta;
  return r ? Colour::red : g ? Colour::green : Colour::blue;
}

/// Of the 256: the sixteen, a cube of 6 x 6 x 6, and grays.
std::optional<Colour> of_palette(int number) {
  constexpr int kCube = 16, kGrays = 232, kSide = 6;
  if (number < 0 || number > 255) return std::nullopt;
  if (number < kCube) return of_sixteen(number);
  if (number >= kGrays) {
    const int level = 8 + 10 * (number - kGrays);
    return nearest(level, level, level);
  }
  const auto level = [](int step) { return step == 0 ? 0 : 55 + 40 * step; };
  const int at = number - kCube;
  return nearest(level(at / (kSide * kSide)), level(at / kSide % kSide), level(at % kSide));
}

/// One parameter with those that a colon ties to it: `38:2::255:0:0`. -1: not given.
using Parameter = std::vector<int>;

std::vector<Parameter> parameters_of(std::string_view text) {
  constexpr int kMost = 65535;
  std::vector<Parameter> all{{-1}};
  for (const char c : text) {
    int& last = all.back().back();
    if (c >= '0' && c <= '9')
      last = std::min(std::max(last, 0) * 10 + (c - '0'), kMost);
    else if (c == ':')
      all.back().push_back(-1);
    else
      all.push_back({-1});
    if (all.size() > kParametersMost || all.back().size() > kParametersMost) break;
  }
  return all;
}

bool is_byte(int value) { return value >= 0 && value <= 255; }

/// The colour that follows 38 or 48 at `at`, which is moved to its last parameter.
std::optional<Colour> extended(const std::vector<Parameter>& all, std::size_t& at) {
  const Parameter& own = all[at];
  std::vector<int> rest(own.begin() + 1, own.end());
  if (rest.empty()) {
    // Written with semicolons: as many of those that come as its kind takes.
    const int kind = at + 1 < all.size() ? all[at + 1].front() : -1;
    const std::size_t count = kind == 5 ? 2 : kind == 2 ? 4 : 1;
    for (std::size_t i = 0; i < count && at + 1 < all.size(); ++i)
      rest.push_back(all[++at].front());
  } else if (rest.front() == 2 && rest.size() >= 5) {
    rest.erase(rest.begin() + 1);  // The colour space.
  }
  if (rest.size() >= 2 && rest[0] == 5) return of_palette(rest[1]);
  if (rest.size() < 4 || rest[0] != 2) return std::nullopt;
  if (!is_byte(rest[1]) || !is_byte(rest[2]) || !is_byte(rest[3])) return std::nullopt;
  return nearest(rest[1], rest[2], rest[3]);
}

void take_one(TextStyle& style, const std::vector<Parameter>& all, std::size_t& at) {
  const int code = std::max(all[at].front(), 0);
  const auto sixteen = [&](int plain, int bright) -> std::optional<Colour> {
    if (code >= plain && code < plain + 8) return of_sixteen(code - plain);
    if (code >= bright && code < bright + 8) return of_sixteen(code - bright + 8);
    return std::nullopt;
  };
  if (const auto ink = sixteen(30, 90)) style.ink = *ink;
  if (const auto ground = sixteen(40, 100)) style.ground = *ground;
  switch (code) {
    case 0: style = {}; break;
    case 1: style.bold = true; break;
    case 2: style.dim = true; break;
    case 3: style.italic = true; break;
    case 4: style.underlined = all[at].size() < 2 || all[at][1] != 0; break;
    case 7: style.inverse = true; break;
    case 9: style.struck = true; break;
    case 21: style.underlined = true; break;
    case 22: style.bold = style.dim = false; break;
    case 23: style.italic = false; break;
    case 24: style.underlined = false; break;
    case 27: style.inverse = false; break;
    case 29: style.struck = false; break;
    case 38: style.ink = extended(all, at).value_or(style.ink); break;
    case 39: style.ink = Colour::none; break;
    case 48: style.ground = extended(all, at).value_or(style.ground); break;
    case 49: style.ground = Colour::none; break;
    default: break;
  }
}

/// The length of `ESC [ ... m` at the beginning of `text`, whose parameters are taken; 0: it is
/// something else.
std::size_t take_sgr(std::string_view text, TextStyle& style) {
  constexpr std::size_t kBegin = 2;
  if (text.size() <= kBegin || text[1] != '[') return 0;
  const std::size_t end = text.find_first_not_of("0123456789;:", kBegin);
  if (end == text.npos || text[end] != 'm') return 0;
  const auto all = parameters_of(text.substr(kBegin, end - kBegin));
  for (std::size_t at = 0; at < all.size(); ++at) take_one(style, all, at);
  return end + 1;
}

std::size_t utf16_units(std::string_view text) {
  std::size_t units = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    constexpr unsigned kFollows = 0x80, kFollowsMask = 0xc0, kFourBytes = 0xf0;
    if ((byte & kFollowsMask) != kFollows) units += byte >= kFourBytes ? 2 : 1;
  }
  return units;
}

std::string_view name_of(Colour colour) {
  constexpr std::array<std::string_view, 8> kNames{"",     "red",     "green", "yellow",
                                                   "blue", "magenta", "cyan",  "gray"};
  return kNames[static_cast<std::size_t>(colour)];
}

class LineBuilder {
 public:
  explicit LineBuilder(TextStyle& style) : style_(style) {}

  void add(std::string_view text) {
    // Tabs go to columns of the whole line, which its parts do not know.
    while (!text.empty()) {
      const std::size_t tab = std::min(text.find('\t'), text.size());
      put(printable(text.substr(0, tab)));
      if (tab == text.size()) return;
      put(std::string(kTabStop - column_ % kTabStop, ' '));
      text.remove_prefix(tab + 1);
    }
  }
  StyledLine made() && {
    if (std::ranges::all_of(made_.runs, [](const auto& run) { return run.classes.empty(); }))
      made_.runs.clear();
    return std::move(made_);
  }

 private:
  void put(const std::string& text) {
    if (text.empty()) return;
    std::string classes = classes_of(style_);
    if (made_.runs.empty() || made_.runs.back().classes != classes)
      made_.runs.push_back({0, std::move(classes)});
    made_.runs.back().units += utf16_units(text);
    made_.text += text;
    column_ += display_width(text);
  }

  TextStyle& style_;
  std::size_t column_ = 0;
  StyledLine made_;
};

}  // namespace

std::string classes_of(const TextStyle& style) {
  std::string classes;
  const auto add = [&](std::string_view name) {
    if (!classes.empty()) classes += ' ';
    classes += name;
  };
  if (style.bold) add("bold");
  if (style.dim) add("dim");
  if (style.italic) add("italic");
  if (style.underlined) add("underlined");
  if (style.struck) add("struck");
  const Colour ground = style.inverse ? style.ink : style.ground;
  if (style.inverse && ground == Colour::none)
    add("inverse");
  else if (ground != Colour::none)
    add("on-" + std::string(name_of(ground)));
  else if (style.ink != Colour::none)
    add(name_of(style.ink));
  return classes;
}

StyledLine styled_line(std::string_view line, TextStyle& style) {
  LineBuilder builder(style);
  while (!line.empty()) {
    // What is no SGR sequence stays with the text behind it, and `printable` takes it out there.
    std::size_t end = line.find(kEscape);
    std::size_t length = 0;
    TextStyle next = style;
    while (end != line.npos && (length = take_sgr(line.substr(end), next)) == 0)
      end = line.find(kEscape, end + 1);
    builder.add(line.substr(0, end));
    if (end == line.npos) break;
    style = next;
    line.remove_prefix(end + length);
  }
  return std::move(builder).made();
}

}  // namespace interlock::web
