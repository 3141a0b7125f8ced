#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "base/error.h"
#include "cast/part.h"
#include "cooperation/boundary_predictor.h"

namespace tessy {

// The boundary predictor of a role: rules or a trained classifier in process, or one behind servers. Driven
// by one thread.
class Predictor {
 public:
  virtual ~Predictor() = default;

  // The fingerprint of the predictor's vocabulary; 0: it is not known, or the predictor reads text.
  virtual uint64_t vocabulary() const = 0;
  // Nothing where it takes none worth planning.
  virtual std::optional<MemoryNeeds> needs() const { return std::nullopt; }
  // Called once, before the first reader.
  virtual Status Start(const StartOptions& options) = 0;
  // kResourceLimit: no place is free. The predictor must outlive the reader.
  virtual Result<std::unique_ptr<BoundaryReader>> OpenReader() = 0;
  // Ends what waits for somebody outside this process with kCancelled.
  virtual void Cancel() {}
  // Nothing for rules.
  virtual std::optional<PartCounts> counts() const { return std::nullopt; }
};

}  // namespace tessy
