#include "cli/board.h"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <cerrno>
#include <cstdlib>

#include "base/json.h"
#include "base/text.h"
#include "cli/asking.h"
#include "cli/board_client.h"
#include "engine/board_posts.h"
#include "process/clock.h"
#include "report/board.h"
#include "runs/request_answers.h"

// `board`: inside an attempt by its address, from outside by the run's id. `send`: a word to the
// agent of a task.
namespace interlock::cli {

namespace {

constexpr int kLookMs = 300;

bool is_over(const runs::ChosenRun& run) {
  using How = engine::RunEnded::How;
  return run.state.ended && *run.state.ended != How::interrupted &&
         *run.state.ended != How::paused_at_gate && *run.state.ended != How::limit_reached;
}

Result<void> check_topic_word(const std::string& topic) {
  const bool is_plain =
      !topic.empty() && topic.size() <= 64 && std::ranges::all_of(topic, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '_' || c == '-' || c == '.';
      });
  if (is_plain) return {};
  return fail(Error::Kind::invalid,
              topic.empty() ? "no topic is named"
                            : fmt::format("`{}` is not the name of a topic", printable(topic)));
}

/// Lines of a text as a terminal may show them.
std::string shown_lines(std::string_view text) {
  std::string shown;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    shown += printable(text.substr(0, end)) + "\n";
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return shown;
}

std::string text_of(const json::value* value) {
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

std::uint32_t number_of(const json::value* value) {
  if (value == nullptr) return 0;
  // Made here it is unsigned, read from a text it is not.
  if (value->is_uint64()) return static_cast<std::uint32_t>(value->get_uint64());
  return value->is_int64() && value->get_int64() > 0
             ? static_cast<std::uint32_t>(value->get_int64())
             : 0;
}

/// `--- 3, by b, round 2` and what it says.
std::string shown_post(const json::object& post) {
  std::string text = fmt::format("--- {}, by {}", number_of(post.if_contains("number")),
                                 printable(text_of(post.if_contains("by"))));
  const json::value* person = post.if_contains("is_person");
  if (person != nullptr && person->is_bool() && person->get_bool()) text += " (a person)";
  if (const std::uint32_t round = number_of(post.if_contains("round")))
    text += fmt::format(", round {}", round);
  if (const std::uint32_t attempt = number_of(post.if_contains("attempt")))
    text += fmt::format(", attempt {}", attempt);
  for (const char* key : {"standing", "at"}) {
    if (const std::string word = text_of(post.if_contains(key)); !word.empty())
      text += ", " + printable(word);
  }
  return text + "\n" + shown_lines(text_of(post.if_contains("text")));
}

bool flag_in(const json::object& answer, std::string_view key) {
  const json::value* value = answer.if_contains(key);
  return value != nullptr && value->is_bool() && value->get_bool();
}

json::array& posts_in(json::object& answer) { return answer["posts"].emplace_array(); }

/// All pages from `after` on, as one answer.
Result<json::object> read_all(const std::string& address, const std::string& topic,
                              std::uint32_t after) {
  json::array all;
  for (;;) {
    auto page = read_board(address, topic, after);
    if (!page) return page;
    if (json::value* posts = page->if_contains("posts"); posts != nullptr && posts->is_array()) {
      for (json::value& one : posts->get_array()) all.push_back(std::move(one));
    }
    after = std::max(after, number_of(page->if_contains("last")));
    if (flag_in(*page, "more")) continue;
    posts_in(*page) = std::move(all);
    return page;
  }
}

void print_posts(const Context& context, const json::object& answer) {
  if (const json::value* posts = answer.if_contains("posts");
      posts != nullptr && posts->is_array()) {
    for (const json::value& one : posts->get_array()) {
      if (one.is_object()) context.console.result(shown_post(one.get_object()));
    }
  }
}

void print_answer(const Context& context, const json::object& answer) {
  if (context.json) return context.console.result(pretty_json(answer));
  print_posts(context, answer);
}

/// What a person sees of a topic: all that was posted, and whether it counts.
json::object seen_from_outside(const runs::ChosenRun& run, const std::string& topic,
                               std::uint32_t after) {
  const auto& topics = run.plan().topics;
  const auto its = std::ranges::find(topics, topic, &plan::Topic::name);
  json::object answer = report::notes_json(run, static_cast<std::size_t>(its - topics.begin()),
                                           after, std::string::npos);
  answer["complete"] = run.state.ended.has_value() && is_over(run);
  return answer;
}

Result<void> check_topic(const runs::ChosenRun& run, const std::string& topic) {
  const auto& topics = run.plan().topics;
  if (std::ranges::find(topics, topic, &plan::Topic::name) != topics.end()) return {};
  std::vector<std::string> names;
  for (const plan::Topic& one : topics) names.push_back(fmt::format("`{}`", one.name));
  return fail(
      Error::Kind::missing,
      fmt::format("the plan of {} has no topic `{}`", runs::whole_name(run), printable(topic)),
      names.empty() ? "it has no `board`" : "there is " + join_words(names, 8));
}

Result<Exit> list_topics(const Context& context, const runs::ChosenRun& run) {
  std::string text;
  for (const plan::Topic& topic : run.plan().topics) {
    const std::size_t count = engine::all_posts(run.state, topic.name).size();
    text += fmt::format("{}  {}, {} post{}\n", pad(topic.name, 16), plan::name_of(topic.kind),
                        count, count == 1 ? "" : "s");
  }
  if (text.empty()) text = fmt::format("the plan of {} has no board\n", runs::whole_name(run));
  if (context.json)
    text = pretty_json(
        json::object{{"version", 1}, {"run", run.id()}, {"topics", report::topics_json(run)}});
  context.console.result(text);
  return Exit::done;
}

Result<std::optional<Duration>> patience_of(const BoardRequest& request) {
  if (request.most.empty()) return std::optional<Duration>();
  const auto most = parse_duration(request.most);
  if (most) return most;
  return fail(Error::Kind::invalid,
              fmt::format("`--for {}` is not a duration", printable(request.most)),
              "such as `90s` or `10m`");
}

/// Shows what is there, and what comes, until nothing can come any more or the time is up.
template <typename Look>
Result<Exit> follow(const Context& context, const BoardRequest& request, const Look& look) {
  const auto patience = patience_of(request);
  if (!patience) return std::unexpected(patience.error());
  process::SystemClock clock;
  const Time began = clock.now();
  std::uint32_t after = request.after;
  for (;;) {
    Result<json::object> answer = look(after);
    if (!answer) return std::unexpected(answer.error());
    if (context.json) {
      for (const json::value& one : (*answer)["posts"].as_array())
        context.console.result(json::serialize(one) + "\n");
    } else {
      print_posts(context, *answer);
    }
    after = std::max(after, number_of(answer->if_contains("last")));
    if (flag_in(*answer, "complete")) return Exit::done;
    if (*patience && clock.now() - began >= **patience) return Exit::done;
    ::poll(nullptr, 0, kLookMs);
  }
}

Result<Exit> from_inside(const Context& context, const BoardRequest& request,
                         const std::string& address) {
  if (auto named = check_topic_word(request.topic); !named) return std::unexpected(named.error());
  if (request.action == "post") {
    const auto text = text_or_input(request.text);
    if (!text) return std::unexpected(text.error());
    if (auto done = post_to_board(address, request.topic, *text); !done)
      return std::unexpected(done.error());
    if (context.json)
      context.console.result(
          pretty_json(json::object{{"version", 1}, {"topic", request.topic}, {"posted", true}}));
    context.console.remark(fmt::format("posted to `{}`", request.topic));
    return Exit::done;
  }
  const auto look = [&](std::uint32_t after) { return read_all(address, request.topic, after); };
  if (request.action == "watch") return follow(context, request, look);
  const auto answer = look(request.after);
  if (!answer) return std::unexpected(answer.error());
  print_answer(context, *answer);
  return Exit::done;
}

/// What became of what was asked; `did` in words, such as `posted to ...`.
Result<Exit> report_answer(const Context& context, const Asked& asked,
                           const Result<std::optional<runs::RequestAnswer>>& answer,
                           std::string_view did, const std::vector<std::string>& tasks,
                           const std::string& line) {
  if (!answer) return std::unexpected(answer.error());
  const std::string whole = runs::whole_name(*asked.run);
  if (*answer && !(*answer)->refused.empty())
    return fail(Error::Kind::refused, fmt::format("{}: {}", whole, (*answer)->refused));
  report(context, *asked.run, *answer ? did : "asked", tasks,
         *answer ? line
                 : fmt::format("{}; nobody dispatches it now, so this counts when somebody goes on "
                               "with it: `interlock resume {}`",
                               line, asked.run->id()));
  return Exit::done;
}

Result<void> check_goes_on(const runs::ChosenRun& run) {
  if (!is_over(run)) return {};
  return fail(Error::Kind::refused,
              fmt::format("{} is over: {}", runs::whole_name(run), runs::state_text(run)));
}

Result<Exit> post_as_person(const Context& context, const BoardRequest& request, Asked& asked) {
  if (auto able = check_goes_on(*asked.run); !able) return std::unexpected(able.error());
  const auto text = text_or_input(request.text);
  if (!text) return std::unexpected(text.error());
  const std::string why =
      engine::why_not_posted(asked.run->plan(), asked.run->state, request.topic, *text);
  if (!why.empty()) return fail(Error::Kind::refused, why);
  const auto answer =
      runs::ask_and_wait(asked, engine::Request::Kind::post, {},
                         json::serialize(json::object{{"topic", request.topic}, {"text", *text}}));
  return report_answer(
      context, asked, answer, "posted", {},
      fmt::format("posted to `{}` of {}", request.topic, runs::whole_name(*asked.run)));
}

Result<Exit> from_outside(const Context& context, const BoardRequest& request) {
  auto asked = open_for_asking(context, request.run);
  if (!asked) return std::unexpected(asked.error());
  if (request.topic.empty() && request.action == "read") return list_topics(context, *asked->run);
  if (auto named = check_topic_word(request.topic); !named) return std::unexpected(named.error());
  if (auto there = check_topic(*asked->run, request.topic); !there)
    return std::unexpected(there.error());
  if (request.action == "post") return post_as_person(context, request, *asked);
  if (request.action == "read") {
    print_answer(context, seen_from_outside(*asked->run, request.topic, request.after));
    return Exit::done;
  }
  return follow(context, request, [&](std::uint32_t after) -> Result<json::object> {
    auto now = runs::choose_run_as_kept(*asked->store, asked->run->id());
    if (!now) return std::unexpected(now.error());
    asked->run = std::move(*now);
    return seen_from_outside(*asked->run, request.topic, after);
  });
}

}  // namespace

Result<std::string> text_or_input(const std::string& text) {
  if (!text.empty() && text != "-") return text;
  std::string read;
  char buffer[4096];
  while (read.size() <= engine::kPostBytesMax) {
    const ssize_t count = ::read(STDIN_FILENO, buffer, sizeof buffer);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail(Error::Kind::io, "the text cannot be read from standard input");
    if (count == 0) break;
    read.append(buffer, static_cast<std::size_t>(count));
  }
  // The line end that ends a text file is no part of what is said.
  if (read.ends_with('\n')) read.pop_back();
  return read;
}

Result<Exit> board_command(const Context& context, const BoardRequest& request) {
  if (!request.run.empty()) return from_outside(context, request);
  if (const std::string address = board_address(); !address.empty())
    return from_inside(context, request, address);
  if (const char* task = std::getenv("INTERLOCK_TASK"); task != nullptr && *task != '\0')
    return fail(
        Error::Kind::refused,
        fmt::format("task `{}` does not say in the plan that it uses the board", printable(task)),
        fmt::format("give it `board: [{}]`; from outside name the run: `--run RUN`",
                    request.topic.empty() ? "TOPIC" : printable(request.topic)));
  return from_outside(context, request);
}

Result<Exit> send_command(const Context& context, const std::string& name, const std::string& word,
                          const std::string& given) {
  auto asked = open_for_asking(context, name, word);
  if (!asked) return std::unexpected(asked.error());
  if (asked->task.empty())
    return fail(Error::Kind::invalid, "it is not said to which task",
                "`interlock send RUN TASK \"TEXT\"`");
  if (auto able = check_goes_on(*asked->run); !able) return std::unexpected(able.error());
  const auto id = runs::choose_task(*asked->run, asked->task);
  if (!id) return std::unexpected(id.error());
  const auto text = text_or_input(given);
  if (!text) return std::unexpected(text.error());
  const std::string task = asked->run->plan()[*id].id;
  const std::string why = engine::why_not_sent(asked->run->plan(), asked->run->state, *id, *text);
  if (!why.empty())
    return fail(Error::Kind::refused, fmt::format("{}: {}", runs::whole_name(*asked->run), why));
  const bool is_running = asked->run->state[*id].state != engine::TaskState::waiting;
  const auto answer = runs::ask_and_wait(*asked, engine::Request::Kind::send, task, *text);
  return report_answer(
      context, *asked, answer, "sent", {task},
      fmt::format("sent to `{}` of {}: its agent is told {}", task, runs::whole_name(*asked->run),
                  is_running ? "with its next correction, repair or retry, if there is one"
                             : "when it starts"));
}

}  // namespace interlock::cli
