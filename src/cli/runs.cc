#include "cli/commands.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/numbers.h"
#include "base/visible.h"
#include "job/run_catalogue.h"

namespace tessy {
namespace {

struct RunsFlags {
  std::vector<std::string> folders;
  std::string run;
  bool json = false;
};

constexpr const char* kRow = "{:<11}  {:>9}  {:>7}  {:>9}  {:>14}  {:<17}  {:<20}  {}\n";

std::string Percent(double share) { return fmt::format("{:.1f} %", 100.0 * share); }

std::string ListRow(const CataloguedRun& run) {
  const RunSummary& summary = run.summary;
  return fmt::format(kRow, Name(run.state), WithThousands(summary.done), WithThousands(summary.failed),
                     WithThousands(summary.samples), WithThousands(run.tokens()), VisibleLine(run.method),
                     summary.sessions.empty() ? "–" : FormatTime(run.last_activity_ms()),
                     VisibleLine(run.out.empty() ? run.folder : run.out));
}

// "repetition 3, thinking_not_closed 1"; most frequent first.
std::string Counts(const std::map<std::string, uint64_t>& counts) {
  std::vector<std::pair<std::string, uint64_t>> sorted(counts.begin(), counts.end());
  std::ranges::stable_sort(sorted, std::greater(), [](const auto& count) { return count.second; });
  std::vector<std::string> parts;
  for (const auto& [what, count] : sorted) parts.push_back(fmt::format("{} {}", what, WithThousands(count)));
  return fmt::format("{}", fmt::join(parts, ", "));
}

std::string DescribeSession(const SessionRecord& session, bool is_under_way) {
  const double seconds = static_cast<double>(session.last_ms - session.started_ms) / 1000.0;
  std::string ended = is_under_way ? "running" : "killed";
  if (!session.ended.empty()) ended = session.ended;
  std::string text = fmt::format("{}, {}, {}: {}", FormatTime(session.started_ms),
                                 Duration(std::max(0.0, seconds)), ended, Counted(session.tokens, "token"));
  if (session.recalled_tokens > 0) {
    text += fmt::format(", {} taken over", WithThousands(session.recalled_tokens));
  }
  return text;
}

class Lines {
 public:
  void Add(std::string_view what, const std::string& value) {
    if (!value.empty()) text_ += fmt::format("{:<18} {}\n", what, VisibleLine(value));
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

void AddFigures(Lines& lines, const CataloguedRun& run) {
  const RunSummary& s = run.summary;
  lines.Add("samples",
            fmt::format("{} of {} done, {} failed, {} under way", WithThousands(s.done),
                        WithThousands(s.samples), WithThousands(s.failed), WithThousands(s.unfinished)));
  lines.Add("tokens", fmt::format("{}: thinking {} by the student, {} by the teacher ({}); answers {}",
                                  WithThousands(run.tokens()), WithThousands(s.stats.student_tokens),
                                  WithThousands(s.stats.teacher_tokens), Percent(run.teacher_share()),
                                  WithThousands(s.stats.answer_tokens)));
  lines.Add("switches", WithThousands(s.stats.switches));
  lines.Add("closed by", Counts(s.closed_by));
  lines.Add("attempts", fmt::format("{} for what is done; {} tokens in vain", WithThousands(s.stats.attempts),
                                    WithThousands(s.stats.failed_attempts_tokens)));
  lines.Add("failed attempts", Counts(s.failed_attempts));
  lines.Add("failed for good", Counts(s.failures));
  lines.Add("rates", fmt::format("{:.0f} tokens/s, {:.0f} samples/h, in {} of work", s.tokens_per_second(),
                                 s.samples_per_hour(), Duration(s.seconds)));
  lines.Add("drafted", fmt::format("{} tokens, {} discarded", WithThousands(s.drafted_tokens),
                                   Percent(s.discarded_share())));
}

std::string ForPeople(const CataloguedRun& run) {
  const RunSummary& s = run.summary;
  Lines lines;
  lines.Add("responses", run.out);
  lines.Add("run", run.folder);
  lines.Add("state", std::string(Name(run.state)));
  lines.Add("method", run.method);
  AddFigures(lines, run);
  for (const RecordedModel& model : run.models) {
    std::string name = model.role;
    std::ranges::replace(name, '_', ' ');
    lines.Add(name, model.text);
  }
  for (size_t i = 0; i < s.sessions.size(); ++i) {
    const bool is_under_way = run.state == RunState::kRunning && i + 1 == s.sessions.size();
    lines.Add(fmt::format("session {}", i + 1), DescribeSession(s.sessions[i], is_under_way));
  }
  const auto changes = s.Changes();
  for (size_t i = 0; i < changes.size(); ++i) {
    lines.Add("settings changed",
              fmt::format("{}: {}", FormatTime(s.configurations[i + 1].at_ms), changes[i]));
  }
  return lines.text();
}

Status List(RunsFlags flags) {
  if (flags.folders.empty()) flags.folders.emplace_back(".");
  const auto catalogue = FindRuns(flags.folders);
  if (!catalogue) return tl::unexpected(catalogue.error());
  // A run that cannot be read does not hide the others.
  for (const Error& error : catalogue->unreadable) ReportError(error);
  if (flags.json) return WriteOutput(ToJson(catalogue->runs));
  std::string text =
      fmt::format(kRow, "state", "done", "failed", "of", "tokens", "method", "last activity", "responses");
  for (const CataloguedRun& run : catalogue->runs) text += ListRow(run);
  return WriteOutput(text);
}

Status ShowRun(const RunsFlags& flags) {
  const auto folder = FindRun(flags.run);
  if (!folder) return tl::unexpected(folder.error());
  const auto run = ReadRun(*folder);
  if (!run) return tl::unexpected(run.error());
  return WriteOutput(flags.json ? ToJson(*run) : ForPeople(*run));
}

}  // namespace

void AddRunsCommand(CLI::App& app, CommandContext& context) {
  auto flags = std::make_shared<RunsFlags>();
  CLI::App* command = app.add_subcommand("runs", "which runs there are, and how far each has come");
  command->footer("Examples:\n  tessy runs data\n  tessy runs show data/responses.jsonl --json");
  command->add_option("DIR", flags->folders, "where to look, three folders deep (default: here)")
      ->option_text(" ");
  command->add_flag("--json", flags->json, "as JSON")->option_text(" ");
  CLI::App* show = command->add_subcommand("show", "one run: counts, rates, failures, models, sessions");
  show->footer("Example:\n  tessy runs show responses.jsonl");
  show->add_option("RUN", flags->run, "its responses, or its folder")->option_text(" ")->required();
  show->add_flag("--json", flags->json, "as JSON")->option_text(" ");
  show->callback([flags, &context] { Finish(context, ShowRun(*flags)); });
  command->callback([command, flags, &context] {
    if (command->get_subcommands().empty()) Finish(context, List(*flags));
  });
}

}  // namespace tessy
