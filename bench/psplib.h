#pragma once

#include <chrono>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>

#include "schedule/problem.h"

// Instances of PSPLIB (Kolisch & Sprecher 1996) and the best makespans that are known of them.
namespace interlock::bench {

using schedule::Job;
using schedule::Problem;

/// Skips to behind the line that begins with `title`, and `more` lines after it.
inline bool skip_to(std::istream& in, const std::string& title, int more) {
  std::string line;
  while (std::getline(in, line)) {
    if (line.rfind(title, 0) != 0) continue;
    while (more-- > 0) std::getline(in, line);
    return true;
  }
  return false;
}

/// An instance in ProGen format; a unit of time is a second.
inline Problem read_sm(const std::filesystem::path& path) {
  std::ifstream in(path);
  std::string text;
  std::size_t jobs = 0;
  while (std::getline(in, text)) {
    if (text.rfind("jobs (incl.", 0) == 0) jobs = std::stoul(text.substr(text.find(':') + 1));
    if (text.rfind("PRECEDENCE", 0) == 0) break;
  }
  std::getline(in, text);
  Problem problem;
  problem.jobs.resize(jobs);
  for (std::size_t i = 0; i < jobs; ++i) {
    std::size_t number = 0, modes = 0, successors = 0, successor = 0;
    in >> number >> modes >> successors;
    while (successors-- > 0 && in >> successor)
      problem.links.push_back({TaskId(number - 1), TaskId(successor - 1), true});
  }
  skip_to(in, "REQUESTS", 2);
  for (Job& job : problem.jobs) {
    std::size_t number = 0, mode = 0;
    std::int64_t duration = 0;
    in >> number >> mode >> duration;
    job.expected = std::chrono::seconds(duration);
    for (std::size_t r = 0; r < 4; ++r) {
      std::int64_t amount = 0;
      in >> amount;
      if (amount > 0) job.demands.push_back({ResourceId(r), amount});
    }
  }
  skip_to(in, "RESOURCEAVAIL", 1);
  problem.capacities.resize(4);
  problem.quotas.resize(4);
  for (std::int64_t& capacity : problem.capacities) in >> capacity;
  return problem;
}

inline std::map<std::string, double> best_known(const std::filesystem::path& folder) {
  std::map<std::string, double> best;
  std::ifstream in(folder / "best-known.csv");
  std::string line;
  std::getline(in, line);
  while (std::getline(in, line)) {
    std::istringstream cells(line);
    std::string name, makespan;
    std::getline(cells, name, ',');
    std::getline(cells, makespan, ',');
    best[name] = std::stod(makespan);
  }
  return best;
}

}  // namespace interlock::bench
