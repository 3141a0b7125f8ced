#include "model/text/chat_format.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <mutex>
#include <set>

namespace tessy {
namespace {

std::vector<TokenId> Known(const Vocabulary& vocabulary, const std::vector<std::string>& texts) {
  std::vector<TokenId> known;
  for (const std::string& text : texts) {
    if (const TokenId token = vocabulary.Find(text); token >= 0) known.push_back(token);
  }
  return known;
}

// Once for each file: a model may play two roles.
void WarnOfNoTemplate(const std::string& path, const std::string& family) {
  static std::mutex mutex;
  static std::set<std::string> warned;
  const std::lock_guard lock(mutex);
  if (!warned.insert(path).second) return;
  spdlog::warn(
      "{}: has no chat template: it is asked as the family {} does, with the messages' texts line by line "
      "and no markup; name another family (qwen3, gpt-oss, deepseek-r1, or a .toml with a "
      "default_template) by the model's --…family",
      path, family);
}

}  // namespace

Result<ChatFormat> ChatFormat::Load(const GgufFile& file, const Vocabulary& vocabulary,
                                    const std::string& family, const TemplateOptions& options,
                                    const std::string& template_source) {
  const std::string source =
      template_source.empty() ? file.String("tokenizer.chat_template").value_or("") : template_source;
  auto loaded = LoadFamily(family.empty() ? DetectFamily(source) : family);
  if (!loaded) return tl::unexpected(loaded.error());
  ChatFormat format;
  format.family_ = std::move(*loaded);
  format.options_ = options;

  const auto tokens = file.Strings("tokenizer.ggml.tokens");
  const auto id_of = [&](const char* key) {
    const auto id = file.Integer(key);
    return id && *id >= 0 && static_cast<size_t>(*id) < tokens.size() ? static_cast<TokenId>(*id)
                                                                      : TokenId{-1};
  };
  const auto text_of = [&](TokenId id) { return id < 0 ? std::string() : tokens[static_cast<size_t>(id)]; };
  if (source.empty() && family.empty()) WarnOfNoTemplate(file.path(), format.family_.name);
  const TokenId bos = id_of("tokenizer.ggml.bos_token_id");
  const TokenId eos = id_of("tokenizer.ggml.eos_token_id");
  auto chat_template = ChatTemplate::Parse(source.empty() ? format.family_.default_template : source,
                                           {.bos = text_of(bos), .eos = text_of(eos)});
  if (!chat_template) {
    return Fail(chat_template.error().code,
                fmt::format("{}: {}", file.path(), chat_template.error().message));
  }
  format.chat_template_ = std::move(*chat_template);
  format.close_tokens_ = Known(vocabulary, format.family_.close_tokens);
  format.end_tokens_ = Known(vocabulary, format.family_.end_tokens);
  format.answer_end_ = eos >= 0 || format.end_tokens_.empty() ? eos : format.end_tokens_.front();
  if (file.Boolean("tokenizer.ggml.add_bos_token").value_or(false)) format.bos_ = bos;
  return format;
}

std::vector<TokenId> ChatFormat::Tokenize(std::span<const PromptPart> parts,
                                          const Vocabulary& vocabulary) const {
  // Where no content looks like a special token the whole is tokenised at once, as the model was trained;
  // otherwise contents are tokenised apart, so that nothing in them is taken for markup.
  const bool plain = std::none_of(parts.begin(), parts.end(), [&](const PromptPart& part) {
    return part.from_input && vocabulary.Tokenize(part.text) != vocabulary.TokenizeMarkup(part.text);
  });
  std::vector<TokenId> tokens;
  if (plain) {
    tokens = vocabulary.TokenizeMarkup(JoinParts(parts));
  } else {
    for (const PromptPart& part : parts) {
      const auto piece =
          part.from_input ? vocabulary.Tokenize(part.text) : vocabulary.TokenizeMarkup(part.text);
      tokens.insert(tokens.end(), piece.begin(), piece.end());
    }
  }
  if (bos_ >= 0 && (tokens.empty() || tokens.front() != bos_)) tokens.insert(tokens.begin(), bos_);
  return tokens;
}

Result<std::vector<TokenId>> ChatFormat::Prompt(std::span<const Message> messages,
                                                const Vocabulary& vocabulary) const {
  auto parts = RenderOpenThinking(*chat_template_, family_, messages, options_);
  if (!parts) return tl::unexpected(parts.error());
  return Tokenize(*parts, vocabulary);
}

}  // namespace tessy
