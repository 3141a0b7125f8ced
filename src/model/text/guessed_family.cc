#include "model/text/guessed_family.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <mutex>
#include <set>

#include "base/blanks.h"

namespace tessy {
namespace {

constexpr std::string_view kFallback = "plain";

// Some templates open the thinking, others only take it out of earlier turns.
bool SpeaksOfThinking(const std::string& chat_template, const Family& family) {
  const auto is_there = [&](std::string_view text) {
    return !text.empty() && chat_template.find(text) != std::string::npos;
  };
  return is_there(WithoutBlanksAround(family.content_open)) ||
         std::ranges::any_of(family.close_texts, is_there);
}

}  // namespace

std::optional<std::string> DoubtOf(const GuessedFamily& guessed) {
  const Family& family = guessed.family;
  if (guessed.chat_template.empty()) {
    return fmt::format(
        "{}: has no chat template: it is asked as the family {} does, with the messages' texts line by line "
        "and no markup; a base model is better asked by --…family few-shot, with worked examples; other "
        "families are qwen3, gpt-oss, deepseek-r1, or a .toml with a default_template",
        guessed.model, family.name);
  }
  if (!guessed.thinks || family.name != kFallback || guessed.has_close_token ||
      SpeaksOfThinking(guessed.chat_template, family)) {
    return std::nullopt;
  }
  return fmt::format(
      "{}: its chat template opens no thinking and its vocabulary has no token that closes one: it is asked "
      "as the family {} does, which waits for {}; a model that was not trained to think is better asked by "
      "--…family instruct, in two turns",
      guessed.model, family.name, family.close_texts.front());
}

void WarnOfGuess(const GuessedFamily& guessed) {
  static std::mutex mutex;
  static std::set<std::string> warned;
  const auto doubt = DoubtOf(guessed);
  if (!doubt) return;
  const std::lock_guard lock(mutex);
  if (warned.insert(guessed.model).second) spdlog::warn("{}", *doubt);
}

}  // namespace tessy
