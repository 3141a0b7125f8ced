// Choosing questions with a teacher that decides: in process, behind a server, cut off at any time.
#include <atomic>
#include <csignal>
#include <filesystem>
#include <map>
#include <mutex>
#include <random>
#include <set>

#include "cli_fixture.h"
#include "model/llama/testing/tiny_model.h"
#include "model/openai/testing/hand_server.h"

namespace tessy {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

// A made-up task that shares no five words with another number's.
std::string Task(int number, const std::string& last) {
  std::mt19937 random(static_cast<unsigned>(number));
  std::string text = "Task";
  for (int i = 0; i < 20; ++i) text += " w" + std::to_string(random() % 100'000'000);
  return text + " " + last;
}

std::string Row(const std::string& question) { return Json{{"question", question}}.dump() + "\n"; }

constexpr const char* kYes = R"({"contest":true,"reason":"asks for a program"})";
constexpr const char* kNo = R"({"contest":false,"reason":"asks for a proof"})";

// A llama-server whose model decides by words of the question: "suits", "never" and "twice" have a meaning to
// it, and all else does not suit.
class Teacher {
 public:
  Teacher() {
    auto server = HandServer::Start([this](const WireRequest& request, HandServer::Client& client) {
      if (AnswerAsLlamaServer(request, client) || request.path != "/completion") return;
      if (--left_ < 0) return client.WaitUntilGone();
      const std::string answer = AnswerTo(Json::parse(request.body)["prompt"].get<std::string>());
      client.BeginStream();
      client.Event(Json{{"content", answer}, {"tokens", {7}}, {"stop", false}}.dump());
      client.Event(R"({"content":"","tokens":[],"stop":true,"stop_type":"eos"})");
    });
    if (!server) ADD_FAILURE() << server.error().message;
    server_ = std::move(*server);
  }

  std::string address() const { return server_->url() + "/v1#m"; }
  // Answers so many requests from now on, and lets the others wait for ever.
  void Allow(int answers) { left_ = answers; }
  // How often it was asked about each task, by the task's second word; forgets it.
  std::map<std::string, int> TakeAsked() {
    const std::lock_guard lock(mutex_);
    return std::exchange(asked_, {});
  }

 private:
  std::string AnswerTo(const std::string& prompt) {
    const size_t at = prompt.find("Task ") + 5;
    const std::lock_guard lock(mutex_);
    ++asked_[prompt.substr(at, prompt.find(' ', at) - at)];
    const bool again = prompt.find("That cannot be used: not_json") != std::string::npos;
    if (prompt.find(" never") != std::string::npos) return "I would say yes.";
    if (prompt.find(" twice") != std::string::npos && !again) return "Yes!";
    return prompt.find(" suits") != std::string::npos || again ? kYes : kNo;
  }

  std::atomic<int> left_ = 1'000'000;
  std::mutex mutex_;
  std::map<std::string, int> asked_;
  std::unique_ptr<HandServer> server_;  // the last, so that its threads end first
};

class SelectTeacherTest : public CliTest {
 protected:
  SelectTeacherTest() { Write("prompt.txt", "{question}"); }

  static Arguments Command(const std::string& teacher, const std::string& out, const Arguments& more = {}) {
    Arguments all{"select", "s.jsonl", "--teacher",          teacher, "--prompt",         "prompt.txt",
                  "--out",  out,       "--teacher-thinking", "off",   "--teacher-family", "plain"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  ProgramResult Select(const std::string& teacher, const std::string& out = "q.jsonl",
                       const Arguments& more = {}) const {
    return Tessy(Command(teacher, out, more));
  }
  std::vector<Json> Rows(const std::string& name) const {
    std::vector<Json> rows;
    for (const std::string& line : ReadLines(name)) rows.push_back(Json::parse(line));
    return rows;
  }
  std::map<std::string, Json> RejectedByReason(const std::string& name) const {
    std::map<std::string, Json> rows;
    for (const Json& row : Rows(name + ".run/rejected.jsonl")) rows[row["reason"]] = row;
    return rows;
  }
  std::set<std::string> Ids(const std::string& name) const {
    std::set<std::string> ids;
    for (const Json& row : Rows(name)) EXPECT_TRUE(ids.insert(row["id"]).second) << row;
    return ids;
  }
  // Tasks of which every third suits.
  void WriteTasks(int count) const {
    std::string rows;
    for (int i = 0; i < count; ++i) rows += Row(Task(i, i % 3 == 0 ? "suits" : "does not"));
    Write("s.jsonl", rows);
  }
};

// A model in this process that answers by the last letter of what it is asked.
TEST_F(SelectTeacherTest, AModelInProcessDecides) {
  TinyModelSpec spec;
  spec.vocabulary = MakeTinyVocabulary(259, 1);  // bytes, and three marks
  const auto add = [&](const char* text) {
    spec.vocabulary.tokens.emplace_back(text);
    spec.vocabulary.types.push_back(TinyVocabulary::kUserDefined);
    return static_cast<int32_t>(spec.vocabulary.tokens.size() - 1);
  };
  const int32_t end = spec.vocabulary.eos;
  const int32_t yes = add(kYes);
  const int32_t no = add(kNo);
  const int32_t chat = add("Certainly!");
  spec.follows = {{'Y', yes}, {'N', no}, {'M', chat}, {'.', chat}, {yes, end}, {no, end}, {chat, end}};
  spec.chat_template = "{% for m in messages %}{{ m.content }}{% endfor %}";
  ASSERT_TRUE(WriteTinyModel(Path("t.gguf"), spec));
  Write("s.jsonl", Row(Task(1, "Y")) + Row(Task(2, "N")) + Row(Task(3, "M")) + Row(Task(4, "Y")));
  const auto result = Select("t.gguf");
  EXPECT_EQ(result.exit_status, 2) << result.err;
  const auto rows = Rows("q.jsonl");
  ASSERT_THAT(rows, SizeIs(2)) << result.out << result.err;
  EXPECT_EQ(rows[0]["prompt"], Task(1, "Y"));
  EXPECT_EQ(rows[1]["prompt"], Task(4, "Y"));
  EXPECT_EQ(rows[0]["teacher_decision"]["suits"], true);
  EXPECT_EQ(rows[0]["teacher_decision"]["reason"], "asks for a program");
  EXPECT_EQ(rows[0]["teacher_decision"]["teacher"], "t.gguf");
  EXPECT_THAT(rows[0]["teacher_decision"]["prompt_hash"].get<std::string>(), SizeIs(16));
  auto rejected = RejectedByReason("q.jsonl");
  EXPECT_EQ(rejected["unsuitable"]["text"], Task(2, "N"));
  EXPECT_EQ(rejected["unsuitable"]["detail"], "asks for a proof");
  EXPECT_EQ(rejected["undecided"]["text"], Task(3, "M"));
  EXPECT_THAT(rejected["undecided"]["detail"].get<std::string>(), HasSubstr("not_json: "));
  EXPECT_THAT(result.out, AllOf(HasSubstr("  - unsuitable"), HasSubstr("  - undecided")));
  EXPECT_THAT(result.err, HasSubstr("1 question left out, because no decision came"));
  const auto undecided = Rows("q.jsonl.run/teacher/undecided.jsonl");
  ASSERT_THAT(undecided, SizeIs(1));
  EXPECT_THAT(undecided[0]["reasons"], SizeIs(2)) << "it was asked again";
  EXPECT_THAT(Rows("q.jsonl.run/teacher/decisions.jsonl"), SizeIs(3));
}

TEST_F(SelectTeacherTest, AServedModelIsAskedOnceAboutEveryClusterAndAgainAboutWhatItSaysBadly) {
  Teacher teacher;
  Write("s.jsonl", Row(Task(1, "suits")) + Row(Task(1, "suits")) + Row(Task(1, "too")) + Row(Task(2, "not")) +
                       Row(Task(3, "twice")) + Row(Task(4, "never")) + Row(Task(5, "suits")));
  Write("eval.jsonl", Row(Task(5, "suits")));
  const auto result = Select(teacher.address(), "q.jsonl", {"--decontaminate", "eval.jsonl"});
  EXPECT_EQ(result.exit_status, 2) << result.err;
  const auto rows = Rows("q.jsonl");
  ASSERT_THAT(rows, SizeIs(2)) << result.err;
  EXPECT_EQ(rows[0]["count"], 3);
  EXPECT_EQ(rows[1]["prompt"], Task(3, "twice"));
  const auto asked = teacher.TakeAsked();
  EXPECT_THAT(asked, SizeIs(4)) << "not about what is contaminated";
  std::multiset<int> times;
  for (const auto& [task, count] : asked) times.insert(count);
  EXPECT_THAT(times, ElementsAre(1, 1, 2, 2));
  auto rejected = RejectedByReason("q.jsonl");
  EXPECT_EQ(rejected["undecided"]["text"], Task(4, "never"));
  EXPECT_EQ(rejected["contaminated"]["text"], Task(5, "suits"));
  const auto ids = Ids("q.jsonl.run/teacher/undecided.jsonl");

  // What has no decision is asked about again only if that is wanted; all else never is.
  EXPECT_EQ(Select(teacher.address(), "q.jsonl", {"--decontaminate", "eval.jsonl", "--fresh"}).exit_status,
            2);
  EXPECT_THAT(teacher.TakeAsked(), IsEmpty());
  EXPECT_EQ(Rows("q.jsonl"), rows);
  const auto again = Select(teacher.address(), "q.jsonl",
                            {"--decontaminate", "eval.jsonl", "--fresh", "--retry-failed", "not_json"});
  EXPECT_EQ(again.exit_status, 2) << again.err;
  EXPECT_THAT(again.err, HasSubstr("1 question without a decision is asked about again"));
  EXPECT_THAT(teacher.TakeAsked(), SizeIs(1));
  EXPECT_EQ(Ids("q.jsonl.run/teacher/undecided.jsonl"), ids);
}

TEST_F(SelectTeacherTest, NothingIsAskedTwiceHoweverItWasCutOff) {
  Teacher teacher;
  WriteTasks(60);
  const Arguments two{"--concurrency", "2"};
  ASSERT_EQ(Select(teacher.address(), "whole.jsonl", two).exit_status, 0);
  EXPECT_THAT(teacher.TakeAsked(), SizeIs(60));
  const std::string decisions = "q.jsonl.run/teacher/decisions.jsonl";
  size_t decided = 0;
  for (const int signal : {SIGKILL, SIGINT, SIGKILL}) {
    teacher.Allow(8);
    decided += 8;
    const auto program = StartTessy(Command(teacher.address(), "q.jsonl", two));
    ASSERT_TRUE(AwaitLines(decisions, decided));
    program->Signal(signal);
    const auto result = program->Wait();
    if (signal == SIGINT) {
      EXPECT_EQ(result.exit_status, 3) << result.err;
      EXPECT_THAT(result.err,
                  HasSubstr("interrupted; nothing was written, 16 decisions of the teacher are kept"));
    }
    EXPECT_FALSE(Exists("q.jsonl"));
    EXPECT_THAT(Ids(decisions), SizeIs(decided));
    EXPECT_THAT(teacher.TakeAsked(), SizeIs(8));
  }
  teacher.Allow(1000);
  const auto result = Select(teacher.address(), "q.jsonl", two);
  EXPECT_EQ(result.exit_status, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("24 decisions of the teacher are there already"));
  EXPECT_THAT(teacher.TakeAsked(), SizeIs(60 - 24));
  EXPECT_THAT(Ids(decisions), SizeIs(60));
  EXPECT_EQ(Read("q.jsonl"), Read("whole.jsonl"));
}

// A sample takes those that suit in an order that is known, so the others need not be asked about.
TEST_F(SelectTeacherTest, ForASampleNoMoreAreAskedThanItNeeds) {
  Teacher teacher;
  WriteTasks(300);
  ASSERT_EQ(Select(teacher.address(), "all.jsonl").exit_status, 0);
  EXPECT_THAT(Rows("all.jsonl"), SizeIs(100));
  EXPECT_THAT(teacher.TakeAsked(), SizeIs(300));
  ASSERT_EQ(Tessy({"select", "all.jsonl", "--distinct", "10", "--out", "expected.jsonl"}).exit_status, 0);
  const auto result =
      Select(teacher.address(), "q.jsonl", {"--distinct", "10", "--concurrency", "4", "--rows", "15"});
  EXPECT_EQ(result.exit_status, 0) << result.err;
  std::set<std::string> prompts;
  std::set<std::string> expected;
  for (const Json& row : Rows("q.jsonl")) prompts.insert(row["prompt"]);
  for (const Json& row : Rows("expected.jsonl")) expected.insert(row["prompt"]);
  EXPECT_THAT(Rows("q.jsonl"), SizeIs(15));
  EXPECT_EQ(prompts, expected);
  EXPECT_LT(teacher.TakeAsked().size(), 100U);

  const auto many = Select(teacher.address(), "r.jsonl", {"--rows", "5", "--concurrency", "4"});
  ExpectRefusal({.exit_status = many.exit_status, .out = many.out, .err = Lines(many.err).back()},
                {"--rows 5: more than 5 questions suit", "give more rows, or a --distinct of at most 5"});
  EXPECT_LT(teacher.TakeAsked().size(), 100U);
}

TEST_F(SelectTeacherTest, DecisionsHoldForOnePromptAndTeacher) {
  Teacher teacher;
  WriteTasks(6);
  ASSERT_EQ(Select(teacher.address()).exit_status, 0);
  teacher.TakeAsked();
  Write("prompt.txt", "Another prompt: {question}");
  const std::string whole = Read("q.jsonl");
  std::filesystem::rename(Path("q.jsonl"), Path("first.jsonl"));
  ExpectRefusal(Select(teacher.address()),
                {"q.jsonl.run/teacher/decisions.jsonl: was made with other settings: prompt", "--fresh",
                 "--accept-config-change"});
  EXPECT_THAT(teacher.TakeAsked(), IsEmpty());
  EXPECT_EQ(Select(teacher.address(), "q.jsonl", {"--accept-config-change"}).exit_status, 0);
  EXPECT_THAT(teacher.TakeAsked(), IsEmpty());
  EXPECT_EQ(Read("q.jsonl"), whole) << "rows name the prompt that was asked";
  Write("prompt.txt", "A third prompt: {question}");
  const auto fresh = Select(teacher.address(), "q.jsonl", {"--fresh"});
  EXPECT_EQ(fresh.exit_status, 0) << fresh.err;
  EXPECT_THAT(teacher.TakeAsked(), SizeIs(6));
  EXPECT_TRUE(Exists("q.jsonl.run.old-1/teacher.old-1/decisions.jsonl")) << fresh.err;
  EXPECT_TRUE(Exists("q.jsonl.old-1"));
  // Another sample asks nobody.
  EXPECT_EQ(Select(teacher.address(), "q.jsonl", {"--fresh", "--distinct", "1", "--seed", "4"}).exit_status,
            0);
  EXPECT_THAT(teacher.TakeAsked(), IsEmpty());
}

TEST_F(SelectTeacherTest, WhatIsWrongIsOneLine) {
  Teacher teacher;
  WriteTasks(3);
  Write("prompt.txt", "Is it one?");
  const auto expect_nothing = [&] {
    for (const char* name : {"q.jsonl", "q.jsonl.tmp", "q.jsonl.run"}) EXPECT_FALSE(Exists(name)) << name;
  };
  ExpectRefusal(Select(teacher.address()), {"prompt.txt: has no {question} in it"});
  expect_nothing();
  Write("prompt.txt", "{question}");
  ExpectRefusal(Select("nowhere.gguf"), {"nowhere.gguf"});
  expect_nothing();
  ExpectRefusal(Tessy({"select", "s.jsonl", "--prompt", "prompt.txt", "--out", "q.jsonl"}),
                {"--prompt goes with --teacher"});
  const auto unreachable = Select("http://localhost:1/v1#m");
  EXPECT_EQ(unreachable.exit_status, 4);
  EXPECT_THAT(Lines(unreachable.err), SizeIs(1));
  expect_nothing();
  Write("s.jsonl", Row(Task(1, "not")) + Row(Task(2, "never")));
  const auto none = Select(teacher.address());
  EXPECT_EQ(none.exit_status, 1);
  EXPECT_THAT(none.err,
              AllOf(HasSubstr("the teacher finds none of 2 questions suitable (1 without a decision"),
                    HasSubstr("teacher/undecided.jsonl")));
  EXPECT_FALSE(Exists("q.jsonl"));
  Write("q.jsonl.run/teacher/decisions.jsonl", "{\"id\":\"x\"}\n");
  ExpectRefusal(Select(teacher.address()), {"decisions.jsonl:1: \"suits\" is missing", "mend or remove"});
}

TEST_F(SelectTeacherTest, ADryRunAsksAndWritesNothing) {
  Teacher teacher;
  WriteTasks(9);
  const auto result = Tessy({"select", "s.jsonl", "--teacher", teacher.address(), "--prompt", "prompt.txt",
                             "--teacher-thinking", "off", "--teacher-family", "plain", "--dry-run", "6"});
  EXPECT_EQ(result.exit_status, 0) << result.err;
  EXPECT_THAT(result.out,
              AllOf(HasSubstr("  - unsuitable                    4"), HasSubstr("to be written")));
  EXPECT_THAT(teacher.TakeAsked(), SizeIs(6));
  EXPECT_FALSE(Exists(".run"));
  EXPECT_THAT(result.err, Not(HasSubstr("decisions")));
}

}  // namespace
}  // namespace tessy
