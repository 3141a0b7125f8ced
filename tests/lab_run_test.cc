// The lab in its quick form. Its claims must hold, and must fail if the loop is broken.
#include <algorithm>
#include <chrono>
#include <csignal>

#include "cli_fixture.h"

namespace tessy {
namespace {

using testing::AllOf;
using testing::HasSubstr;

// The figures that a correct loop reaches with a margin, from results.json, for one fine-tuning.
struct Claims {
  double gain = 0.0;       // gain in CODE over the student
  double forgotten = 0.0;  // the largest loss of another task
  double right = 0.0;      // share of right answers in the data
  double share = 0.0;      // the teacher's share of thinking tokens

  bool Hold() const {
    return gain >= 0.25 && forgotten <= 0.05 && right >= 0.85 && share >= 0.35 && share <= 0.65;
  }
};

double PassAt1(const Json& accuracy, const char* task) { return accuracy[task]["pass_at_1"].get<double>(); }

double Forgotten(const Json& before, const Json& after) {
  double most = -1.0;
  for (const char* task : {"ADD", "MAX", "REV"})
    most = std::max(most, PassAt1(before, task) - PassAt1(after, task));
  return most;
}

class LabRunTest : public CliTest {
 protected:
  ProgramResult Run(const Arguments& arguments) const {
    return Tessy(arguments, {.time_limit = std::chrono::minutes(15)});
  }
  ProgramResult Browse(const Arguments& more) const {
    Arguments all{"chromium",
                  "--headless",
                  "--no-sandbox",
                  "--disable-gpu",
                  "--enable-logging=stderr",
                  "--user-data-dir=" + Path("browser")};
    all.insert(all.end(), more.begin(), more.end());
    all.push_back("file://" + Path("lab/report.html"));
    return RunProgram(all, {.folder = Path("."), .time_limit = std::chrono::minutes(2)});
  }
  // Without a word on its console, with every line drawn, at the widths of a phone and of a desk, light and
  // dark.
  void ExpectABrowserShowsIt(const Json& results) const {
    const auto page = Browse({"--dump-dom"});
    EXPECT_EQ(page.exit_status, 0) << page.err;
    EXPECT_THAT(page.err, testing::Not(HasSubstr("CONSOLE")));
    size_t lines = 0;
    for (size_t at = page.out.find("<polyline"); at != std::string::npos;
         at = page.out.find("<polyline", at + 1)) {
      ++lines;
      const size_t points = page.out.find("points=\"", at) + 8;
      EXPECT_GT(page.out.find('"', points) - points, 20U) << "a line without points";
    }
    // Accuracy and loss for each method; by kind two of tessy's and one of teacher-only's.
    EXPECT_EQ(lines, 2 * results["methods"].size() + 3);
    std::map<std::string, std::string> pictures;
    for (const char* width : {"400", "1600"}) {
      for (const char* scheme : {"0", "1"}) {
        const std::string name = std::string(width) + "-" + scheme + ".png";
        const auto shot =
            Browse({"--screenshot=" + Path(name), std::string("--window-size=") + width + ",2400",
                    std::string("--blink-settings=preferredColorScheme=") + scheme});
        EXPECT_EQ(shot.exit_status, 0) << shot.err;
        pictures[name] = Read(name);
        EXPECT_GT(pictures[name].size(), 20000U) << name;
      }
      EXPECT_NE(pictures[std::string(width) + "-0.png"], pictures[std::string(width) + "-1.png"]);
    }
  }
  // Tunes the student on data that a broken loop wrote, as the lab does with others.
  Claims Broken(const std::string& name, const Arguments& synth) const {
    Arguments make{"synth",
                   "--questions",
                   "lab/questions.jsonl",
                   "--student",
                   Model("student"),
                   "--teacher",
                   Model("teacher"),
                   "--temperature",
                   "0.6",
                   "--top-p",
                   "1",
                   "--top-k",
                   "0",
                   "--max-thinking-tokens",
                   "220",
                   "--retries",
                   "1",
                   "--out",
                   name + ".jsonl"};
    make.insert(make.end(), synth.begin(), synth.end());
    Run(make);
    Claims claims;
    const auto responses = Responses(name + ".jsonl");
    double teacher = 0.0;
    double all = 0.0;
    for (const auto& [id, response] : responses) {
      teacher += response["stats"]["teacher_tokens"].get<double>();
      all += response["stats"]["thinking_tokens"].get<double>();
    }
    claims.share = all > 0 ? teacher / all : 0.0;
    if (responses.empty()) return claims;
    const Json before = Json::parse(Read("lab/results.json"))["student"];
    EXPECT_EQ(Run({"train",          "sft",
                   "--student",      Model("student"),
                   "--responses",    name + ".jsonl",
                   "--out",          name + ".gguf",
                   "--epochs",       "100",
                   "--steps",        "160",
                   "--batch-size",   "16",
                   "--lr",           "1e-4",
                   "--schedule",     "constant",
                   "--warmup-steps", "5"})
                  .exit_status,
              0);
    const auto evaluated = Run({"eval", "--model", name + ".gguf", "--questions", "lab/evaluation.jsonl",
                                "--out", name + "-eval.jsonl", "--max-thinking-tokens", "220", "--json"});
    const Json after = Json::parse(evaluated.out)["groups"];
    claims.gain = PassAt1(after, "CODE") - PassAt1(before, "CODE");
    claims.forgotten = Forgotten(before, after);
    claims.right = 1.0;  // it gets right data
    return claims;
  }
};

TEST_F(LabRunTest, ClaimsHoldAndABrokenLoopMissesThem) {
  const auto result = Run({"lab", "run", "--quick", "--out", "lab"});
  ASSERT_EQ(result.exit_status, 0) << result.err;
  EXPECT_THAT(result.out, AllOf(HasSubstr("teacher-only"), HasSubstr("lab/report.html")));
  const Json results = Json::parse(Read("lab/results.json"));
  const Json& before = results["student"];
  EXPECT_GT(PassAt1(results["teacher"], "CODE"), 0.95);
  std::map<std::string, Json> methods;
  for (const Json& method : results["methods"]) methods[method["name"]] = method;

  const Json& tessy = methods["tessy"];
  const Json& tuned = tessy["runs"][0]["accuracy"];
  const Claims claims{.gain = PassAt1(tuned, "CODE") - PassAt1(before, "CODE"),
                      .forgotten = Forgotten(before, tuned),
                      .right = tessy["data"]["right"].get<double>(),
                      .share = tessy["data"]["teacher_share"].get<double>()};
  EXPECT_TRUE(claims.Hold()) << claims.gain << " " << claims.forgotten << " " << claims.right << " "
                             << claims.share;

  // The teacher's own data teach the task less well, and the student loses other abilities.
  const Json& foreign = methods["teacher-only"]["runs"][0]["accuracy"];
  EXPECT_LT(PassAt1(foreign, "CODE"), PassAt1(tuned, "CODE") - 0.05);
  EXPECT_GT(Forgotten(before, foreign), 0.2);
  EXPECT_LT(tessy["runs"][0]["loss"]["mean"].get<double>(),
            0.6 * methods["teacher-only"]["runs"][0]["loss"]["mean"].get<double>());
  // The student's own data teach it nothing new.
  EXPECT_LT(PassAt1(methods["student-only"]["runs"][0]["accuracy"], "CODE"), PassAt1(before, "CODE") + 0.12);

  ExpectABrowserShowsIt(results);

  // A loop that never hands over to the teacher, a loop that never takes back from it, and one without a
  // student.
  const Arguments predictors{"--student-boundary", "lab/boundary-student.gguf", "--teacher-boundary",
                             "lab/boundary-teacher.gguf", "--style-threshold"};
  for (const char* threshold : {"0", "1"}) {
    Arguments arguments = predictors;
    arguments.emplace_back(threshold);
    const Claims stuck = Broken(std::string("stuck") + threshold, arguments);
    EXPECT_FALSE(stuck.Hold()) << threshold << ": " << stuck.gain << " " << stuck.forgotten << " "
                               << stuck.share;
  }
  const Claims alone = Broken("alone", {"--method", "teacher-only"});
  EXPECT_FALSE(alone.Hold()) << alone.gain << " " << alone.forgotten << " " << alone.share;
}

TEST_F(LabRunTest, AnInterruptedLabGoesOn) {
  const Arguments command{"lab", "run", "--quick", "--out", "lab"};
  const auto program = StartTessy(command, {.time_limit = std::chrono::minutes(5)});
  ASSERT_TRUE(AwaitLines("lab/sample-student.jsonl", 20));
  program->Signal(SIGINT);
  const auto result = program->Wait();
  EXPECT_EQ(result.exit_status, 3) << result.err;
  EXPECT_THAT(result.err, HasSubstr("interrupted; the same command goes on"));
  ExpectRefusal(Run({"lab", "run", "--quick", "--world-seed", "9", "--out", "lab"}),
                {"lab: holds a lab with other settings"});
}

}  // namespace
}  // namespace tessy
