#pragma once

#include <string>
#include <string_view>

namespace interlock::plan {

/// The text between single quotes (YAML 1.2, 7.3.2): two quotes mean one, line breaks fold. By our
/// own hand, as libfyaml 0.7.12 loses memory over a run of quotes.
std::string single_quoted_text(std::string_view raw);

/// What is wrong with a text that is no YAML.
struct Complaint {
  std::string message;
  std::string hint;
};
/// What libfyaml says, in the words of someone who wrote a plan.
Complaint in_plain_words(std::string_view said);

}  // namespace interlock::plan
