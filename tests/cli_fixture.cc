#include "cli_fixture.h"
#include "base/testing/source_tree.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

namespace tessy {
namespace {

namespace fs = std::filesystem;

const fs::path kRoot = InSource("");

std::string ReadAll(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  return std::move(text).str();
}

}  // namespace

std::string WithoutPlan(const std::string& text) {
  std::string rest;
  for (const std::string& line : Lines(text)) {
    if (!line.starts_with("memory: ")) rest += line + "\n";
  }
  return rest;
}

std::vector<std::string> Lines(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

void ExpectRefusal(const ProgramResult& result, const std::vector<std::string>& pieces) {
  EXPECT_EQ(result.exit_status, 1) << result.err;
  EXPECT_EQ(result.out, "");
  const std::string said = WithoutPlan(result.err);
  EXPECT_THAT(Lines(said), testing::SizeIs(1));
  EXPECT_THAT(said, testing::StartsWith("tessy: "));
  for (const std::string& piece : pieces) EXPECT_THAT(result.err, testing::HasSubstr(piece));
}

CliTest::CliTest() {
  const auto* test = testing::UnitTest::GetInstance()->current_test_info();
  std::string name = std::string(test->test_suite_name()) + "_" + test->name();
  std::ranges::replace(name, '/', '_');
  folder_ = testing::TempDir() + name + "_" + std::to_string(getpid());
  fs::remove_all(folder_);
  fs::create_directories(folder_);
}

CliTest::~CliTest() {
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

std::string ProgramPath() { return fs::read_symlink("/proc/self/exe").parent_path().parent_path() / "tessy"; }

std::string ShippedModel(const std::string& name) { return InSource("lab/models/" + name + ".gguf"); }

void CliTest::Write(const std::string& name, const std::string& content) const {
  std::ofstream(Path(name), std::ios::binary) << content;
}

std::string CliTest::Read(const std::string& name) const { return ReadAll(Path(name)); }

std::vector<std::string> CliTest::ReadLines(const std::string& name) const { return Lines(Read(name)); }

bool CliTest::Exists(const std::string& name) const { return fs::exists(Path(name)); }

void CliTest::WriteQuestions(const std::string& name, size_t count) const {
  const auto lines = Lines(ReadAll(kRoot / "lab/demo/questions.jsonl"));
  ASSERT_LE(count, lines.size());
  std::string text;
  for (size_t i = 0; i < count; ++i) text += lines[i] + "\n";
  Write(name, text);
}

std::unique_ptr<Program> CliTest::StartTessy(const Arguments& arguments, ProgramOptions options) const {
  Arguments all{ProgramPath()};
  all.insert(all.end(), arguments.begin(), arguments.end());
  options.folder = folder_;
  return std::make_unique<Program>(all, options);
}

ProgramResult CliTest::Tessy(const Arguments& arguments, ProgramOptions options) const {
  ProgramResult result = StartTessy(arguments, std::move(options))->Wait();
  EXPECT_FALSE(result.timed_out) << testing::PrintToString(arguments);
  return result;
}

Arguments CliTest::Synth(const Arguments& more, const std::string& student_boundary) {
  Arguments all{"synth",
                "--questions",
                "q.jsonl",
                "--student",
                Model("student"),
                "--teacher",
                Model("teacher"),
                "--student-boundary",
                student_boundary,
                "--teacher-boundary",
                Model("boundary-teacher")};
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

ProgramResult CliTest::RunSynth(const Arguments& more, ProgramOptions options) const {
  return Tessy(Synth(more), std::move(options));
}

bool CliTest::AwaitLines(const std::string& name, size_t count) const {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10 * kSlowness);
  while (std::chrono::steady_clock::now() < end) {
    const std::string text = Read(name);
    if (static_cast<size_t>(std::ranges::count(text, '\n')) >= count) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return false;
}

std::map<std::string, Json> CliTest::Responses(const std::string& name) const {
  std::map<std::string, Json> responses;
  for (const std::string& line : ReadLines(name)) {
    Json response = Json::parse(line, nullptr, false);
    EXPECT_TRUE(response.is_object()) << name << ": " << line;
    if (!response.is_object()) continue;
    const auto id = response["id"].get<std::string>();
    EXPECT_TRUE(responses.emplace(id, std::move(response)).second) << name << " has " << id << " twice";
  }
  return responses;
}

std::map<std::string, Json> CliTest::Essence(const std::string& name) const {
  std::map<std::string, Json> essence;
  for (const auto& [id, response] : Responses(name)) {
    essence[id] = {{"messages", response["messages"]},
                   {"spans", response["spans"]},
                   {"closed_by", response["closed_by"]}};
  }
  return essence;
}

}  // namespace tessy
