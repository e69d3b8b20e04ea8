#include "plan/yaml_words.h"

#include "base/text.h"

namespace interlock::plan {

namespace {

struct Said {
  std::string_view parser;
  std::string_view message;
  std::string_view hint;
};
constexpr Said kSaid[] = {
    {"without closing quote", "the quote is never closed", ""},
    {"mismatched flow", "this bracket does not close the one before it",
     "close that one first, and put quotes round text that holds brackets or begins with `!`"},
    {"tab character", "a tab stands where spaces must indent", "indent with spaces"},
    {"invalid nested block mapping on the same line", "a second `: ` on one line",
     "put quotes round text that holds `: `"},
    {"invalid value after mapping", "text goes on after the closing brace",
     "put quotes round text that holds braces, such as `\"{item}.md\"`"},
    {"invalid multiline plain key", "what follows does not fit in here",
     "look at the indentation of the next line, and for a missing `:` or a tab"},
};

}  // namespace

std::string single_quoted_text(std::string_view raw) {
  constexpr std::string_view kBlank = " \t";
  std::string text;
  for (std::size_t at = 0; at < raw.size();) {
    if (raw[at] == '\'') {
      text += '\'';
      at += 2;
    } else if (raw[at] == '\n' || raw[at] == '\r') {
      while (!text.empty() && kBlank.contains(text.back())) text.pop_back();
      std::size_t breaks = 0;
      for (; at < raw.size() && (kBlank.contains(raw[at]) || raw[at] == '\n' || raw[at] == '\r');
           ++at) {
        if (raw[at] == '\n' || (raw[at] == '\r' && raw.substr(at + 1, 1) != "\n")) ++breaks;
      }
      text += breaks > 1 ? std::string(breaks - 1, '\n') : " ";
    } else {
      text += raw[at++];
    }
  }
  return text;
}

Complaint in_plain_words(std::string_view said) {
  for (const auto& known : kSaid) {
    if (said.contains(known.parser)) {
      return {std::string(known.message), std::string(known.hint)};
    }
  }
  return {printable(said), ""};
}

}  // namespace interlock::plan
