// Runs a target on its seeds, on the files of its corpus, and on what a seeded generator makes of them. It is
// there because g++ has no libFuzzer; it needs no other build of the product.
//
//   tessy_fuzz --list
//   tessy_fuzz TARGET [--seconds S | --runs N] [--seed K] [--findings FOLDER]
//   tessy_fuzz TARGET FILE...      each file is one input
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "base/testing/source_tree.h"
#include "fuzz/entry.h"
#include "fuzz/finding.h"
#include "fuzz/mutator.h"
#include "fuzz/target.h"

// What a sanitizer finds must end the run, whoever starts it. UBSan calls nobody before it ends a process,
// but an abort is noticed.
extern "C" const char* __ubsan_default_options() {
  return "halt_on_error=1:print_stacktrace=1:abort_on_error=1";
}
extern "C" const char* __asan_default_options() {
  return "detect_leaks=1:allocator_may_return_null=0:max_allocation_size_mb=2048";
}

namespace tessy::fuzz {
namespace {

namespace fs = std::filesystem;

constexpr size_t kInputBytesMax = 200'000;
constexpr size_t kPoolMax = 4000;         // inputs that are mutated further
constexpr size_t kPoolBytesMax = 10'000;  // of one of them: long ones are slow, and find what short ones find

struct Arguments {
  std::string target;
  std::vector<std::string> files;
  std::optional<double> seconds;
  std::optional<uint64_t> runs;
  uint64_t seed = 1;
  std::string findings = ".";
};

[[noreturn]] void Refuse(const std::string& why) {
  std::fprintf(stderr, "tessy_fuzz: %s\n", why.c_str());
  std::exit(2);
}

Arguments Read(int count, char** texts) {
  Arguments arguments;
  for (int i = 1; i < count; ++i) {
    const std::string text = texts[i];
    const auto value = [&]() -> const char* {
      if (++i >= count) Refuse(text + " takes a value");
      return texts[i];
    };
    if (text == "--seconds") {
      arguments.seconds = std::strtod(value(), nullptr);
    } else if (text == "--runs") {
      arguments.runs = std::strtoull(value(), nullptr, 10);
    } else if (text == "--seed") {
      arguments.seed = std::strtoull(value(), nullptr, 10);
    } else if (text == "--findings") {
      arguments.findings = value();
    } else if (arguments.target.empty()) {
      arguments.target = text;
    } else {
      arguments.files.push_back(text);
    }
  }
  if (!arguments.runs && !arguments.seconds) arguments.seconds = 1.0;
  return arguments;
}

std::string ContentOf(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  if (!stream) Refuse(path.string() + ": cannot be read");
  std::ostringstream content;
  content << stream.rdbuf();
  return std::move(content).str();
}

// The first inputs, in an order that does not depend on the file system.
std::vector<std::string> FirstInputs(const Target& target) {
  std::vector<std::string> inputs = target.seeds;
  const fs::path folder = InSource("tests/fuzz/corpus/" + std::string(target.name));
  std::vector<fs::path> files;
  if (fs::is_directory(folder)) {
    for (const auto& entry : fs::directory_iterator(folder)) files.push_back(entry.path());
  }
  std::ranges::sort(files);
  for (const fs::path& file : files) inputs.push_back(ContentOf(file));
  if (inputs.empty()) inputs.emplace_back();
  return inputs;
}

void RunOne(Watch& watch, std::string_view input, uint64_t run) {
  watch.Begin(input, run);
  LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(input.data()), input.size());
  watch.Rest();
}

void Replay(const Arguments& arguments, Watch& watch) {
  for (size_t i = 0; i < arguments.files.size(); ++i) {
    RunOne(watch, ContentOf(arguments.files[i]), i);
    std::printf("%s: passes\n", arguments.files[i].c_str());
  }
}

void Fuzz(const Target& target, const Arguments& arguments, Watch& watch) {
  using Clock = std::chrono::steady_clock;
  const auto begin = Clock::now();
  const auto seconds = [begin] { return std::chrono::duration<double>(Clock::now() - begin).count(); };
  Mutator mutator(arguments.seed, target.grammar, kInputBytesMax);
  std::vector<std::string> pool = FirstInputs(target);
  const size_t first = pool.size();
  uint64_t run = 0;
  const auto is_over = [&] {
    return arguments.runs ? run >= *arguments.runs : seconds() >= *arguments.seconds;
  };
  for (; run < first || !is_over(); ++run) {
    const std::string input =
        run < first ? pool[run]
                    : mutator.Mutate(pool[mutator.Below(pool.size())], pool[mutator.Below(pool.size())]);
    RunOne(watch, input, run);
    if (!TakeNews() || run < first || input.size() > kPoolBytesMax) continue;
    if (pool.size() < first + kPoolMax) {
      pool.push_back(input);
    } else {
      pool[first + mutator.Below(kPoolMax)] = input;
    }
  }
  std::printf(
      "%.*s: %llu runs in %.1f s, seed %llu, %zu seeds, %zu inputs more that the parser took in ways of "
      "their own\n",
      static_cast<int>(target.name.size()), target.name.data(), static_cast<unsigned long long>(run),
      seconds(), static_cast<unsigned long long>(arguments.seed), first, pool.size() - first);
}

int Main(const Arguments& arguments) {
  if (arguments.target == "--list") {
    for (const Target& target : Targets()) std::printf("%s\n", std::string(target.name).c_str());
    return 0;
  }
  const Target* target = FindTarget(arguments.target);
  if (target == nullptr) Refuse("\"" + arguments.target + "\" is no target; --list names them");
  Choose(*target);
  fs::create_directories(arguments.findings);
  const std::string file =
      arguments.findings + "/" + arguments.target + "-" + std::to_string(arguments.seed) + ".input";
  Watch watch(target->name, arguments.seed, file);
  if (arguments.files.empty()) {
    Fuzz(*target, arguments, watch);
  } else {
    Replay(arguments, watch);
  }
  return 0;
}

}  // namespace
}  // namespace tessy::fuzz

int main(int count, char** texts) { return tessy::fuzz::Main(tessy::fuzz::Read(count, texts)); }
