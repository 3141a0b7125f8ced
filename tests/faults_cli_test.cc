// The program over servers that fail: its files, its messages, and its exit status.
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <set>
#include <thread>

#include "cli_fixture.h"
#include "model/openai/testing/scripted_server.h"
#include "model/openai/testing/self_signed.h"
#include "served_run.h"

namespace tessy {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using Kind = Fault::Kind;

constexpr size_t kQuestions = 6;
constexpr const char* kKey = "sk-0123456789-not-to-be-seen";

class ServedProgramTest : public CliTest {
 protected:
  ServedProgramTest() {
    std::string questions;
    for (size_t i = 0; i < kQuestions; ++i) {
      questions += Json{{"id", "q" + std::to_string(i)}, {"prompt", QuestionText(i)}}.dump() + "\n";
    }
    Write("q.jsonl", questions);
  }

  static std::unique_ptr<ScriptedServer> Serve(ScriptedServerOptions options) {
    options.text = {.thinking_words_min = 8, .thinking_words_max = 40};
    auto server = ScriptedServer::Start(options);
    if (!server) ADD_FAILURE() << server.error().message;
    return std::move(*server);
  }
  static std::unique_ptr<ScriptedServer> Student(ScriptedServerOptions options = {}) {
    options.served = {"student"};
    return Serve(options);
  }
  static std::unique_ptr<ScriptedServer> Teacher(ScriptedServerOptions options = {}) {
    options.served = {"teacher"};
    return Serve(options);
  }
  static Arguments ServedSynth(const std::string& student, const Arguments& teachers, const Arguments& more,
                               const std::string& out = "r.jsonl") {
    const std::string patience = std::to_string(3 * kSlowness);
    const std::string token = std::to_string(0.4 * kSlowness);
    Arguments all{"synth",   "--questions",
                  "q.jsonl", "--student",
                  student,   "--out",
                  out,       "--progress",
                  "none",    "--student-family",
                  "qwen3",   "--teacher-family",
                  "qwen3",   "--retry-pause",
                  "0.005",   "--patience",
                  patience,  "--token-timeout",
                  token,     "--first-token-timeout",
                  token};
    for (const std::string& teacher : teachers) all.insert(all.end(), {"--teacher", teacher});
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  ProgramResult Run(const std::string& student, const Arguments& teachers, const Arguments& more = {},
                    const std::vector<std::string>& environment = {},
                    const std::string& out = "r.jsonl") const {
    return Tessy(ServedSynth(student, teachers, more, out),
                 {.environment = environment, .time_limit = std::chrono::seconds(60 * kSlowness)});
  }
  // The right responses.
  std::map<std::string, Json> Undisturbed() const {
    const auto student = Student();
    const auto teacher = Teacher();
    const auto result = Run(student->spec(), {teacher->spec()}, {}, {}, "undisturbed.jsonl");
    EXPECT_EQ(result.exit_status, 0) << result.err;
    auto right = Essence("undisturbed.jsonl");
    EXPECT_THAT(right, SizeIs(kQuestions));
    return right;
  }
  // Every sample is in exactly one of the two files. The finished ones are right, with their spans in order.
  void ExpectWhole(const std::map<std::string, Json>& right) const {
    std::multiset<std::string> ids;
    for (const auto& [id, response] : Essence("r.jsonl")) {
      ids.insert(id);
      EXPECT_EQ(response, right.at(id)) << id;
    }
    if (Exists("r.jsonl.run/failures.jsonl")) {
      for (const std::string& line : ReadLines("r.jsonl.run/failures.jsonl")) {
        const Json failure = Json::parse(line);
        ids.insert(failure["question_id"].get<std::string>() + "/" + failure["sample"].dump());
      }
    }
    EXPECT_THAT(ids, SizeIs(kQuestions));
    EXPECT_EQ(std::set<std::string>(ids.begin(), ids.end()).size(), kQuestions);
  }
  void ExpectKeyNowhere(const ProgramResult& result) const {
    EXPECT_THAT(result.err, Not(HasSubstr(kKey)));
    EXPECT_THAT(result.out, Not(HasSubstr(kKey)));
    for (const auto& entry : std::filesystem::recursive_directory_iterator(Path("."))) {
      if (!entry.is_regular_file()) continue;
      std::ifstream stream(entry.path(), std::ios::binary);
      const std::string content{std::istreambuf_iterator<char>(stream), {}};
      EXPECT_THAT(content, Not(HasSubstr(kKey))) << entry.path();
    }
  }
};

TEST_F(ServedProgramTest, WhateverFailsEverySampleIsInOneOfTheFiles) {
  const auto right = Undisturbed();
  for (uint64_t seed = 1; seed <= (kSanitized ? 3 : 12); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const FaultMix mix{.share = seed % 3 == 0 ? 0.4 : 0.1, .ms_max = 10};
    const bool llama = seed % 2 == 0;
    const auto student = Student({.dialect = llama ? WireDialect::kLlamaServer : WireDialect::kVllm,
                                  .bearer_token = kKey,
                                  .faults = RandomFaults(seed, mix)});
    const auto teacher = Teacher({.dialect = llama ? WireDialect::kVllm : WireDialect::kLlamaServer,
                                  .bearer_token = kKey,
                                  .faults = RandomFaults(seed + 1000, mix)});
    const auto result = Run(student->spec(), {teacher->spec()}, {"--fresh", "--log-level", "debug"},
                            {std::string("TESSY_API_KEY=") + kKey});
    const bool failed =
        Exists("r.jsonl.run/failures.jsonl") && !ReadLines("r.jsonl.run/failures.jsonl").empty();
    EXPECT_EQ(result.exit_status, failed ? 2 : 0) << result.err;
    ExpectWhole(right);
    ExpectKeyNowhere(result);
  }
}

TEST_F(ServedProgramTest, AnAnnotationGoesOnWhereItsServerHasMoved) {
  Write("r.jsonl",
        Json{{"id", "q0"},
             {"messages",
              {{{"role", "user"}, {"content", "What is it?"}},
               {{"role", "assistant"}, {"content", "<think>\nOkay, one and two.\n</think>\n\n3"}}}}}
                .dump() +
            "\n");
  const auto annotate = [&](const std::string& annotator) {
    return Tessy({"annotate", "--responses", "r.jsonl", "--out", "a.jsonl", "--annotator", annotator,
                  "--annotator-family", "qwen3", "--progress", "none"});
  };
  const auto first = Teacher();
  ASSERT_NE(annotate(first->spec()).exit_status, 1);
  const auto moved = Teacher();
  ASSERT_NE(moved->spec(), first->spec());
  const auto result = annotate(moved->spec());
  EXPECT_NE(result.exit_status, 1) << result.err;
  const auto another = Student();
  ExpectRefusal(annotate(another->spec()), {"a.jsonl", "annotator/server teacher -> student"});
  // Earlier versions recorded the address.
  Json recorded = Json::parse(Read("a.jsonl.run/config.json"));
  recorded["annotator"]["server"] = first->spec();
  Write("a.jsonl.run/config.json", recorded.dump() + "\n");
  EXPECT_NE(annotate(moved->spec()).exit_status, 1);
}

TEST_F(ServedProgramTest, AServerThatIsStartedAnewCostsNoSample) {
  const auto right = Undisturbed();
  const auto student = Student();
  const auto teacher = Teacher({.token_ms = 5.0});
  const auto program = StartTessy(ServedSynth(student->spec(), {teacher->spec()}, {}),
                                  {.time_limit = std::chrono::seconds(60 * kSlowness)});
  ASSERT_TRUE(AwaitLines("r.jsonl", 1));
  teacher->Stop();
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  ASSERT_TRUE(teacher->Restart().has_value());
  const auto result = program->Wait();
  EXPECT_EQ(result.exit_status, 0) << result.err;
  EXPECT_THAT(Responses("r.jsonl"), SizeIs(kQuestions));
  ExpectWhole(right);
}

TEST_F(ServedProgramTest, AReplicaThatIsLostForGoodCostsNoSample) {
  const auto right = Undisturbed();
  const auto student = Student();
  const auto one = Teacher({.token_ms = 5.0});
  const auto other = Teacher({.token_ms = 5.0});
  const auto program = StartTessy(ServedSynth(student->spec(), {one->spec(), other->spec()}, {}),
                                  {.time_limit = std::chrono::seconds(60 * kSlowness)});
  ASSERT_TRUE(AwaitLines("r.jsonl", 1));
  (one->counts().completions() > 0 ? one : other)->Stop();
  const auto result = program->Wait();
  EXPECT_EQ(result.exit_status, 0) << result.err;
  EXPECT_THAT(Responses("r.jsonl"), SizeIs(kQuestions));
  ExpectWhole(right);
}

TEST_F(ServedProgramTest, ServersThatAreGoneForGoodEndTheRunAndItGoesOnWhenTheyAreBack) {
  const auto right = Undisturbed();
  const auto student = Student();
  const auto teacher = Teacher({.token_ms = 5.0});
  const Arguments arguments = ServedSynth(student->spec(), {teacher->spec()}, {});
  const auto program = StartTessy(arguments, {.time_limit = std::chrono::seconds(60 * kSlowness)});
  ASSERT_TRUE(AwaitLines("r.jsonl", 1));
  teacher->Stop();
  const auto result = program->Wait();
  EXPECT_FALSE(result.timed_out);
  EXPECT_EQ(result.exit_status, 4) << result.err;
  EXPECT_THAT(result.err, HasSubstr("the same command goes on"));
  ASSERT_TRUE(teacher->Restart().has_value());
  EXPECT_EQ(Tessy(arguments, {.time_limit = std::chrono::seconds(60 * kSlowness)}).exit_status, 0);
  EXPECT_THAT(Responses("r.jsonl"), SizeIs(kQuestions));
  ExpectWhole(right);
}

// Requests that wait for their turn or for a server are cancelled like those under way.
TEST_F(ServedProgramTest, InterruptedWhileRequestsWaitItGoesOn) {
  const auto right = Undisturbed();
  const auto student = Student();
  const auto teacher = Teacher({.token_ms = 10.0});
  const Arguments arguments =
      ServedSynth(student->spec(), {teacher->spec()}, {"--requests-per-server", "1", "--concurrency", "6"});
  for (const bool gone : {false, true}) {
    SCOPED_TRACE(gone ? "nobody answers" : "one at a time");
    const size_t before = Exists("r.jsonl") ? ReadLines("r.jsonl").size() : 0;
    const auto program = StartTessy(arguments, {.time_limit = std::chrono::seconds(60 * kSlowness)});
    ASSERT_TRUE(AwaitLines("r.jsonl", before + 1));
    if (gone) {
      teacher->Stop();
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
    program->Signal(SIGINT);
    const auto result = program->Wait();
    EXPECT_EQ(result.exit_status, 3) << result.err;
    EXPECT_THAT(result.err, HasSubstr("the same command goes on"));
  }
  ASSERT_TRUE(teacher->Restart().has_value());
  EXPECT_EQ(Tessy(arguments, {.time_limit = std::chrono::seconds(60 * kSlowness)}).exit_status, 0);
  ExpectWhole(right);
}

TEST_F(ServedProgramTest, WhereNobodyEverAnswersItSaysSoAtOnce) {
  const auto student = Student();
  const auto gone = Teacher();
  gone->Stop();
  for (const std::string& teacher : {std::string("http://nosuchhost.invalid/v1#teacher"), gone->spec()}) {
    const auto result = Run(student->spec(), {teacher});
    EXPECT_EQ(result.exit_status, 4) << result.err;
    EXPECT_THAT(Lines(result.err), SizeIs(1));
    EXPECT_THAT(result.err,
                AllOf(HasSubstr(teacher.substr(0, teacher.find("/v1"))), HasSubstr("is the server up")));
    EXPECT_THAT(Read("r.jsonl"), IsEmpty());
  }
}

TEST_F(ServedProgramTest, CertificatesAreLookedAt) {
  ASSERT_TRUE(WriteSelfSigned(Path("certificate.pem"), Path("key.pem")).has_value());
  const auto student = Student({.certificate_file = Path("certificate.pem"), .key_file = Path("key.pem")});
  const auto teacher = Teacher();
  const auto refused = Run(student->spec(), {teacher->spec()});
  EXPECT_EQ(refused.exit_status, 4) << refused.err;
  EXPECT_THAT(refused.err, AllOf(HasSubstr("https://127.0.0.1:"), HasSubstr("certificate")));
  EXPECT_EQ(student->counts().completions(), 0U);
  const auto right = Undisturbed();
  const auto result = Run(student->spec(), {teacher->spec()}, {"--ca-file", "certificate.pem"});
  EXPECT_EQ(result.exit_status, 0) << result.err;
  ExpectWhole(right);
  const auto missing = Run(student->spec(), {teacher->spec()}, {"--ca-file", "nowhere.pem"}, {}, "c.jsonl");
  EXPECT_NE(missing.exit_status, 0);
  EXPECT_THAT(missing.err, HasSubstr("nowhere.pem"));
}

TEST_F(ServedProgramTest, AModelThatIsNotServedIsNamed) {
  const auto student = Student();
  const auto teacher = Teacher();
  const auto result = Run(student->spec(), {teacher->url() + "/v1#gpt-5"});
  ExpectRefusal(result, {teacher->url(), "teacher", "gpt-5"});
}

TEST_F(ServedProgramTest, AWrongKeyIsRefusedAndNotShown) {
  for (const auto& [dialect, out] :
       {std::pair(WireDialect::kVllm, "a.jsonl"), std::pair(WireDialect::kLlamaServer, "b.jsonl")}) {
    const auto student = Student({.dialect = dialect, .bearer_token = "another"});
    const auto teacher = Teacher({.dialect = dialect});
    const auto result =
        Run(student->spec(), {teacher->spec()}, {}, {std::string("TESSY_STUDENT_API_KEY=") + kKey}, out);
    ExpectRefusal(result, {student->url(), "401", "TESSY_API_KEY"});
    ExpectKeyNowhere(result);
  }
}

TEST_F(ServedProgramTest, AVocabularyThatIsAnotherIsRefused) {
  const auto student = Student({.dialect = WireDialect::kLlamaServer});
  const auto teacher = Teacher();
  for (const auto& [flag, url] : {std::pair("--student-vocabulary", student->url()),
                                  std::pair("--teacher-vocabulary", teacher->url())}) {
    ExpectRefusal(Run(student->spec(), {teacher->spec()}, {flag, Model("student")}),
                  {url, "student.gguf", "vocabulary"});
  }
}

TEST_F(ServedProgramTest, ReplicasThatServeDifferentModelsAreRefused) {
  const auto student = Student();
  const auto teacher = Teacher();
  const auto llama = Teacher({.dialect = WireDialect::kLlamaServer});
  ExpectRefusal(Run(student->spec(), {teacher->spec(), llama->spec()}),
                {teacher->url(), llama->url(), "same model"});
}

}  // namespace
}  // namespace tessy
