#include "agents/captures.h"

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <stdexcept>

#include "agents/json_fields.h"
#include "base/text.h"

namespace interlock::agents {

namespace {

const std::filesystem::path kData = "../shared/data/agent-captures";

std::string content_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

int number_of(std::string_view signal) {
  if (signal == "SIGKILL") return 9;
  if (signal == "SIGTERM") return 15;
  if (signal == "SIGINT") return 2;
  throw std::runtime_error("a signal nobody sent: " + std::string(signal));
}

/// The endpoint tells of its k-th main call 1000 k tokens of input. Calls beside the main ones,
/// such as for a title, are not in its books here.
void read_books(Capture& capture, const std::string& requests) {
  constexpr Tokens kEach = 1000;
  constexpr std::string_view kWhole = "200";
  constexpr std::string_view kBroken = "-2";
  std::map<std::int64_t, Tokens> asked;
  Tokens main_calls = 0;
  for (const std::string_view line : split_lines(requests)) {
    const auto told = fields_of(line);
    if (!told) continue;
    const auto number = count_at(*told, "n").value_or(0);
    if (true_at(*told, "main")) asked[number] = ++main_calls * kEach;
    if (!true_at(*told, "end") || !asked.contains(number)) continue;
    const std::string status = json::serialize(*value_at(*told, "status"));
    if (status == kWhole) capture.least_input += asked[number];
    if (status == kWhole || status == kBroken) capture.most_input += asked[number];
  }
}

Capture read_capture(const std::string& client, const std::filesystem::path& meta_path) {
  constexpr std::string_view kEnd = ".meta.json";
  Capture capture;
  capture.client = client;
  capture.name = meta_path.filename().string();
  capture.name.resize(capture.name.size() - kEnd.size());
  const auto meta = fields_of(content_of(meta_path));
  if (!meta) throw std::runtime_error("no JSON: " + meta_path.string());
  if (const auto code = count_at(*meta, "exitCode")) capture.exit_code = static_cast<int>(*code);
  if (const auto signal = text_at(*meta, "signal"); !signal.empty())
    capture.signal = number_of(signal);
  capture.by_runner = true_at(*meta, "timedOutByRunner");
  const std::string output = content_of(meta_path.parent_path() / (capture.name + ".jsonl"));
  for (const std::string_view line : split_lines(output)) capture.lines.emplace_back(line);
  read_books(capture, content_of(meta_path.parent_path() / (capture.name + ".requests.jsonl")));
  return capture;
}

}  // namespace

std::vector<Capture> captures_of(const std::string& client) {
  std::vector<Capture> captures;
  std::error_code none;
  for (const auto& entry : std::filesystem::directory_iterator(kData / client, none)) {
    if (entry.path().filename().string().ends_with(".meta.json"))
      captures.push_back(read_capture(client, entry.path()));
  }
  std::ranges::sort(captures, {}, &Capture::name);
  return captures;
}

const std::vector<std::string>& recorded_clients() {
  static const std::vector<std::string> clients = {
      "claude-code-2.1.197", "claude-code-2.1.330", "codex-0.169.0",     "gemini-cli-0.61.0",
      "opencode-1.18.33",    "pi-0.73.1",           "qwen-code-0.15.10", "qwen-code-0.24.4"};
  return clients;
}

const Adapter& adapter_of(const std::string& client) {
  for (const Adapter* adapter : all_adapters()) {
    const std::string_view kind = plan::name_of(adapter->kind());
    if (adapter->kind() != plan::AgentKind::command && client.starts_with(kind)) return *adapter;
  }
  throw std::runtime_error("no adapter for " + client);
}

Transcript transcript_of(const Adapter& adapter, const std::vector<std::string>& lines) {
  const plan::Agent agent;
  const auto reader = adapter.reader(agent);
  Transcript transcript;
  for (const std::string& line : lines) {
    for (const Event& event : reader->line(line)) transcript.take(event);
  }
  for (const Event& event : reader->end()) transcript.take(event);
  return transcript;
}

}  // namespace interlock::agents
