#include "served_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <list>

#include "base/utf8.h"
#include "program.h"

namespace tessy {
namespace {

namespace asio = boost::asio;

ServerModelOptions ServerOptions(const ServedRunOptions& options, Role role) {
  ServerModelOptions server;
  for (const ScriptedServer* replica : options.servers[Index(role)])
    server.addresses.push_back(*ServerAddress::Parse(replica->spec()));
  server.family = "qwen3";
  server.vocabulary = options.vocabularies[Index(role)];
  server.retries_max = options.request_retries_max;
  server.streams = options.streams;
  server.stream_tokens = 400;
  server.first_token_ms = options.token_ms * kSlowness;
  server.token_ms = options.token_ms * kSlowness;
  server.retry_pause_ms = 1;
  server.retry_pause_max_ms = 20;
  server.check_pause_ms = 2;
  server.patience_ms = options.patience_ms * kSlowness;
  return server;
}

TaskSettings Settings(const ServedRunOptions& options) {
  TaskSettings settings;
  settings.sample.seed = options.seed;
  settings.sample.draft_tokens = options.draft_tokens;
  settings.sample.thinking_tokens_max = 2000;
  settings.sample.answer_tokens_max = 200;
  settings.sample.retries_max = options.attempts_more;
  return settings;
}

}  // namespace

std::string QuestionText(size_t number) {
  return fmt::format("Question {}: how much is it, {} times over?", number, number * number + 1);
}

Result<ServedRunResult> RunServed(const ServedRunOptions& options) {
  asio::io_context io{1};
  CastOptions cast_options;
  cast_options.boundaries = {"lexicon", "lexicon"};
  cast_options.concurrency = options.concurrency;
  for (const Role role : kRoles) cast_options.servers[Index(role)] = ServerOptions(options, role);
  auto cast = ModelCast::Load(cast_options, DrivenBy(io));
  if (!cast) return tl::unexpected(cast.error());
  std::deque<SampleTask> tasks;
  for (size_t i = 0; i < options.questions; ++i) {
    Question question;
    question.id = fmt::format("q{}", i);
    question.messages = {{.role = "user", .content = QuestionText(i)}};
    tasks.push_back({.question = std::make_shared<const Question>(std::move(question)), .number = i});
  }
  std::list<asio::steady_timer> timers;
  for (const auto& event : options.events) {
    timers.emplace_back(io, std::chrono::milliseconds(event.first));
    timers.back().async_wait([&event](const boost::system::error_code& error) {
      if (!error) event.second();
    });
  }
  ServedRunResult result;
  const auto settings = Settings(options);
  result.run =
      RunAll(io, **cast, settings, tasks, {.concurrency = options.concurrency, .stop_on_signals = false},
             {.finished = [&](const SampleTask& task, const SampleOutcome& outcome, uint64_t) -> Status {
                if (options.finished) {
                  options.finished(task, outcome);
                } else {
                  result.outcomes[task.question->id].push_back(outcome);
                }
                return {};
              },
              .progress = {}});
  timers.clear();
  const auto parts = (*cast)->Counts();
  for (const Role role : kRoles) {
    result.counts[Index(role)] = std::get<PartCounts::Served>(parts[Index(role)].counts).counts;
  }
  cast->reset();
  io.restart();
  io.poll();
  return result;
}

std::string BrokenInvariant(const SampleOutcome& outcome) {
  const Trace& thinking = outcome.thinking;
  std::array<uint64_t, 2> tokens{};
  size_t at = 0;
  for (const Span& span : thinking.spans) {
    const bool first = &span == &thinking.spans.front();
    if (span.begin != at || span.end <= span.begin)
      return fmt::format("span {}–{} does not follow {}", span.begin, span.end, at);
    if (first && span.role != Role::kStudent) return "the teacher begins";
    if (!first && span.role == (&span - 1)->role) return fmt::format("two spans of one role meet at {}", at);
    if ((span.kind == SpanKind::kStyle) != (span.role == Role::kStudent)) return "a kind of the other role";
    if (IncompleteTail(std::string_view(thinking.text).substr(0, span.end)) > 0)
      return fmt::format("a cut inside a character at {}", span.end);
    tokens[Index(span.role)] += span.tokens;
    at = span.end;
  }
  if (at != thinking.text.size()) return fmt::format("spans end at {} of {}", at, thinking.text.size());
  if (!IsValidUtf8(thinking.text) || !IsValidUtf8(outcome.answer)) return "text that is no UTF-8";
  if (thinking.text.find("</think>") != std::string::npos ||
      outcome.answer.find("</think>") != std::string::npos)
    return "a marker in the text";
  if (IsBlankText(outcome.answer)) return "no answer";
  for (const Role role : kRoles) {
    if (tokens[Index(role)] > outcome.stats.thinking_tokens(role))
      return fmt::format("{} tokens of the {} in spans, {} counted", tokens[Index(role)], Name(role),
                         outcome.stats.thinking_tokens(role));
  }
  return "";
}

}  // namespace tessy
