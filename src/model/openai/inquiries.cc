#include "model/openai/inquiries.h"

#include <fmt/format.h>

#include <utility>

#include "model/openai/completion.h"

namespace tessy {
namespace {

constexpr int kSecondsMax = 30;
constexpr size_t kAnswerKept = 1U << 20;

}  // namespace

void Inquiries::Ask(const std::string& url, std::function<void(Result<std::string>)> done) {
  const uint64_t number = asked_++;
  auto answer = std::make_shared<std::string>();
  under_way_[number] = http_.Start(
      {.url = url, .connect_seconds = connect_seconds_, .seconds_max = kSecondsMax},
      [answer](std::string_view bytes) {
        if (answer->size() < kAnswerKept) *answer += bytes;
      },
      [this, number, answer, done = std::move(done)](const HttpClient::Ended& ended) {
        const auto kept = std::move(under_way_[number]);  // which holds this function
        under_way_.erase(number);
        if (!ended.error.empty()) return done(Fail(ErrorCode::kBackend, ended.error));
        if (ended.status == 200) return done(std::move(*answer));
        done(Fail(ErrorCode::kBackend, fmt::format("status {}: {}", ended.status, ServerErrorText(*answer))));
      });
}

}  // namespace tessy
