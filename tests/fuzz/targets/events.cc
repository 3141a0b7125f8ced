// The events of a sample as the journal keeps them.
#include <algorithm>
#include <string>

#include "fuzz/target.h"
#include "store/event_codec.h"

namespace tessy::fuzz {
namespace {

std::string Seed() {
  std::string bytes;
  Draft draft{
      .tokens = {{.id = 300, .text = "Okay"}, {.id = -1, .text = "", .end = DraftToken::End::kSequence}},
      .context_full = false};
  AppendEvent(bytes, Drafted{.draft = draft});
  AppendEvent(bytes, Owners{.p_style = {0.5F, 1.0F}});
  draft.context_full = true;
  AppendEvent(bytes, Drafted{.draft = draft});
  return bytes;
}

void Run(std::string_view input) {
  const auto events = ParseEvents(input);
  if (!events) return Note("none");
  std::string bytes;
  for (const Event& event : *events) AppendEvent(bytes, event);
  Require(bytes == input, "bytes that are read are those that are written");
  Note(std::string(std::min<size_t>(events->size(), 20), 'e'));
}

const Registration kRegistered(
    {.name = "events", .grammar = kBytes, .seeds = {Seed(), "\x03" + std::string(1, '\0')}, .run = &Run});

}  // namespace
}  // namespace tessy::fuzz
