#include "cast/local_player.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "model/llama/llama_session.h"
#include "model/text/guessed_family.h"

namespace tessy {

Result<std::unique_ptr<LocalPlayer>> LocalPlayer::Make(std::shared_ptr<const LlamaModel> model,
                                                       const LocalPlayerOptions& options, Engine::Post post) {
  auto format =
      ChatFormat::Load(model->file(), model->vocabulary(), options.family, options.template_options);
  if (!format) return tl::unexpected(format.error());
  if (options.family.empty()) {
    const GgufFile& file = model->file();
    WarnOfGuess({.model = file.path(),
                 .chat_template = file.String("tokenizer.chat_template").value_or(""),
                 .family = format->family(),
                 .has_close_token = !format->close_tokens().empty(),
                 .thinks = options.thinks});
  }
  std::unique_ptr<LocalPlayer> player(new LocalPlayer(std::move(model), std::move(*format), std::move(post)));
  player->role_ = options.role;
  player->sampling_ = options.sampling;
  return player;
}

std::optional<MemoryNeeds> LocalPlayer::needs() const {
  return NeedsOf(*model_, static_cast<size_t>(std::max(0, model_->context_tokens())));
}

Status LocalPlayer::Start(const StartOptions& options) {
  shares_vocabulary_ = options.players_share_vocabulary();
  context_tokens_ = options.context_tokens;
  auto engines = EnginePool::Make(model_, options, post_);
  if (!engines) return tl::unexpected(engines.error());
  engines_ = std::move(*engines);
  return {};
}

Result<std::string> LocalPlayer::PromptText(std::span<const Message> messages, bool thinks) const {
  return format_.PromptText(messages, thinks);
}

Result<OpenedSession> LocalPlayer::OpenSession(std::span<const Message> messages, bool thinks) {
  auto prompt = format_.Prompt(messages, model_->vocabulary(), thinks);
  if (!prompt) return tl::unexpected(prompt.error());
  if (prompt->empty())
    return Fail(ErrorCode::kInvalidData, fmt::format("the {}'s prompt is empty", Name(role_)));
  const size_t prompt_tokens = prompt->size();
  if (auto status = CheckPromptFits(role_, prompt_tokens, context_tokens_); !status) {
    return tl::unexpected(status.error());
  }
  auto sequence = engines_.Open();
  if (!sequence) return Fail(ErrorCode::kResourceLimit, "no place is free for another sample");
  LlamaSessionOptions options{.prompt = std::move(*prompt),
                              .close_tokens = format_.close_tokens(),
                              .end_tokens = format_.end_tokens(),
                              .sampling = sampling_,
                              .shares_vocabulary = shares_vocabulary_};
  return OpenedSession{.session = std::make_unique<LlamaSession>(std::move(sequence), model_->vocabulary(),
                                                                 std::move(options)),
                       .prompt_tokens = prompt_tokens,
                       .context_tokens = context_tokens_};
}

// One response whose likelihood is asked for.
struct LocalPlayer::Scoring {
  std::vector<TokenId> tokens;  // of the prompt and the response
  std::vector<size_t> places;   // of tokens after which a token of the response is foretold
  std::unique_ptr<Sequence> sequence;
  double sum = 0.0;  // of log-likelihoods, in nats
  size_t count = 0;

  void Append(const std::vector<TokenId>& piece, bool counts) {
    for (const TokenId token : piece) {
      if (counts && !tokens.empty()) places.push_back(tokens.size() - 1);
      tokens.push_back(token);
    }
  }
  // `row`: the logits after the token at `index`.
  void Take(std::span<const float> row, size_t index) {
    const auto target = static_cast<size_t>(tokens[index + 1]);
    const float most = *std::max_element(row.begin(), row.end());
    double total = 0.0;
    for (const float logit : row) total += std::exp(double{logit} - double{most});
    sum += double{row[target]} - double{most} - std::log(total);
    ++count;
  }
};

Result<std::shared_ptr<LocalPlayer::Scoring>> LocalPlayer::Prepare(std::span<const Message> messages,
                                                                   std::string_view thinking,
                                                                   std::string_view answer) const {
  const Vocabulary& vocabulary = model_->vocabulary();
  const bool thinks = !thinking.empty();
  auto prompt = format_.Prompt(messages, vocabulary, thinks);
  if (!prompt) return tl::unexpected(prompt.error());
  auto scoring = std::make_shared<Scoring>();
  scoring->tokens = std::move(*prompt);
  scoring->Append(vocabulary.Tokenize(thinking), true);
  if (thinks) scoring->Append(vocabulary.TokenizeMarkup(format_.family().handover), false);
  scoring->Append(vocabulary.Tokenize(answer), true);
  if (scoring->places.empty()) return Fail(ErrorCode::kInvalidData, "there is nothing to score");
  if (scoring->tokens.size() >= context_tokens_) {
    return Fail(ErrorCode::kResourceLimit, fmt::format("{} tokens to score, and the {}'s context holds {}",
                                                       scoring->tokens.size(), Name(role_), context_tokens_));
  }
  scoring->sequence = engines_.Open();
  if (!scoring->sequence) return Fail(ErrorCode::kResourceLimit, "no place is free to score in");
  return scoring;
}

void LocalPlayer::Score(std::span<const Message> messages, std::string_view thinking, std::string_view answer,
                        ScoreDone done) {
  const auto prepared = Prepare(messages, thinking, answer);
  if (!prepared) {
    post_([done = std::move(done), error = prepared.error()] { done(tl::unexpected<Error>(error)); });
    return;
  }
  const std::shared_ptr<Scoring>& scoring = *prepared;
  scoring->sequence->Append(scoring->tokens);
  scoring->sequence->Want(
      std::move(scoring->places),
      [raw = scoring.get()](std::span<const float> row, size_t index) { raw->Take(row, index); },
      [post = post_, scoring, done = std::move(done)](Status status) {
        // Not from within the sequence's own call.
        post([scoring, done, status = std::move(status)] {
          scoring->sequence.reset();
          if (!status) return done(tl::unexpected(status.error()));
          done(scoring->sum / static_cast<double>(scoring->count));
        });
      });
}

PartCounts LocalPlayer::counts() const {
  return {.name = std::string(Name(role_)), .counts = engines_.stats()};
}

}  // namespace tessy
