#include "eval/program_judging.h"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <unordered_map>

#include "base/json_depth.h"
#include "base/machine.h"
#include "base/sha256.h"
#include "dataset/response.h"
#include "eval/benchmark_judge.h"
#include "judge/code_extraction.h"
#include "judge/code_judge.h"
#include "judge/code_tests.h"
#include "judge/compiler.h"
#include "judge/program_runner.h"
#include "judge/verdict.h"
#include "store/append_file.h"

namespace tessy {
namespace {

using Json = nlohmann::ordered_json;

// The calls that other threads post, run by the one that waits for them.
class Calls {
 public:
  void Post(std::function<void()> call) {
    {
      const std::lock_guard lock(mutex_);
      calls_.push_back(std::move(call));
    }
    there_.notify_one();
  }
  // Runs one; waits for it.
  void RunOne() {
    std::unique_lock lock(mutex_);
    there_.wait(lock, [this] { return !calls_.empty(); });
    const auto call = std::move(calls_.front());
    calls_.pop_front();
    lock.unlock();
    call();
  }

 private:
  std::mutex mutex_;
  std::condition_variable there_;
  std::deque<std::function<void()>> calls_;
};

// What makes one judgement another one: all that the verdict follows from.
std::string KeyOf(const CodeTask& task, const std::string& tests_digest, const std::string& level,
                  const std::string& runs_it) {
  Sha256 sum;
  sum.Add(fmt::format("{}\n{}\n{}\n{}\n{}\n{}\n{}\n{}\n", level, static_cast<int>(task.language), runs_it,
                      static_cast<int>(task.rule), task.limits.cpu.count(), task.limits.memory,
                      task.limits.output, tests_digest));
  sum.Add(task.code);
  return sum.Finish();
}

std::string DigestOf(const CodeTests& tests) {
  Sha256 sum;
  sum.Add(tests.function);
  for (const CodeTest& test : tests.tests) {
    sum.Add(fmt::format("\n{} {}\n", test.input.size(), test.expected.size()));
    sum.Add(test.input);
    sum.Add(test.expected);
  }
  return sum.Finish();
}

std::string RecordLine(const std::string& key, const ProgramOutcome& verdict) {
  const Json json{{"key", key}, {"verdict", verdict.letters}, {"reason", verdict.reason}};
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

// The verdicts of earlier runs, and the file to which new ones are added.
class Record {
 public:
  static Result<Record> Open(const std::string& path) {
    Record record;
    if (path.empty()) return record;
    auto file = AppendFile::Open(path);
    if (!file) return tl::unexpected(file.error());
    if (auto repaired = file->RepairTail(); !repaired) return tl::unexpected(repaired.error());
    const auto read = file->ForEachLine([&](std::string_view line, size_t number) -> Status {
      const auto json = ParseBounded<Json>(line);
      const bool whole = json.is_object() && json.contains("key") && json["key"].is_string() &&
                         json.contains("verdict") && json["verdict"].is_string();
      if (!whole) {
        return Fail(ErrorCode::kInvalidData,
                    fmt::format("{}:{}: is no verdict on a program; remove the file to judge "
                                "all programs anew",
                                path, number));
      }
      record.known_[json["key"].get<std::string>()] = {.letters = json["verdict"],
                                                       .reason = json.value("reason", "")};
      return {};
    });
    if (!read) return tl::unexpected(read.error());
    record.file_ = std::move(*file);
    return record;
  }

  const ProgramOutcome* Find(const std::string& key) const {
    const auto known = known_.find(key);
    return known == known_.end() ? nullptr : &known->second;
  }
  Status Add(const std::string& key, const ProgramOutcome& verdict) {
    return file_ ? file_->Append(RecordLine(key, verdict)) : Status();
  }

 private:
  std::unordered_map<std::string, ProgramOutcome> known_;
  std::optional<AppendFile> file_;
};

struct Program {
  uint32_t sample = 0;
  std::string code;
};
using Programs = std::unordered_map<std::string, std::vector<Program>>;  // by the id of the problem

Result<Programs> ProgramsOf(const Benchmark& benchmark, const std::vector<BenchmarkProblem>& problems,
                            const std::string& responses, uint32_t samples) {
  Programs programs;
  for (const BenchmarkProblem& problem : problems)
    programs.emplace(problem.question.id, std::vector<Program>());
  auto read = ForEachResponse(responses, [&](const Response& response) -> Status {
    const auto of_problem = programs.find(response.question_id);
    const auto text = JudgedText(response);
    if (of_problem == programs.end() || response.sample >= samples || !text) return {};
    std::string code = CodeIn(*text, benchmark.program.rule);
    if (!code.empty()) of_problem->second.push_back({response.sample, std::move(code)});
    return {};
  });
  if (!read) return tl::unexpected(read.error());
  return programs;
}

RunnerOptions RunnerOf(const ProgramJudgingOptions& options) {
  RunnerOptions runner;
  runner.cache_folder = CompilerCacheFolder();
  if (!options.level.empty()) runner.box.level = SandboxLevelOf(options.level);
  if (!options.python.empty()) runner.python = options.python;
  return runner;
}

Language LanguageOf(BenchmarkPrograms::Language language) {
  using From = BenchmarkPrograms::Language;
  return language == From::kCpp    ? Language::kCpp
         : language == From::kPyPy ? Language::kPyPy
                                   : Language::kPython;
}

// The interpreter or compiler of the language.
std::string RunsIt(const RunnerOptions& runner, Language language) {
  return language == Language::kCpp    ? runner.compiler
         : language == Language::kPyPy ? runner.pypy
                                       : runner.python;
}

// Gives programs to the pool, not many more than it runs, and takes the verdicts.
class Judging {
 public:
  Judging(const Benchmark& benchmark, const ProgramJudgingOptions& options, Record record, std::string level)
      : benchmark_(benchmark),
        record_(std::move(record)),
        runs_it_(RunsIt(RunnerOf(options), LanguageOf(benchmark.program.language))),
        pool_(RunnerOf(options), options.workers, [this](auto call) { calls_.Post(std::move(call)); }) {
    result_.level = std::move(level);
  }

  Status Judge(size_t problem, const CodeTests& tests, std::vector<Program> programs) {
    const std::string digest = DigestOf(tests);
    for (Program& program : programs) {
      CodeTask task{.code = std::move(program.code),
                    .language = LanguageOf(benchmark_.program.language),
                    .tests = {},  // below: they may be large, and the key has their digest
                    .limits = {.cpu = std::chrono::seconds(benchmark_.program.seconds),
                               .memory = benchmark_.program.memory_mib << 20},
                    .rule = benchmark_.program.compare};
      const std::string key = KeyOf(task, digest, result_.level, runs_it_);
      if (const ProgramOutcome* known = record_.Find(key)) {
        Take({problem, program.sample}, *known);
        continue;
      }
      if (auto status = WaitUntilFewerThan(2 * static_cast<uint64_t>(ProcessorsAvailable())); !status)
        return status;
      task.tests = tests;
      ++under_way_;
      pool_.Run(std::move(task), [this, key,
                                  place = std::pair(problem, program.sample)](Result<CodeVerdict> verdict) {
        --under_way_;
        if (!verdict) return Keep(tl::unexpected(verdict.error()));
        ProgramOutcome told{.letters = std::string(LettersOf(verdict->verdict)), .reason = verdict->reason};
        Keep(record_.Add(key, told));
        Take(place, std::move(told));
      });
    }
    return {};
  }

  Result<ProgramVerdicts> Finish() {
    if (auto status = WaitUntilFewerThan(1); !status) return tl::unexpected(status.error());
    return std::move(result_);
  }

 private:
  // The first failure counts.
  void Keep(Status status) {
    if (status_ && !status) status_ = std::move(status);
  }
  void Take(std::pair<size_t, uint32_t> place, ProgramOutcome verdict) {
    result_.verdicts[place] = std::move(verdict);
  }
  Status WaitUntilFewerThan(uint64_t count) {
    while (under_way_ >= count && status_) calls_.RunOne();
    return status_;
  }

  const Benchmark& benchmark_;
  Record record_;
  const std::string runs_it_;
  ProgramVerdicts result_;
  Status status_ = {};
  uint64_t under_way_ = 0;
  Calls calls_;
  CodePool pool_;  // the last: its threads use what stands above
};

}  // namespace

Result<std::string> LevelOfSandbox(const ProgramJudgingOptions& options) {
  FairMutex beside;
  const auto level = ProgramRunner(RunnerOf(options), beside).Level();
  if (!level) return tl::unexpected(level.error());
  return std::string(NameOf(*level));
}

Status CheckLanguage(const Benchmark& benchmark, const ProgramJudgingOptions& options) {
  const Language language = LanguageOf(benchmark.program.language);
  const std::string runs_it = RunsIt(RunnerOf(options), language);
  if (access(runs_it.c_str(), X_OK) == 0) return {};
  const bool is_python = language == Language::kPython;
  const char* const package = language == Language::kCpp ? "g++" : is_python ? "python3" : "pypy3";
  return Fail(ErrorCode::kNotFound,
              fmt::format("{}{} is no program that can be run, and {} needs it: sudo apt-get install {}",
                          is_python && !options.python.empty() ? "--python: " : "", runs_it, benchmark.name,
                          package));
}

Result<ProgramVerdicts> JudgePrograms(const Benchmark& benchmark, const PromptStyle& style,
                                      const std::string& data, const BenchmarkSelection& selection,
                                      const std::vector<BenchmarkProblem>& problems,
                                      const std::string& responses, uint32_t samples,
                                      const ProgramJudgingOptions& options) {
  auto level = LevelOfSandbox(options);
  if (!level) return tl::unexpected(level.error());
  auto programs = ProgramsOf(benchmark, problems, responses, samples);
  if (!programs) return tl::unexpected(programs.error());
  auto record = Record::Open(options.record);
  if (!record) return tl::unexpected(record.error());
  // All workers' boxes are of the level that the record names.
  ProgramJudgingOptions of_level = options;
  of_level.level = *level;
  Judging judging(benchmark, of_level, *std::move(record), *std::move(level));
  size_t index = 0;
  const auto judge_row = [&](const BenchmarkProblem& problem, std::string_view row,
                             const std::string& where) -> Status {
    const size_t place = index++;
    std::vector<Program> of_problem = std::move((*programs)[problem.question.id]);
    if (of_problem.empty()) return {};
    const auto tests = CodeTestsOf(row);
    if (!tests) return Fail(tests.error().code, where + ": " + tests.error().message);
    return judging.Judge(place, *tests, std::move(of_problem));
  };
  const auto judged = ForEachRow(benchmark, style, data, selection, judge_row);
  if (!judged) return tl::unexpected(judged.error());
  return judging.Finish();
}

SampleJudge JudgeOf(const Benchmark& benchmark, const ProgramVerdicts& verdicts) {
  return [&benchmark, &verdicts](size_t question, const Response& response) {
    SampleVerdict verdict;
    verdict.tokens = response.stats.tokens();
    const auto text = JudgedText(response);
    verdict.reason = "truncated";
    if (!text) return verdict;
    verdict.extracted = CodeIn(*text, benchmark.program.rule);
    verdict.reason = "no code";
    const auto judged = verdicts.verdicts.find({question, response.sample});
    if (judged == verdicts.verdicts.end()) return verdict;
    const ProgramOutcome& code = judged->second;
    verdict.right = code.letters == "AC";
    verdict.reason = verdict.right ? "right" : code.letters;
    verdict.detail = code.reason;
    return verdict;
  };
}

}  // namespace tessy
