#include "plan/fill.h"

#include <fmt/format.h>

#include <cstdio>
#include <map>
#include <memory>
#include <random>

namespace interlock::plan {
namespace {

Lookup from(std::map<std::string, std::string> values) {
  return [values = std::move(values)](std::string_view name) -> std::optional<std::string> {
    const auto found = values.find(std::string(name));
    return found == values.end() ? std::nullopt : std::optional(found->second);
  };
}

/// What `sh -c` prints for a script.
std::string run_by_shell(const std::string& script) {
  const auto close = [](std::FILE* file) { pclose(file); };
  const std::unique_ptr<std::FILE, decltype(close)> pipe(popen(script.c_str(), "r"), close);
  std::string out;
  for (int c = std::fgetc(pipe.get()); c != EOF; c = std::fgetc(pipe.get()))
    out += static_cast<char>(c);
  return out;
}

TEST(Placeholders, AreKnownNamesInSingleBraces) {
  EXPECT_THAT(placeholders("{item} {item.stem} {outputs.a-b.c} {{item}} {tmp}"),
              testing::ElementsAre("item", "item.stem", "outputs.a-b.c", "tmp"));
}

TEST(Placeholders, AreNotWhatJsonShellAndAwkWriteInBraces) {
  EXPECT_THAT(placeholders(R"({"item": 1} {} { item } ${item} {print $1} {a,b} {item {x})"),
              testing::IsEmpty());
}

TEST(Placeholders, StandInsideOtherBraces) {
  EXPECT_THAT(placeholders(R"({"a": {item}})"), testing::ElementsAre("item"));
}

TEST(Fill, PutsValuesAndKeepsWhatItDoesNotKnow) {
  EXPECT_EQ(fill("{item}: {outputs.a} {who} {what}", from({{"item", "x"}, {"who", "me"}})),
            "x: {outputs.a} me {what}");
}

TEST(Fill, TakesDoubledBracesForBracesOnlyRoundAName) {
  const auto lookup = from({{"item", "x"}});
  EXPECT_EQ(fill("{{item}} {{ item }} {{other}} {{{item}}} {\"a\": {item}}", lookup),
            "{item} {{ item }} {{other}} {{item}} {\"a\": x}");
}

TEST(Fill, NeverFillsInWhatAValueBrought) {
  const auto early = fill("{item} {{item}} {outputs.a}",
                          from({{"item", "{outputs.a} {{tmp}} {other}"}}), Stage::early);
  EXPECT_EQ(early, "{{outputs.a}} {{{tmp}}} {other} {{item}} {outputs.a}");
  EXPECT_EQ(fill(early, from({{"outputs.a", "A"}, {"tmp", "T"}})),
            "{outputs.a} {{tmp}} {other} {item} A");
}

TEST(Fill, MakesNamesOfOutputsFromItems) {
  EXPECT_EQ(fill("{outputs.a-{item}} {x-{item}}", from({{"item", "b c"}}), Stage::early),
            "{outputs.a-b-c} {x-b c}");
}

TEST(FillShell, QuotesByWhereThePlaceholderStands) {
  const auto lookup = from({{"item", "a'b\"c$d"}});
  EXPECT_EQ(fill_shell("x {item}", lookup), R"(x 'a'\''b"c$d')");
  EXPECT_EQ(fill_shell("x \"{item}\"", lookup), R"(x "a'b\"c\$d")");
  EXPECT_EQ(fill_shell("x '{item}'", lookup), R"(x 'a'\''b"c$d')");
  EXPECT_EQ(fill_shell("x \"$(cat {item})\"", lookup), R"_(x "$(cat 'a'\''b"c$d')")_");
}

TEST(FillShell, LeavesAPlaceholderWhereNoQuotingIsSafe) {
  const auto lookup = from({{"item", "x"}});
  for (const std::string script :
       {"echo `cat {item}`", "# {item}", "cat <<END\n{item}\nEND", "echo \\{item}",
        "echo \"\\{item}\"", "echo $(( {item} ))", "echo ${x:-{item}}", "echo $'{item}'",
        "x=$(case a in a) echo {item};; esac)", "(( {item} ))", "echo $[ {item} ]"}) {
    EXPECT_EQ(fill_shell(script, lookup), script);
    EXPECT_EQ(unsafe_for_shell(script, lookup).value_or(UnsafePlace{}).name, "item") << script;
  }
}

TEST(FillShell, GoesOnAfterAPlaceWhoseEndIsCertain) {
  EXPECT_EQ(fill_shell("echo `date` ${x} $x $(ls) # no\necho {item}", from({{"item", "x"}})),
            "echo `date` ${x} $x $(ls) # no\necho 'x'");
}

TEST(FillShell, HandsEveryValueToARealShellUnchanged) {
  const std::vector<std::string> templates = {"printf %s {item}",
                                              "printf %s \"{item}\"",
                                              "printf %s '{item}'",
                                              "printf %s \"$(printf %s {item}; printf x)\"",
                                              "x={item}; printf %s \"$x\"",
                                              "true && printf %s \"\"{item}''",
                                              "(printf %s \"{item}\") # it's",
                                              "printf '%s' \"$(printf '%s' \"{item}\"; : ')')\"",
                                              "x=\"a\\\"b\"; printf %s {item}"};
  const std::string_view alphabet = "a'\"\\$`(){}#;&|<>*?~! \t\n=-";
  std::mt19937 random(7);  // One seed: the same values in every run.
  for (int round = 0; round < 60; ++round) {
    std::string value = "v";  // `$(...)` takes final newlines away, so none stands at the end.
    for (int at = 0; at < 12; ++at) value += alphabet[random() % alphabet.size()];
    value += round % 2 == 0 ? "$(echo no)" : "'; echo no; '";
    const auto& script = templates[static_cast<std::size_t>(round) % templates.size()];
    auto expected = value;
    if (script.contains("printf x")) expected += "x";
    EXPECT_EQ(run_by_shell(fill_shell(script, from({{"item", value}}))), expected) << script;
    const auto early = fill_shell(script, from({{"item", value}}), Stage::early);
    EXPECT_EQ(run_by_shell(fill_shell(early, from({}))), expected) << script;
  }
}

TEST(FillCommand, TreatsTheScriptOfAShellAsAScript) {
  const auto lookup = from({{"item", "a b"}});
  EXPECT_THAT(fill_command({{"cat", "{item}"}, {}}, lookup).arguments,
              testing::ElementsAre("cat", "a b"));
  EXPECT_THAT(fill_command({{"/bin/bash", "-ec", "cat {item}", "{item}"}, {}}, lookup).arguments,
              testing::ElementsAre("/bin/bash", "-ec", "cat 'a b'", "a b"));
  EXPECT_EQ(fill_command({{}, "cat {item}"}, lookup).shell, "cat 'a b'");
}

TEST(AsId, PutsADashForWhatNoIdMayHold) { EXPECT_EQ(as_id("src/[my] file.md!"), "src-my-file.md"); }

}  // namespace
}  // namespace interlock::plan
