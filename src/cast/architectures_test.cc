#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/utf8.h"
#include "cast/model_cast.h"
#include "dataset/response.h"
#include "model/llama/testing/tiny_model.h"
#include "synthesis/response_form.h"
#include "synthesis/run.h"
#include "synthesis/testing/sample_cases.h"

// Real engines, from the question to the response: models of several architectures and vocabularies, with
// random weights, so that their text is garbage of every kind.

namespace tessy {
namespace {

constexpr const char* kTemplate =
    "{% for m in messages %}{{ m.content }}\n{% endfor %}{% if add_generation_prompt %}<think>{% endif %}";

// A model file of this name, made once.
std::string Model(const std::string& name, TinyModelSpec spec) {
  const std::string path =
      std::filesystem::path(testing::TempDir()) / ("tessy_architectures_test_" + name + ".gguf");
  static std::vector<std::string> made;
  if (std::ranges::find(made, path) != made.end()) return path;
  spec.width = 32;
  spec.layers = 1;
  spec.heads = 2;
  spec.kv_heads = 1;
  spec.feed_forward = 64;
  spec.chat_template = kTemplate;
  EXPECT_TRUE(WriteTinyModel(path, spec).has_value());
  made.push_back(path);
  return path;
}

// Byte tokens are frequent in such small vocabularies, so most characters beyond ASCII are broken ones.
TinyVocabulary StudentVocabulary() { return MakeTinyVocabulary(300, 1); }
TinyVocabulary TeacherVocabulary() { return MakeTinyVocabulary(290, 2); }

struct TestCase {
  const char* name;
  std::string student, teacher;
  std::array<std::string, 2> boundaries;
  CutRule cut;
};

struct Mode {
  uint32_t draft_tokens = 1;
  int concurrency = 1;
};

struct Ran {
  std::vector<std::string> texts;  // by task
  size_t done = 0;
  size_t invalid = 0;  // responses whose models wrote bytes that are no text
  uint64_t switches = 0;
  uint64_t refed_tokens = 0;
};

std::deque<SampleTask> Tasks() {
  std::deque<SampleTask> tasks;
  for (uint32_t i = 0; i < 6; ++i) {
    const std::string id = fmt::format("q{}", i / 2);
    tasks.push_back({.question = QuestionOf(id, "Question " + id), .sample = i % 2});
  }
  return tasks;
}

void ExpectSoundResponse(const Response& response, const SampleOutcome& outcome) {
  const std::string& content = response.messages.back().content;
  EXPECT_TRUE(IsValidUtf8(content));
  EXPECT_TRUE(ParseResponse(ToJsonLine(response)).has_value());
  ASSERT_FALSE(response.spans.empty());
  // The thinking's spans tile what stands between the markers; the last span is the answer, to the content's
  // end.
  const size_t opening = CountCodePoints("<think>");
  size_t at = response.spans.front().start;
  EXPECT_TRUE(outcome.thinking.text.empty() || at == opening);
  for (const ResponseSpan& span : response.spans) {
    EXPECT_LT(span.start, span.end);
    if (span.kind == SpanKind::kAnswer) {
      EXPECT_GE(span.start, at);
      EXPECT_EQ(span.end, CountCodePoints(content));
      at = span.start;
    } else {
      EXPECT_EQ(span.start, at);
      at = span.end;
    }
  }
}

Ran RunOnce(const TestCase& test, const Mode& mode) {
  boost::asio::io_context io(1);
  CastOptions options;
  options.models = {test.student, test.teacher};
  options.boundaries = test.boundaries;
  options.sampling = {.temperature = 2.0F, .top_p = 1.0F, .top_k = 0};
  options.concurrency = mode.concurrency;
  options.context_tokens = 1024;
  options.memory_bytes = uint64_t{1} << 30;
  options.exact = true;
  auto cast = ModelCast::Load(options, DrivenBy(io));
  Ran ran;
  if (!cast) {
    ADD_FAILURE() << cast.error().message;
    return ran;
  }
  const SampleSettings settings{.seed = 5,
                                .draft_tokens = mode.draft_tokens,
                                .thinking_tokens_max = 400,
                                .answer_tokens_max = 500,
                                .retries_max = 3,
                                .cut = test.cut};
  const std::deque<SampleTask> tasks = Tasks();
  ran.texts.resize(tasks.size());
  RunCallbacks callbacks;
  callbacks.finished = [&](const SampleTask& task, const SampleOutcome& outcome, uint64_t) -> Status {
    std::string& text = ran.texts[PlaceOf(tasks, task)];
    ran.switches += outcome.stats.switches;
    if (outcome.done) {
      ++ran.done;
      ran.invalid += IsValidUtf8(outcome.thinking.text + outcome.answer) ? 0 : 1;
      Response response = FormResponse(task, outcome, settings.method, (*cast)->FamilyOf(Role::kStudent));
      ExpectSoundResponse(response, outcome);
      response.stats.drafted_tokens = response.stats.discarded_tokens = 0;
      text = ToJsonLine(response) + outcome.thinking.text + outcome.answer;
    }
    text += fmt::format(" {} attempts {} {}", outcome.stats.attempts, outcome.stats.failed_attempts_tokens,
                        fmt::join(outcome.failures, " "));
    return {};
  };
  const RunResult result = RunAll(io, **cast, {.sample = settings}, tasks,
                                  {.concurrency = mode.concurrency, .stop_on_signals = false}, callbacks);
  EXPECT_TRUE(result.status.has_value());
  EXPECT_EQ(result.progress.done + result.progress.failed, tasks.size());
  for (const PartCounts& part : (*cast)->Counts()) ran.refed_tokens += part.engine()->refed_tokens;
  return ran;
}

void ExpectTheSame(const TestCase& test, std::span<const Mode> modes) {
  const Ran expected = RunOnce(test, {});
  EXPECT_GE(expected.done, 2U) << test.name << ": " << expected.texts[0];
  EXPECT_GT(expected.invalid, 0U) << test.name;
  EXPECT_GT(expected.switches, 5U) << test.name;
  for (const Mode& mode : modes) {
    const Ran ran = RunOnce(test, mode);
    for (size_t i = 0; i < expected.texts.size(); ++i) {
      ASSERT_EQ(ran.texts[i], expected.texts[i]) << test.name << ", k = " << mode.draft_tokens
                                                 << ", concurrency " << mode.concurrency << ", task " << i;
    }
  }
}

std::string LlamaStudent() {
  return Model("student", {.architecture = "llama", .vocabulary = StudentVocabulary(), .seed = 1});
}
std::string QwenTeacher() {
  return Model("teacher",
               {.architecture = "qwen3", .vocabulary = TeacherVocabulary(), .weights = "f16", .seed = 2});
}
std::string TeacherOfTheSameVocabulary() {
  return Model("teacher_same", {.architecture = "qwen3", .vocabulary = StudentVocabulary(), .seed = 3});
}
std::string StudentPredictor() {
  return Model("boundary_student", {.vocabulary = StudentVocabulary(), .seed = 4, .head_outputs = 2});
}
std::string TeacherPredictor() {
  return Model("boundary_teacher",
               {.vocabulary = TeacherVocabulary(), .weights = "f16", .seed = 5, .head_outputs = 2});
}

#ifdef TESSY_SANITIZED
constexpr std::array<Mode, 1> kModes{{{.draft_tokens = 5, .concurrency = 8}}};
#else
constexpr std::array<Mode, 2> kModes{
    {{.draft_tokens = 5, .concurrency = 8}, {.draft_tokens = 20, .concurrency = 8}}};
#endif

TEST(Architectures, TwoVocabulariesAndOnePredictorEach) {
  const std::array<std::string, 2> predictors{StudentPredictor(), TeacherPredictor()};
  ExpectTheSame({"complete_word", LlamaStudent(), QwenTeacher(), predictors, CutRule::kCompleteWord}, kModes);
  ExpectTheSame({"drop_word", LlamaStudent(), QwenTeacher(), predictors, CutRule::kDropWord}, kModes);
}

TEST(Architectures, PredictorsOfTheOthersVocabulary) {
  ExpectTheSame({"crossed",
                 LlamaStudent(),
                 QwenTeacher(),
                 {TeacherPredictor(), StudentPredictor()},
                 CutRule::kCompleteWord},
                kModes);
}

TEST(Architectures, OneVocabularyCutsAtTokens) {
  const std::array<std::string, 2> predictors{StudentPredictor(), StudentPredictor()};
  ExpectTheSame({"token", LlamaStudent(), TeacherOfTheSameVocabulary(), predictors, CutRule::kToken}, kModes);
}

TEST(Architectures, OneVocabularyCompletesAndDropsWords) {
  const std::array<std::string, 2> predictors{StudentPredictor(), StudentPredictor()};
  ExpectTheSame(
      {"complete_word", LlamaStudent(), TeacherOfTheSameVocabulary(), predictors, CutRule::kCompleteWord},
      kModes);
  ExpectTheSame({"drop_word", LlamaStudent(), TeacherOfTheSameVocabulary(), predictors, CutRule::kDropWord},
                kModes);
}

TEST(Architectures, TheLexiconServesAnyVocabulary) {
  const std::array<std::string, 2> lexicon{"lexicon", "lexicon"};
  ExpectTheSame({"lexicon", LlamaStudent(), QwenTeacher(), lexicon, CutRule::kCompleteWord}, kModes);
  ExpectTheSame({"half", LlamaStudent(), QwenTeacher(), {"lexicon", TeacherPredictor()}, CutRule::kDropWord},
                kModes);
}

TEST(Architectures, ARecurrentStudentIsFedAgain) {
  const std::string student =
      Model("mamba", {.architecture = "mamba", .vocabulary = StudentVocabulary(), .seed = 6});
  const TestCase test{
      "recurrent", student, QwenTeacher(), {StudentPredictor(), TeacherPredictor()}, CutRule::kCompleteWord};
  const std::array<Mode, 2> modes{
      {{.draft_tokens = 5, .concurrency = 8}, {.draft_tokens = 5, .concurrency = 1}}};
  ExpectTheSame(test, modes);
  const uint64_t stopping = RunOnce(test, {}).refed_tokens;
  const uint64_t rolling_back = RunOnce(test, modes[1]).refed_tokens;
  EXPECT_GT(stopping, 0U);  // a word's end is known from the token after it
  EXPECT_GT(rolling_back, stopping);
}

TEST(Architectures, ASlidingWindowTeacherRollsBack) {
  const std::string teacher =
      Model("gemma", {.architecture = "gemma3", .vocabulary = TeacherVocabulary(), .seed = 7});
  ExpectTheSame(
      {"window", LlamaStudent(), teacher, {StudentPredictor(), TeacherPredictor()}, CutRule::kCompleteWord},
      kModes);
}

}  // namespace
}  // namespace tessy
