#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "plan/plan.h"
#include "plan/schema_facts.h"

namespace interlock::plan {

/// Why a merge cannot work for what its tasks will give.
struct Misfit {
  std::string message;
  std::string hint;
};

/// Holds merges against the declared outputs of their tasks, so that what cannot work is known
/// before anything ran. Looks at each schema once.
class MergeFit {
 public:
  /// `tasks` must outlive the call. Each gives an output.
  std::optional<Misfit> misfit(const Merge& merge, const std::vector<const Task*>& tasks);

 private:
  const SchemaFacts& facts_of(const Task& task);
  std::optional<Misfit> of_concat(const Task& task);
  std::optional<Misfit> of_rows(const Merge& merge, const Task& task);
  std::optional<Misfit> of_objects(const std::vector<const Task*>& tasks);

  std::map<std::string, SchemaFacts, std::less<>> known_;  ///< By the schema's text.
};

}  // namespace interlock::plan
