#pragma once

#include <set>
#include <string>
#include <vector>

#include "decide/decision.h"
#include "journal/store.h"
#include "plan/plan.h"

// What measurements are kept under, and which of them a plan is priced by.
namespace interlock::runs {

/// By task, in plan order.
/// Of the tasks from `first` on.
std::vector<journal::TaskLabel> labels_of(const plan::Plan& plan, std::size_t first = 0);

/// Whose model a task asks: the account of the first quota it uses, else where its provider is and
/// the variable of its key. Empty: it asks none through the gateway.
std::string account_of(const plan::Plan& plan, const plan::Task& task);

/// Host and port of a URL, without what may be secret in it.
std::string place_of(const std::string& url);

/// All of them, each once.
std::set<std::string> accounts_of(const plan::Plan& plan);

/// By agent of the plan: the key of `History::slowings` that its tasks are under; empty: none.
std::vector<std::string> slowing_keys(const plan::Plan& plan, const decide::History& history);

/// What the plan says of slowing, by account or host.
decide::SaidSlowings said_slowings(const plan::Plan& plan);

std::string host_name();
/// What it has now for tasks.
decide::Host this_host();

/// Makes samples of the runs that earlier versions kept, but for those that are being dispatched.
/// What cannot be read is passed over: it is nobody's business now.
void sample_old_runs(journal::Store& store);

}  // namespace interlock::runs
