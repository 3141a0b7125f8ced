#pragma once

#include <memory>

#include "synthesis/cast.h"

namespace tessy::bench {

// A cast whose predictors do all their work, but whose answers follow a script: spans of `mean_span` tokens
// on average, at the same places for both roles. It is meant for random weights, whose own answers would
// mean nothing.
class PatternCast final : public Cast {
 public:
  explicit PatternCast(Cast& cast, double mean_span) : cast_(cast), mean_span_(mean_span) {}

  const Family& FamilyOf(Role role) const override { return cast_.FamilyOf(role); }
  Result<OpenedSession> OpenSession(Role role, std::span<const Message> messages, bool thinks) override {
    return cast_.OpenSession(role, messages, thinks);
  }
  Result<std::unique_ptr<BoundaryReader>> OpenReader(Role role) override;
  void Score(Role role, std::span<const Message> messages, std::string_view thinking, std::string_view answer,
             std::function<void(Result<double>)> done) override {
    cast_.Score(role, messages, thinking, answer, std::move(done));
  }
  void Pump() override { cast_.Pump(); }

 private:
  Cast& cast_;
  double mean_span_;
  uint64_t readers_ = 0;
};

}  // namespace tessy::bench
