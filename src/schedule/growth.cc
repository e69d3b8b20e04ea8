// What the scheduler does where the plan grows.
#include <utility>

#include "base/check.h"
#include "schedule/state.h"

namespace interlock::schedule {

void Scheduler::State::add(std::vector<Job> jobs, const std::vector<Link>& links, Time now) {
  advance(now);
  const std::size_t first = marks.size(), count = jobs.size();
  for (Job& job : jobs) {
    for (const Demand& demand : job.demands) {
      check(demand.amount > 0 && demand.amount <= problem.capacities[demand.resource.index()],
            "no task asks for more than there is of a resource");
    }
    problem.jobs.push_back(std::move(job));
    // They have waited least: behind all that was there, in plan order.
    rank_of.push_back(static_cast<Rank>(by_rank.size()));
    by_rank.emplace_back(problem.jobs.size() - 1);
  }
  problem.links.insert(problem.links.end(), links.begin(), links.end());
  successors.add_successors(count, links);
  predecessors.add_predecessors(count, links);
  clock.add(count, now);
  pool.add(count);
  marks.resize(first + count);
  if (!not_before.empty()) not_before.resize(marks.size());
  waiting += static_cast<std::uint32_t>(count);

  for (std::size_t i = first; i < marks.size(); ++i) count_links_into(TaskId(i));
  for (const Link& link : links) {
    const Mark& before = mark(link.before);
    const bool never = before.unreachable || (before.at == At::ended && !satisfies(before.end));
    if (link.needs && never) mark_unreachable(link.after, link.before);
  }
  // Where all before had ended, or none runs alone, the bars stood at the end: they go on from
  // there.
  advance_bars();
  advance_cursor();
  for (std::size_t i = first; i < marks.size(); ++i) file(TaskId(i), now);
}

void Scheduler::refine(TaskId first, std::vector<Job> jobs, std::vector<Link> links, Time now) {
  State& s = *state_;
  check(first.index() + jobs.size() <= s.marks.size(), "only jobs that are there are refined");
  s.advance(now);
  for (std::size_t i = 0; i < jobs.size(); ++i)
    s.problem.jobs[first.index() + i] = std::move(jobs[i]);
  s.problem.links = std::move(links);
  s.successors = Adjacency::successors(s.problem.jobs.size(), s.problem.links);
  s.predecessors = Adjacency::predecessors(s.problem.jobs.size(), s.problem.links);
  s.recount(now);
}

}  // namespace interlock::schedule
