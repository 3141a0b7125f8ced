#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/message.h"
#include "cast/part.h"
#include "model/family.h"
#include "synthesis/cast.h"

namespace tessy {

// A model that plays a role, in process or behind servers. Driven by one thread.
class Player {
 public:
  using ScoreDone = std::function<void(Result<double>)>;

  virtual ~Player() = default;

  virtual const Family& family() const = 0;
  // The fingerprint of the model's vocabulary; 0: it is not known, and its tokens have no ids.
  virtual uint64_t vocabulary() const = 0;
  // Nothing where a server bears it.
  virtual std::optional<MemoryNeeds> needs() const { return std::nullopt; }
  // Called once, before the first session.
  virtual Status Start(const StartOptions& options) = 0;
  // The prompt that OpenSession would make, as a text.
  virtual Result<std::string> PromptText(std::span<const Message> messages, bool thinks) const = 0;
  // As Cast::OpenSession and Cast::Score.
  virtual Result<OpenedSession> OpenSession(std::span<const Message> messages, bool thinks) = 0;
  virtual void Score(std::span<const Message> messages, std::string_view thinking, std::string_view answer,
                     ScoreDone done) = 0;
  // Ends what waits for somebody outside this process with kCancelled.
  virtual void Cancel() {}
  virtual PartCounts counts() const = 0;
};

// kResourceLimit, with figures, where the prompt leaves no room for a token of the response.
Status CheckPromptFits(Role role, size_t prompt_tokens, size_t context_tokens);

}  // namespace tessy
