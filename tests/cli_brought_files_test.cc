// Files as people bring them: the program reads what is meant, or says in one line what is wrong; it never
// ends by a signal.
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "cli_fixture.h"
#include "model/text/testing/edited_gguf.h"

namespace tessy {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;

std::string Deep(size_t levels) { return std::string(levels, '[') + std::string(levels, ']'); }

class BroughtFilesTest : public CliTest {
 protected:
  BroughtFilesTest() { WriteQuestions("q.jsonl", 2); }
  ProgramResult StudentOnly(const std::string& student, const Arguments& more = {},
                            ProgramOptions options = {}) const {
    Arguments all{"synth",        "--questions", "q.jsonl", "--student",  student, "--method",
                  "student-only", "--out",       "r.jsonl", "--progress", "none"};
    all.insert(all.end(), more.begin(), more.end());
    return Tessy(all, std::move(options));
  }
};

TEST_F(BroughtFilesTest, ASplitModelIsAModel) {
  for (const bool empty_first : {false, true}) {
    const auto parts =
        WriteSplitModel(Model("student"), Path(empty_first ? "meta" : "split"), 3, empty_first).value();
    const auto inspected = Json::parse(Tessy({"model", "inspect", parts[0], "--json"}).out);
    const auto whole = Json::parse(Tessy({"model", "inspect", Model("student"), "--json"}).out);
    EXPECT_EQ(inspected["parameters"], whole["parameters"]);
    const auto run = StudentOnly(parts[0], {"--fresh", "--log-level", "info"});
    EXPECT_EQ(run.exit_status, 0) << run.err;
    ExpectRefusal(StudentOnly(parts[1], {"--fresh"}), {"part 2 of 3 of a split model", parts[0]});
  }
  EXPECT_EQ(Tessy({"model", "convert", "split-00001-of-00003.gguf", "--out", "whole.gguf"}).exit_status, 0);
}

TEST_F(BroughtFilesTest, DeepNestingIsRefusedWhereItIsRead) {
  Write("deep.jsonl", R"({"id":"a","prompt":"CODE 1 + 1","meta":)" + Deep(100'000) + ",\"answer\":\"2\"}\n");
  ExpectRefusal(Tessy({"synth", "--questions", "deep.jsonl", "--student", Model("student"), "--method",
                       "student-only"}),
                {"deep.jsonl:1: nested more than 200 levels deep"});
  ASSERT_EQ(StudentOnly(Model("student"), {"--limit", "1"}).exit_status, 0);
  std::string config = Read("r.jsonl.run/config.json");
  config.replace(config.rfind('}'), 1, ",\"z\":" + Deep(100'000) + "}");
  Write("r.jsonl.run/config.json", config);
  ExpectRefusal(StudentOnly(Model("student")),
                {"r.jsonl: was made with other settings: its config.json is damaged"});
  std::string keys;
  for (int i = 0; i < 100'000; ++i) keys += "a.";
  Write("run.toml", keys + "a = 1\n");
  ExpectRefusal(Tessy({"synth", "run.toml"}), {"run.toml:1: nested more than 200 levels deep"});
}

// A pipe with a name waits for somebody who writes, and a device may give bytes for ever.
TEST_F(BroughtFilesTest, NamedPipesAndDevicesAreRefusedWhereverAFileIsRead) {
  ASSERT_EQ(StudentOnly(Model("student")).exit_status, 0);
  ASSERT_EQ(mkfifo(Path("pipe").c_str(), 0600), 0);
  ASSERT_EQ(mkfifo(Path("pipe.toml").c_str(), 0600), 0);
  const Arguments synth{"synth",    "--questions",  "q.jsonl",    "--student", Model("student"),
                        "--method", "student-only", "--progress", "none"};
  const auto with = [&](const Arguments& more) {
    Arguments all = synth;
    for (size_t i = 0; i < more.size(); i += 2) {
      const auto told = std::find(all.begin(), all.end(), more[i]);
      if (told != all.end()) told[1] = more[i + 1];
      if (told == all.end()) all.insert(all.end(), {more[i], more[i + 1]});
    }
    return all;
  };
  const Arguments cases[] = {
      with({"--questions", "pipe"}),
      with({"--student", "pipe"}),
      with({"--student-family", "pipe.toml"}),
      with({"--student", "http://localhost:1#m", "--ca-file", "pipe"}),
      with({"--method", "teacher-score", "--teacher", Model("teacher"), "--judge-prompt", "pipe"}),
      {"synth", "pipe.toml"},
      {"annotate", "--responses", "pipe", "--annotator", "lexicon", "--out", "a.jsonl"},
      {"annotate", "--responses", "r.jsonl", "--annotator", "phrases:pipe", "--out", "a.jsonl"},
      {"annotate", "--responses", "r.jsonl", "--annotator", "lexicon", "--lexicon", "pipe", "--out",
       "a.jsonl"},
      {"eval", "--responses", "pipe", "--questions", "q.jsonl"},
      {"eval", "--responses", "r.jsonl", "--questions", "pipe"},
      {"show", "pipe"},
      {"model", "inspect", "pipe"}};
  for (const Arguments& arguments : cases) {
    SCOPED_TRACE(testing::PrintToString(arguments));
    ExpectRefusal(Tessy(arguments), {"is a pipe; give a regular file"});
  }
  ExpectRefusal(Tessy(with({"--questions", "/dev/zero"})), {"/dev/zero: is a device; give a regular file"});
}

TEST_F(BroughtFilesTest, PipesThatAreOpenAlreadyAreRead) {
  const std::string command = ProgramPath() + " synth --student " + Model("student") +
                              " --method student-only --progress none --questions ";
  for (const char* form : {"- < q.jsonl", "/dev/stdin < q.jsonl", "<(cat q.jsonl)"}) {
    const auto run = RunProgram({"bash", "-c", command + form}, {.folder = Path("")});
    EXPECT_EQ(run.exit_status, 0) << form << run.err;
    EXPECT_THAT(Lines(run.out), SizeIs(2)) << form;
  }
  const auto piped =
      RunProgram({"bash", "-c", "cat q.jsonl | " + command + "/dev/stdin"}, {.folder = Path("")});
  EXPECT_EQ(piped.exit_status, 0) << piped.err;
  EXPECT_THAT(Lines(piped.out), SizeIs(2));
}

TEST_F(BroughtFilesTest, AModelWithoutATemplateIsSaidOnce) {
  ASSERT_TRUE(WriteWithText(Model("student"), Path("bare.gguf"), "tokenizer.chat_template", ""));
  const auto run = StudentOnly("bare.gguf");
  EXPECT_THAT(run.err,
              AllOf(HasSubstr("bare.gguf: has no chat template: it is asked as the family plain does"),
                    HasSubstr("--…family few-shot")));
  EXPECT_EQ(run.err.find("has no chat template"), run.err.rfind("has no chat template"));
  EXPECT_THAT(StudentOnly("bare.gguf", {"--student-family", "plain", "--fresh"}).err,
              Not(HasSubstr("has no chat template")));
}

TEST_F(BroughtFilesTest, AQuestionOfBlanksHarmsNoOther) {
  ASSERT_TRUE(WriteWithText(Model("student"), Path("gpt.gguf"), "tokenizer.ggml.pre", "gpt-4o"));
  Write("q.jsonl", "{\"id\":\"a\",\"prompt\":\"CODE 1 + 1\"}\n{\"id\":\"b\",\"prompt\":\"CODE 1" +
                       std::string(50'000, ' ') + "+ 1\"}\n");
  const auto run = StudentOnly("gpt.gguf");
  EXPECT_EQ(run.signal, 0) << run.err;
  EXPECT_THAT(run.exit_status, testing::AnyOf(0, 2)) << run.err;
  EXPECT_TRUE(Responses("r.jsonl").contains("a/0")) << run.err;
}

// The library of the sanitizer that this test is built with, and a colon: it must be loaded before all
// others. Empty without one.
std::string SanitizerRuntime() {
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    if (line.find("/libasan.so") != std::string::npos) return line.substr(line.find('/')) + ":";
  }
  return "";
}

TEST_F(BroughtFilesTest, AFileSystemWithoutLocksGetsAWarning) {
  const std::string library =
      SanitizerRuntime() +
      (std::filesystem::path(std::filesystem::read_symlink("/proc/self/exe")).parent_path() /
       "libno_locks.so")
          .string();
  for (const char* why : {"ENOLCK", "ENOSYS"}) {
    const ProgramOptions options{.environment = {"LD_PRELOAD=" + library, std::string("NOLOCK=") + why}};
    const auto run = StudentOnly(Model("student"), {"--fresh"}, options);
    EXPECT_EQ(run.exit_status, 0) << run.err;
    EXPECT_THAT(run.err, HasSubstr("its file system has no locks"));
    EXPECT_EQ(run.err.find("no locks"), run.err.rfind("no locks"));
    const auto resumed = StudentOnly(Model("student"), {}, options);
    EXPECT_EQ(resumed.exit_status, 0) << resumed.err;
  }
}

TEST_F(BroughtFilesTest, FreshKeepsALinkAndSetsAsideWhatIsBehindIt) {
  std::filesystem::create_directory(Path("far"));
  std::filesystem::create_symlink("far/r.jsonl", Path("r.jsonl"));
  ASSERT_EQ(StudentOnly(Model("student")).exit_status, 0);
  ASSERT_EQ(StudentOnly(Model("student"), {"--fresh"}).exit_status, 0);
  EXPECT_TRUE(std::filesystem::is_symlink(Path("r.jsonl")));
  EXPECT_TRUE(Exists("far/r.jsonl.old-1"));
  EXPECT_THAT(ReadLines("far/r.jsonl"), SizeIs(2));
}

TEST_F(BroughtFilesTest, AListWithLinesThatCannotBeReadIsNotDone) {
  ASSERT_EQ(StudentOnly(Model("student")).exit_status, 0);
  EXPECT_EQ(Tessy({"show", "r.jsonl", "--list"}).exit_status, 0);
  Write("r.jsonl", Read("r.jsonl") + "rubbish\n");
  const auto listed = Tessy({"show", "r.jsonl", "--list"});
  EXPECT_EQ(listed.exit_status, 1);
  EXPECT_THAT(listed.err, HasSubstr("r.jsonl: 1 line cannot be read"));
}

TEST_F(BroughtFilesTest, APageDoesNotReplaceItsResponses) {
  ASSERT_EQ(StudentOnly(Model("student")).exit_status, 0);
  const std::string before = Read("r.jsonl");
  ExpectRefusal(Tessy({"show", "r.jsonl", "--html", "./r.jsonl", "--force"}),
                {"is the file of the responses"});
  EXPECT_EQ(Read("r.jsonl"), before);
}

}  // namespace
}  // namespace tessy
