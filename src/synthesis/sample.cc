#include "synthesis/sample.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/random.h"
#include "base/utf8.h"
#include "cooperation/repetition.h"
#include "synthesis/await.h"

namespace tessy {
namespace {

namespace asio = boost::asio;
using asio::awaitable;

// One thinker needs no boundary: its drafts are only as long as it takes to stay responsive.
constexpr uint32_t kSoloDraftTokens = 16;

enum class Stage : uint64_t { kThinking = 1, kAnswer = 2 };

awaitable<Result<Draft>> Generate(Session& session, DraftRequest request) {
  return Await<Draft>([&session, request](auto done) { session.Generate(request, std::move(done)); });
}

awaitable<Result<std::vector<float>>> Ask(BoundaryReader& reader, std::span<const uint32_t> places) {
  return Await<std::vector<float>>([&reader, places](auto done) { reader.Ask(places, std::move(done)); });
}

uint64_t StreamOf(const SampleSettings& settings, const SampleTask& task, uint32_t attempt, Stage stage,
                  Role role) {
  const uint64_t parts[] = {settings.seed,
                            HashBytes(task.question_id),
                            task.sample,
                            task.candidate,
                            attempt,
                            static_cast<uint64_t>(stage),
                            static_cast<uint64_t>(role)};
  return HashParts(parts);
}

// One attempt at one sample: its sessions, its readers, the loop.
class Attempt {
 public:
  Attempt(Cast& cast, const SampleSettings& settings, const SampleTask& task, uint32_t number,
          RunCounters& counters, const std::atomic<bool>& stop)
      : cast_(cast), settings_(settings), task_(task), number_(number), counters_(counters), stop_(stop) {}

  awaitable<Result<void>> Run(SampleOutcome& outcome);
  uint64_t tokens() const { return tokens_; }

 private:
  Status Open();
  LoopSettings LoopSettingsOfTask() const;
  awaitable<Result<void>> Think(SampleOutcome& outcome);
  awaitable<Result<void>> Answer(SampleOutcome& outcome);
  awaitable<Result<Event>> Perform(LoopState& loop, const Action& action);
  void PassOn(const Action& action, Role drafted_by);
  void Show(const LoopState& loop, Role role, size_t count);
  static tl::unexpected<Error> Failed(FailureReason reason) {
    return Fail(ErrorCode::kBackend, std::string(Name(reason)), /*retryable=*/true);
  }

  Cast& cast_;
  const SampleSettings& settings_;
  const SampleTask& task_;
  uint32_t number_;
  RunCounters& counters_;
  const std::atomic<bool>& stop_;

  std::array<std::unique_ptr<Session>, 2> sessions_;
  std::array<std::unique_ptr<BoundaryReader>, 2> readers_;
  std::array<size_t, 2> shown_{};  // tokens of the current span that each reader has
  size_t passed_on_ = 0;           // tokens of the current span that the listener has
  uint32_t thinking_tokens_max_ = 0;
  uint64_t tokens_ = 0;
};

Status Attempt::Open() {
  thinking_tokens_max_ = settings_.thinking_tokens_max;
  for (const Role role : kRoles) {
    if (!settings_.method.Uses(role)) continue;
    auto opened = cast_.OpenSession(role, task_.messages);
    if (!opened) return tl::unexpected(opened.error());
    const size_t left = opened->context_tokens - std::min(opened->context_tokens, opened->prompt_tokens + 1);
    thinking_tokens_max_ = static_cast<uint32_t>(std::min<size_t>(thinking_tokens_max_, left));
    sessions_[Index(role)] = std::move(opened->session);
    if (!settings_.method.cooperative()) continue;
    auto reader = cast_.OpenReader(role);
    if (!reader) return tl::unexpected(reader.error());
    readers_[Index(role)] = std::move(*reader);
  }
  return {};
}

LoopSettings Attempt::LoopSettingsOfTask() const {
  LoopSettings loop;
  loop.cooperative = settings_.method.cooperative();
  loop.draft_tokens = loop.cooperative ? settings_.draft_tokens : kSoloDraftTokens;
  loop.thinking_tokens_max = thinking_tokens_max_;
  loop.first = settings_.method.thinker.value_or(Role::kStudent);
  const auto& own_form = cast_.FamilyOf(Role::kStudent).close_texts;
  for (const Role role : kRoles) {
    // Whoever writes the marker of the form in which the response will stand has closed the thinking.
    auto texts = cast_.FamilyOf(role).close_texts;
    texts.insert(texts.end(), own_form.begin(), own_form.end());
    loop.close_texts[Index(role)] = std::move(texts);
    loop.cut[Index(role)] = {
        .rule = settings_.cut,
        .min_span_tokens = settings_.min_span_tokens,
        .style_threshold = settings_.style_threshold,
        .reads_tokens = readers_[Index(role)] && readers_[Index(role)]->ReadsTokensOf(role)};
  }
  return loop;
}

// The role's reader has the first `count` tokens of the current span.
void Attempt::Show(const LoopState& loop, Role role, size_t count) {
  const size_t i = Index(role);
  if (shown_[i] >= count) return;
  readers_[i]->Append(loop.speaker, std::span(loop.span).subspan(shown_[i], count - shown_[i]));
  shown_[i] = count;
}

// What became of the last draft: the speaker forgets what was discarded, everybody else takes in what was
// kept.
void Attempt::PassOn(const Action& action, Role drafted_by) {
  Session* listener = sessions_[Index(Other(drafted_by))].get();
  if (listener != nullptr) listener->Listen(action.kept);
  counters_.tokens += action.kept.size();
  counters_.discarded += action.discarded;
  const size_t before = std::exchange(passed_on_, passed_on_ + action.kept.size());
  for (size_t i = 0; i < readers_.size(); ++i) {
    if (!readers_[i] || shown_[i] >= passed_on_) continue;
    readers_[i]->Append(drafted_by, std::span(action.kept).subspan(shown_[i] - before));
    shown_[i] = passed_on_;
  }
  if (!action.span_ended) return;
  if (action.discarded > 0) sessions_[Index(drafted_by)]->Rollback(action.discarded);
  if (listener != nullptr) listener->EndListening();
  for (size_t i = 0; i < readers_.size(); ++i) {
    if (!readers_[i]) continue;
    if (shown_[i] > passed_on_) readers_[i]->Rollback(shown_[i] - passed_on_);
    readers_[i]->EndSpan();
    shown_[i] = 0;
  }
  passed_on_ = 0;
}

awaitable<Result<Event>> Attempt::Perform(LoopState& loop, const Action& action) {
  if (action.kind == Action::Kind::kAsk) {
    // In stop mode what is drafted is as good as kept: the listener's reader gets it too, in the same batch.
    BoundaryReader& own = *readers_[Index(action.role)];
    Show(loop, action.role, action.places.back());
    if (settings_.draft_tokens == 1) Show(loop, Other(action.role), action.places.back());
    auto owners = co_await Ask(own, action.places);
    if (!owners) co_return tl::unexpected(owners.error());
    co_return Event(Owners{std::move(*owners)});
  }
  const uint64_t stream = StreamOf(settings_, task_, number_, Stage::kThinking, action.role);
  const DraftRequest request{.tokens_max = action.tokens_max,
                             .position = loop.Position(stream),
                             .stop_texts = loop.settings.close_texts[Index(action.role)]};
  auto draft = co_await Generate(*sessions_[Index(action.role)], request);
  if (!draft) co_return tl::unexpected(draft.error());
  counters_.drafted += draft->tokens.size();
  co_return Event(Drafted{std::move(*draft)});
}

awaitable<Result<void>> Attempt::Think(SampleOutcome& outcome) {
  LoopState loop(LoopSettingsOfTask());
  Event event = Start{};
  while (true) {
    const Role speaker = loop.speaker;
    const Action action = Step(loop, event);
    tokens_ = loop.thinking_tokens();
    PassOn(action, speaker);
    if (action.kind == Action::Kind::kFail) co_return Failed(action.reason);
    if (action.kind == Action::Kind::kAnswer) {
      outcome.closed_by = action.role;
      break;
    }
    auto next = co_await Perform(loop, action);
    if (stop_) co_return Fail(ErrorCode::kCancelled, "cancelled");
    if (!next) co_return tl::unexpected(next.error());
    event = std::move(*next);
  }
  // A marker in pieces may have taken text back that the listener has heard; OpenAnswer mends its view.
  outcome.thinking = std::move(loop.y);
  outcome.thinking_tokens = loop.tokens_by_role;
  outcome.switches = loop.switches;
  outcome.drafted_tokens = loop.drafted_tokens;
  outcome.discarded_tokens = loop.discarded_tokens;
  co_return Result<void>();
}

std::string_view Trimmed(std::string_view text, std::string_view characters) {
  const size_t last = text.find_last_not_of(characters);
  return characters.empty() ? text : text.substr(0, last == std::string_view::npos ? 0 : last + 1);
}

awaitable<Result<void>> Attempt::Answer(SampleOutcome& outcome) {
  const Role role = settings_.method.answerer;
  outcome.thinking.Truncate(Trimmed(outcome.thinking.text, cast_.FamilyOf(Role::kStudent).trim).size());
  readers_ = {};
  sessions_[Index(Other(role))].reset();
  Session& session = *sessions_[Index(role)];
  const Family& family = cast_.FamilyOf(role);
  // A family that opens no thinking has none to hand over from.
  const bool unopened = !settings_.thinks && family.open_thinking.empty();
  session.OpenAnswer(outcome.thinking.text, unopened ? "" : family.handover);

  outcome.answered_by = role;
  outcome.answer.clear();
  outcome.answer_tokens = 0;
  DraftPosition position{.stream = StreamOf(settings_, task_, number_, Stage::kAnswer, role)};
  while (true) {
    const uint32_t left = settings_.answer_tokens_max - outcome.answer_tokens;
    if (left == 0) co_return Failed(FailureReason::kAnswerNotFinished);
    const DraftRequest request{
        .tokens_max = std::min(left, kSoloDraftTokens), .position = position, .stop_texts = {}};
    auto draft = co_await Generate(session, request);
    if (stop_) co_return Fail(ErrorCode::kCancelled, "cancelled");
    if (!draft) co_return tl::unexpected(draft.error());
    for (const DraftToken& token : draft->tokens) {
      if (token.end == DraftToken::End::kSequence) {
        if (IsBlankText(outcome.answer)) co_return Failed(FailureReason::kEmptyGeneration);
        co_return Result<void>();
      }
      outcome.answer += token.text;
      position.offset = outcome.answer.size();
      position.zero_byte_tokens = token.text.empty() ? position.zero_byte_tokens + 1 : 0;
      ++tokens_;
      ++counters_.tokens;
      ++counters_.drafted;
      if (++outcome.answer_tokens % kRepetitionCheckTokens == 0 && EndsInLoop(outcome.answer)) {
        co_return Failed(FailureReason::kRepetition);
      }
    }
    if (draft->context_full) co_return Failed(FailureReason::kContextFull);
    if (draft->tokens.empty()) co_return Failed(FailureReason::kEmptyGeneration);
  }
}

awaitable<Result<void>> Attempt::Run(SampleOutcome& outcome) {
  if (auto opened = Open(); !opened) co_return tl::unexpected(opened.error());
  if (settings_.thinks) {
    auto thought = co_await Think(outcome);
    if (!thought) co_return thought;
  }
  co_return co_await Answer(outcome);
}

}  // namespace

awaitable<SampleOutcome> RunSample(Cast& cast, const SampleSettings& settings, const SampleTask& task,
                                   RunCounters& counters, const std::atomic<bool>& stop) {
  SampleOutcome outcome;
  while (outcome.attempts <= settings.retries_max) {
    Attempt attempt(cast, settings, task, outcome.attempts++, counters, stop);
    const auto result = co_await attempt.Run(outcome);
    outcome.done = result.has_value();
    if (outcome.done) co_return outcome;
    outcome.cancelled = result.error().code == ErrorCode::kCancelled;
    if (outcome.cancelled) co_return outcome;
    outcome.failures.push_back(result.error().message);
    outcome.failed_attempts_tokens += attempt.tokens();
    if (!result.error().retryable) co_return outcome;
  }
  co_return outcome;
}

}  // namespace tessy
