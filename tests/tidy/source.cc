#include "tidy/source.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <sstream>

namespace interlock::tidy {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 9> kFolders{"src",   "tests",    "tools", "docs", "cmake",
                                                   "bench", "examples", "man",   ".ci"};

std::string read_file(const fs::path& path) {
  std::ostringstream content;
  content << std::ifstream(path, std::ios::binary).rdbuf();
  return content.str();
}

bool is_text(const std::string& content) { return content.find('\0') == std::string::npos; }

void add_file(const fs::path& root, const fs::path& path, std::vector<Source>& sources) {
  Source source{fs::relative(path, root).generic_string(), read_file(path)};
  // What fuzzers found is kept byte for byte.
  if (is_text(source.text) && !source.is_in("tests/fuzz/corpus"))
    sources.push_back(std::move(source));
}

/// Where the literal or comment that starts at `at` ends, or `at` if none starts there.
std::size_t end_of_blank(std::string_view text, std::size_t at) {
  const std::string_view rest = text.substr(at);
  const auto after = [&](std::string_view mark, std::size_t from) {
    const std::size_t found = text.find(mark, from);
    return found == std::string_view::npos ? text.size() : found + mark.size();
  };
  if (rest.starts_with("//")) return std::min(text.find('\n', at), text.size());
  if (rest.starts_with("/*")) return after("*/", at + 2);
  if (rest.starts_with("R\"")) {
    const std::size_t open = std::min(text.find('(', at), text.size());
    return after(")" + std::string(text.substr(at + 2, open - at - 2)) + "\"", open);
  }
  const char quote = rest.front();
  const bool separates_digits =
      quote == '\'' && at > 0 && std::isxdigit(static_cast<unsigned char>(text[at - 1]));
  if ((quote != '"' && quote != '\'') || separates_digits) return at;
  std::size_t i = at + 1;
  while (i < text.size() && text[i] != quote && text[i] != '\n') i += text[i] == '\\' ? 2 : 1;
  return std::min(i + 1, text.size());
}

}  // namespace

bool Source::is_in(std::string_view folder) const {
  return path.size() > folder.size() && path.starts_with(folder) && path[folder.size()] == '/';
}

std::vector<Source> sources_below(const fs::path& root) {
  std::vector<Source> sources;
  for (const auto& entry : fs::directory_iterator(root)) {
    if (entry.is_regular_file()) add_file(root, entry.path(), sources);
  }
  for (const std::string_view folder : kFolders) {
    if (!fs::exists(root / folder)) continue;
    for (const auto& entry : fs::recursive_directory_iterator(root / folder)) {
      if (entry.is_regular_file()) add_file(root, entry.path(), sources);
    }
  }
  std::ranges::sort(sources, {}, &Source::path);
  return sources;
}

std::string code_of(std::string_view text) {
  std::string code(text);
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t end = end_of_blank(text, i);
    for (std::size_t at = i; at < end; ++at) {
      if (code[at] != '\n') code[at] = ' ';
    }
    i = std::max(end, i + 1);
  }
  return code;
}

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  for (std::istringstream stream{std::string(text)}; stream;) {
    std::string line;
    if (std::getline(stream, line)) lines.push_back(std::move(line));
  }
  return lines;
}

}  // namespace interlock::tidy
