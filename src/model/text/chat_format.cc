#include "model/text/chat_format.h"

#include <fmt/format.h>

#include <algorithm>

namespace tessy {
namespace {

std::vector<TokenId> Known(const Vocabulary& vocabulary, const std::vector<std::string>& texts) {
  std::vector<TokenId> known;
  for (const std::string& text : texts) {
    if (const TokenId token = vocabulary.Find(text); token >= 0) known.push_back(token);
  }
  return known;
}

// All tokens that end generation close a thinking that is a turn of its own.
void AddEnds(const Vocabulary& vocabulary, std::vector<TokenId>& tokens) {
  for (size_t id = 0; id < vocabulary.size(); ++id) {
    if (vocabulary.EndsGeneration(static_cast<TokenId>(id))) tokens.push_back(static_cast<TokenId>(id));
  }
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
  const TokenId bos = id_of("tokenizer.ggml.bos_token_id");
  const TokenId eos = id_of("tokenizer.ggml.eos_token_id");
  const auto named = [&](const Error& error) {
    return Fail(error.code, fmt::format("{}: {}", file.path(), error.message));
  };
  auto chat_template = TemplateFor(format.family_, source, {.bos = text_of(bos), .eos = text_of(eos)});
  if (!chat_template) return named(chat_template.error());
  format.chat_template_ = std::move(*chat_template);
  auto complete = WithHandover(std::move(format.family_), *format.chat_template_, options);
  if (!complete) return named(complete.error());
  format.family_ = std::move(*complete);
  format.close_tokens_ = Known(vocabulary, format.family_.close_tokens);
  format.end_tokens_ = Known(vocabulary, format.family_.end_tokens);
  format.answer_end_ = eos >= 0 || format.end_tokens_.empty() ? eos : format.end_tokens_.front();
  if (file.Boolean("tokenizer.ggml.add_bos_token").value_or(false)) format.bos_ = bos;
  if (format.family_.end_closes_thinking) {
    format.close_tokens_.insert(format.close_tokens_.end(), format.end_tokens_.begin(),
                                format.end_tokens_.end());
    AddEnds(vocabulary, format.close_tokens_);
  }
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

Result<std::vector<PromptPart>> ChatFormat::Render(std::span<const Message> messages, bool thinks) const {
  return RenderPrompt(*chat_template_, family_, messages, options_, thinks);
}

Result<std::vector<TokenId>> ChatFormat::Prompt(std::span<const Message> messages,
                                                const Vocabulary& vocabulary, bool thinks) const {
  auto parts = Render(messages, thinks);
  if (!parts) return tl::unexpected(parts.error());
  return Tokenize(*parts, vocabulary);
}

Result<std::string> ChatFormat::PromptText(std::span<const Message> messages, bool thinks) const {
  return Render(messages, thinks).map([](const std::vector<PromptPart>& parts) { return JoinParts(parts); });
}

}  // namespace tessy
