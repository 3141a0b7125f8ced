#include "cli/completion.h"

#include "cli/commands.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace tessy {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

// A program of every kind of argument; its commands may come from anywhere.
class CompletionTest : public testing::Test {
 protected:
  CompletionTest() {
    app_.set_version_flag("--version", "1");
    CLI::App* synth = app_.add_subcommand("synth", "make [data]: it's easy");
    synth->add_option("RUN", text_, "a run")->check(CLI::ExistingFile);
    synth->add_option("-n,--limit", number_, "at most so many");
    synth->add_option("--cut", text_, "where to cut")->check(CLI::IsMember({"auto", "token"}));
    synth->add_option("--run", text_, "a folder")->type_name("DIR");
    synth->add_option("--student", texts_, "models")->type_name("MODEL");
    synth->add_option("--internal", text_)->group("");
    synth->add_option_group("sampling")->add_option("--top-p", real_, "nucleus");
    CLI::App* model = app_.add_subcommand("model", "models");
    model->add_subcommand("inspect", "look into one")->add_option("FILE", text_)->required();
    model->add_subcommand("convert", "turn one")
        ->add_option("--to", text_)
        ->check(CLI::IsMember({"gguf", "hf"}));
    app_.add_subcommand("secret", "not for show")->group("");
    AddCompletionCommand(app_, context_);
    folder_ = fmt::format("{}completion_test_{}_{}", testing::TempDir(), ::getpid(),
                          testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::create_directories(folder_ + "/runs");
    std::ofstream(folder_ + "/run.toml") << "";
  }
  ~CompletionTest() override { std::filesystem::remove_all(folder_); }

  CompletionNode Root() { return DescribeCommands(app_); }

  // Standard output of a shell's command; a failing one adds a line of its own.
  std::string Shell(const std::string& command) {
    std::FILE* pipe = ::popen(command.c_str(), "r");
    std::string out;
    for (int c = std::fgetc(pipe); c != EOF; c = std::fgetc(pipe)) out += static_cast<char>(c);
    if (const int status = ::pclose(pipe); status != 0)
      out += fmt::format("exit status {}\n", WEXITSTATUS(status));
    return out;
  }

  std::string WriteScript(const std::string& text) {
    const std::string path = folder_ + "/.script";
    std::ofstream(path) << text;
    return path;
  }

  // What bash offers for the last of these words.
  std::vector<std::string> Bash(const std::vector<std::string>& words) {
    std::string command = fmt::format("cd {} && bash --norc -c '. ./.script; COMP_WORDS=(tessy", folder_);
    for (const std::string& word : words) command += fmt::format(" \"{}\"", word);
    command +=
        fmt::format("); COMP_CWORD={}; _tessy; printf \"%s\\n\" \"${{COMPREPLY[@]}}\" | sort'", words.size());
    WriteScript(BashCompletion("tessy", Root()));
    auto offers = CLI::detail::split(Shell(command), '\n');
    std::erase(offers, "");
    return offers;
  }

  CLI::App app_{"test", "tessy"};
  CommandContext context_;
  std::string text_;
  std::vector<std::string> texts_;
  int number_ = 0;
  double real_ = 0;
  std::string folder_;
};

TEST_F(CompletionTest, TypesTellWhatAValueMayBe) {
  using Kind = CompletionValue::Kind;
  const std::pair<const char*, Kind> cases[] = {{"TEXT", Kind::kFile},      {"FILE", Kind::kFile},
                                                {"TEXT:FILE", Kind::kFile}, {"MODEL", Kind::kFile},
                                                {"DIR", Kind::kFolder},     {"TEXT:DIR", Kind::kFolder},
                                                {"INT", Kind::kNone},       {"UINT", Kind::kNone},
                                                {"FLOAT", Kind::kNone},     {"N", Kind::kNone},
                                                {"", Kind::kNone},          {"ID", Kind::kNone},
                                                {"{a,b}", Kind::kChoices},  {"TEXT:{a}", Kind::kChoices},
                                                {"{", Kind::kNone}};
  for (const auto& [type, kind] : cases) EXPECT_EQ(ValueOfType(type).kind, kind) << type;
  EXPECT_THAT(ValueOfType("TEXT:value in {a->0,b->1} OR {0,1}").choices, ElementsAre("a", "b"));
}

TEST_F(CompletionTest, TheTreeIsTheProgramsOwn) {
  const CompletionNode root = Root();
  std::vector<std::string> commands;
  for (const CompletionNode& command : root.commands) commands.push_back(command.name);
  EXPECT_THAT(commands, ElementsAre("synth", "model", "completion"));
  EXPECT_EQ(root.commands[1].commands[0].path, "model inspect");
  const CompletionNode& synth = root.commands[0];
  EXPECT_EQ(synth.positionals.size(), 1u);
  std::vector<std::string> options;
  for (const CompletionOption& option : synth.options) options.push_back(option.names.back());
  EXPECT_THAT(options, ElementsAre("--help", "--limit", "--cut", "--run", "--student", "--top-p"));
  EXPECT_FALSE(synth.options[0].takes_value);
  EXPECT_TRUE(synth.options[4].repeats);
}

TEST_F(CompletionTest, BashOffersWhatFits) {
  EXPECT_THAT(Bash({""}), ElementsAre("completion", "model", "synth"));
  EXPECT_THAT(Bash({"m"}), ElementsAre("model"));
  EXPECT_THAT(Bash({"--v"}), ElementsAre("--version"));
  EXPECT_THAT(Bash({"model", ""}), ElementsAre("convert", "inspect"));
  EXPECT_THAT(Bash({"model", "convert", "--to", ""}), ElementsAre("gguf", "hf"));
  EXPECT_THAT(Bash({"model", "inspect", "r"}), ElementsAre("run.toml", "runs"));
  EXPECT_THAT(Bash({"synth", "-"}),
              ElementsAre("--cut", "--help", "--limit", "--run", "--student", "--top-p", "-h", "-n"));
  EXPECT_THAT(Bash({"synth", "--cut", ""}), ElementsAre("auto", "token"));
  EXPECT_THAT(Bash({"synth", "--cut", "="}), ElementsAre("auto", "token"));
  EXPECT_THAT(Bash({"synth", "--cut", "=", "t"}), ElementsAre("token"));
  EXPECT_THAT(Bash({"synth", "--limit", ""}), IsEmpty());
  EXPECT_THAT(Bash({"synth", "-n", ""}), IsEmpty());
  EXPECT_THAT(Bash({"synth", "--run", "r"}), ElementsAre("runs"));
  EXPECT_THAT(Bash({"synth", "--student", "http", ":", "//host", ":", "8000/v1", "r"}),
              ElementsAre("run.toml", "runs"));
  EXPECT_THAT(Bash({"synth", "run.toml", ""}), IsEmpty());
  EXPECT_THAT(Bash({"completion", ""}), ElementsAre("bash", "fish", "zsh"));
  EXPECT_THAT(Bash({"synth", "--student", "model", "--cut", ""}), ElementsAre("auto", "token"));
}

TEST_F(CompletionTest, TheScriptsAreValid) {
  const struct {
    const char* shell;
    std::string script;
  } cases[] = {{"bash", BashCompletion("tessy", Root())},
               {"zsh", ZshCompletion("tessy", Root())},
               {"fish", FishCompletion("tessy", Root())}};
  for (const auto& [shell, script] : cases) {
    EXPECT_THAT(script, HasSubstr("top-p"));
    EXPECT_THAT(script, Not(HasSubstr("internal")));
    EXPECT_THAT(script, Not(HasSubstr("secret")));
    const std::string path = WriteScript(script);
    if (Shell(fmt::format("command -v {0} >/dev/null && echo yes || true", shell)).empty())
      continue;  // not installed
    EXPECT_EQ(Shell(fmt::format("{} -n {} 2>&1", shell, path)), "") << shell;
  }
}

TEST_F(CompletionTest, DescriptionsAreQuoted) {
  EXPECT_THAT(ZshCompletion("tessy", Root()), HasSubstr(R"('synth:make \[data\]\: it'\''s easy')"));
  EXPECT_THAT(FishCompletion("tessy", Root()), HasSubstr(R"(-a 'synth' -d 'make [data]: it\'s easy')"));
}

TEST_F(CompletionTest, TheCommandPrintsAScriptAndRefusesOtherShells) {
  const auto run = [&](const char* shell) {
    const char* argv[] = {"tessy", "completion", shell};
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    const int status = RunProgram(app_, context_, 3, argv);
    return fmt::format("{}{}{}", status, testing::internal::GetCapturedStdout(),
                       testing::internal::GetCapturedStderr());
  };
  EXPECT_EQ(run("fish"), "0" + FishCompletion("tessy", Root()));
  EXPECT_EQ(run("zsh"), "0" + ZshCompletion("tessy", Root()));
  EXPECT_EQ(run("csh"), "1tessy: SHELL: csh not in {bash,zsh,fish} (see tessy completion --help)\n");
}

}  // namespace
}  // namespace tessy
