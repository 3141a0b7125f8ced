// What every RunStore must do; each adapter is run through it.
#include "store/run_store.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>

#include "store/sqlite/sqlite_run_store.h"

namespace tessy {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

struct Adapter {
  const char* name;
  Result<std::unique_ptr<RunStore>> (*open)(const std::string& path);
  Result<std::unique_ptr<RunStore>> (*open_to_read)(const std::string& path);
};

class RunStoreTest : public testing::TestWithParam<Adapter> {
 protected:
  RunStoreTest() {
    std::string test = testing::UnitTest::GetInstance()->current_test_info()->name();
    std::ranges::replace(test, '/', '_');
    folder_ = fmt::format("{}run_store_test_{}_{}", testing::TempDir(), test, getpid());
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  ~RunStoreTest() override { fs::remove_all(folder_); }

  std::string Path() const { return folder_ + "/run.sqlite"; }
  std::unique_ptr<RunStore> Open() const {
    auto store = GetParam().open(Path());
    EXPECT_TRUE(store) << store.error().message;
    return store ? std::move(*store) : nullptr;
  }
  std::unique_ptr<RunStore> OpenToRead() const {
    auto store = GetParam().open_to_read(Path());
    EXPECT_TRUE(store) << store.error().message;
    return store ? std::move(*store) : nullptr;
  }
  // Commits what `change` does, and opens the store again.
  std::unique_ptr<RunStore> After(const std::function<void(RunStore&)>& change) const {
    const auto store = Open();
    change(*store);
    EXPECT_TRUE(store->Commit());
    return OpenAgain();
  }
  std::unique_ptr<RunStore> OpenAgain() const { return Open(); }

  static SampleKey Sample(const std::string& question, uint32_t sample) {
    return {.question_id = question, .sample = sample};
  }
  static WritingKey Writing(const std::string& question, uint32_t sample, uint32_t candidate = 0,
                            Writer writer = Writer::kBoth) {
    return {.sample = Sample(question, sample), .candidate = candidate, .writer = writer};
  }
  static SpanRecord Span(const std::string& events, SpanEnd end = SpanEnd::kSwitched) {
    return {.attempt = 1,
            .stage = WritingStage::kThinking,
            .role = Role::kTeacher,
            .end = end,
            .tokens = 3,
            .events = events};
  }
  static SampleRecord Done(const std::string& question, uint32_t sample, uint64_t line_end) {
    return {.key = Sample(question, sample),
            .done = true,
            .line_end = line_end,
            .reason = {},
            .closed_by = "teacher",
            .thinking_tokens = {5, 7},
            .answer_tokens = 11,
            .switches = 3,
            .drafted_tokens = 30,
            .discarded_tokens = 2,
            .attempts = 2,
            .failed_attempts_tokens = 9,
            .wrong_candidates = 1,
            .wall_ms = 1234};
  }
  static std::vector<SampleRecord> Samples(RunStore& store) {
    std::vector<SampleRecord> all;
    EXPECT_TRUE(store.ForEachSample([&all](const SampleRecord& sample) { all.push_back(sample); }));
    return all;
  }
  static std::vector<QuestionRecord> Questions(RunStore& store) {
    std::vector<QuestionRecord> all;
    EXPECT_TRUE(store.ForEachQuestion([&all](const QuestionRecord& question) { all.push_back(question); }));
    return all;
  }
  static std::vector<AttemptRecord> FailedAttempts(RunStore& store) {
    std::vector<AttemptRecord> all;
    EXPECT_TRUE(store.ForEachFailedAttempt([&all](const AttemptRecord& attempt) { all.push_back(attempt); }));
    return all;
  }
  static WritingRecord Recalled(RunStore& store, const WritingKey& key) {
    auto writing = store.Recall(key);
    EXPECT_TRUE(writing);
    return writing ? *writing : WritingRecord{};
  }

  std::string folder_;
};

TEST_P(RunStoreTest, NewOneIsEmpty) {
  const auto store = Open();
  EXPECT_THAT(*store->Configurations(), IsEmpty());
  EXPECT_THAT(*store->Sessions(), IsEmpty());
  EXPECT_THAT(Samples(*store), IsEmpty());
  EXPECT_THAT(Questions(*store), IsEmpty());
  EXPECT_EQ(*store->Unfinished(), 0U);
  EXPECT_THAT(Recalled(*store, Writing("a", 0)).spans, IsEmpty());
  EXPECT_FALSE(store->dirty());
  EXPECT_TRUE(store->Commit());
}

TEST_P(RunStoreTest, RecordsAreFoundAgain) {
  const ConfigurationRecord configuration{.at_ms = 17, .json = R"({"seed":1})"};
  const QuestionRecord question{.id = "a", .hash = 0xFFFFFFFFFFFFFFF0U};
  const SampleRecord done = Done("a", 4000000000U, 99);
  SampleRecord failed = Done("b", 0, 0);
  failed.done = false;
  failed.reason = "repetition";
  const auto store = After([&](RunStore& s) {
    s.AddConfiguration(configuration);
    s.SetQuestion(question);
    s.FinishSample(done);
    s.FinishSample(failed);
  });
  EXPECT_THAT(*store->Configurations(), ElementsAre(configuration));
  EXPECT_THAT(Questions(*store), ElementsAre(question, QuestionRecord{.id = "b", .hash = 0}));
  EXPECT_THAT(Samples(*store), ElementsAre(done, failed));
}

TEST_P(RunStoreTest, SessionIsKeptUpToDate) {
  SessionRecord first{.started_ms = 5, .last_ms = 6, .ended = "", .samples = 7};
  const auto store = After([&](RunStore& s) {
    s.SetSession(first);
    first.tokens = 20;
    first.spans = 3;
    first.recalled_tokens = 4;
    first.ended = "interrupted";
    s.SetSession(first);
  });
  EXPECT_THAT(*store->Sessions(), ElementsAre(first));
  const SessionRecord second{.started_ms = 8, .last_ms = 9, .ended = ""};
  store->SetSession(second);
  EXPECT_THAT(*store->Sessions(), ElementsAre(first, second));
}

TEST_P(RunStoreTest, SpansComeBackInOrderAndByWriting) {
  const std::string odd("\0\x01\xFF", 3);
  const auto store = After([&](RunStore& s) {
    s.AddSpan(Writing("a", 0), Span("one"));
    s.AddSpan(Writing("a", 1), Span("another"));
    s.AddSpan(Writing("a", 0, 1), Span("candidate"));
    s.AddSpan(Writing("a", 0, 0, Writer::kTeacher), Span("reference"));
    s.AddSpan(Writing("a", 0), Span(odd, SpanEnd::kOpen));
  });
  EXPECT_THAT(Recalled(*store, Writing("a", 0)).spans, ElementsAre(Span("one"), Span(odd, SpanEnd::kOpen)));
  EXPECT_THAT(Recalled(*store, Writing("a", 1)).spans, ElementsAre(Span("another")));
  EXPECT_THAT(Recalled(*store, Writing("a", 0, 1)).spans, ElementsAre(Span("candidate")));
  EXPECT_THAT(Recalled(*store, Writing("a", 0, 0, Writer::kTeacher)).spans, ElementsAre(Span("reference")));
  EXPECT_THAT(Recalled(*store, Writing("b", 0)).spans, IsEmpty());
  EXPECT_EQ(*store->Unfinished(), 2U);
}

TEST_P(RunStoreTest, FailedAttemptTakesItsSpansAlong) {
  const AttemptRecord attempt{.number = 0, .reason = "repetition", .tokens = 5, .retryable = false};
  const auto store = After([&](RunStore& s) {
    s.AddSpan(Writing("a", 0), Span("one"));
    s.AddSpan(Writing("a", 0, 1), Span("candidate"));
    s.FailAttempt(Writing("a", 0), attempt);
    s.AddSpan(Writing("a", 0), Span("two"));
  });
  const WritingRecord writing = Recalled(*store, Writing("a", 0));
  EXPECT_THAT(writing.failed, ElementsAre(attempt));
  EXPECT_THAT(writing.spans, ElementsAre(Span("two")));
  EXPECT_THAT(Recalled(*store, Writing("a", 0, 1)).spans, ElementsAre(Span("candidate")));
  store->ForgetSpans(Writing("a", 0));
  EXPECT_THAT(Recalled(*store, Writing("a", 0)).spans, IsEmpty());
  EXPECT_THAT(Recalled(*store, Writing("a", 0)).failed, ElementsAre(attempt));
}

TEST_P(RunStoreTest, FinishedSampleHasNoSpansButItsFailedAttempts) {
  const AttemptRecord attempt{.number = 0, .reason = "repetition", .tokens = 5};
  const auto store = After([&](RunStore& s) {
    s.FailAttempt(Writing("a", 0), attempt);
    s.AddSpan(Writing("a", 0), Span("one"));
    s.AddSpan(Writing("a", 1), Span("other"));
    s.FinishSample(Done("a", 0, 10));
  });
  EXPECT_EQ(*store->Unfinished(), 1U);
  EXPECT_THAT(Recalled(*store, Writing("a", 0)).spans, IsEmpty());
  EXPECT_THAT(Recalled(*store, Writing("a", 1)).spans, ElementsAre(Span("other")));
  EXPECT_THAT(FailedAttempts(*store), ElementsAre(attempt));
}

TEST_P(RunStoreTest, SampleIsForgottenWithAllThatIsKnownOfIt) {
  const auto store = After([&](RunStore& s) {
    for (const uint32_t sample : {0U, 1U, 2U}) s.FailAttempt(Writing("a", sample), {.reason = "broken"});
    s.AddSpan(Writing("a", 0), Span("one"));
    s.FinishSample(Done("a", 1, 10));
    s.ForgetSample(Sample("a", 0));
    s.ForgetSample(Sample("a", 1));
    s.ForgetSample(Sample("nobody", 1));
  });
  EXPECT_THAT(Samples(*store), IsEmpty());
  EXPECT_THAT(Recalled(*store, Writing("a", 0)).failed, IsEmpty());
  EXPECT_EQ(Recalled(*store, Writing("a", 2)).failed.size(), 1U);
  store->AddSpan(Writing("a", 0), Span("anew"));
  EXPECT_THAT(Recalled(*store, Writing("a", 0)).spans, ElementsAre(Span("anew")));
}

TEST_P(RunStoreTest, UnfinishedAndFinishedAreForgottenApart) {
  const auto fill = [&](RunStore& s) {
    s.FailAttempt(Writing("a", 0), {.reason = "broken"});
    s.FinishSample(Done("a", 0, 10));
    s.FailAttempt(Writing("a", 1), {.reason = "broken"});
    s.AddSpan(Writing("a", 1), Span("one"));
  };
  {
    const auto store = After(fill);
    store->ForgetUnfinished();
    EXPECT_EQ(*store->Unfinished(), 0U);
    EXPECT_EQ(Samples(*store).size(), 1U);
    EXPECT_EQ(FailedAttempts(*store).size(), 1U);
    EXPECT_THAT(Recalled(*store, Writing("a", 1)).spans, IsEmpty());
  }
  const auto store = OpenAgain();
  store->ForgetFinished();
  EXPECT_THAT(Samples(*store), IsEmpty());
  EXPECT_EQ(FailedAttempts(*store).size(), 1U);
  EXPECT_THAT(Recalled(*store, Writing("a", 1)).spans, ElementsAre(Span("one")));
}

TEST_P(RunStoreTest, ChangedQuestionLosesWhatIsUnderWay) {
  const auto store = After([&](RunStore& s) {
    s.SetQuestion({.id = "a", .hash = 1});
    s.SetQuestion({.id = "b", .hash = 1});
    s.AddSpan(Writing("a", 0), Span("one"));
    s.AddSpan(Writing("b", 0), Span("two"));
    s.SetQuestion({.id = "a", .hash = 2});
  });
  EXPECT_THAT(Recalled(*store, Writing("a", 0)).spans, IsEmpty());
  EXPECT_THAT(Recalled(*store, Writing("b", 0)).spans, ElementsAre(Span("two")));
  EXPECT_THAT(Questions(*store),
              ElementsAre(QuestionRecord{.id = "a", .hash = 2}, QuestionRecord{.id = "b", .hash = 1}));
}

TEST_P(RunStoreTest, WhatIsNotCommittedIsSeenButGoneAfterwards) {
  {
    const auto store = Open();
    store->AddSpan(Writing("a", 0), Span("kept"));
    EXPECT_TRUE(store->dirty());
    ASSERT_TRUE(store->Commit());
    EXPECT_FALSE(store->dirty());
    store->AddSpan(Writing("a", 0), Span("lost"));
    store->FinishSample(Done("a", 1, 10));
    EXPECT_EQ(Recalled(*store, Writing("a", 0)).spans.size(), 2U);
  }
  const auto store = OpenAgain();
  EXPECT_THAT(Recalled(*store, Writing("a", 0)).spans, ElementsAre(Span("kept")));
  EXPECT_THAT(Samples(*store), IsEmpty());
}

TEST_P(RunStoreTest, ReadersSeeWhatIsCommittedWhileItIsWritten) {
  const auto store = Open();
  store->FinishSample(Done("a", 0, 10));
  ASSERT_TRUE(store->Commit());
  const auto reader = OpenToRead();
  store->FinishSample(Done("a", 1, 20));
  EXPECT_EQ(Samples(*reader).size(), 1U);
  ASSERT_TRUE(store->Commit());
  EXPECT_EQ(Samples(*reader).size(), 2U);
}

TEST_P(RunStoreTest, ReaderChangesNothing) {
  After([](RunStore& s) { s.FinishSample(Done("a", 0, 10)); });
  {
    const auto reader = OpenToRead();
    reader->FinishSample(Done("a", 1, 20));
    EXPECT_FALSE(reader->Commit());
  }
  EXPECT_EQ(Samples(*OpenAgain()).size(), 1U);
  EXPECT_EQ(GetParam().open_to_read(folder_ + "/nowhere").error().code, ErrorCode::kNotFound);
}

TEST_P(RunStoreTest, ManySpansLeaveNoTraceOnceTheirSamplesAreDone) {
  const auto store = Open();
  const auto round = [&](uint32_t first) {
    for (uint32_t sample = first; sample < first + 20; ++sample) {
      for (int i = 0; i < 50; ++i) store->AddSpan(Writing("a", sample), Span(std::string(200, 'x')));
      store->FinishSample(Done("a", sample, sample));
    }
    EXPECT_TRUE(store->Commit());
  };
  round(0);
  const auto bytes = fs::file_size(Path());
  for (uint32_t first = 20; first < 400; first += 20) round(first);
  EXPECT_LT(fs::file_size(Path()), bytes + 400000) << "room is used again";
}

INSTANTIATE_TEST_SUITE_P(Sqlite, RunStoreTest,
                         testing::Values(Adapter{"sqlite", &SqliteRunStore::Open,
                                                 &SqliteRunStore::OpenToRead}));

// ---- The file of SQLite.

class SqliteRunStoreTest : public testing::Test {
 protected:
  SqliteRunStoreTest() {
    const std::string test = testing::UnitTest::GetInstance()->current_test_info()->name();
    folder_ = fmt::format("{}sqlite_run_store_test_{}_{}", testing::TempDir(), test, getpid());
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    path_ = folder_ + "/run.sqlite";
  }
  ~SqliteRunStoreTest() override { fs::remove_all(folder_); }

  void Make() const {
    const auto store = SqliteRunStore::Open(path_);
    ASSERT_TRUE(store);
    for (uint32_t i = 0; i < 50; ++i) {
      (*store)->AddSpan({.sample = {.question_id = "a", .sample = i}},
                        {.events = fmt::format("<events of {}>", i)});
    }
    ASSERT_TRUE((*store)->Commit());
  }
  std::string Read() const {
    std::ostringstream text;
    text << std::ifstream(path_, std::ios::binary).rdbuf();
    return std::move(text).str();
  }
  void Write(const std::string& content) const {
    std::ofstream(path_, std::ios::binary | std::ios::trunc) << content;
  }
  void ExpectRefusal(const char* reason) const {
    const std::string before = Read();
    for (const auto open : {&SqliteRunStore::Open, &SqliteRunStore::OpenToRead}) {
      const auto store = open(path_);
      ASSERT_FALSE(store);
      EXPECT_EQ(store.error().code, ErrorCode::kInvalidData);
      EXPECT_THAT(store.error().message, HasSubstr("run.sqlite: " + std::string(reason)));
      EXPECT_EQ(store.error().message.find('\n'), std::string::npos);
    }
    EXPECT_EQ(Read(), before) << "it is left alone";
  }

  std::string folder_;
  std::string path_;
};

TEST_F(SqliteRunStoreTest, OtherFilesAreRefusedAndLeftAlone) {
  Write(std::string(5000, 'x'));
  ExpectRefusal("is damaged, or no store of a run");
}

TEST_F(SqliteRunStoreTest, NewerOnesAreRefusedAndLeftAlone) {
  Make();
  std::string content = Read();
  content[63] = 99;  // the version, in the file's head
  Write(content);
  ExpectRefusal("was written by a newer tessy");
}

TEST_F(SqliteRunStoreTest, OtherDatabasesAreRefusedAndLeftAlone) {
  Make();
  std::string content = Read();
  content[71] = 0;  // whose it is, likewise
  Write(content);
  ExpectRefusal("is no store of a run");
}

TEST_F(SqliteRunStoreTest, EmptyFileIsANewStore) {
  Write("");
  EXPECT_TRUE(SqliteRunStore::Open(path_));
}

TEST_F(SqliteRunStoreTest, DamagedSpanIsNamed) {
  Make();
  std::string content = Read();
  const size_t at = content.find("<events of 7>");
  ASSERT_NE(at, std::string::npos);
  content[at + 1] = 'E';
  Write(content);
  const auto store = SqliteRunStore::Open(path_);
  ASSERT_TRUE(store);
  EXPECT_TRUE((*store)->Recall({.sample = {.question_id = "a", .sample = 8}}));
  const auto damaged = (*store)->Recall({.sample = {.question_id = "a", .sample = 7}});
  ASSERT_FALSE(damaged);
  EXPECT_EQ(damaged.error().code, ErrorCode::kInvalidData);
  EXPECT_THAT(damaged.error().message, HasSubstr("run.sqlite: is damaged"));
  EXPECT_TRUE((*store)->dirty());
  EXPECT_FALSE((*store)->Commit()) << "so that whoever runs on it stops";
}

TEST_F(SqliteRunStoreTest, FolderThatIsMissingIsAnError) {
  const auto store = SqliteRunStore::Open(folder_ + "/missing/run.sqlite");
  ASSERT_FALSE(store);
  EXPECT_THAT(store.error().message, HasSubstr("missing/run.sqlite: cannot be opened: No such file"));
}

}  // namespace
}  // namespace tessy
