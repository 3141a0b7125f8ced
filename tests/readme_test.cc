// README.md is run: its commands, as a reader would type them, and its sample of a run's file.
#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>

#include "base/testing/source_tree.h"
#include "cli_fixture.h"
#include "typed_commands.h"

namespace tessy {
namespace {

namespace fs = std::filesystem;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

struct Document {
  std::vector<std::string> commands;  // of indented blocks
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
  const std::string text = ReadWholeFile(InSource("README.md"));
  document.commands = TypedCommands(text);
  for (const std::string& line : Lines(text)) {
    if (line.starts_with("```")) {
      in_toml = line == "```toml";
    } else if (in_toml) {
      document.run_file += line + "\n";
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
    MakeReadersFolder(folder);
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
    const auto result = RunTyped(command, folder);
    EXPECT_EQ(result.exit_status, 0) << result.err;
  }
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
