// Windows annotated by rules and by a model: every one ends in exactly one of the two files.
#include <csignal>
#include <ctime>
#include <filesystem>
#include <set>

#include "cli_fixture.h"

namespace tessy {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class AnnotateTest : public CliTest {
 protected:
  AnnotateTest() {
    WriteQuestions("q.jsonl", 6);
    EXPECT_EQ(RunSynth({"--method", "student-only", "--out", "r.jsonl"}).exit_status, 0);
  }
  ProgramResult Annotate(const Arguments& more, ProgramOptions options = {}) const {
    return Tessy(Command(more), std::move(options));
  }
  static Arguments Command(const Arguments& more) {
    Arguments all{"annotate", "--responses", "r.jsonl", "--window-words", "20", "--windows-per-response",
                  "4",        "--out",       "a.jsonl"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  std::set<std::string> Ids(const std::string& name) const {
    std::set<std::string> ids;
    for (const std::string& line : ReadLines(name)) {
      EXPECT_TRUE(ids.insert(Json::parse(line)["id"].get<std::string>()).second) << line;
    }
    return ids;
  }
};

const Arguments kRules{"--annotator", "lexicon"};

TEST_F(AnnotateTest, RulesMarkEveryWindowAndGoOnWhereTheyWereCut) {
  const auto result = Annotate(kRules);
  EXPECT_EQ(result.exit_status, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("24 of 24 windows annotated"));
  const std::string whole = Read("a.jsonl");
  size_t spans = 0;
  for (const std::string& line : ReadLines("a.jsonl")) {
    const Json window = Json::parse(line);
    EXPECT_EQ(window["annotator"], "lexicon");
    spans += window["spans"].size();
  }
  EXPECT_GT(spans, 20U);

  EXPECT_THAT(Tessy({"show", "a.jsonl", "--id", "CODE-5-0001/0"}).out,
              testing::AllOf(HasSubstr("‹S "), HasSubstr("‹T ")));

  EXPECT_THAT(Annotate(kRules).err, HasSubstr("24 of 24 windows annotated"));
  EXPECT_EQ(Read("a.jsonl"), whole);
  Write("a.jsonl", whole.substr(0, whole.size() / 2));
  const auto resumed = Annotate(kRules);
  EXPECT_EQ(resumed.exit_status, 0) << resumed.err;
  EXPECT_EQ(Read("a.jsonl"), whole);
}

TEST_F(AnnotateTest, ResponsesMayBeAFolderOrAPattern) {
  const std::vector<std::string> lines = ReadLines("r.jsonl");
  ASSERT_GE(lines.size(), 2U);
  std::filesystem::create_directories(Path("d"));
  std::string rest;
  for (size_t i = 1; i < lines.size(); ++i) rest += lines[i] + "\n";
  Write("d/1.jsonl", lines[0] + "\n");
  Write("d/2.jsonl", rest);
  const auto annotate = [&](const std::string& responses, const std::string& out) {
    return Tessy({"annotate", "--responses", responses, "--window-words", "20", "--annotator", "lexicon",
                  "--out", out});
  };
  ASSERT_EQ(annotate("r.jsonl", "one.jsonl").exit_status, 0);
  for (const auto& [responses, out] : {std::pair("d", "folder.jsonl"), std::pair("d/*", "pattern.jsonl")}) {
    const auto result = annotate(responses, out);
    ASSERT_EQ(result.exit_status, 0) << result.err;
    EXPECT_EQ(Read(out), Read("one.jsonl")) << responses;
  }
  // A file that changes is another setting.
  Write("d/1.jsonl", lines[0] + "\n\n");
  ExpectRefusal(annotate("d", "folder.jsonl"), {"was made with other settings"});
}

TEST_F(AnnotateTest, PhrasesAreTheSameWhateverEditorWroteThem) {
  Write("lf.txt", "okay, let's see.\nso it must be\n");
  Write("crlf.txt", "\xEF\xBB\xBFokay, let's see.\r\nso it must be\r\n");
  EXPECT_EQ(Annotate({"--annotator", "phrases:lf.txt"}).exit_status, 0);
  std::string expected = Read("a.jsonl");
  EXPECT_EQ(Annotate({"--annotator", "phrases:crlf.txt", "--fresh"}).exit_status, 0);
  for (size_t at = 0; (at = expected.find("lf.txt", at)) != std::string::npos; at += 8)
    expected.insert(at, "cr");
  EXPECT_EQ(Read("a.jsonl"), expected);
}

TEST_F(AnnotateTest, PhrasesOfOnesOwn) {
  Write("phrases.txt", "okay, let's see.\nnow times,\n");
  const auto result = Annotate({"--annotator", "phrases:phrases.txt"});
  EXPECT_EQ(result.exit_status, 0) << result.err;
  EXPECT_THAT(Read("a.jsonl"), HasSubstr("phrases.txt"));
}

// The shipped teacher knows arithmetic and nothing of annotating: whatever it says, nothing is lost.
TEST_F(AnnotateTest, AModelThatCannotAnnotateHasItsWindowsRejectedWithReasons) {
  const Arguments asked{"--annotator",
                        Model("teacher"),
                        "--windows",
                        "8",
                        "--max-answer-tokens",
                        "24",
                        "--retries",
                        "0",
                        "--max-thinking-tokens",
                        "64",
                        "--context",
                        "256"};
  Write("prompt.txt", "{window}");
  Arguments all = asked;
  all.insert(all.end(), {"--prompt", "prompt.txt"});
  const auto result = Annotate(all);
  EXPECT_EQ(result.exit_status, 2) << result.err;
  EXPECT_THAT(ReadLines("a.jsonl"), IsEmpty());
  EXPECT_THAT(Ids("a.jsonl.run/rejected.jsonl"), SizeIs(8));
  for (const std::string& line : ReadLines("a.jsonl.run/rejected.jsonl")) {
    EXPECT_NE(Json::parse(line)["reason"], "") << line;
  }
  EXPECT_THAT(result.err, HasSubstr("0 of 8 windows annotated; "));
}

TEST_F(AnnotateTest, AServerThatNobodyReachesLeavesNothingBegun) {
  const auto result = Annotate({"--annotator", "http://localhost:1/v1#served"});
  EXPECT_EQ(result.exit_status, 4);
  EXPECT_THAT(Lines(result.err), SizeIs(1));
  EXPECT_THAT(result.err,
              testing::AllOf(HasSubstr("http://localhost:1/props: "), HasSubstr("is the server up")));
  // Another annotator is no change of settings.
  EXPECT_EQ(Annotate(kRules).exit_status, 0);
}

TEST_F(AnnotateTest, TheTemplatesDateIsThatOfUtcAndKeptAndRecorded) {
  Write("prompt.txt", "{window}");
  const Arguments asked{"--annotator",
                        Model("teacher"),
                        "--windows",
                        "1",
                        "--prompt",
                        "prompt.txt",
                        "--retries",
                        "0",
                        "--max-thinking-tokens",
                        "8",
                        "--context",
                        "256",
                        "--max-answer-tokens",
                        "8"};
  const auto utc_day = [] {
    const std::time_t now = std::time(nullptr);
    std::string day(10, ' ');
    std::strftime(day.data(), day.size() + 1, "%Y-%m-%d", std::gmtime(&now));
    return day;
  };
  // Where it is another day than in Greenwich for most of the time: tomorrow, or yesterday.
  const std::time_t now = std::time(nullptr);
  const std::string zone = std::gmtime(&now)->tm_hour >= 11 ? "TZ=AHEAD-14" : "TZ=BEHIND12";
  const std::string before = utc_day();
  const auto result = Annotate(asked, {.environment = {zone}});
  ASSERT_NE(result.exit_status, 1) << result.err;
  const std::string after = utc_day();
  Json recorded = Json::parse(Read("a.jsonl.run/config.json"));
  ASSERT_TRUE(recorded.contains("template_date"));
  EXPECT_THAT(recorded["template_date"], testing::AnyOf(before, after));
  // A run of another day keeps its date, and refuses others.
  recorded["template_date"] = "2001-02-03";
  Write("a.jsonl.run/config.json", recorded.dump() + "\n");
  EXPECT_NE(Annotate(asked).exit_status, 1);
  Arguments dated = asked;
  dated.insert(dated.end(), {"--template-date", "2001-02-04"});
  ExpectRefusal(Annotate(dated), {"a.jsonl", "template_date 2001-02-03 -> 2001-02-04"});
  // Earlier versions did not record it.
  recorded.erase("template_date");
  Write("a.jsonl.run/config.json", recorded.dump() + "\n");
  EXPECT_NE(Annotate(asked).exit_status, 1);
}

TEST_F(AnnotateTest, WhatIsRefused) {
  Write("no-thinking.jsonl", "{\"messages\": [{\"role\": \"user\", \"content\": \"hi\"}]}\n");
  Write("empty.txt", "\n");
  Write("prompt.txt", "mark the style\n");
  ExpectRefusal(Annotate({}), {"--annotator is missing", "lexicon"});
  ExpectRefusal(Annotate({"--annotator", "http://"}), {"--annotator http://"});
  ExpectRefusal(Annotate({"--annotator", "http://localhost:1", "--exact"}), {"--exact", "server"});
  ExpectRefusal(Annotate({"--annotator", "nowhere.gguf"}), {"nowhere.gguf: no such model file"});
  ExpectRefusal(Annotate({"--annotator", "phrases:nowhere.txt"}), {"nowhere.txt: cannot be read"});
  ExpectRefusal(Annotate({"--annotator", "phrases:empty.txt"}), {"empty.txt: holds no phrase"});
  ExpectRefusal(Annotate({"--annotator", Model("teacher"), "--prompt", "prompt.txt"}),
                {"prompt.txt: has no {window}"});
  ExpectRefusal(
      Tessy({"annotate", "--responses", "no-thinking.jsonl", "--out", "b.jsonl", "--annotator", "lexicon"}),
      {"no-thinking.jsonl:1", "--skip-bad-lines"});
  ExpectRefusal(
      Tessy({"annotate", "--responses", "nowhere.jsonl", "--out", "b.jsonl", "--annotator", "lexicon"}),
      {"nowhere.jsonl: cannot be read"});
  ASSERT_EQ(Annotate(kRules).exit_status, 0);
  ExpectRefusal(Annotate({"--annotator", "lexicon", "--seed", "5"}), {"a.jsonl", "seed", "--fresh"});
}

}  // namespace
}  // namespace tessy
