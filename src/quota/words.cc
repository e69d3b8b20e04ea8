#include "quota/account.h"

namespace interlock::quota {

Duration Limits::window() const {
  Duration shortest{};
  for (const auto* rate : {&requests, &input_tokens, &output_tokens, &usd, &tokens}) {
    if (*rate && (shortest == Duration{} || (*rate)->per < shortest)) shortest = (*rate)->per;
  }
  return shortest;
}

std::string_view name_of(Short what) {
  switch (what) {
    case Short::requests: return "requests";
    case Short::input_tokens: return "input_tokens";
    case Short::output_tokens: return "output_tokens";
    case Short::usd: return "usd";
    case Short::tokens: return "tokens";
    case Short::concurrency: return "concurrency";
    case Short::line: return "line";
    case Short::floor: return "floor";
    case Short::spent: return "spent";
  }
  return "";
}

}  // namespace interlock::quota
