#include <fmt/format.h>

#include <algorithm>

#include "plan/keys.h"
#include "plan/settings.h"

namespace interlock::plan {

namespace {

/// What a service's commands may say beside `{port}`: it knows of no task's outputs, nor items.
constexpr std::string_view kOfServices[] = {"port",   "tmp",     "workspace",
                                            "run.id", "task.id", "deadline"};

/// It becomes a part of a variable's name.
bool is_service_name(std::string_view name) {
  return !name.empty() && name.size() <= 40 && name.front() >= 'a' && name.front() <= 'z' &&
         std::ranges::all_of(name, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
         });
}

Command read_service_command(Reading& reading, Node node) {
  const auto command = read_command(reading, node);
  if (!command) return {};
  std::vector<std::string> texts = command->arguments;
  texts.push_back(command->shell);
  for (const std::string& text : texts) {
    for (const std::string& name : placeholders(text)) {
      if (std::ranges::find(kOfServices, name) != std::end(kOfServices) || reading.set(name))
        continue;
      reading.problems.add(
          node.span(), fmt::format("`{{{}}}` means nothing to a service", name),
          "it knows {port}, {tmp}, {workspace}, {run.id}, {task.id} and {deadline}");
    }
  }
  return fill_command(*command, reading.set, Stage::early);
}

Service read_service(Reading& reading, std::string name, Node node) {
  Service service;
  service.name = std::move(name);
  const Fields fields(reading, node, "a service", kServiceKeys);
  if (!node.is_map()) return service;
  if (const auto run = fields["run"]) {
    service.run = read_service_command(reading, *run);
  } else {
    reading.problems.add(node.span(), fmt::format("service {} has no `run`", quoted(service.name)),
                         "name the program, and keep it in the foreground");
  }
  if (const auto ready = fields["ready"]) service.ready = read_service_command(reading, *ready);
  if (const auto within = fields["ready_within"]) {
    const auto time = read_duration(reading, *within);
    if (time == Duration::zero()) {
      reading.problems.add(within->span(), "no service is ready at once", "such as `30s`");
    } else {
      service.ready_within = time.value_or(service.ready_within);
    }
  }
  return service;
}

}  // namespace

void read_services(Reading& reading, Node node) {
  if (node.is_null()) return;
  if (!node.is_map()) return expected(reading, node, "a map from names to services");
  auto& services = reading.plan.services;
  if (node.size() > kMostDeclared)
    return reading.problems.add(node.span(), fmt::format("more than {} services", kMostDeclared));
  for (const auto& [key, value] : node.entries()) {
    const std::string name(key.text());
    if (!is_service_name(name)) {
      reading.problems.add(key.span(), fmt::format("{} is not a name for a service", quoted(name)),
                           "names are small letters, digits and `_`, a letter first: the port is "
                           "told in INTERLOCK_PORT_NAME");
      continue;
    }
    services.push_back(read_service(reading, name, value));
  }
}

std::vector<Service> read_service_names(Reading& reading, Node node) {
  std::vector<Service> chosen;
  if (node.is_null()) return chosen;
  const auto& declared = reading.plan.services;
  for (const Item& item : read_items(reading, node, "the name of a service or a list of them")) {
    const std::string name = fill(item.text, reading.set);
    const auto found = std::ranges::find(declared, name, &Service::name);
    if (found == declared.end()) {
      std::vector<std::string> names;
      for (const Service& one : declared) names.push_back(one.name);
      reading.problems.add(item.node.span(), fmt::format("no service {}", quoted(name)),
                           did_you_mean(reading, name, names, "declare it under `services`"));
    } else if (std::ranges::find(chosen, name, &Service::name) == chosen.end()) {
      chosen.push_back(*found);
    }
  }
  if (chosen.size() > kMostServices) {
    reading.problems.add(node.span(), fmt::format("a task has at most {} services", kMostServices));
    chosen.resize(kMostServices);
  }
  return chosen;
}

}  // namespace interlock::plan
