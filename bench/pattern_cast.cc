#include "pattern_cast.h"

#include <utility>
#include <vector>

#include "base/random.h"

namespace tessy::bench {
namespace {

class PatternReader final : public BoundaryReader {
 public:
  PatternReader(std::unique_ptr<BoundaryReader> reader, Role role, uint64_t stream, double mean_span)
      : reader_(std::move(reader)), role_(role), stream_(stream), mean_span_(mean_span) {}

  void Append(Role writer, std::span<const DraftToken> tokens) override {
    span_ += tokens.size();
    reader_->Append(writer, tokens);
  }
  void Rollback(size_t count) override {
    span_ -= count;
    reader_->Rollback(count);
  }
  void EndSpan() override {
    before_ += std::exchange(span_, 0);
    reader_->EndSpan();
  }
  bool ReadsTokensOf(Role writer) const override { return reader_->ReadsTokensOf(writer); }
  void Ask(std::span<const uint32_t> places, AskDone done) override {
    std::vector<float> script;
    for (const uint32_t place : places) {
      const bool switches = UniformAt(stream_, before_ + place, 0) < 1.0 / mean_span_;
      script.push_back(switches == (role_ == Role::kTeacher) ? 1.0F : 0.0F);
    }
    reader_->Ask(places,
                 [script = std::move(script), done = std::move(done)](Result<std::vector<float>> answer) {
                   if (answer) *answer = script;
                   done(std::move(answer));
                 });
  }

 private:
  std::unique_ptr<BoundaryReader> reader_;
  Role role_;
  uint64_t stream_;
  double mean_span_;
  size_t before_ = 0;
  size_t span_ = 0;
};

}  // namespace

Result<std::unique_ptr<BoundaryReader>> PatternCast::OpenReader(Role role) {
  auto reader = cast_.OpenReader(role);
  if (!reader) return reader;
  return std::make_unique<PatternReader>(std::move(*reader), role, readers_++, mean_span_);
}

}  // namespace tessy::bench
