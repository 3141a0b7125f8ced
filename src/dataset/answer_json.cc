#include "dataset/answer_json.h"

#include "base/blanks.h"

namespace tessy {
namespace {

constexpr std::string_view kFence = "```";

}  // namespace

std::string_view JsonOfAnswer(std::string_view answer) {
  answer = WithoutBlanksAround(answer);
  const size_t line = answer.find('\n');
  if (!answer.starts_with(kFence) || line == std::string_view::npos) return answer;
  const std::string_view name = WithoutBlanksAround(answer.substr(kFence.size(), line - kFence.size()));
  const bool is_name =
      name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") ==
      std::string_view::npos;
  std::string_view inside = answer.substr(line + 1);
  if (!is_name || !inside.ends_with(kFence)) return answer;
  inside.remove_suffix(kFence.size());
  return WithoutBlanksAround(inside);
}

}  // namespace tessy
