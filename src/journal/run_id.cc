#include "journal/run_id.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <vector>

#include "base/text.h"

namespace interlock::journal {
namespace {

std::string_view last_part(std::string_view id) { return id.substr(id.rfind('-') + 1); }

std::string quoted(const std::string& word) { return "`" + word + "`"; }

}  // namespace

std::string make_run_id(Time created, std::uint16_t random) {
  const std::chrono::year_month_day day(std::chrono::floor<std::chrono::days>(created));
  return fmt::format("r-{:04}{:02}{:02}-{:04x}", static_cast<int>(day.year()),
                     static_cast<unsigned>(day.month()), static_cast<unsigned>(day.day()), random);
}

Result<std::string> choose_run(std::string_view name, std::span<const std::string> ids) {
  if (ids.empty())
    return fail(Error::Kind::missing, "there are no runs yet", "`interlock run FILE` makes one");
  if (name.empty() || name == "last") return ids.front();
  if (std::ranges::find(ids, name) != ids.end()) return std::string(name);

  std::vector<std::string> meant;
  for (const std::string& id : ids) {
    if (id.starts_with(name) || last_part(id).starts_with(name)) meant.push_back(id);
  }
  if (meant.size() == 1) return meant.front();
  if (meant.empty()) {
    return fail(Error::Kind::missing, fmt::format("there is no run `{}`", name),
                "`interlock runs` lists them");
  }
  std::ranges::transform(meant, meant.begin(), quoted);
  return fail(Error::Kind::invalid, fmt::format("`{}` could be any of {} runs", name, meant.size()),
              fmt::format("one of {}", join_words(meant)));
}

}  // namespace interlock::journal
