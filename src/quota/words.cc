#include "quota/account.h"

namespace interlock::quota {

std::string_view name_of(Shortage what) {
  switch (what) {
    case Shortage::requests: return "requests";
    case Shortage::input_tokens: return "input_tokens";
    case Shortage::output_tokens: return "output_tokens";
    case Shortage::usd: return "usd";
    case Shortage::tokens: return "tokens";
    case Shortage::concurrency: return "concurrency";
    case Shortage::line: return "line";
    case Shortage::floor: return "floor";
    case Shortage::spent: return "spent";
  }
  return "";
}

}  // namespace interlock::quota
