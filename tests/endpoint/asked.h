#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.h"
#include "base/json.h"
#include "base/result.h"
#include "base/units.h"

// What a client asks the model endpoint for, whichever of the four APIs it speaks. Read without the
// product's own reader of requests, so that neither can hide the other's mistakes.
namespace interlock::endpoint {

enum class Api : unsigned char { anthropic, chat, responses, gemini };
std::string_view name_of(Api api);

/// A beginning of the prompt that a prompt cache may hold.
struct Prefix {
  Digest digest;
  std::size_t bytes = 0;
};

struct Asked {
  enum class What : unsigned char { answer, count, models, alive };
  What what = What::answer;
  Api api = Api::anthropic;
  std::string label;  ///< What stands in the path before the API's own part.
  std::string model;
  bool streams = false;
  bool as_array = false;    ///< Gemini's stream without `alt=sse`: one JSON array.
  bool tells_usage = true;  ///< Chat Completions streams tell it only when asked.
  std::optional<Tokens> output_max;
  std::string prompt;              ///< The last message of the user that has words of its own.
  std::string task;                ///< NAME of the first `[[task:NAME]]`; empty: none.
  bool after_tool = false;         ///< The last message brings results of tools.
  std::vector<std::string> tools;  ///< Names of those on offer.
  std::string forced_tool;         ///< The one that must be called; empty: none.
  std::vector<Prefix> prefixes;    ///< Longest last.
  std::size_t bytes = 0;
};

/// Nothing for what no API has. A body that is no JSON is an error.
Result<std::optional<Asked>> read_asked(std::string_view method, std::string_view target,
                                        std::string_view body);

}  // namespace interlock::endpoint
