#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>
#include "cli/commands.h"

#include <filesystem>
#include <fstream>

#include "base/near_names.h"
#include "base/testing/golden.h"
#include "base/testing/source_tree.h"
#include "report/response_page.h"
#include "report/response_text.h"

namespace tessy {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const std::string kResponses =
    InSource("src/report/testdata/responses.jsonl");  // a cooperation, a hostile one, a student alone

std::vector<Response> Samples() {
  auto read = ReadResponses(kResponses);
  EXPECT_TRUE(read) << read.error().message;
  return read ? *read : std::vector<Response>(3);
}

struct Ran {
  int status = 0;
  std::string out;
  std::string err;
};

Ran Tessy(std::vector<std::string> arguments) {
  CLI::App app("test", "tessy");
  app.require_subcommand(1);
  CommandContext context;
  AddShowCommand(app, context);
  arguments.insert(arguments.begin(), "tessy");
  std::vector<const char*> argv;
  for (const std::string& argument : arguments) argv.push_back(argument.c_str());
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  Ran ran;
  ran.status = RunProgram(app, context, static_cast<int>(argv.size()), argv.data());
  ran.out = testing::internal::GetCapturedStdout();
  ran.err = testing::internal::GetCapturedStderr();
  return ran;
}

std::string TempPath(const std::string& name) {
  return fmt::format("{}show_test_{}_{}", testing::TempDir(), ::getpid(), name);
}

TEST(ShowTest, ColourNeedsATerminalAndNoObjection) {
  EXPECT_TRUE(AllowsColour(true, nullptr, "xterm-256color"));
  EXPECT_TRUE(AllowsColour(true, "", "xterm"));
  EXPECT_FALSE(AllowsColour(true, "1", "xterm"));
  EXPECT_FALSE(AllowsColour(true, nullptr, "dumb"));
  EXPECT_FALSE(AllowsColour(true, nullptr, nullptr));
  EXPECT_FALSE(AllowsColour(false, nullptr, "xterm"));
}

TEST(ShowTest, NearNamesComeNearestFirst) {
  const std::vector<std::string> names = {"q-12/0", "q-13/0", "question-9/1", "x"};
  EXPECT_THAT(NearNames("q-12", names), ElementsAre("q-12/0"));
  EXPECT_THAT(NearNames("q-1/0", names), ElementsAre("q-12/0", "q-13/0"));
  EXPECT_THAT(NearNames("question-8/1", names), ElementsAre("question-9/1"));
  EXPECT_THAT(NearNames("entirely different", names), IsEmpty());
  EXPECT_EQ(DidYouMean("q-1", names), "; did you mean q-12/0 or q-13/0?");
}

TEST(ShowCommandTest, TheFirstResponseIsShownUnlessAnotherIsNamed) {
  const auto samples = Samples();
  EXPECT_EQ(Tessy({"show", kResponses}).out, RenderText(samples[0], false));
  EXPECT_EQ(Tessy({"show", kResponses, "--index", "2"}).out, RenderText(samples[2], false));
  EXPECT_EQ(Tessy({"show", kResponses, "--id", "solo/0"}).out, RenderText(samples[2], false));
  EXPECT_EQ(Tessy({"show", kResponses, "--id", "solo"}).out, RenderText(samples[2], false));
}

TEST(ShowCommandTest, JsonIsTheLineAsItStands) {
  const std::string file = ReadFile(kResponses);
  EXPECT_EQ(Tessy({"show", kResponses, "--json"}).out, file.substr(0, file.find('\n') + 1));
}

TEST(ShowCommandTest, AListHasALineForEachResponse) {
  const Ran ran = Tessy({"show", kResponses, "--list"});
  EXPECT_EQ(ran.status, 0);
  ExpectGolden("src/cli/testdata/show_list.txt", ran.out);
}

TEST(ShowCommandTest, APageIsWrittenAndNothingIsOverwrittenUnasked) {
  const std::string page = TempPath("page.html");
  EXPECT_EQ(Tessy({"show", kResponses, "--html", page}).status, 0);
  EXPECT_EQ(ReadFile(page), RenderPage(Samples()[0]));
  const Ran again = Tessy({"show", kResponses, "--index", "1", "--html", page});
  EXPECT_EQ(again.status, 1);
  EXPECT_THAT(again.err, HasSubstr(page + ": is there already; --force writes over it"));
  EXPECT_EQ(ReadFile(page), RenderPage(Samples()[0]));
  EXPECT_EQ(Tessy({"show", kResponses, "--index", "1", "--html", page, "--force"}).status, 0);
  EXPECT_EQ(ReadFile(page), RenderPage(Samples()[1]));
  std::filesystem::remove(page);
  EXPECT_EQ(Tessy({"show", kResponses, "--html", "-"}).out, RenderPage(Samples()[0]));
  EXPECT_THAT(Tessy({"show", kResponses, "--html", "/no/such/folder/x.html"}).err,
              HasSubstr("No such file or directory"));
}

TEST(ShowCommandTest, ATornLineHidesNoOther) {
  const std::string path = TempPath("torn.jsonl");
  const std::string file = ReadFile(kResponses);
  std::ofstream(path) << file << file.substr(0, 300);
  EXPECT_EQ(Tessy({"show", path, "--id", "solo/0"}).status, 0);
  EXPECT_THAT(Tessy({"show", path, "--index", "3"}).err, HasSubstr(path + ":4: not valid JSON"));
  const Ran list = Tessy({"show", path, "--list"});
  EXPECT_EQ(list.status, 1);  // the rest is listed all the same
  EXPECT_THAT(list.err, HasSubstr(path + ":4: not valid JSON"));
  std::filesystem::remove(path);
}

TEST(ShowCommandTest, EveryMistakeIsOneLineAndStatusOne) {
  const std::string empty = TempPath("empty.jsonl");
  std::ofstream(empty) << "\n";
  const struct {
    std::vector<std::string> arguments;
    std::string error;
  } cases[] = {
      {{}, "tessy: no command given (see tessy --help)\n"},
      {{"shwo"}, "tessy: there is no command \"shwo\"; did you mean show? (see tessy --help)\n"},
      {{"show"}, "tessy: FILE is required (see tessy show --help)\n"},
      {{"show", kResponses, "--colour"},
       "tessy: The following argument was not expected: --colour (see tessy show --help)\n"},
      {{"show", kResponses, "--index", "x"},
       "tessy: Could not convert: --index = x (see tessy show --help)\n"},
      {{"show", kResponses, "--force"}, "tessy: --force requires --html (see tessy show --help)\n"},
      {{"show", "/no/file"}, "tessy: /no/file: cannot be read: No such file or directory\n"},
      {{"show", "a\x1b[2J"}, "tessy: a<U+001B>[2J: no file matches it\n"},
      {{"show", empty}, "tessy: " + empty + ": is empty: no responses in it\n"},
      {{"show", kResponses, "--index", "3"},
       "tessy: " + kResponses + ": has 3 responses: --index goes from 0 to 2, not to 3\n"},
      {{"show", kResponses, "--id", "solo/1"},
       "tessy: " + kResponses +
           ": no response with the id \"solo/1\" among its 3; did you mean "
           "solo/0? (--list shows all)\n"},
  };
  for (const auto& [arguments, error] : cases) {
    const Ran ran = Tessy(arguments);
    EXPECT_EQ(ran.status, 1);
    EXPECT_EQ(ran.err, error);
    EXPECT_EQ(ran.out, "");
  }
  std::filesystem::remove(empty);
  // CLI11 names the two in either order.
  EXPECT_THAT(Tessy({"show", kResponses, "--json", "--list"}).err, HasSubstr(" excludes --"));
}

TEST(ShowCommandTest, HelpHasAnExample) {
  const Ran ran = Tessy({"show", "--help"});
  EXPECT_EQ(ran.status, 0);
  EXPECT_THAT(ran.out, HasSubstr("Example:\n  tessy show responses.jsonl"));
}

}  // namespace
}  // namespace tessy
