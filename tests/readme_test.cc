// README.md is run: its commands, as a reader would type them, and its sample of a run's file.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>

#include "base/testing/source_tree.h"
#include "cli_fixture.h"

namespace tessy {
namespace {

namespace fs = std::filesystem;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

struct Document {
  std::vector<std::string> commands;  // of indented blocks, lines that go on joined
  std::vector<std::string> inline_commands;
  std::string run_file;
};

std::string ReadWholeFile(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  return std::move(text).str();
}

Document ReadReadme() {
  Document document;
  bool in_toml = false;
  bool goes_on = false;
  const std::string text = ReadWholeFile(InSource("README.md"));
  for (const std::string& line : Lines(text)) {
    if (line.starts_with("```")) {
      in_toml = line == "```toml";
    } else if (in_toml) {
      document.run_file += line + "\n";
    } else if (goes_on || line.starts_with("    tessy ") || line.starts_with("    make ")) {
      if (!goes_on) document.commands.emplace_back();
      document.commands.back() += line.substr(line.find_first_not_of(' ')) + "\n";
      goes_on = line.ends_with('\\');
    }
  }
  const std::regex quoted("`(tessy [^`]+)`");
  for (std::sregex_iterator it(text.begin(), text.end(), quoted), end; it != end; ++it) {
    document.inline_commands.push_back((*it)[1]);
  }
  return document;
}

class ReadmeTest : public CliTest {
 protected:
  // A folder with questions and models under the names that the README uses, and the program as `tessy`.
  std::string Prepare(const std::string& name) const {
    const fs::path folder = Path(name);
    fs::create_directories(folder / "bin");
    fs::create_symlink(ProgramPath(), folder / "bin/tessy");
    WriteQuestions(name + "/q.jsonl", kSanitized ? 4 : 40);
    const std::pair<const char*, const char*> names[] = {{"S", "student"},
                                                         {"T", "teacher"},
                                                         {"BS", "boundary-student"},
                                                         {"BT", "boundary-teacher"},
                                                         {"model", "teacher"},
                                                         {"student", "student"},
                                                         {"teacher", "teacher"},
                                                         {"boundary-student", "boundary-student"},
                                                         {"boundary-teacher", "boundary-teacher"}};
    for (const auto& [as, model] : names) fs::copy_file(Model(model), folder / (std::string(as) + ".gguf"));
    return folder;
  }
  static void ExpectRuns(std::string command, const std::string& folder) {
    SCOPED_TRACE(command);
    // The system is not changed.
    command = std::regex_replace(command, std::regex(" (/etc/|/usr/)"), " " + folder + "$1");
    fs::create_directories(folder + "/etc/bash_completion.d");
    const std::string path = folder + "/bin:" + std::getenv("PATH");
    const auto result =
        tessy::RunProgram({"bash", "-c", command}, {.folder = folder, .environment = {"PATH=" + path}});
    EXPECT_EQ(result.exit_status, 0) << result.err;
  }
};

// A build without libtorch skips training and every command that depends on its results.
class Untrained {
 public:
  bool Covers(const std::string& command) {
#ifdef TESSY_WITHOUT_TORCH
    const bool covers = command.starts_with("tessy train") ||
                        std::any_of(files_.begin(), files_.end(), [&](const auto& file) {
                          return command.find(" " + file) != std::string::npos;
                        });
    std::smatch out;
    if (covers && std::regex_search(command, out, std::regex("--out (\\S+)"))) files_.push_back(out[1]);
    return covers;
#else
    return command.empty();
#endif
  }

 private:
  std::vector<std::string> files_;
};

TEST_F(ReadmeTest, CommandsRunInTheirOrder) {
  const Document document = ReadReadme();
  const std::string folder = Prepare("reader");
  Untrained untrained;
  size_t run = 0;
  for (const std::string& command : document.commands) {
    if (!command.starts_with("tessy ") || untrained.Covers(command)) continue;
    ExpectRuns(command, folder);
    ++run;
  }
  EXPECT_GE(run, 4U) << "the commands were not found: has README.md another form now?";
  EXPECT_THAT(ReadLines("reader/responses.jsonl"), Not(IsEmpty()));
}

TEST_F(ReadmeTest, RunFileAndItsCommandRun) {
  const Document document = ReadReadme();
  const std::string folder = Prepare("reader");
  Write("reader/run.toml", document.run_file);
  EXPECT_THAT(document.inline_commands, Contains(HasSubstr("run.toml")));
  for (const std::string& command : document.inline_commands) ExpectRuns(command, folder);
  const size_t questions = kSanitized ? 4 : 10;
  EXPECT_THAT(ReadLines("reader/responses.jsonl"), SizeIs(2 * questions));
}

TEST_F(ReadmeTest, MakeTargetsExist) {
  const std::string makefile = ReadWholeFile(InSource("Makefile"));
  size_t targets = 0;
  for (const std::string& command : ReadReadme().commands) {
    std::smatch match;
    if (!std::regex_search(command, match, std::regex("^make (\\w+)"))) continue;
    EXPECT_THAT(makefile, HasSubstr("\n" + match[1].str() + ":")) << command;
    ++targets;
  }
  EXPECT_GE(targets, 2U);
}

}  // namespace
}  // namespace tessy
