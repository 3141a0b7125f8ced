#include "model/openai/inquiries.h"

#include <fmt/format.h>

#include <utility>

#include "base/numbers.h"
#include "model/openai/completion.h"

namespace tessy {
namespace {

constexpr int kSecondsMax = 30;
constexpr size_t kAnswerMax = 1U << 20;  // no list of models is as long

}  // namespace

void Inquiries::Ask(const std::string& url, Done done) {
  const uint64_t number = asked_++;
  auto inquiry = std::make_shared<Inquiry>(Inquiry{.done = std::move(done), .answer = {}});
  under_way_[number] = http_.Start(
      {.url = url, .connect_seconds = connect_seconds_, .seconds_max = kSecondsMax},
      [this, number, inquiry](std::string_view bytes) {
        inquiry->answer += bytes;
        if (inquiry->answer.size() <= kAnswerMax) return;
        End(number, *inquiry,
            Fail(ErrorCode::kBackend, fmt::format("its answer is longer than {}", FormatBytes(kAnswerMax))));
      },
      [this, number, inquiry](const HttpClient::Ended& ended) {
        if (!ended.error.empty()) return End(number, *inquiry, Fail(ErrorCode::kBackend, ended.error));
        if (ended.status == 200) return End(number, *inquiry, std::move(inquiry->answer));
        End(number, *inquiry,
            Fail(ErrorCode::kBackend,
                 fmt::format("status {}: {}", ended.status, ServerErrorText(inquiry->answer))));
      });
}

void Inquiries::End(uint64_t number, Inquiry& inquiry, const Result<std::string>& answer) {
  const auto kept = std::move(under_way_[number]);  // which holds the function that calls this
  under_way_.erase(number);
  inquiry.done(answer);
}

}  // namespace tessy
