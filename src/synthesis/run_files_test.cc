#include "synthesis/run_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/utf8.h"
#include "dataset/failure.h"

namespace tessy {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

class RunFilesTest : public testing::Test {
 protected:
  RunFilesTest() {
    const std::string test = testing::UnitTest::GetInstance()->current_test_info()->name();
    folder_ = testing::TempDir() + "run_files_test_" + test + "_" + std::to_string(getpid());
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    for (const std::string id : {"a", "b"}) {
      Question question;
      question.id = id;
      question.messages = {{"user", "What is " + id + "?"}};
      questions_.push_back(std::move(question));
    }
  }
  ~RunFilesTest() override { fs::remove_all(folder_); }

  std::string Path(const std::string& name) const { return folder_ + "/" + name; }
  std::string Read(const std::string& name) const {
    std::ifstream stream(Path(name));
    std::ostringstream text;
    text << stream.rdbuf();
    return std::move(text).str();
  }
  void Write(const std::string& name, const std::string& text) const { std::ofstream(Path(name)) << text; }

  Result<std::unique_ptr<RunFiles>> TryOpen(const std::string& json, RunFiles::Options options = {}) const {
    if (options.out.empty()) options.out = Path("r.jsonl");
    options.accept_flag = "--accept-config-change";
    const auto hash_of = [this](std::string_view id) -> std::optional<uint64_t> {
      const auto found = std::ranges::find(questions_, id, &Question::id);
      if (found == questions_.end()) return std::nullopt;
      return HashOfMessages(found->messages);
    };
    return RunFiles::Open(options, {.json = json}, hash_of);
  }
  std::unique_ptr<RunFiles> Open(const std::string& json = kSettings, RunFiles::Options options = {}) const {
    auto files = TryOpen(json, std::move(options));
    EXPECT_TRUE(files) << files.error().message;
    return files ? std::move(*files) : nullptr;
  }
  Error ErrorOf(const std::string& json = kSettings, RunFiles::Options options = {}) const {
    auto files = TryOpen(json, std::move(options));
    EXPECT_FALSE(files);
    return files ? Error{} : files.error();
  }

  Response Answered(size_t question, uint32_t sample) const {
    Response response;
    response.question_id = questions_[question].id;
    response.sample = sample;
    response.id = response.question_id + "/" + std::to_string(sample);
    response.method = "tessy";
    response.messages = questions_[question].messages;
    response.messages.push_back({"assistant", "<think>Hm.</think>42"});
    response.spans = {
        {.role = Role::kStudent, .kind = SpanKind::kStyle, .start = 7, .end = 10, .tokens = 2},
        {.role = Role::kTeacher, .kind = SpanKind::kAnswer, .start = 18, .end = 20, .tokens = 1}};
    response.closed_by = "student";
    response.stats.student_tokens = 2;
    response.stats.answer_tokens = 1;
    return response;
  }
  static SampleTask Task(const std::string& id, uint32_t sample) {
    Question question;
    question.id = id;
    return {.question = std::make_shared<const Question>(std::move(question)), .sample = sample};
  }
  // A run that has answered a/0.
  void Begin() const {
    const auto files = Open();
    ASSERT_TRUE(files->RecordConfiguration());
    ASSERT_TRUE(files->AddResponse(Answered(0, 0)));
  }

  static constexpr const char* kSettings = R"({"seed":1})";
  std::string folder_;
  std::vector<Question> questions_;
};

TEST_F(RunFilesTest, NewRunIsEmpty) {
  const auto files = Open();
  EXPECT_EQ(files->done(), 0U);
  EXPECT_EQ(files->failed(), 0U);
  EXPECT_FALSE(files->IsDone("a", 0));
  EXPECT_FALSE(fs::exists(Path("r.jsonl.run/config.json"))) << "nothing has run yet";
}

TEST_F(RunFilesTest, OfARunThatNeverBeginsNothingStays) {
  Open();
  EXPECT_TRUE(std::filesystem::is_empty(folder_));
  Begin();
  Open();
  EXPECT_EQ(Open()->done(), 1U);
}

TEST_F(RunFilesTest, WhatIsDoneIsFoundAgain) {
  {
    const auto files = Open();
    ASSERT_TRUE(files->RecordConfiguration());
    ASSERT_TRUE(files->AddResponse(Answered(0, 0)));
    ASSERT_TRUE(files->AddResponse(Answered(1, 2)));
    SampleOutcome failure;
    failure.stats.attempts = 2;
    failure.failures = {"repetition", "thinking_not_closed"};
    for (int i = 0; i < 600; ++i) failure.failed_text += "é";
    failure.failed_text += "end";
    ASSERT_TRUE(files->AddFailure(Task("a", 1), failure));
  }
  const auto files = Open();
  EXPECT_TRUE(files->IsDone("a", 0));
  EXPECT_TRUE(files->IsDone("b", 2));
  EXPECT_FALSE(files->IsDone("a", 1));
  EXPECT_TRUE(files->HasFailed("a", 1));
  EXPECT_FALSE(files->HasFailed("a", 0));
  EXPECT_EQ(files->done(), 2U);
  EXPECT_EQ(files->failed(), 1U);
  EXPECT_EQ(files->totals().thinking_tokens(), 4U);
  const auto record = nlohmann::json::parse(Read("r.jsonl.run/failures.jsonl"));
  EXPECT_EQ(record["reason"], "thinking_not_closed");
  EXPECT_THAT(record["reasons"], ElementsAre("repetition", "thinking_not_closed"));
  EXPECT_EQ(record["attempts"], 2);
  EXPECT_EQ(CountCodePoints(record["text_end"].get<std::string>()), kFailedTextCharacters);
  EXPECT_THAT(record["text_end"].get<std::string>(), testing::EndsWith("ééend"));
}

TEST_F(RunFilesTest, FailureWithInvalidTextIsRecordedAllTheSame) {
  const auto files = Open();
  SampleOutcome failure;
  failure.failures = {"the backend said \xff"};
  ASSERT_TRUE(files->AddFailure(Task("a", 0), failure));
  EXPECT_TRUE(nlohmann::json::accept(Read("r.jsonl.run/failures.jsonl")));
}

TEST_F(RunFilesTest, OtherSettingsAreRefusedOnceThereIsSomething) {
  {
    const auto files = Open();
    ASSERT_TRUE(files->RecordConfiguration());
  }
  EXPECT_NE(Open(R"({"seed":2})"), nullptr) << "a run that wrote nothing binds nobody";
  Begin();
  const Error error = ErrorOf(R"({"seed":2})");
  EXPECT_EQ(error.code, ErrorCode::kConflict);
  EXPECT_THAT(error.message, AllOf(HasSubstr("seed 1 -> 2"), HasSubstr("--out"), HasSubstr("--fresh")));
}

TEST_F(RunFilesTest, FailuresAloneBindToo) {
  {
    const auto files = Open();
    ASSERT_TRUE(files->RecordConfiguration());
    ASSERT_TRUE(files->AddFailure(Task("a", 0), {}));
  }
  EXPECT_THAT(ErrorOf(R"({"seed":2})").message, HasSubstr("seed 1 -> 2"));
  fs::remove(Path("r.jsonl.run/config.json"));
  EXPECT_EQ(ErrorOf().code, ErrorCode::kConflict);
}

TEST_F(RunFilesTest, WhatIsUnderWayAloneBindsToo) {
  const WritingKey key{.sample = {.question_id = "b", .sample = 0}};
  {
    const auto files = Open();
    ASSERT_TRUE(files->RecordConfiguration());
    files->store().AddSpan(key, {.events = "begun"});
    ASSERT_TRUE(files->store().Commit());
  }
  const Error error = ErrorOf(R"({"seed":2})");
  EXPECT_EQ(error.code, ErrorCode::kConflict);
  EXPECT_THAT(error.message, AllOf(HasSubstr("seed 1 -> 2"), HasSubstr("--accept-config-change")));
  EXPECT_EQ(Open()->store().Recall(key)->spans.size(), 1U);
}

TEST_F(RunFilesTest, FileThatNoRunMadeIsRefusedAndLeftAlone) {
  Write("r.jsonl", "mine");
  const Error error = ErrorOf();
  EXPECT_EQ(error.code, ErrorCode::kConflict);
  EXPECT_THAT(error.message, AllOf(HasSubstr("r.jsonl: is there already"), HasSubstr("config.json")));
  EXPECT_EQ(Read("r.jsonl"), "mine");
  EXPECT_FALSE(fs::exists(Path("r.jsonl.run")));
}

TEST_F(RunFilesTest, DamagedConfigurationIsRefused) {
  Begin();
  Write("r.jsonl.run/config.json", "{");
  EXPECT_THAT(ErrorOf().message, HasSubstr("damaged"));
}

TEST_F(RunFilesTest, ChangedQuestionIsRefused) {
  Begin();
  questions_[0].messages[0].content = "What else?";
  const Error error = ErrorOf();
  EXPECT_EQ(error.code, ErrorCode::kConflict);
  EXPECT_THAT(error.message, AllOf(HasSubstr("r.jsonl:1"), HasSubstr("question a"), HasSubstr("another id")));
}

TEST_F(RunFilesTest, AnswersToQuestionsNoLongerAskedStay) {
  Begin();
  questions_.erase(questions_.begin());
  const auto files = Open();
  EXPECT_EQ(files->done(), 1U);
}

TEST_F(RunFilesTest, TornLinesAreCutOff) {
  Begin();
  const std::string whole = Read("r.jsonl");
  Write("r.jsonl", whole + whole.substr(0, 20));
  const std::string torn = R"({"question_id":"b")";
  Write("r.jsonl.run/failures.jsonl", torn);
  const auto files = Open();
  EXPECT_EQ(files->done(), 1U);
  EXPECT_EQ(files->failed(), 0U);
  EXPECT_EQ(files->repaired_bytes(), 20 + torn.size());
  EXPECT_EQ(Read("r.jsonl"), whole);
  EXPECT_EQ(Read("r.jsonl.run/failures.jsonl"), "");
}

TEST_F(RunFilesTest, DamagedLineInTheMiddleIsNamed) {
  Begin();
  Write("r.jsonl", "{}\n" + Read("r.jsonl"));
  EXPECT_THAT(ErrorOf().message, AllOf(HasSubstr("r.jsonl:1: "), HasSubstr("mend or remove")));
}

TEST_F(RunFilesTest, DamagedFailureIsNamed) {
  Begin();
  for (const char* line : {"{}\n", "3\n",
                           R"({"question_id":3,"sample":0})"
                           "\n",
                           R"({"question_id":"a","sample":"0"})"
                           "\n",
                           R"({"question_id":"a","sample":-1})"
                           "\n"}) {
    SCOPED_TRACE(line);
    Write("r.jsonl.run/failures.jsonl", line);
    EXPECT_THAT(ErrorOf().message, AllOf(HasSubstr("failures.jsonl:1: "), HasSubstr("mend or remove")));
  }
}

TEST_F(RunFilesTest, OneAtATime) {
  const auto files = Open();
  EXPECT_EQ(ErrorOf().code, ErrorCode::kConflict);
  EXPECT_EQ(ErrorOf(kSettings, {.out = {}, .run_folder = {}, .fresh = true}).code, ErrorCode::kConflict);
}

TEST_F(RunFilesTest, TwoOutputsDoNotShareARunFolderAtATime) {
  const auto files = Open(kSettings, {.out = Path("one.jsonl"), .run_folder = Path("run"), .fresh = false});
  const Error error =
      ErrorOf(kSettings, {.out = Path("two.jsonl"), .run_folder = Path("run"), .fresh = false});
  EXPECT_EQ(error.code, ErrorCode::kConflict);
}

TEST_F(RunFilesTest, FreshSetsAsideAndStartsOver) {
  Begin();
  const std::string before = Read("r.jsonl");
  const auto files = Open(R"({"seed":2})", {.out = {}, .run_folder = {}, .fresh = true});
  EXPECT_EQ(files->done(), 0U);
  EXPECT_THAT(files->set_aside(), ElementsAre(Path("r.jsonl.old-1"), Path("r.jsonl.run.old-1")));
  EXPECT_EQ(Read("r.jsonl.old-1"), before);
  EXPECT_THAT(Read("r.jsonl.run.old-1/config.json"), HasSubstr("\"seed\":1"));
}

TEST_F(RunFilesTest, FreshOnNothingSetsNothingAside) {
  const auto files = Open(kSettings, {.out = {}, .run_folder = {}, .fresh = true});
  EXPECT_TRUE(files->set_aside().empty());
}

// ---- What the store knows.

TEST_F(RunFilesTest, ALineThatWasDamagedInPlaceIsNamed) {
  {
    const auto files = Open();
    ASSERT_TRUE(files->RecordConfiguration());
    ASSERT_TRUE(files->AddResponse(Answered(0, 0)));
    ASSERT_TRUE(files->AddResponse(Answered(1, 0)));
    ASSERT_TRUE(files->store().Commit());
    ASSERT_TRUE(files->AddResponse(Answered(1, 1)));  // and was killed
  }
  const std::string whole = Read("r.jsonl");
  const size_t first = whole.find('\n');
  Write("r.jsonl", std::string(first, '?') + whole.substr(first));
  const auto files = TryOpen(kSettings);
  ASSERT_FALSE(files);
  EXPECT_THAT(files.error().message, testing::HasSubstr("r.jsonl:1: "));
  EXPECT_THAT(files.error().message, testing::HasSubstr("mend or remove that line"));
}

TEST_F(RunFilesTest, ResponsesThatWereTakenOutAreMissed) {
  {
    const auto files = Open();
    ASSERT_TRUE(files->RecordConfiguration());
    for (const uint32_t sample : {0U, 1U, 2U}) ASSERT_TRUE(files->AddResponse(Answered(0, sample)));
    ASSERT_TRUE(files->store().Commit());
  }
  const std::string whole = Read("r.jsonl");
  Write("r.jsonl", whole.substr(whole.find('\n') + 1));
  for (int i = 0; i < 2; ++i) {
    const auto files = Open();
    EXPECT_EQ(files->done(), 2U);
    EXPECT_FALSE(files->IsDone("a", 0));
    ASSERT_TRUE(files->RecordConfiguration());
  }
}

TEST_F(RunFilesTest, FailureThatWasTakenOutIsTriedAgain) {
  const WritingKey key{.sample = {.question_id = "a", .sample = 0}};
  {
    const auto files = Open();
    ASSERT_TRUE(files->RecordConfiguration());
    files->store().FailAttempt(key, {.reason = "repetition", .retryable = false});
    ASSERT_TRUE(files->AddFailure(Task("a", 0), {}));
    ASSERT_TRUE(files->AddFailure(Task("b", 0), {}));
    ASSERT_TRUE(files->store().Commit());
  }
  const std::string whole = Read("r.jsonl.run/failures.jsonl");
  Write("r.jsonl.run/failures.jsonl", whole.substr(whole.find('\n') + 1));
  const auto files = Open();
  EXPECT_FALSE(files->HasFailed("a", 0));
  EXPECT_TRUE(files->HasFailed("b", 0));
  EXPECT_TRUE(files->store().Recall(key)->failed.empty());
}

TEST_F(RunFilesTest, ChangedSettingsThatAreAcceptedStartOverWhatIsUnderWay) {
  const WritingKey key{.sample = {.question_id = "b", .sample = 0}};
  Begin();
  {
    const auto files = Open();
    ASSERT_TRUE(files->RecordConfiguration());
    files->store().AddSpan(key, {.events = "begun"});
    ASSERT_TRUE(files->store().Commit());
  }
  const RunFiles::Options accepting{.out = {}, .run_folder = {}, .accepts_change = true};
  EXPECT_THAT(ErrorOf(R"({"seed":2})").message, HasSubstr("--accept-config-change"));
  Open(R"({"seed":2})", accepting);
  EXPECT_EQ(Open()->store().Recall(key)->spans.size(), 1U) << "nothing has run with the other settings";
  {
    const auto files = Open(R"({"seed":2})", accepting);
    EXPECT_EQ(files->accepted_change(), "seed 1 -> 2");
    EXPECT_EQ(files->started_over(), 1U);
    EXPECT_TRUE(files->store().Recall(key)->spans.empty());
    ASSERT_TRUE(files->RecordConfiguration());
  }
  const auto files = Open(R"({"seed":2})");
  EXPECT_EQ(files->started_over(), 0U);
  EXPECT_EQ(files->done(), 1U);
  EXPECT_EQ(files->store().Configurations()->size(), 2U);
  EXPECT_THAT(Read("r.jsonl.run/config.json"), HasSubstr("\"seed\":2"));
}

TEST_F(RunFilesTest, DamagedConfigurationIsNotAChangeToAccept) {
  Begin();
  Write("r.jsonl.run/config.json", "{");
  EXPECT_THAT(ErrorOf(kSettings, {.out = {}, .run_folder = {}, .accepts_change = true}).message,
              HasSubstr("damaged"));
}

TEST_F(RunFilesTest, ChangedQuestionStartsOverWhatIsUnderWay) {
  const WritingKey key{.sample = {.question_id = "b", .sample = 0}};
  {
    const auto files = Open();
    files->NameQuestion("b", HashOfMessages(questions_[1].messages));
    files->store().AddSpan(key, {.events = "begun"});
    ASSERT_TRUE(files->RecordConfiguration());
  }
  EXPECT_EQ(Open()->store().Recall(key)->spans.size(), 1U);
  questions_[1].messages[0].content = "What else?";
  EXPECT_TRUE(Open()->store().Recall(key)->spans.empty());
}

TEST_F(RunFilesTest, ConfigurationIsToldBeforeOpening) {
  EXPECT_EQ(RunFiles::RecordedConfiguration({.out = Path("r.jsonl"), .run_folder = {}}), "");
  Begin();
  EXPECT_THAT(RunFiles::RecordedConfiguration({.out = Path("r.jsonl"), .run_folder = {}}),
              HasSubstr(kSettings));
}

}  // namespace
}  // namespace tessy
