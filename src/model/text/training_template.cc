#include "model/text/training_template.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "model/text/gguf_file.h"
#include "model/text/llama_vocabulary.h"

namespace tessy {
namespace {

std::string TokenText(const GgufFile& file, const std::vector<std::string>& tokens, const char* key) {
  const auto id = file.Integer(key);
  return id && *id >= 0 && static_cast<size_t>(*id) < tokens.size() ? tokens[static_cast<size_t>(*id)] : "";
}

}  // namespace

Result<TrainingTemplate> TrainingTemplate::Load(const std::string& path, const std::string& family,
                                                const TemplateOptions& options) {
  const auto file = GgufFile::Open(path);
  if (!file) return tl::unexpected(file.error());
  auto vocabulary = LoadVocabulary(path);
  if (!vocabulary) return tl::unexpected(vocabulary.error());
  const std::string source = file->String("tokenizer.chat_template").value_or("");
  auto loaded = LoadFamily(family.empty() ? DetectFamily(source) : family);
  if (!loaded) return tl::unexpected(loaded.error());

  TrainingTemplate result;
  result.family_ = std::move(*loaded);
  result.options_ = MergeOptions(result.family_.template_options, options);
  result.vocabulary_ = std::move(*vocabulary);
  const std::vector<std::string> tokens = file->Strings("tokenizer.ggml.tokens");
  for (size_t id = 0; id < tokens.size() && id < result.vocabulary_->size(); ++id) {
    const auto token = static_cast<TokenId>(id);
    if (result.vocabulary_->Piece(token).empty()) result.control_.emplace(token, tokens[id]);
  }
  auto chat_template = TemplateFor(result.family_, source,
                                   {.bos = TokenText(*file, tokens, "tokenizer.ggml.bos_token_id"),
                                    .eos = TokenText(*file, tokens, "tokenizer.ggml.eos_token_id")});
  if (!chat_template) {
    return Fail(chat_template.error().code, fmt::format("{}: {}", path, chat_template.error().message));
  }
  result.chat_template_ = std::move(*chat_template);

  const std::string content = result.family_.content_open + "b" + result.family_.content_close + "c";
  const std::vector<Message> probe{{"user", "a"}, {"assistant", content}};
  const auto written = result.Write(probe);
  if (written && written->whole.starts_with(written->prompt + content)) {
    result.end_ = written->whole.substr(written->prompt.size() + content.size());
    const std::string text = "[d";
    const auto other = result.Write(std::vector<Message>{{"user", "a"}, {"assistant", text}});
    result.adds_nothing_ = other && other->whole == written->prompt + text + *result.end_;
  }
  return result;
}

Result<TrainingTemplate::Written> TrainingTemplate::Write(std::span<const Message> messages) const {
  const auto before = chat_template_->Render(messages.first(messages.size() - 1), options_);
  if (!before) return tl::unexpected(before.error());
  const auto whole = chat_template_->RenderWhole(messages, options_);
  if (!whole) return tl::unexpected(whole.error());
  Written written{.prompt = JoinParts(*before), .whole = JoinParts(*whole)};
  written.prompt_has_control_token = std::ranges::any_of(*before, [&](const PromptPart& part) {
    return part.from_input && vocabulary_->Tokenize(part.text) != vocabulary_->TokenizeMarkup(part.text);
  });
  const std::string& content = messages.back().content;
  // Templates that open the thinking themselves write the begin of the content.
  const size_t opened = Overlap(written.prompt, family_.content_open);
  if (opened > 0 && content.starts_with(family_.content_open)) {
    written.prompt.resize(written.prompt.size() - opened);
  }
  return written;
}

bool TrainingTemplate::IsMarker(const std::string& text) const {
  return std::ranges::find(family_.close_tokens, text) != family_.close_tokens.end() ||
         (!text.empty() && (family_.content_open.find(text) != std::string::npos ||
                            family_.content_close.find(text) != std::string::npos));
}

Status TrainingTemplate::Tokenize(const std::string& content, TrainingText& text) const {
  const std::string whole = text.prompt + content + text.end;
  text.tokens = vocabulary_->TokenizeMarkup(whole);
  text.begins.reserve(text.tokens.size());
  size_t at = 0;
  for (const TokenId token : text.tokens) {
    text.begins.push_back(at);
    const auto control = control_.find(token);
    const bool is_control = control != control_.end();
    const bool in_content = at >= text.prompt.size() && at < text.prompt.size() + content.size();
    if (is_control && in_content && !IsMarker(control->second)) text.has_control_token = true;
    at += is_control ? control->second.size() : vocabulary_->Piece(token).size();
  }
  if (at == whole.size()) return {};
  return Fail(ErrorCode::kInvalidData,
              fmt::format("its tokens make {} bytes of a text of {}", at, whole.size()));
}

Result<TrainingText> TrainingTemplate::Render(std::span<const Message> messages) const {
  auto written = Write(messages);
  if (!written) return tl::unexpected(written.error());
  const std::string& content = messages.back().content;
  TrainingText text{.prompt = std::move(written->prompt), .end = end_.value_or("")};
  text.has_control_token = written->prompt_has_control_token;
  text.is_intact = end_.has_value() && written->whole == text.prompt + content + text.end;
  if (auto status = Tokenize(content, text); !status) return tl::unexpected(status.error());
  return text;
}

}  // namespace tessy
