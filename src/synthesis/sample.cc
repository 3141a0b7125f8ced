#include "synthesis/sample.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "base/blanks.h"
#include "base/random.h"
#include "base/utf8.h"
#include "cooperation/repetition.h"
#include "synthesis/answer_text.h"
#include "synthesis/attempt_journal.h"
#include "synthesis/await.h"

namespace tessy {
namespace {

namespace asio = boost::asio;
using asio::awaitable;

// Room for the sentence and the markup that close a thinking whose budget is used up.
constexpr size_t kBudgetCloseTokens = 64;
// One thinker needs no boundary: its drafts are only as long as it takes to stay responsive.
constexpr uint32_t kSoloDraftTokens = 16;

awaitable<Result<Draft>> Generate(Session& session, DraftRequest request) {
  return Await<Draft>([&session, request](auto done) { session.Generate(request, std::move(done)); });
}

awaitable<Result<std::vector<float>>> Ask(BoundaryReader& reader, std::span<const uint32_t> places) {
  return Await<std::vector<float>>([&reader, places](auto done) { reader.Ask(places, std::move(done)); });
}

uint64_t StreamOf(const SampleSettings& settings, const SampleTask& task, uint32_t attempt,
                  WritingStage stage, Role role) {
  const uint64_t parts[] = {settings.seed,
                            HashBytes(task.question->id),
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
  struct Place {
    Cast& cast;
    const SampleSettings& settings;
    const SampleTask& task;
    RunCounters& counters;
    const std::atomic<bool>& stop;
  };
  Attempt(const Place& place, uint32_t number, AttemptJournal& journal)
      : cast_(place.cast),
        settings_(place.settings),
        task_(place.task),
        number_(number),
        journal_(journal),
        counters_(place.counters),
        stop_(place.stop) {}

  awaitable<Result<void>> Run(SampleOutcome& outcome);
  uint64_t tokens() const { return tokens_; }
  // What it wrote so far, for those who want to see why it failed.
  std::string TakeText() { return std::move(text_); }

 private:
  Status Open();
  LoopSettings LoopSettingsOfTask() const;
  awaitable<Result<void>> Think(SampleOutcome& outcome);
  awaitable<Result<void>> Answer(SampleOutcome& outcome);
  void CountSurplus(SampleOutcome& outcome);
  bool IsClosedByBudget(Action& action, const LoopState& loop) const;
  bool DropOwnOpener(SampleOutcome& outcome) const;
  AnswerRules RulesOfAnswer(Role role) const;
  awaitable<Result<Event>> Perform(LoopState& loop, const Action& action);
  Result<Event> TakeOver(const Action& action, Event event);
  awaitable<Result<Event>> NextOfAnswer(Role role, const DraftRequest& request);
  void Count(size_t kept, size_t drafted, size_t discarded);
  void PassOn(const Action& action, Role drafted_by);
  void Show(const LoopState& loop, Role role, size_t count);
  static tl::unexpected<Error> Failed(FailureReason reason) {
    return Fail(ErrorCode::kBackend, std::string(Name(reason)), /*retryable=*/true);
  }
  // What has happened so far goes on from here when the run does.
  tl::unexpected<Error> Cancelled(WritingStage stage, Role role) {
    journal_.Flush(stage, role);
    return Fail(ErrorCode::kCancelled, "cancelled");
  }

  Cast& cast_;
  const SampleSettings& settings_;
  const SampleTask& task_;
  uint32_t number_;
  AttemptJournal& journal_;
  RunCounters& counters_;
  const std::atomic<bool>& stop_;

  std::array<std::unique_ptr<Session>, 2> sessions_;
  std::array<std::unique_ptr<BoundaryReader>, 2> readers_;
  std::array<size_t, 2> shown_{};  // tokens of the current span that each reader has
  size_t passed_on_ = 0;           // tokens of the current span that the listener has
  uint32_t thinking_tokens_max_ = 0;
  uint64_t tokens_ = 0;
  std::string text_;
};

Status Attempt::Open() {
  thinking_tokens_max_ = settings_.thinking_tokens_max;
  for (const Role role : kRoles) {
    if (!settings_.method.Uses(role)) continue;
    auto opened = cast_.OpenSession(role, task_.question->messages, settings_.thinks);
    if (!opened) return tl::unexpected(opened.error());
    size_t left = opened->context_tokens - std::min(opened->context_tokens, opened->prompt_tokens + 1);
    // Thinking that fills the context leaves no room for the answer that is then asked for.
    if (settings_.force_close)
      left -= std::min<size_t>(settings_.answer_tokens_max + kBudgetCloseTokens, left / 2);
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
    // The response is written in the form of the student's family. So the close markers of that form close
    // the thinking too, whichever role writes them.
    auto texts = cast_.FamilyOf(role).close_texts;
    const auto& stops = cast_.FamilyOf(role).thinking_stops;
    texts.insert(texts.end(), stops.begin(), stops.end());
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

// Tokens that are taken over from an earlier session were counted there.
void Attempt::Count(size_t kept, size_t drafted, size_t discarded) {
  if (journal_.recalled()) {
    counters_.recalled += kept;
    return;
  }
  counters_.tokens += kept;
  counters_.drafted += drafted;
  counters_.discarded += discarded;
}

// Passes on the outcome of the last draft: the speaker forgets the discarded tokens, and the other session
// and the readers take in the kept ones.
void Attempt::PassOn(const Action& action, Role drafted_by) {
  Session* listener = sessions_[Index(Other(drafted_by))].get();
  if (listener != nullptr) listener->Listen(action.kept);
  Count(action.kept.size(), 0, action.discarded);
  const size_t before = std::exchange(passed_on_, passed_on_ + action.kept.size());
  for (size_t i = 0; i < readers_.size(); ++i) {
    if (!readers_[i] || shown_[i] >= passed_on_) continue;
    readers_[i]->Append(drafted_by, std::span(action.kept).subspan(shown_[i] - before));
    shown_[i] = passed_on_;
  }
  if (!action.span_ended) return;
  // Rollback is called even if nothing is discarded, because it closes the stream of the span that has
  // ended.
  sessions_[Index(drafted_by)]->Rollback(action.discarded);
  if (listener != nullptr) listener->EndListening();
  for (size_t i = 0; i < readers_.size(); ++i) {
    if (!readers_[i]) continue;
    if (shown_[i] > passed_on_) readers_[i]->Rollback(shown_[i] - passed_on_);
    readers_[i]->EndSpan();
    shown_[i] = 0;
  }
  passed_on_ = 0;
}

// Uses an event that an earlier session recorded in place of the action.
Result<Event> Attempt::TakeOver(const Action& action, Event event) {
  const auto* drafted = std::get_if<Drafted>(&event);
  const auto* owners = std::get_if<Owners>(&event);
  const bool asks = action.kind == Action::Kind::kAsk;
  const bool fits =
      asks ? owners != nullptr && owners->p_style.size() == action.places.size() : drafted != nullptr;
  if (!fits) journal_.Spoil();
  if (journal_.spoilt()) return Fail(ErrorCode::kConflict, "what is recorded does not fit");
  if (drafted != nullptr) sessions_[Index(action.role)]->Recall(drafted->draft.tokens);
  return event;
}

awaitable<Result<Event>> Attempt::Perform(LoopState& loop, const Action& action) {
  if (auto recorded = journal_.Recall(WritingStage::kThinking, action.role)) {
    co_return TakeOver(action, std::move(*recorded));
  }
  if (action.kind == Action::Kind::kAsk) {
    // In stop mode what is drafted is as good as kept: the listener's reader gets it too, in the same batch.
    BoundaryReader& own = *readers_[Index(action.role)];
    Show(loop, action.role, action.places.back());
    if (settings_.draft_tokens == 1) Show(loop, Other(action.role), action.places.back());
    auto owners = co_await Ask(own, action.places);
    if (!owners) co_return tl::unexpected(owners.error());
    Event event(Owners{std::move(*owners)});
    journal_.Add(event);
    co_return event;
  }
  const uint64_t stream = StreamOf(settings_, task_, number_, WritingStage::kThinking, action.role);
  const DraftRequest request{.tokens_max = action.tokens_max,
                             .position = loop.Position(stream),
                             .stop_texts = loop.settings.close_texts[Index(action.role)]};
  auto draft = co_await Generate(*sessions_[Index(action.role)], request);
  if (!draft) co_return tl::unexpected(draft.error());
  Event event(Drafted{std::move(*draft)});
  journal_.Add(event);
  Count(0, std::get<Drafted>(event).draft.tokens.size(), 0);
  co_return event;
}

awaitable<Result<void>> Attempt::Think(SampleOutcome& outcome) {
  LoopState loop(LoopSettingsOfTask());
  Event event = Start{};
  while (true) {
    const Role speaker = loop.speaker;
    Action action = Step(loop, event);
    outcome.closed_by_budget = IsClosedByBudget(action, loop);
    tokens_ = loop.thinking_tokens();
    PassOn(action, speaker);
    const bool closed = action.kind == Action::Kind::kAnswer;
    const SpanEnd end = closed ? SpanEnd::kClosed : action.span_ended ? SpanEnd::kSwitched : SpanEnd::kOpen;
    if (journal_.Kept(WritingStage::kThinking, speaker, action.kept.size(), end)) ++counters_.spans;
    if (stop_) co_return Cancelled(WritingStage::kThinking, speaker);
    if (action.kind == Action::Kind::kFail) {
      text_ = std::move(loop.text);
      co_return Failed(action.reason);
    }
    if (closed) {
      outcome.closed_by = action.role;
      break;
    }
    auto next = co_await Perform(loop, action);
    if (!next && stop_) co_return Cancelled(WritingStage::kThinking, loop.speaker);
    if (!next) {
      text_ = std::move(loop.text);
      co_return tl::unexpected(next.error());
    }
    event = std::move(*next);
  }
  // A marker in pieces may have taken text back that the listener has heard; OpenAnswer mends its view.
  outcome.thinking = std::move(loop.y);
  outcome.stats.student_tokens = loop.tokens_by_role[Index(Role::kStudent)];
  outcome.stats.teacher_tokens = loop.tokens_by_role[Index(Role::kTeacher)];
  outcome.stats.switches = loop.switches;
  outcome.stats.drafted_tokens = loop.drafted_tokens;
  outcome.stats.discarded_tokens = loop.discarded_tokens;
  co_return Result<void>();
}

// The attempt goes on with what is thought, where the settings say so. Nothing, or a loop, is no thinking to
// answer from: then that is the reason of the failure, and not the budget.
bool Attempt::IsClosedByBudget(Action& action, const LoopState& loop) const {
  if (!settings_.force_close || action.kind != Action::Kind::kFail ||
      action.reason != FailureReason::kThinkingNotClosed) {
    return false;
  }
  const bool blank = IsBlankText(loop.y.text);
  if (blank || EndsInLoop(loop.y.text)) {
    action.reason = blank ? FailureReason::kEmptyGeneration : FailureReason::kRepetition;
    return false;
  }
  action.kind = Action::Kind::kAnswer;
  return true;
}

std::string_view Trimmed(std::string_view text, std::string_view characters) {
  const size_t last = text.find_last_not_of(characters);
  return characters.empty() ? text : text.substr(0, last == std::string_view::npos ? 0 : last + 1);
}

// The bytes with which a model opens the thinking itself, though the prompt has opened it, or where no prompt
// does: markup, as the content's own opener is.
size_t OwnOpener(std::string_view text, std::span<const std::string_view> openers,
                 std::string_view content_open) {
  size_t end = 0;
  for (bool found = true; found;) {
    const size_t first = text.find_first_not_of(" \t\r\n", end);
    if (first == std::string_view::npos) break;
    const auto opens = [&](std::string_view opener) {
      return !opener.empty() && text.substr(first).starts_with(opener);
    };
    const auto opener = std::ranges::find_if(openers, opens);
    found = opener != openers.end();
    if (found) end = first + opener->size();
  }
  // What the content's opener ends in is there already.
  const std::string_view tail = content_open.substr(content_open.find_last_not_of(" \t\r\n") + 1);
  if (end > 0 && text.substr(end).starts_with(tail)) end += tail.size();
  return end;
}

awaitable<Result<Event>> Attempt::NextOfAnswer(Role role, const DraftRequest& request) {
  if (auto recorded = journal_.Recall(WritingStage::kAnswer, role)) {
    co_return TakeOver({.kind = Action::Kind::kDraft, .role = role, .places = {}, .kept = {}},
                       std::move(*recorded));
  }
  auto draft = co_await Generate(*sessions_[Index(role)], request);
  if (!draft) co_return tl::unexpected(draft.error());
  Event event(Drafted{std::move(*draft)});
  journal_.Add(event);
  co_return event;
}

// What servers sent past a boundary was drafted, too.
void Attempt::CountSurplus(SampleOutcome& outcome) {
  for (const auto& session : sessions_) {
    const auto surplus = session ? session->SurplusTokens() : 0;
    outcome.stats.drafted_tokens += surplus;
    outcome.stats.discarded_tokens += surplus;
    counters_.drafted += surplus;
    counters_.discarded += surplus;
  }
}

// False if nothing else was thought.
bool Attempt::DropOwnOpener(SampleOutcome& outcome) const {
  const std::string& content_open = cast_.FamilyOf(Role::kStudent).content_open;
  std::vector<std::string_view> openers{WithoutBlanksAround(content_open)};
  for (const Role role : kRoles) {
    if (settings_.method.Uses(role))
      openers.push_back(WithoutBlanksAround(cast_.FamilyOf(role).open_thinking));
  }
  outcome.own_opener_bytes = OwnOpener(outcome.thinking.text, openers, content_open);
  outcome.thinking.DropFront(outcome.own_opener_bytes);
  return outcome.own_opener_bytes == 0 || !IsBlankText(outcome.thinking.text);
}

// What stands between the thinking and the answer.
std::string HandoverOf(const Cast& cast, const SampleOutcome& outcome) {
  const std::string& handover = cast.FamilyOf(outcome.answered_by).handover;
  return outcome.closed_by_budget ? cast.FamilyOf(Role::kStudent).budget_close + handover : handover;
}

// Thinking has no place in an answer that is asked for alone, in the form of the writer's family or of the
// response's.
AnswerRules Attempt::RulesOfAnswer(Role role) const {
  const Family& family = cast_.FamilyOf(role);
  const Family& form = cast_.FamilyOf(Role::kStudent);
  AnswerRules rules{.stops = family.answer_stops, .alone = !settings_.thinks};
  for (const auto* opener : {&form.content_open, &family.content_open, &family.open_thinking}) {
    if (!IsBlankText(*opener)) rules.openers.emplace_back(WithoutBlanksAround(*opener));
  }
  for (const auto* texts :
       {&form.close_texts, &family.close_texts, &form.close_tokens, &family.close_tokens}) {
    rules.closers.insert(rules.closers.end(), texts->begin(), texts->end());
  }
  return rules;
}

awaitable<Result<void>> Attempt::Answer(SampleOutcome& outcome) {
  const Role role = settings_.method.answerer;
  outcome.answered_by = role;
  AnswerText answer(RulesOfAnswer(role), outcome.answer, outcome.stats.answer_tokens);
  CountSurplus(outcome);
  outcome.thinking.Truncate(Trimmed(outcome.thinking.text, cast_.FamilyOf(Role::kStudent).trim).size());
  readers_ = {};
  sessions_[Index(Other(role))].reset();
  Session& session = *sessions_[Index(role)];
  // Without thinking the prompt ends where the answer begins.
  session.OpenAnswer(outcome.thinking.text, settings_.thinks ? HandoverOf(cast_, outcome) : "");
  if (!DropOwnOpener(outcome)) co_return Failed(FailureReason::kEmptyGeneration);

  const uint64_t stream = StreamOf(settings_, task_, number_, WritingStage::kAnswer, role);
  const auto& stops = cast_.FamilyOf(role).answer_stops;
  while (true) {
    const auto left = static_cast<uint32_t>(settings_.answer_tokens_max - outcome.stats.answer_tokens);
    if (left == 0) co_return Failed(FailureReason::kAnswerNotFinished);
    const DraftRequest request{.tokens_max = std::min(left, kSoloDraftTokens),
                               .position = answer.Position(stream),
                               .stop_texts = stops};
    const auto event = co_await NextOfAnswer(role, request);
    if (!event && stop_) co_return Cancelled(WritingStage::kAnswer, role);
    if (!event) co_return tl::unexpected(event.error());
    const Draft& draft = std::get<Drafted>(*event).draft;
    const uint64_t before = outcome.stats.answer_tokens;
    const auto end = answer.Take(draft);
    // What ends the answer may take text back that was counted.
    const uint64_t kept = std::max(before, outcome.stats.answer_tokens) - before;
    Count(kept, kept, 0);
    tokens_ += kept;
    if (journal_.Kept(WritingStage::kAnswer, role, kept, end && *end ? SpanEnd::kFinished : SpanEnd::kOpen)) {
      ++counters_.spans;
    }
    if (stop_) co_return Cancelled(WritingStage::kAnswer, role);
    if (!end) co_return Failed(end.error());
    if (*end) co_return Result<void>();
    if (draft.context_full) co_return Failed(FailureReason::kContextFull);
    if (draft.tokens.empty()) co_return Failed(FailureReason::kEmptyGeneration);
  }
}

awaitable<Result<void>> Attempt::Run(SampleOutcome& outcome) {
  if (auto opened = Open(); !opened) co_return tl::unexpected(opened.error());
  outcome.thinks = settings_.thinks;
  if (settings_.thinks) {
    auto thought = co_await Think(outcome);
    if (!thought) co_return thought;
  }
  auto answered = co_await Answer(outcome);
  if (!answered) text_ = WrittenText(cast_, outcome);
  co_return answered;
}

WritingKey KeyOf(const SampleTask& task, const Method& method) {
  WritingKey key{.sample = {.question_id = task.question->id, .sample = task.sample},
                 .candidate = task.candidate};
  if (method.thinker && *method.thinker == method.answerer) {
    key.writer = method.answerer == Role::kStudent ? Writer::kStudent : Writer::kTeacher;
  }
  return key;
}

}  // namespace

std::string WrittenText(const Cast& cast, const SampleOutcome& outcome) {
  return outcome.thinking.text + (outcome.thinks ? HandoverOf(cast, outcome) : "") + outcome.answer;
}

awaitable<SampleOutcome> RunSample(Cast& cast, const SampleSettings& settings, const SampleTask& task,
                                   RunCounters& counters, const std::atomic<bool>& stop, RunStore* store) {
  SampleOutcome outcome;
  const WritingKey key = KeyOf(task, settings.method);
  WritingRecord recorded;
  if (store != nullptr) {
    auto there = store->Recall(key);
    outcome.cancelled = !there;  // the store has the reason
    if (!there) co_return outcome;
    recorded = std::move(*there);
  }
  for (const AttemptRecord& failed : recorded.failed) {
    ++outcome.stats.attempts;
    outcome.failures.push_back(failed.reason);
    outcome.stats.failed_attempts_tokens += failed.tokens;
    outcome.failed_text = failed.text;
    if (!failed.retryable) co_return outcome;
  }
  while (outcome.stats.attempts <= settings.retries_max) {
    const auto number = static_cast<uint32_t>(outcome.stats.attempts);
    AttemptJournal journal(store, key, number, std::exchange(recorded.spans, {}));
    if (journal.spoilt()) {
      store->ForgetSpans(key);
      continue;
    }
    Attempt attempt({cast, settings, task, counters, stop}, number, journal);
    const auto result = co_await attempt.Run(outcome);
    if (journal.spoilt()) {  // recorded by a program that decided otherwise: begin again
      store->ForgetSpans(key);
      continue;
    }
    ++outcome.stats.attempts;
    outcome.done = result.has_value();
    counters.written += outcome.done ? 1 : 0;
    if (outcome.done) co_return outcome;
    if (result.error().code == ErrorCode::kUnavailable) outcome.lost = result.error();
    outcome.cancelled = outcome.lost || result.error().code == ErrorCode::kCancelled;
    if (outcome.cancelled) co_return outcome;
    const Error& error = result.error();
    outcome.failures.push_back(error.message);
    const auto reason = ReasonNamed(error.message).value_or(FailureReason::kBackendError);
    ++counters.failed_attempts[reason];
    const bool retryable = error.retryable && (!settings.greedy || reason == FailureReason::kBackendError);
    outcome.refused = error.code == ErrorCode::kRefused;
    outcome.stats.failed_attempts_tokens += attempt.tokens();
    outcome.failed_text = attempt.TakeText();
    // A refusal is not on record as an attempt: the same sample may be taken by another server, or under
    // other settings.
    if (store != nullptr && !outcome.refused) {
      store->FailAttempt(key, {.number = number,
                               .reason = error.message,
                               .tokens = attempt.tokens(),
                               .retryable = retryable,
                               .text = outcome.failed_text});
    }
    if (!retryable) co_return outcome;
  }
  co_return outcome;
}

}  // namespace tessy
