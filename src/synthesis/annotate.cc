#include "synthesis/annotate.h"

#include <optional>
#include <unordered_map>

#include "dataset/style_spans.h"
#include "embedded/annotate.h"
#include "synthesis/interview.h"
#include "synthesis/prompt.h"

namespace tessy {
namespace {
constexpr std::string_view kAgain =
    "Answer again: only the JSON array of pieces that stand in the excerpt, letter for letter and in order.";

}  // namespace

std::string_view BuiltInAnnotatePrompt() { return embedded::annotate::kAnnotatePromptTxt; }

RunResult AnnotateWindows(boost::asio::io_context& io, Cast& cast, const SampleSettings& settings,
                          std::span<const WindowQuestion> windows, std::string_view prompt,
                          const RunOptions& options, const AnnotateCallbacks& callbacks) {
  std::unordered_map<std::string, size_t> places;
  for (size_t i = 0; i < windows.size(); ++i) places.emplace(windows[i].id, i);
  size_t next = 0;
  const auto locate = [&](const std::string& id, std::string_view answer) {
    return LocateStyle(windows[places.at(id)].text, answer);
  };
  const InterviewCallbacks asked{
      .next = [&]() -> Result<std::optional<InterviewItem>> {
        if (next == windows.size()) return std::nullopt;
        const WindowQuestion& window = windows[next++];
        return InterviewItem{.id = window.id, .prompt = FillIn(prompt, {{"{window}", window.text}})};
      },
      .size = [&] { return windows.size(); },
      .flaw =
          [&](const std::string& id, std::string_view answer) {
            const auto spans = locate(id, answer);
            return spans ? std::string() : spans.error().message;
          },
      .accepted = [&](const std::string& id, std::string_view answer) -> Status {
        const auto spans = locate(id, answer);
        if (!spans) return tl::unexpected(spans.error());
        return callbacks.accepted(places.at(id), *spans);
      },
      .rejected = [&](const std::string& id, const std::vector<std::string>& reasons,
                      std::string_view answer) { return callbacks.rejected(places.at(id), reasons, answer); },
      .progress = callbacks.progress};
  return Interview(io, cast, settings, kAgain, options, asked);
}

}  // namespace tessy
