#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "base/testing/source_tree.h"
#include "dataset/formats/format.h"
#include "dataset/thinking.h"

namespace tessy {
namespace {

using Json = nlohmann::ordered_json;
using testing::HasSubstr;

const LossWeights kCapability{.style = 0.0F};
const LossWeights kLight{.style = 0.5F};

std::vector<std::string> Lines(const std::string& name) {
  std::ifstream file(InSource("tests/goldens/export/" + name));
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  EXPECT_FALSE(lines.empty()) << name;
  return lines;
}

// plain, unicode, system, history, odd.
std::vector<Response> Samples() {
  std::vector<Response> samples;
  for (const std::string& line : Lines("samples.jsonl")) {
    auto response = ParseAnyResponse(line);
    EXPECT_TRUE(response) << response.error().message;
    if (response) samples.push_back(std::move(*response));
  }
  return samples;
}

std::string InChatMl(const std::vector<Message>& messages) {
  std::string text;
  for (const Message& message : messages)
    text += "<|im_start|>" + message.role + "\n" + message.content + "<|im_end|>\n";
  return text;
}

TrainingRow RenderedRowOf(const Response& response, const LossWeights& weights) {
  const std::vector<Message> before(response.messages.begin(), response.messages.end() - 1);
  TrainingRow row = RowOf(response, weights);
  row.rendered = {.prompt = InChatMl(before) + "<|im_start|>assistant\n", .end = "<|im_end|>\n"};
  return row;
}

Json Written(std::string_view format, const Response& response, const LossWeights& weights) {
  const ExportFormat* found = FindExportFormat(format);
  EXPECT_NE(found, nullptr) << format;
  return Json::parse(found->line(RenderedRowOf(response, weights), weights.by_part()));
}

// The row without what only tessy reads.
Json AsTrainersSee(Json row) {
  row.erase("id");
  row.erase("id_ddm");
  row.erase("question_id");
  row.erase("spans");
  if (row.contains("segments")) row.erase("dialogs");
  return row;
}

// ---- Rows that trainers have read (tests/goldens/export/README.md: how the files were made).

void ExpectRows(std::string_view format, const LossWeights& weights, const std::string& file) {
  const auto expected = Lines("rows/" + file);
  const auto samples = Samples();
  ASSERT_EQ(samples.size(), expected.size());
  for (size_t i = 0; i < samples.size(); ++i) {
    EXPECT_EQ(AsTrainersSee(Written(format, samples[i], weights)), Json::parse(expected[i]))
        << format << ", " << i;
  }
}

TEST(ExportRowsTest, AreThoseThatTheTrainersHaveRead) {
  ExpectRows("llamafactory", {}, "llamafactory/tessy.jsonl");
  ExpectRows("llamafactory-alpaca", {}, "llamafactory/tessy_alpaca.jsonl");
  ExpectRows("messages", {}, "llamafactory/tessy_messages.jsonl");
  ExpectRows("ms-swift", {}, "swift/messages.jsonl");
  ExpectRows("ms-swift", kCapability, "swift/split.jsonl");
  ExpectRows("axolotl-segments", kCapability, "axolotl/segments.jsonl");
}

// Offsets of Axolotl are code points, the end inclusive. Markup is trained, too, which those rows leave out.
TEST(ExportRowsTest, AxolotlsDetailsHaveTheSpansOfTheOnesThatWereMadeByHand) {
  const auto expected = Lines("rows/axolotl/detail.jsonl");
  const auto samples = Samples();
  for (size_t i = 0; i < samples.size(); ++i) {
    const Json row = Written("axolotl", samples[i], kCapability);
    const Json& details = row["messages"].back()["training_detail"];
    const Json made_by_hand = Json::parse(expected[i]);
    for (const Json& due : made_by_hand["messages"].back()["training_detail"]) {
      EXPECT_THAT(std::vector<Json>(details.begin(), details.end()), testing::Contains(due)) << i;
    }
    EXPECT_EQ(details.front()["begin_offset"], 0);
    for (size_t k = 1; k < details.size(); ++k) {
      EXPECT_EQ(details[k]["begin_offset"], details[k - 1]["end_offset"].get<int>() + 1) << i << ", " << k;
    }
  }
}

TEST(ExportRowsTest, WeightsAreWrittenAsTheyWereGiven) {
  const Json row = Written("ms-swift", Samples()[0], {.style = 0.1F});
  EXPECT_EQ(row["messages"][2].dump(),
            R"({"role":"assistant","content":"Okay, let's see.","loss_scale":0.1})");
  EXPECT_EQ(row["messages"][3]["loss_scale"], 1.0);
  // Rows of a file have one form, those of --mix too.
  TrainingRow mixed = RenderedRowOf(Samples()[0], {});
  mixed.weighted = true;
  const Json other = Json::parse(FindExportFormat("ms-swift")->line(mixed, true));
  EXPECT_EQ(other["messages"][2]["loss_scale"], 1.0);
}

TEST(ExportRowsTest, EarlierTurnsOfTheAssistantAreNotTrained) {
  const Response history = Samples()[3];
  EXPECT_EQ(Written("xtuner", history, {})["messages"][1]["loss"], false);
  EXPECT_EQ(Written("xtuner", history, kCapability)["messages"][1]["loss"], false);
  EXPECT_EQ(Written("ms-swift", history, kLight)["messages"][1]["loss_scale"], 0.0);
  EXPECT_EQ(Written("axolotl", history, {})["messages"][1]["training"], false);
  EXPECT_EQ(Written("axolotl", history, {})["messages"][3]["training"], true);
}

// ---- Reading back.

struct Carried {
  const char* format;
  LossWeights weights;
  bool has_owners;  // without `spans`
};

std::vector<Carried> AllForms() {
  return {{"messages", {}, false},
          {"tessy-reference", {}, false},
          {"trl", {}, false},
          {"llamafactory", {}, false},
          {"llamafactory-alpaca", {}, false},
          {"ms-swift", {}, false},
          {"xtuner", {}, false},
          {"axolotl", {}, false},
          {"axolotl-segments", {}, false},
          {"trl", kCapability, false},
          {"ms-swift", kCapability, true},
          {"ms-swift", kLight, true},
          {"xtuner", kCapability, true},
          {"axolotl", kCapability, true},
          {"axolotl-segments", kCapability, true}};
}

TEST(ForeignRowsTest, WhatWasWrittenIsReadToTheLetter) {
  for (const Carried& form : AllForms()) {
    for (const Response& sample : Samples()) {
      const auto read = ParseAnyResponse(Written(form.format, sample, form.weights).dump());
      ASSERT_TRUE(read) << form.format << ", " << sample.id << ": " << read.error().message;
      EXPECT_EQ(read->id, sample.id) << form.format;
      EXPECT_EQ(read->question_id, sample.question_id) << form.format;
      EXPECT_EQ(read->messages, sample.messages) << form.format << ", " << sample.id;
      EXPECT_EQ(read->spans, sample.spans) << form.format << ", " << sample.id;
    }
  }
}

TEST(ForeignRowsTest, SpansFollowFromPartsSegmentsAndDetails) {
  for (const Carried& form : AllForms()) {
    for (const Response& sample : Samples()) {
      const auto read = ParseAnyResponse(AsTrainersSee(Written(form.format, sample, form.weights)).dump());
      ASSERT_TRUE(read) << form.format << ", " << sample.id << ": " << read.error().message;
      EXPECT_EQ(read->messages, sample.messages) << form.format << ", " << sample.id;
      if (form.has_owners) {
        EXPECT_EQ(read->spans, sample.spans) << form.format << ", " << sample.id;
        continue;
      }
      // Nothing in the row says who wrote what: thinking and answer stand where they stood.
      ASSERT_EQ(read->spans.size(), 2U) << form.format << ", " << sample.id;
      EXPECT_EQ(read->spans[0].kind, SpanKind::kThinking);
      EXPECT_EQ(read->spans[0].start, sample.spans.front().start);
      EXPECT_EQ(read->spans[0].end, sample.spans[sample.spans.size() - 2].end);
      EXPECT_EQ(read->spans[1].start, sample.spans.back().start);
      EXPECT_EQ(read->spans[1].end, sample.spans.back().end);
    }
  }
}

// The student's template leaves the thinking of earlier turns out of the prompt.
TEST(ForeignRowsTest, TurnsOfSegmentsComeBackThoughTheTemplateLosesSome) {
  const Response history = Samples()[3];
  TrainingRow row = RenderedRowOf(history, kCapability);
  row.rendered.prompt =
      "<|im_start|>user\n1 + 1?<|im_end|>\n<|im_start|>assistant\n2<|im_end|>\n<|im_start|>user\nAnd "
      "2 + 2?<|im_end|>\n<|im_start|>assistant\n";
  const auto read = ParseAnyResponse(FindExportFormat("axolotl-segments")->line(row, true));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->messages, history.messages);
  EXPECT_EQ(read->spans, history.spans);
}

TEST(ForeignRowsTest, RowsOfOthersAreRead) {
  const auto read = [](const std::string& line) {
    auto response = ParseAnyResponse(line);
    EXPECT_TRUE(response) << line << ": " << response.error().message;
    Response none;
    none.messages.resize(2);
    return response ? std::move(*response) : none;
  };
  // Thinking apart, as servers give it.
  Response row = read(
      R"({"id": 7, "messages": [{"role": "user", "content": "q"}, {"role": "assistant", "reasoning_content": "t", "content": "a"}]})");
  EXPECT_EQ(row.id, "7");
  EXPECT_EQ(row.messages[1].content, "<think>\nt\n</think>\n\na");
  EXPECT_EQ(row.spans.size(), 2U);
  // AceReason, Nemotron.
  row = read(R"({"input": "q", "output": "<think>t</think>a", "category": "math", "license": "cc-by-4.0"})");
  EXPECT_EQ(row.messages[0].content, "q");
  EXPECT_EQ(row.source_json, R"({"category":"math","license":"cc-by-4.0"})");
  EXPECT_EQ(row.id.substr(0, 2), "r-");
  // ShareGPT with a system text beside it; OpenThoughts' marks.
  row = read(
      R"({"system": "s", "conversations": [{"from": "human", "value": "q"}, {"from": "gpt", "value": "<|begin_of_thought|>t<|end_of_thought|>a"}]})");
  EXPECT_EQ(row.messages[0].role, "system");
  EXPECT_EQ(row.spans.size(), 2U);
  // A completion that is text.
  row = read(R"({"prompt": "q", "completion": "<think>t</think>a", "question_id": "x"})");
  EXPECT_EQ(row.question_id, "x");
  // No thinking in it: all is answer.
  row = read(R"({"prompt": "q", "completion": "a"})");
  ASSERT_EQ(row.spans.size(), 1U);
  EXPECT_EQ(row.spans[0].kind, SpanKind::kAnswer);
}

TEST(ForeignRowsTest, WhatCannotBeReadIsRefusedWithTheReason) {
  const auto error = [](const std::string& line) {
    const auto response = ParseAnyResponse(line);
    return response ? std::string("was read") : response.error().message;
  };
  EXPECT_THAT(error(R"({"input_ids": [1, 2], "labels": [-100, 2]})"),
              HasSubstr("token ids (input_ids) and no text"));
  EXPECT_THAT(error(R"({"messages": [{"role": "user", "content": "q"}]})"),
              HasSubstr("is not the assistant's"));
  EXPECT_THAT(
      error(R"({"messages": [{"role": "tool", "content": "q"}, {"role": "assistant", "content": "q"}]})"),
      HasSubstr("turn 1 is of the unknown role \"tool\""));
  EXPECT_THAT(error(R"({"segments": [{"text": "### Question"}, {"text": "a", "label": true}]})"),
              HasSubstr("no prompt in ChatML"));
  EXPECT_THAT(
      error(
          R"({"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "ab", "training_detail": [{"begin_offset": 1, "end_offset": 1, "train": true}, {"begin_offset": 0, "end_offset": 0, "train": true}]}]})"),
      HasSubstr("overlap, or not in order"));
  EXPECT_THAT(
      error(
          R"({"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "ab", "training_detail": [{"begin_offset": 0, "end_offset": 18446744073709551615, "train": true}]}]})"),
      HasSubstr("ends at 18446744073709551615, past the content's 2 characters"));
  EXPECT_THAT(
      error(
          R"({"messages": [{"role": "user", "content": [{"type": "image_url", "text": "x"}]}, {"role": "assistant", "content": "a"}]})"),
      HasSubstr("turn 1 has a part of the type \"image_url\" in its content"));
  EXPECT_THAT(error(R"({"prompt": "q \ud83d", "completion": "a"})"),
              HasSubstr("prompt holds half of a surrogate pair"));
  EXPECT_THAT(error(R"({"prompt": "q", "response": "\uDE00"})"), HasSubstr("response holds half of a"));
  EXPECT_EQ(error(R"({"prompt": "q \ud83d\ude00", "completion": "a", "note": "\ud83d"})"), "was read");
  EXPECT_THAT(error(R"({"prompt": "q"})"), HasSubstr("not a response: has no id"));
  // A row of ours that lacks something is not taken for somebody else's.
  EXPECT_THAT(error(R"({"id": "a/0", "messages": [{"role": "assistant", "content": "a"}], "stats": {}})"),
              HasSubstr("has no question_id"));
  EXPECT_THAT(
      error(
          R"({"messages": [{"role": "assistant", "content": "a"}], "spans": [{"role": "student", "kind": "answer", "start": 0, "end": 9}]})"),
      HasSubstr("past the content's 1 characters"));
}

TEST(ForeignRowsTest, IdsOfOthersWithSlashesAreQuestions) {
  const auto read = [](const std::string& line) { return *ParseAnyResponse(line); };
  Response row = read(R"({"id": "HumanEval/7", "prompt": "q", "completion": "a"})");
  EXPECT_EQ(row.question_id, "HumanEval/7");
  EXPECT_EQ(row.sample, 0U);
  // Written by us and read again, in every form.
  for (const Carried& form : AllForms()) {
    const Response again = read(Written(form.format, row, form.weights).dump());
    EXPECT_EQ(again.id, "HumanEval/7") << form.format;
    EXPECT_EQ(again.question_id, "HumanEval/7") << form.format;
    EXPECT_EQ(again.sample, 0U) << form.format;
  }
  row = read(R"({"id": "HumanEval/7/2", "question_id": "HumanEval/7", "prompt": "q", "completion": "a"})");
  EXPECT_EQ(row.question_id, "HumanEval/7");
  EXPECT_EQ(row.sample, 2U);
  // Exported before rows had question_id.
  row = read(
      R"({"id": "a/3", "messages": [{"role": "assistant", "content": "b"}], "spans": [{"role": "student", "kind": "answer", "start": 0, "end": 1}]})");
  EXPECT_EQ(row.question_id, "a");
  EXPECT_EQ(row.sample, 3U);
  EXPECT_EQ(read(R"({"question_id": 12, "prompt": "q", "completion": "a"})").question_id, "12");
}

TEST(ForeignRowsTest, ThinkingBesideTheTextIsNotLost) {
  const char* expected = "<think>\nt u\n</think>\n\na";
  for (
      const char* line :
      {R"({"prompt": "q", "response": "a", "reasoning_content": "t u"})",
       R"({"question": "q", "output": "a", "thinking": "t u"})",
       R"({"instruction": "q", "output": "a", "reasoning": "t u"})",
       R"({"prompt": "q", "completion": "a", "reasoning_content": "t u"})",
       R"({"dialogs": [{"role": "user", "content": "q"}], "content": "a", "reasoning_content": "t u"})",
       R"({"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": [{"type": "thinking", "thinking": "t u"}, {"type": "text", "text": "a"}]}]})",
       R"({"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": [{"type": "reasoning", "text": "t u"}, {"type": "text", "text": "a"}]}]})"}) {
    const auto read = ParseAnyResponse(line);
    ASSERT_TRUE(read) << line << ": " << read.error().message;
    EXPECT_EQ(read->messages.back().content, expected) << line;
    EXPECT_EQ(read->spans.size(), 2U) << line;
    EXPECT_EQ(read->source_json, "") << line << ": what was read is not its source, too";
  }
  // A switch, and thinking that is in the text already.
  auto read = ParseAnyResponse(R"({"prompt": "q", "response": "a", "reasoning": "on"})");
  EXPECT_EQ(read->messages.back().content, "a");
  EXPECT_EQ(read->source_json, R"({"reasoning":"on"})");
  read = ParseAnyResponse(R"({"prompt": "q", "response": "<think>t</think>a", "reasoning_content": "t"})");
  EXPECT_EQ(read->messages.back().content, "<think>t</think>a");
  read = ParseAnyResponse(R"({"prompt": "q", "response": "t\n</think>\n\na", "reasoning_content": "t\n"})");
  EXPECT_EQ(read->messages.back().content, "t\n</think>\n\na");
  read = ParseAnyResponse(
      R"({"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "t</think>a", "reasoning_content": "t"}]})");
  EXPECT_EQ(read->messages.back().content, "t</think>a");
}

TEST(ForeignRowsTest, AnAnswerThatNamesTheMarkLosesNoThinkingBesideIt) {
  for (
      const char* line :
      {R"({"prompt": "q", "completion": "Close it with </think> and go.", "reasoning_content": "t u"})",
       R"({"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "Close it with </think> and go.", "reasoning_content": "t u"}]})",
       R"({"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": [{"type": "thinking", "thinking": "t u"}, {"type": "text", "text": "Close it with </think> and go."}]}]})"}) {
    const auto read = ParseAnyResponse(line);
    ASSERT_TRUE(read) << line << ": " << read.error().message;
    const std::string& content = read->messages.back().content;
    EXPECT_EQ(content, "<think>\nt u\n</think>\n\nClose it with </think> and go.") << line;
    ASSERT_EQ(read->spans.size(), 2U) << line;
    EXPECT_EQ(content.substr(read->spans[0].start, read->spans[0].end - read->spans[0].start), "t u") << line;
    EXPECT_EQ(content.substr(read->spans[1].start), "Close it with </think> and go.") << line;
  }
}

TEST(ForeignRowsTest, TheEndOfTheTurnIsTakenOffAndNothingElse) {
  const auto content = [](const std::string& line) {
    const auto read = ParseAnyResponse(line);
    return read ? read->messages.back().content : read.error().message;
  };
  const auto parts = [](const std::string& last) {
    return R"({"messages": [{"role": "user", "content": "q"}, {"role": "pretrain", "content": "<think>t</think>", "loss": false}, {"role": "pretrain", "content": ")" +
           last + R"(", "loss": true}]})";
  };
  EXPECT_EQ(content(parts("<answer>42</answer>")), "<think>t</think><answer>42</answer>");
  EXPECT_EQ(content(parts("<|im_end|>")), "<think>t</think>");
  EXPECT_EQ(content(parts("</s>")), "<think>t</think>");
  std::string with_null = parts("the answer");
  with_null.insert(1, R"("spans": null, )");
  EXPECT_EQ(content(with_null), "<think>t</think>the answer");
  const auto segments = [](const std::string& last) {
    return R"({"segments": [{"label": false, "text": "<|im_start|>user\nq<|im_end|>\n<|im_start|>assistant\n"}, {"label": true, "text": ")" +
           last + R"("}]})";
  };
  EXPECT_EQ(content(segments("a<|im_end|>")), "a");
  EXPECT_EQ(content(segments("a<|im_end|>\\n")), "a");
}

TEST(ForeignRowsTest, ARowOfATableWithoutOurFieldsIsForeign) {
  const auto read =
      ParseAnyResponse(R"({"id": "x", "prompt": "q", "completion": "a", "stats": null, "closed_by": null})");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->method, "foreign");
}

TEST(ExportRowsTest, CountsOfTokensAreLeftOutWhereNobodyCounted) {
  const auto foreign = ParseAnyResponse(R"({"prompt": "q", "completion": "<think>t</think>a"})");
  EXPECT_FALSE(Written("tessy-reference", *foreign, {}).contains("n_tokens_total"));
  Response counted = *foreign;
  counted.spans.front().tokens = 3;
  EXPECT_EQ(Written("tessy-reference", counted, {})["n_tokens_total"], 3);
}

// tessy annotate reads the same rows.
TEST(ForeignRowsTest, ThinkingOfAResponseInPartsIsFound) {
  const std::string path = testing::TempDir() + "tessy_formats_parts.jsonl";
  std::ofstream(path) << AsTrainersSee(Written("ms-swift", Samples()[0], kCapability)).dump() << "\n";
  const auto read = ReadThinkings(path, false);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_THAT(read->thinkings[0].text, HasSubstr("Okay, let's see. 12 + 10 = 22.\n\nWait, 22 - 10 = 12"));
}

TEST(PartsTest, TileTheContentAndATokenIsItsFirstBytes) {
  const Response sample = Samples()[1];  // unicode
  TrainingRow row = RenderedRowOf(sample, kCapability);
  size_t at = 0;
  for (const TrainingPart& part : row.parts) {
    EXPECT_EQ(part.start, at);
    EXPECT_LT(part.start, part.end);
    at = part.end;
  }
  EXPECT_EQ(at, row.content().size());
  // A token for each byte of the prompt and the end, and tokens of three bytes in the content.
  row.rendered = {.prompt = "p", .end = "e", .tokens = {}, .begins = {0}};
  for (size_t begin = 1; begin < at + 1; begin += 3) row.rendered.begins.push_back(begin);
  row.rendered.begins.push_back(at + 1);
  row.rendered.tokens.resize(row.rendered.begins.size());
  size_t straddling = 0;
  const auto weights = TokenWeights(row, straddling);
  ASSERT_EQ(weights.size(), row.rendered.begins.size());
  EXPECT_EQ(weights.front(), 0.0F);
  EXPECT_EQ(weights.back(), 1.0F);
  size_t expected_straddling = 0;
  for (size_t i = 1; i + 1 < weights.size(); ++i) {
    const auto weight_of = [&](size_t byte) {
      for (const TrainingPart& part : row.parts) {
        if (byte >= part.start && byte < part.end) return part.weight;
      }
      return 1.0F;
    };
    const size_t begin = row.rendered.begins[i] - 1;
    EXPECT_EQ(weights[i], weight_of(begin)) << i;
    bool differs = false;
    for (size_t byte = begin; byte + 1 < row.rendered.begins[i + 1]; ++byte)
      differs |= weight_of(byte) != weights[i];
    expected_straddling += differs ? 1 : 0;
  }
  EXPECT_EQ(straddling, expected_straddling);
  EXPECT_GT(straddling, 0U);
}

TEST(RecipesTest, NameTheRowsTheStudentAndThePapersSettings) {
  const Recipe recipe{.checkpoint = "some/student", .family = "qwen3", .tokens_max = 12345};
  for (const ExportFormat* format : ExportFormats()) {
    if (format->recipe == nullptr) continue;
    std::string all;
    for (const RecipeFile& file : format->recipe(recipe)) all += file.text;
    for (const char* due : {"train.jsonl", "some/student", "12345", "128"}) {
      EXPECT_THAT(all, HasSubstr(due)) << format->name;
    }
    EXPECT_TRUE(all.find("5e-5") != std::string::npos || all.find("5.0e-5") != std::string::npos)
        << format->name;
  }
}

TEST(RecipesTest, NameTheTemplateAsTheTrainerDoesOrHaveALineToEdit) {
  const auto text = [](std::string_view format, const std::string& family) {
    std::string all;
    for (const RecipeFile& file : FindExportFormat(format)->recipe({.checkpoint = "s", .family = family}))
      all += file.text;
    return all;
  };
  EXPECT_THAT(text("llamafactory", "qwen3"), HasSubstr("\ntemplate: \"qwen3\"\n"));
  EXPECT_THAT(text("llamafactory-alpaca", "deepseek-r1"), HasSubstr("\ntemplate: \"deepseekr1\"\n"));
  EXPECT_THAT(text("ms-swift", "qwen3"), HasSubstr("\ntemplate=\"qwen3\"\n"));
  EXPECT_THAT(text("ms-swift", "deepseek-r1"), HasSubstr("\ntemplate=\"deepseek_r1\"\n"));
  EXPECT_THAT(text("xtuner", "qwen3"), HasSubstr("\nTEMPLATE = \"qwen3\"\n"));
  for (const char* format : {"llamafactory", "ms-swift", "xtuner"}) {
    EXPECT_THAT(text(format, "gpt\noss"), HasSubstr("\"NAME-THE-TEMPLATE\"  # EDIT: what ")) << format;
    EXPECT_THAT(text(format, "gpt\noss"), HasSubstr("the family gpt<U+000A>oss")) << format;
    EXPECT_THAT(text(format, ""), HasSubstr("known with --template-of alone")) << format;
  }
  // XTuner packs rows unless it is told not to.
  EXPECT_THAT(text("xtuner", "qwen3"), HasSubstr("pack_level=\"none\", group_by_length=False"));
}

// The one setting without which the wrong tokens are trained.
TEST(RecipesTest, HaveTheSettingThatDecidesWhatIsTrained) {
  const auto text = [](std::string_view format, bool by_part, bool weighted) {
    std::string all;
    for (const RecipeFile& file : FindExportFormat(format)->recipe(
             {.checkpoint = "s", .family = "qwen3", .by_part = by_part, .weighted = weighted}))
      all += file.text;
    return all;
  };
  EXPECT_THAT(text("trl", false, false), HasSubstr("completion_only_loss=True"));
  EXPECT_THAT(text("trl", true, false), HasSubstr(R"(select_columns(["input_ids", "labels"]))"));
  EXPECT_THAT(text("llamafactory", false, false), HasSubstr("\nmask_history: true"));
  EXPECT_THAT(text("ms-swift", false, false), HasSubstr("--loss_scale last_round"));
  EXPECT_THAT(text("ms-swift", true, false), HasSubstr("--loss_scale default"));
  EXPECT_THAT(text("ms-swift", true, true), HasSubstr("--is_binary_loss_scale false"));
  EXPECT_THAT(text("ms-swift", false, false), HasSubstr("--template_backend swift"));
  EXPECT_THAT(text("axolotl", true, false), HasSubstr("message_field_training_detail: training_detail"));
  EXPECT_THAT(text("axolotl-segments", true, false), HasSubstr("train_on_inputs: false"));
}

}  // namespace
}  // namespace tessy
