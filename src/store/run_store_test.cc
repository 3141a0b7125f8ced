// What every RunStore must do; each adapter is run through it.
#include "store/run_store.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <functional>

#include "store/open_run_store.h"

namespace tessy {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::IsEmpty;

// A kind of store, by an address of it that nothing else uses.
struct Adapter {
  const char* name;
  std::string (*url_in)(const std::string& folder);
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

  std::string Url() const { return GetParam().url_in(folder_); }
  std::unique_ptr<RunStore> Open() const {
    auto store = OpenRunStore(Url());
    EXPECT_TRUE(store) << store.error().message;
    return store ? std::move(*store) : nullptr;
  }
  std::unique_ptr<RunStore> OpenToRead() const {
    auto store = OpenRunStoreToRead(Url());
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
            .stats = {.student_tokens = 5,
                      .teacher_tokens = 7,
                      .answer_tokens = 11,
                      .switches = 3,
                      .drafted_tokens = 30,
                      .discarded_tokens = 2,
                      .attempts = 2,
                      .failed_attempts_tokens = 9,
                      .candidates = 4,
                      .wrong_candidates = 1,
                      .wall_ms = 1234}};
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
  const AttemptRecord attempt{.number = 0,
                              .reason = "repetition",
                              .tokens = 5,
                              .retryable = false,
                              .text = std::string("no text \0\xFF", 10)};
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
  EXPECT_EQ(OpenRunStoreToRead(GetParam().url_in(folder_ + "/nowhere")).error().code, ErrorCode::kNotFound);
}

INSTANTIATE_TEST_SUITE_P(Sqlite, RunStoreTest,
                         testing::Values(Adapter{
                             "sqlite", [](const std::string& folder) { return RunStoreIn(folder); }}));

}  // namespace
}  // namespace tessy
