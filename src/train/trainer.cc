#include "train/trainer.h"

#include <numeric>

namespace tessy {

std::string_view Name(TargetKind kind) {
  switch (kind) {
    case TargetKind::kCapability:
      return "capability";
    case TargetKind::kStyle:
      return "style";
    case TargetKind::kThinking:
      return "thinking";
    case TargetKind::kAnswer:
      return "answer";
  }
  return "";
}

void KindLosses::Add(TargetKind kind, double loss) {
  sums[static_cast<size_t>(kind)] += loss;
  ++counts[static_cast<size_t>(kind)];
}

void KindLosses::Add(const KindLosses& other) {
  for (size_t i = 0; i < sums.size(); ++i) {
    sums[i] += other.sums[i];
    counts[i] += other.counts[i];
  }
}

uint64_t KindLosses::Count() const { return std::accumulate(counts.begin(), counts.end(), uint64_t{0}); }

double KindLosses::MeanOf(TargetKind kind) const {
  const auto i = static_cast<size_t>(kind);
  return counts[i] == 0 ? 0.0 : sums[i] / static_cast<double>(counts[i]);
}

}  // namespace tessy
