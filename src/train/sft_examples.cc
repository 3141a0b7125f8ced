#include "train/sft_examples.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/utf8.h"

namespace tessy {
namespace {

struct KindRange {
  size_t start = 0;  // bytes of the content
  size_t end = 0;
  TargetKind kind = TargetKind::kThinking;
};

TargetKind KindOf(SpanKind kind) {
  switch (kind) {
    case SpanKind::kStyle:
      return TargetKind::kStyle;
    case SpanKind::kCapability:
      return TargetKind::kCapability;
    case SpanKind::kThinking:
      return TargetKind::kThinking;
    case SpanKind::kAnswer:
      return TargetKind::kAnswer;
  }
  return TargetKind::kThinking;
}

std::vector<KindRange> RangesOf(const Response& response) {
  const std::string_view content = response.messages.back().content;
  std::vector<KindRange> ranges;
  size_t bytes = 0;
  size_t code_points = 0;
  const auto advance = [&](size_t to) {
    bytes += ByteOffset(content.substr(bytes), to - code_points);
    code_points = to;
    return bytes;
  };
  for (const ResponseSpan& span : response.spans) {
    const size_t start = advance(span.start);
    ranges.push_back({.start = start, .end = advance(span.end), .kind = KindOf(span.kind)});
  }
  return ranges;
}

// Builds an example token by token, each with its kind; the targets are set at the end.
class Builder {
 public:
  explicit Builder(const Vocabulary& vocabulary) : vocabulary_(vocabulary) {}

  void AddPrompt(std::span<const TokenId> tokens) { Add(tokens, std::nullopt); }
  void AddMarkup(std::span<const TokenId> tokens) { Add(tokens, TargetKind::kAnswer); }

  // `ranges` cover `text`, whose first byte has the offset `begin` in the content.
  void AddText(std::string_view text, size_t begin, std::span<const KindRange> ranges) {
    size_t at = begin;
    size_t range = 0;
    for (const TokenId token : vocabulary_.Tokenize(text)) {
      const std::string_view piece = vocabulary_.Piece(token);
      const size_t first = std::min(piece.find_first_not_of(" \t\n\r"), piece.empty() ? 0 : piece.size() - 1);
      while (range + 1 < ranges.size() && ranges[range].end <= at + first) ++range;
      Add({&token, 1}, ranges[range].kind);
      at += piece.size();
    }
  }

  Example Finish(const SftExampleOptions& options) {
    for (size_t i = 0; i < example_.tokens.size(); ++i) {
      const auto kind = i + 1 < kinds_.size() ? kinds_[i + 1] : std::nullopt;
      example_.targets.push_back(kind ? example_.tokens[i + 1] : Example::kIgnored);
      example_.weights.push_back(kind ? options.weights[static_cast<size_t>(*kind)] : 0.0F);
      example_.kinds.push_back(kind.value_or(TargetKind::kThinking));
    }
    return std::move(example_);
  }

 private:
  void Add(std::span<const TokenId> tokens, std::optional<TargetKind> kind) {
    example_.tokens.insert(example_.tokens.end(), tokens.begin(), tokens.end());
    kinds_.insert(kinds_.end(), tokens.size(), kind);
  }

  const Vocabulary& vocabulary_;
  Example example_;
  std::vector<std::optional<TargetKind>> kinds_;
};

}  // namespace

Result<Example> SftExample(const Response& response, const ChatFormat& format, const Vocabulary& vocabulary,
                           const SftExampleOptions& options) {
  const std::string_view content = response.messages.back().content;
  const auto ranges = RangesOf(response);
  const auto answer = std::find_if(ranges.begin(), ranges.end(),
                                   [](const KindRange& range) { return range.kind == TargetKind::kAnswer; });
  const bool lacks_thinking = answer == ranges.begin() && response.thinks;
  if (lacks_thinking || answer == ranges.end()) {
    return Fail(ErrorCode::kInvalidData,
                fmt::format("response {}: its spans have no thinking, or no answer", response.id));
  }
  const std::span<const Message> asked(response.messages.begin(), response.messages.end() - 1);
  auto prompt = format.Prompt(AddSystem(asked, options.system), vocabulary, response.thinks);
  if (!prompt) return tl::unexpected(prompt.error());
  if (format.answer_end() < 0) {
    return Fail(ErrorCode::kInvalidData, "the student's file names no token that ends an answer");
  }
  const auto text = [&](size_t start, size_t end) { return content.substr(start, end - start); };
  const std::span<const KindRange> thinking(ranges.begin(), answer);
  Builder builder(vocabulary);
  builder.AddPrompt(*prompt);
  if (!thinking.empty()) {
    builder.AddText(text(thinking.front().start, thinking.back().end), thinking.front().start, thinking);
    builder.AddMarkup(vocabulary.TokenizeMarkup(format.family().handover));
  }
  builder.AddText(text(answer->start, answer->end), answer->start, {answer, ranges.end()});
  const TokenId end = format.answer_end();
  builder.AddMarkup({&end, 1});
  return builder.Finish(options);
}

}  // namespace tessy
