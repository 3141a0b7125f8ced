// What trainers made of rows (tests/goldens/export/README.md): our template, tokenizer and rows give the
// same tokens, with the same ones in the loss.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/testing/source_tree.h"
#include "dataset/formats/format.h"
#include "model/llama/testing/json_vocabulary.h"
#include "model/text/llama_vocabulary.h"
#include "model/text/training_template.h"

namespace tessy {
namespace {

using Json = nlohmann::ordered_json;
constexpr int kNotInLoss = -100;

const LossWeights kWithoutStyle{.style = 0.0F};
// What the goldens of TRL's rows by part train on.
const LossWeights kCapabilityAlone{
    .capability = 1.0F, .style = 0.0F, .thinking = 0.0F, .answer = 0.0F, .markup = 0.0F};

std::vector<Json> Rows(const std::string& name) {
  std::ifstream file(InSource("tests/goldens/export/" + name));
  std::vector<Json> rows;
  for (std::string line; std::getline(file, line);) rows.push_back(Json::parse(line));
  EXPECT_FALSE(rows.empty()) << name;
  return rows;
}

struct Encoded {
  std::vector<int> ids;
  std::vector<int> labels;
};

// Loaded once: Qwen3's vocabulary takes seconds.
struct Student {
  std::shared_ptr<const Vocabulary> vocabulary;
  std::optional<TrainingTemplate> chat_template;
};

const Student& TheStudent() {
  static const Student student = [] {
    Student made;
    const std::string path =
        std::filesystem::temp_directory_path() / ("tessy_qwen3." + std::to_string(getpid()) + ".gguf");
    const auto written = WriteQwen3Vocabulary(path);
    EXPECT_TRUE(written) << written.error().message;
    auto vocabulary = LoadVocabulary(path);
    auto chat_template = TrainingTemplate::Load(path, "", {});
    std::filesystem::remove(path);
    EXPECT_TRUE(vocabulary && chat_template);
    if (vocabulary) made.vocabulary = *vocabulary;
    if (chat_template) made.chat_template = std::move(*chat_template);
    return made;
  }();
  return student;
}

class ExportGoldenTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(TheStudent().chat_template); }

  static std::vector<Response> Samples() {
    std::vector<Response> samples;
    for (const Json& row : Rows("samples.jsonl")) samples.push_back(*ParseAnyResponse(row.dump()));
    return samples;
  }

  static TrainingRow RenderedRowOf(const Response& response, const LossWeights& weights) {
    const auto text = TheStudent().chat_template->Render(response.messages);
    EXPECT_TRUE(text) << text.error().message;
    TrainingRow row = RowOf(response, weights);
    row.rendered = {text->prompt, text->end, text->tokens, text->begins};
    return row;
  }

  static Json Line(const char* format, const Response& response, const LossWeights& weights) {
    return Json::parse(FindExportFormat(format)->line(RenderedRowOf(response, weights), weights.by_part()));
  }

  static void Append(Encoded& encoded, const std::string& text, bool in_loss) {
    for (const TokenId token : TheStudent().vocabulary->TokenizeMarkup(text)) {
      encoded.ids.push_back(token);
      encoded.labels.push_back(in_loss ? token : kNotInLoss);
    }
  }

  static void Expect(const std::string& trainer, const std::string& form, size_t sample,
                     const Encoded& ours) {
    const std::string name = form + "[" + std::to_string(sample) + "]";
    for (const Json& row : Rows(trainer + ".golden.jsonl")) {
      if (row.value("case", "") != name || !row.contains("input_ids")) continue;
      EXPECT_EQ(ours.ids, row["input_ids"].get<std::vector<int>>()) << trainer << ", " << name;
      EXPECT_EQ(ours.labels, row["labels"].get<std::vector<int>>()) << trainer << ", " << name;
      return;
    }
    ADD_FAILURE() << trainer << " has no " << name;
  }
};

TEST_F(ExportGoldenTest, TheTemplateWritesWhatTransformersWrites) {
  const auto samples = Samples();
  const auto goldens = Rows("template.golden.jsonl");
  ASSERT_EQ(samples.size(), goldens.size());
  for (size_t i = 0; i < samples.size(); ++i) {
    const auto text = TheStudent().chat_template->Render(samples[i].messages);
    ASSERT_TRUE(text) << text.error().message;
    EXPECT_EQ(text->prompt, goldens[i]["prompt"].get<std::string>()) << i;
    EXPECT_EQ(text->is_intact, goldens[i]["content_intact"].get<bool>()) << i;
    EXPECT_FALSE(text->has_control_token) << i;
    if (text->is_intact) {
      EXPECT_EQ(text->prompt + samples[i].messages.back().content + text->end,
                goldens[i]["whole"].get<std::string>());
    }
  }
  EXPECT_FALSE((*TheStudent().chat_template->Render(samples[4].messages)).is_intact) << "odd loses text";
}

// TRL renders the messages by the template; `odd` is what export leaves out.
TEST_F(ExportGoldenTest, TrlsPromptAndCompletion) {
  const auto samples = Samples();
  for (size_t i = 0; i + 1 < samples.size(); ++i) {
    const Json row = Line("trl", samples[i], {});
    std::vector<Message> messages;
    for (const char* key : {"prompt", "completion"}) {
      for (const Json& turn : row[key]) messages.push_back({turn["role"], turn["content"]});
    }
    const auto text = TheStudent().chat_template->Render(messages);
    ASSERT_TRUE(text && text->is_intact);
    Encoded encoded;
    for (size_t k = 0; k < text->tokens.size(); ++k) {
      encoded.ids.push_back(text->tokens[k]);
      encoded.labels.push_back(text->begins[k] < text->prompt.size() ? kNotInLoss : text->tokens[k]);
    }
    Expect("trl", "prompt_completion_chat", i, encoded);
  }
}

TEST_F(ExportGoldenTest, TrlsIdsAndLabels) {
  const auto samples = Samples();
  for (size_t i = 0; i < samples.size(); ++i) {
    const Json row = Line("trl", samples[i], kCapabilityAlone);
    const Encoded encoded{row["input_ids"].get<std::vector<int>>(), row["labels"].get<std::vector<int>>()};
    Expect("trl", "ids+labels(capability)", i, encoded);
    Expect("trl", "ids+assistant_masks(capability)", i, encoded);
  }
}

// LLaMA-Factory's and ms-swift's template qwen3 writes turns as they stand. A run of text in the loss, or out
// of it, is tokenised at once.
Encoded InChatMl(const std::vector<std::tuple<std::string, std::string, bool>>& turns,
                 void (*append)(Encoded&, const std::string&, bool)) {
  Encoded encoded;
  for (const auto& [role, content, in_loss] : turns) {
    if (role == "assistant") {
      append(encoded, content + "<|im_end|>\n", in_loss);
    } else {
      append(encoded, "<|im_start|>" + role + "\n" + content + "<|im_end|>\n", false);
      if (role == "user") append(encoded, "<|im_start|>assistant\n", false);
    }
  }
  return encoded;
}

TEST_F(ExportGoldenTest, LlamaFactorysForms) {
  const auto samples = Samples();
  for (size_t i = 0; i < samples.size(); ++i) {
    const Json row = Line("llamafactory", samples[i], {});
    std::vector<std::tuple<std::string, std::string, bool>> turns;
    if (const std::string system = row["system"]; !system.empty()) {
      turns.emplace_back("system", system, false);
    }
    for (const Json& turn : row["conversations"]) {
      turns.emplace_back(turn["from"] == "gpt" ? "assistant" : "user", turn["value"], true);
    }
    Expect("llamafactory", "sharegpt", i, InChatMl(turns, &Append));
    const Json alpaca = Line("llamafactory-alpaca", samples[i], {});
    turns.clear();
    if (const std::string system = alpaca["system"]; !system.empty()) {
      turns.emplace_back("system", system, false);
    }
    for (const Json& pair : alpaca["history"]) {
      turns.emplace_back("user", pair[0], false);
      turns.emplace_back("assistant", pair[1], true);
    }
    turns.emplace_back("user", alpaca["instruction"], false);
    turns.emplace_back("assistant", alpaca["output"], true);
    Expect("llamafactory", "alpaca", i, InChatMl(turns, &Append));
  }
}

TEST_F(ExportGoldenTest, MsSwiftsMessages) {
  const auto samples = Samples();
  for (size_t i = 0; i < samples.size(); ++i) {
    const Json row = Line("ms-swift", samples[i], {});
    std::vector<std::tuple<std::string, std::string, bool>> turns;
    for (const Json& turn : row["messages"]) turns.emplace_back(turn["role"], turn["content"], true);
    Expect("swift", "messages", i, InChatMl(turns, &Append));
  }
}

// The text of turns as ms-swift writes them, in runs that count alike.
std::vector<std::pair<std::string, double>> RunsOf(const Json& turns) {
  std::vector<std::pair<std::string, double>> runs;
  const auto add = [&](const std::string& text, double weight) {
    if (runs.empty() || runs.back().second != weight) runs.emplace_back("", weight);
    runs.back().first += text;
  };
  for (size_t k = 0; k < turns.size(); ++k) {
    const std::string role = turns[k]["role"];
    const std::string content = turns[k]["content"];
    if (role != "assistant") {
      add("<|im_start|>" + role + "\n" + content + "<|im_end|>\n", 0.0);
      if (role == "user") add("<|im_start|>assistant\n", 0.0);
      continue;
    }
    const double weight = turns[k].contains("loss_scale") ? turns[k]["loss_scale"].get<double>()
                                                          : (turns[k]["loss"].get<bool>() ? 1.0 : 0.0);
    add(content, weight);
    if (k + 1 == turns.size() || turns[k + 1]["role"] != "assistant") add("<|im_end|>\n", weight);
  }
  return runs;
}

// The trainer joins consecutive turns of the assistant, and tokenises what counts alike at once.
TEST_F(ExportGoldenTest, MsSwiftsParts) {
  const auto samples = Samples();
  for (const bool scaled : {false, true}) {
    const LossWeights weights = scaled ? LossWeights{.style = 0.5F} : kWithoutStyle;
    for (size_t i = 0; i < samples.size(); ++i) {
      // The golden of `history` with weights was made with a weight for the earlier turn, too.
      if (scaled && samples[i].id == "history/0") continue;
      const Json row = Line("ms-swift", samples[i], weights);
      Encoded encoded;
      for (const auto& [text, weight] : RunsOf(row["messages"])) Append(encoded, text, weight > 0.0);
      Expect("swift", scaled ? "split+loss_scale" : "split+loss", i, encoded);
    }
  }
}

TEST_F(ExportGoldenTest, XtunersMessagesAndParts) {
  const auto samples = Samples();
  for (const bool by_part : {false, true}) {
    for (size_t i = 0; i < samples.size(); ++i) {
      const Json row = Line("xtuner", samples[i], by_part ? kWithoutStyle : LossWeights());
      Encoded encoded;
      for (const Json& turn : row["messages"]) {
        const std::string role = turn["role"];
        const std::string content = turn["content"];
        if (role == "pretrain") {
          Append(encoded, content, turn["loss"].get<bool>());
        } else if (role == "assistant") {
          Append(encoded, content + "<|im_end|>", turn.value("loss", true));
          Append(encoded, "\n", false);
        } else {
          Append(encoded, "<|im_start|>" + role + "\n" + content + "<|im_end|>\n", false);
          if (role == "user") Append(encoded, "<|im_start|>assistant\n", false);
        }
      }
      Expect("xtuner", by_part ? "spans as pretrain parts" : "messages+loss", i, encoded);
    }
  }
}

// Axolotl looks for the response by putting another text in its place, and the template gives such a text an
// empty thinking: the begin of it, up to "<think>\n", is no part of what differs, and is not in the loss.
TEST_F(ExportGoldenTest, AxolotlsMessages) {
  const auto samples = Samples();
  for (size_t i = 0; i + 1 < samples.size(); ++i) {
    const Json row = Line("axolotl", samples[i], {});
    EXPECT_EQ(row["messages"].back()["training"], true);
    std::vector<Message> messages;
    for (const Json& turn : row["messages"]) messages.push_back({turn["role"], turn["content"]});
    const auto text = TheStudent().chat_template->Render(messages);
    ASSERT_TRUE(text && text->is_intact);
    const size_t first = text->prompt.size() + std::string("<think>\n").size();
    const size_t end =
        text->prompt.size() + messages.back().content.size() + std::string("<|im_end|>").size();
    Encoded encoded;
    for (size_t k = 0; k < text->tokens.size(); ++k) {
      const bool in_loss = text->begins[k] >= first && text->begins[k] < end;
      encoded.ids.push_back(text->tokens[k]);
      encoded.labels.push_back(in_loss ? text->tokens[k] : kNotInLoss);
    }
    Expect("axolotl", "chat_template", i, encoded);
  }
}

// The trainer tokenises segments apart.
TEST_F(ExportGoldenTest, AxolotlsSegments) {
  const auto samples = Samples();
  for (const bool by_part : {false, true}) {
    for (size_t i = 0; i < samples.size(); ++i) {
      const Json row = Line("axolotl-segments", samples[i], by_part ? kWithoutStyle : LossWeights());
      Encoded encoded;
      for (const Json& segment : row["segments"])
        Append(encoded, segment["text"], segment["label"].get<bool>());
      Expect("axolotl", by_part ? "input_output(capability)" : "input_output", i, encoded);
    }
  }
}

// Why offsets are not written for such a template: the trainer takes the tokens of the response alone, and
// begins to count them behind "<think>\n".
TEST_F(ExportGoldenTest, AxolotlsOffsetsMoveWhereTheTemplateAddsAThinking) {
  EXPECT_FALSE(TheStudent().chat_template->adds_nothing());
  for (const Json& row : Rows("axolotl.golden.jsonl")) {
    if (row.value("case", "") != "training_detail[0]") continue;
    EXPECT_EQ(row["runs"][1][2], "Okay,") << "style, which was not to be trained";
    return;
  }
  ADD_FAILURE() << "no such case";
}

TEST_F(ExportGoldenTest, ATemplateThatWritesTurnsAsTheyStandAddsNothing) {
  const std::string path =
      std::filesystem::temp_directory_path() / ("tessy_chatml." + std::to_string(getpid()) + ".gguf");
  TinyVocabulary vocabulary =
      FromTokenizerJson(InSource("build/deps/tokenizer-qwen3/models/tokenizer.json"), "qwen2");
  vocabulary.eos = 151645;
  const auto written = WriteVocabularyFile(
      path, vocabulary,
      "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n"
      "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}");
  ASSERT_TRUE(written) << written.error().message;
  const auto chat_template = TrainingTemplate::Load(path, "", {});
  std::filesystem::remove(path);
  ASSERT_TRUE(chat_template) << chat_template.error().message;
  EXPECT_TRUE(chat_template->writes_responses());
  EXPECT_TRUE(chat_template->adds_nothing());
}

TEST_F(ExportGoldenTest, ControlTokensInATextAreSeen) {
  const auto rendered = [](const char* question, const char* answer) {
    return *TheStudent().chat_template->Render(std::vector<Message>{
        {"user", question}, {"assistant", std::string("<think>\nt\n</think>\n\n") + answer}});
  };
  EXPECT_FALSE(rendered("q", "a").has_control_token);
  EXPECT_TRUE(rendered("q", "print <|im_end|> twice").has_control_token);
  EXPECT_TRUE(rendered("what is <|endoftext|>?", "a").has_control_token);
  // These are no control tokens: the vocabulary reads them in any text.
  EXPECT_FALSE(rendered("what is <think>?", "the opener").has_control_token);
}

// A token is where its first byte is; together they make the text.
TEST_F(ExportGoldenTest, TokensBeginWhereTheirTextDoes) {
  for (const Response& sample : Samples()) {
    const auto text = *TheStudent().chat_template->Render(sample.messages);
    const std::string whole = text.prompt + sample.messages.back().content + text.end;
    ASSERT_EQ(text.tokens.size(), text.begins.size());
    for (size_t i = 0; i < text.tokens.size(); ++i) {
      const auto piece = TheStudent().vocabulary->Piece(text.tokens[i]);
      EXPECT_EQ(whole.substr(text.begins[i], piece.size()), piece) << sample.id << ", " << i;
    }
  }
}

}  // namespace
}  // namespace tessy
