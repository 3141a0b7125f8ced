#include "decisions.h"

#include "base/check.h"
#include "cooperation/loop.h"
#include "plain.h"

namespace tessy::bench {

double MeasureDecisions(size_t tokens, bool reads_tokens) {
  LoopSettings settings;
  settings.thinking_tokens_max = static_cast<uint32_t>(tokens);
  for (CutPolicy& policy : settings.cut)
    policy = {.rule = CutRule::kCompleteWord, .reads_tokens = reads_tokens};
  settings.close_texts = {{{"</think>"}, {"</think>"}}};
  LoopState loop(settings);
  const double before = ProcessCpuSeconds();
  Action action = Step(loop, Start{});
  // The words differ, so that the text is no loop.
  for (uint64_t word = 0; action.kind != Action::Kind::kFail;) {
    if (action.kind == Action::Kind::kAsk) {
      action = Step(loop, Owners{std::vector<float>(action.places.size(),
                                                    1.0F)});  // all belong to the student, who speaks
    } else {
      const uint64_t at = word++;
      action = Step(loop, Drafted{{.tokens = {{.id = 1, .text = " w" + std::to_string(at * at)}}}});
    }
  }
  TESSY_CHECK(action.reason == FailureReason::kThinkingNotClosed);
  return ProcessCpuSeconds() - before;
}

}  // namespace tessy::bench
