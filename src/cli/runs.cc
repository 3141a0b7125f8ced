#include "cli/runs.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/numbers.h"
#include "base/visible.h"
#include "store/append_file.h"
#include "store/open_run_store.h"
#include "store/run_summary.h"

namespace tessy {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr const char* kFolderEnding = ".run";
constexpr int kDepthMax = 3;

struct RunsFlags {
  std::vector<std::string> folders;
  std::string run;
  bool json = false;
};

struct FoundRun {
  std::string folder;
  std::string out;  // its responses; empty where they are elsewhere (--run and --out together)
  RunSummary summary;
  std::string state;
};

// ---- Finding.

// The responses of a run whose folder is this: OUT of OUT.run; otherwise what --run alone makes. Empty where
// there are none.
std::string OutputOf(const std::string& folder) {
  const std::string out = folder.ends_with(kFolderEnding)
                              ? folder.substr(0, folder.size() - std::strlen(kFolderEnding))
                              : folder + "/responses.jsonl";
  std::error_code ignored;
  return fs::exists(out, ignored) ? out : "";
}

Result<FoundRun> ReadRun(const std::string& folder) {
  auto store = OpenRunStoreToRead(RunStoreIn(folder));
  if (!store) return tl::unexpected(store.error());
  auto summary = Summarize(**store);
  if (!summary) return tl::unexpected(summary.error());
  FoundRun run{
      .folder = folder, .out = OutputOf(folder), .summary = std::move(*summary), .state = "interrupted"};
  if (run.summary.finished()) run.state = "finished";
  if (IsBeingWritten(folder + "/failures.jsonl")) run.state = "running";
  return run;
}

bool HoldsRun(const fs::path& folder) {
  std::error_code ignored;
  return fs::is_regular_file(folder / kRunStoreFile, ignored);
}

// Folders that cannot be read are passed over, links not followed.
void FindFolders(const fs::path& folder, int depth, std::vector<std::string>& found) {
  if (HoldsRun(folder)) found.push_back(folder.lexically_normal().string());
  if (depth == kDepthMax) return;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    if (entry.is_directory(ignored) && !entry.is_symlink(ignored))
      FindFolders(entry.path(), depth + 1, found);
  }
}

// OUT or its folder.
Result<std::string> FolderOf(std::string name) {
  while (name.size() > 1 && name.ends_with('/')) name.pop_back();
  if (HoldsRun(name)) return name;
  if (HoldsRun(name + kFolderEnding)) return name + kFolderEnding;
  return Fail(ErrorCode::kNotFound,
              fmt::format("{}: no run is recorded there: neither {}{}/{} nor {}/{} is there", name, name,
                          kFolderEnding, kRunStoreFile, name, kRunStoreFile));
}

// ---- What to say.

std::string Time(int64_t milliseconds) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(static_cast<std::time_t>(milliseconds / 1000)));
}

std::string Percent(double share) { return fmt::format("{:.1f} %", 100.0 * share); }

Json Settings(const RunSummary& summary) {
  if (summary.configurations.empty()) return Json::object();
  Json settings = Json::parse(summary.configurations.back().json, nullptr, false);
  return settings.is_object() ? settings : Json::object();
}

std::string MethodOf(const RunSummary& summary) {
  const Json settings = Settings(summary);
  return settings.contains("method") && settings["method"].is_string() ? settings["method"].get<std::string>()
                                                                       : "?";
}

// As the settings name them: file and fingerprint, or a server's address.
Json ModelsOf(const RunSummary& summary) {
  const Json settings = Settings(summary);
  Json models = Json::object();
  for (const char* role : {"student", "teacher", "student_boundary", "teacher_boundary"}) {
    if (settings.contains(role)) models[role] = settings[role];
  }
  return models;
}

uint64_t TokensOf(const RunSummary& summary) {
  return summary.thinking_tokens[0] + summary.thinking_tokens[1] + summary.answer_tokens;
}

int64_t LastActivity(const RunSummary& summary) {
  return summary.sessions.empty() ? 0 : summary.sessions.back().last_ms;
}

Json Brief(const FoundRun& run) {
  const RunSummary& summary = run.summary;
  return {{"out", run.out.empty() ? Json() : Json(run.out)},
          {"run", run.folder},
          {"method", MethodOf(summary)},
          {"state", run.state},
          {"samples", summary.samples},
          {"done", summary.done},
          {"failed", summary.failed},
          {"tokens", TokensOf(summary)},
          {"last_activity", summary.sessions.empty() ? Json() : Json(Time(LastActivity(summary)))}};
}

Json Full(const FoundRun& run) {
  const RunSummary& summary = run.summary;
  Json json = Brief(run);
  json["unfinished"] = summary.unfinished;
  json["student_tokens"] = summary.thinking_tokens[Index(Role::kStudent)];
  json["teacher_tokens"] = summary.thinking_tokens[Index(Role::kTeacher)];
  json["answer_tokens"] = summary.answer_tokens;
  json["switches"] = summary.switches;
  json["closed_by"] = summary.closed_by;
  json["attempts"] = summary.attempts;
  json["wrong_candidates"] = summary.wrong_candidates;
  json["failed_attempts_tokens"] = summary.failed_attempts_tokens;
  json["failures"] = summary.failures;
  json["failed_attempts"] = summary.failed_attempts;
  json["generated"] = {{"tokens", summary.tokens},
                       {"drafted_tokens", summary.drafted_tokens},
                       {"discarded_tokens", summary.discarded_tokens},
                       {"recalled_tokens", summary.recalled_tokens},
                       {"spans", summary.spans},
                       {"seconds", summary.seconds},
                       {"tokens_per_second", summary.tokens_per_second()},
                       {"samples_per_hour", summary.samples_per_hour()}};
  json["models"] = ModelsOf(summary);
  json["sessions"] = Json::array();
  for (const SessionRecord& session : summary.sessions) {
    json["sessions"].push_back({{"started", Time(session.started_ms)},
                                {"last", Time(session.last_ms)},
                                {"ended", session.ended.empty() ? Json() : Json(session.ended)},
                                {"tokens", session.tokens},
                                {"recalled_tokens", session.recalled_tokens},
                                {"spans", session.spans}});
  }
  json["configurations"] = Json::array();
  for (const ConfigurationRecord& configuration : summary.configurations) {
    json["configurations"].push_back({{"since", Time(configuration.at_ms)},
                                      {"settings", Json::parse(configuration.json, nullptr, false)}});
  }
  return json;
}

std::string Dump(const Json& json) { return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n"; }

std::string ListRow(const FoundRun& run) {
  const RunSummary& summary = run.summary;
  return fmt::format(
      "{:<11}  {:>9}  {:>7}  {:>9}  {:>14}  {:<17}  {:<20}  {}\n", run.state, WithThousands(summary.done),
      WithThousands(summary.failed), WithThousands(summary.samples), WithThousands(TokensOf(summary)),
      VisibleLine(MethodOf(summary)), summary.sessions.empty() ? "–" : Time(LastActivity(summary)),
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

std::string DescribeModel(const Json& model) {
  if (model.is_string()) return model.get<std::string>();
  if (!model.is_object()) return "?";
  if (model.contains("server") && model["server"].is_string()) return model["server"].get<std::string>();
  const auto text = [&model](const char* key) {
    return model.contains(key) && model[key].is_string() ? model[key].get<std::string>() : std::string("?");
  };
  return fmt::format("{}, fingerprint {}", text("file"), text("fingerprint"));
}

std::string DescribeSession(const SessionRecord& session, bool is_under_way) {
  const double seconds = static_cast<double>(session.last_ms - session.started_ms) / 1000.0;
  std::string ended = is_under_way ? "running" : "killed";
  if (!session.ended.empty()) ended = session.ended;
  std::string text = fmt::format("{}, {}, {}: {}", Time(session.started_ms), Duration(std::max(0.0, seconds)),
                                 ended, Counted(session.tokens, "token"));
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

std::string ForPeople(const FoundRun& run) {
  const RunSummary& s = run.summary;
  Lines lines;
  lines.Add("responses", run.out);
  lines.Add("run", run.folder);
  lines.Add("state", run.state);
  lines.Add("method", MethodOf(s));
  lines.Add("samples",
            fmt::format("{} of {} done, {} failed, {} under way", WithThousands(s.done),
                        WithThousands(s.samples), WithThousands(s.failed), WithThousands(s.unfinished)));
  const uint64_t thinking = s.thinking_tokens[0] + s.thinking_tokens[1];
  lines.Add("tokens", fmt::format("{}: thinking {} by the student, {} by the teacher ({}); answers {}",
                                  WithThousands(TokensOf(s)), WithThousands(s.thinking_tokens[0]),
                                  WithThousands(s.thinking_tokens[1]),
                                  Percent(thinking == 0 ? 0.0
                                                        : static_cast<double>(s.thinking_tokens[1]) /
                                                              static_cast<double>(thinking)),
                                  WithThousands(s.answer_tokens)));
  lines.Add("switches", WithThousands(s.switches));
  lines.Add("closed by", Counts(s.closed_by));
  lines.Add("attempts", fmt::format("{} for what is done; {} tokens in vain", WithThousands(s.attempts),
                                    WithThousands(s.failed_attempts_tokens)));
  lines.Add("failed attempts", Counts(s.failed_attempts));
  lines.Add("failed for good", Counts(s.failures));
  lines.Add("rates", fmt::format("{:.0f} tokens/s, {:.0f} samples/h, in {} of work", s.tokens_per_second(),
                                 s.samples_per_hour(), Duration(s.seconds)));
  lines.Add("drafted", fmt::format("{} tokens, {} discarded", WithThousands(s.drafted_tokens),
                                   Percent(s.discarded_share())));
  const Json models = ModelsOf(s);
  for (const auto& [role, model] : models.items()) {
    std::string name = role;
    std::ranges::replace(name, '_', ' ');
    lines.Add(name, DescribeModel(model));
  }
  for (size_t i = 0; i < s.sessions.size(); ++i) {
    const bool is_under_way = run.state == "running" && i + 1 == s.sessions.size();
    lines.Add(fmt::format("session {}", i + 1), DescribeSession(s.sessions[i], is_under_way));
  }
  const auto changes = s.Changes();
  for (size_t i = 0; i < changes.size(); ++i) {
    lines.Add("settings changed", fmt::format("{}: {}", Time(s.configurations[i + 1].at_ms), changes[i]));
  }
  return lines.text();
}

// ---- The commands.

// A run that cannot be read does not hide the others.
Status List(RunsFlags flags) {
  if (flags.folders.empty()) flags.folders.emplace_back(".");
  std::vector<std::string> folders;
  for (const std::string& folder : flags.folders) {
    std::error_code ignored;
    if (!fs::is_directory(folder, ignored)) {
      return Fail(ErrorCode::kNotFound,
                  fmt::format("{}: is no folder; tessy runs show {} looks at one run", folder, folder));
    }
    FindFolders(folder, 0, folders);
  }
  std::ranges::sort(folders);
  folders.erase(std::unique(folders.begin(), folders.end()), folders.end());
  std::vector<FoundRun> runs;
  for (const std::string& folder : folders) {
    auto run = ReadRun(folder);
    if (!run) ReportError(run.error());
    if (run) runs.push_back(std::move(*run));
  }
  std::ranges::stable_sort(runs, std::greater(),
                           [](const FoundRun& run) { return LastActivity(run.summary); });
  if (flags.json) {
    Json json = Json::array();
    for (const FoundRun& run : runs) json.push_back(Brief(run));
    return WriteOutput(Dump(json));
  }
  std::string text = fmt::format("{:<11}  {:>9}  {:>7}  {:>9}  {:>14}  {:<17}  {:<20}  {}\n", "state", "done",
                                 "failed", "of", "tokens", "method", "last activity", "responses");
  for (const FoundRun& run : runs) text += ListRow(run);
  return WriteOutput(text);
}

Status ShowRun(const RunsFlags& flags) {
  const auto folder = FolderOf(flags.run);
  if (!folder) return tl::unexpected(folder.error());
  const auto run = ReadRun(*folder);
  if (!run) return tl::unexpected(run.error());
  return WriteOutput(flags.json ? Dump(Full(*run)) : ForPeople(*run));
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
