#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
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
  /// `families`: their ids as they are written, for places whose items are not known.
  explicit MergeFit(std::vector<std::string> families = {}) : families_(std::move(families)) {}

  /// `tasks` must outlive the call. Each gives an output.
  std::optional<Misfit> misfit(const Merge& merge, const std::vector<const Task*>& tasks);

 private:
  std::string id_of(const Task& task) const;
  std::string given_by(const Task& task, unsigned kinds) const;
  const SchemaFacts& facts_of(const Task& task);
  std::optional<Misfit> of_concat(const Task& task);
  std::optional<Misfit> of_rows(const Merge& merge, const Task& task);
  std::optional<Misfit> of_objects(const std::vector<const Task*>& tasks);

  std::vector<std::string> families_;
  std::map<std::string, SchemaFacts, std::less<>> known_;  ///< By the schema's text.
};

}  // namespace interlock::plan
