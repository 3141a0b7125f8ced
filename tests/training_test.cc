// From a teacher, a student and questions to predictors and to a tuned student, end to end, by the program's
// own commands; what comes out must be good.
#include <algorithm>
#include <chrono>
#include <sstream>

#include "base/random.h"
#include "cli_fixture.h"

namespace tessy {
namespace {

constexpr size_t kTrainingQuestions = 600;
constexpr size_t kEvaluationQuestions = 300;
constexpr int kOperands = 6;
constexpr int kModulus = 13;

// A question of the miniature world (arithmetic modulo 13 from left to right, chains of maxima and minima,
// reversal), and its answer.
struct Problem {
  std::string prompt;
  std::string answer;
};

class Problems {
 public:
  Problems(std::string task, uint64_t seed) : task_(std::move(task)), seed_(seed) {}

  Problem At(uint64_t index) const {
    Problem problem{.prompt = task_, .answer = ""};
    int value = Draw(index, 0, kModulus);
    problem.prompt += " " + std::to_string(value);
    std::vector<int> operands{value};
    for (uint64_t i = 1; i < kOperands; ++i) {
      const int operand = Draw(index, 2 * i, kModulus);
      operands.push_back(operand);
      const char operation = Operation(index, i);
      if (operation != ' ') problem.prompt += std::string(" ") + operation;
      problem.prompt += " " + std::to_string(operand);
      value = Apply(operation, value, operand);
    }
    if (task_ != "REV") {
      problem.answer = std::to_string(value);
      return problem;
    }
    for (auto operand = operands.rbegin(); operand != operands.rend(); ++operand) {
      problem.answer += (problem.answer.empty() ? "" : " ") + std::to_string(*operand);
    }
    return problem;
  }

  std::string Lines(size_t count) const {
    std::string lines;
    for (size_t i = 0; i < count; ++i) {
      const Problem problem = At(i);
      lines += Json{{"id", task_ + std::to_string(i)}, {"prompt", problem.prompt}, {"answer", problem.answer}}
                   .dump() +
               "\n";
    }
    return lines;
  }

 private:
  int Draw(uint64_t index, uint64_t place, int below) const {
    return static_cast<int>(UniformAt(HashBytes(task_, seed_), index, place) * below);
  }
  char Operation(uint64_t index, uint64_t place) const {
    const int draw = Draw(index, 2 * place + 1, 10);
    if (task_ == "CODE") return draw < 6 ? '*' : draw < 8 ? '+' : '-';
    if (task_ == "ADD") return draw < 5 ? '+' : '-';
    if (task_ == "MAX") return draw < 5 ? 'M' : 'm';
    return ' ';
  }
  static int Apply(char operation, int a, int b) {
    switch (operation) {
      case '*':
        return a * b % kModulus;
      case '+':
        return (a + b) % kModulus;
      case '-':
        return (a - b + kModulus) % kModulus;
      case 'M':
        return std::max(a, b);
      case 'm':
        return std::min(a, b);
      default:
        return b;
    }
  }

  std::string task_;
  uint64_t seed_;
};

// The numbers behind the thinking.
std::string AnswerOf(const Json& response) {
  const auto text = response["messages"].back()["content"].get<std::string>();
  const size_t thought = text.rfind("</think>");
  std::istringstream words(thought == std::string::npos ? text : text.substr(thought + 8));
  std::string answer;
  for (std::string word; words >> word;) {
    while (!word.empty() && std::ispunct(static_cast<unsigned char>(word.back()))) word.pop_back();
    if (word.empty() ||
        !std::all_of(word.begin(), word.end(), [](unsigned char c) { return std::isdigit(c); }))
      continue;
    answer += (answer.empty() ? "" : " ") + word;
  }
  return answer;
}

class TrainingTest : public CliTest {
 protected:
  void Run(const Arguments& arguments) const {
    const auto result = Tessy(arguments, {.time_limit = std::chrono::minutes(10)});
    ASSERT_EQ(result.exit_status, 0) << testing::PrintToString(arguments) << result.err;
  }
  double ShareRight(const std::string& questions, const std::string& responses) const {
    std::map<std::string, std::string> due;
    for (const std::string& line : ReadLines(questions)) {
      const Json question = Json::parse(line);
      due[question["id"]] = question["answer"];
    }
    size_t right = 0;
    for (const auto& [id, response] : Responses(responses)) {
      const auto question = response["question_id"].get<std::string>();
      right += due.contains(question) && AnswerOf(response) == due[question] ? 1 : 0;
    }
    return static_cast<double>(right) / static_cast<double>(due.size());
  }
  // The teacher's part of the thinking, in tokens.
  double TeachersShare(const std::string& responses) const {
    double capability = 0.0;
    double all = 0.0;
    for (const auto& [id, response] : Responses(responses)) {
      for (const Json& span : response["spans"]) {
        if (span["kind"] == "answer") continue;
        const auto tokens = span["tokens"].get<double>();
        all += tokens;
        if (span["kind"] == "capability") capability += tokens;
      }
    }
    return capability / all;
  }
  void MakePredictor(const std::string& role) const {
    Run({"synth", "--questions", "q.jsonl", "--" + role, Model(role), "--method", role + "-only",
         "--temperature", "0.95", "--out", role + ".jsonl"});
    Run({"annotate", "--responses", role + ".jsonl", "--annotator",
         "phrases:" TESSY_SOURCE_DIR "/lab/phrases-" + role + ".txt", "--windows-per-response", "3", "--out",
         role + "-style.jsonl"});
    Run({"train", "boundary", "--annotations", role + "-style.jsonl", "--base", Model(role), "--lr", "1e-3",
         "--threads", "1", "--out", "boundary-" + role + ".gguf"});
  }
};

TEST_F(TrainingTest, PredictorsAndAStudentFromNothingButTwoModelsAndQuestions) {
  Write("q.jsonl", Problems("CODE", 1).Lines(kTrainingQuestions));
  MakePredictor("student");
  MakePredictor("teacher");

  const Arguments sampling{"--temperature", "0.7", "--top-p", "0.8", "--top-k", "20"};
  Arguments synth{"synth",
                  "--questions",
                  "q.jsonl",
                  "--student",
                  Model("student"),
                  "--teacher",
                  Model("teacher"),
                  "--student-boundary",
                  "boundary-student.gguf",
                  "--teacher-boundary",
                  "boundary-teacher.gguf",
                  "--out",
                  "tessy.jsonl"};
  synth.insert(synth.end(), sampling.begin(), sampling.end());
  Run(synth);
  EXPECT_GE(ShareRight("q.jsonl", "tessy.jsonl"), 0.93);
  EXPECT_GE(TeachersShare("tessy.jsonl"), 0.46);
  EXPECT_LE(TeachersShare("tessy.jsonl"), 0.50);

  Run({"train", "sft", "--student", Model("student"), "--responses", "tessy.jsonl", "--epochs", "10",
       "--batch-size", "16", "--lr", "1e-4", "--schedule", "constant", "--warmup-steps", "5", "--out",
       "tuned.gguf"});
  for (const char* name : {"CODE", "ADD", "MAX", "REV"}) {
    const std::string task = name;
    Write(task + ".jsonl", Problems(task, 2).Lines(kEvaluationQuestions));
    for (const std::string& model : {Model("student"), Path("tuned.gguf")}) {
      const std::string out = task + (model == Model("student") ? "-before.jsonl" : "-after.jsonl");
      Arguments evaluate{"synth",     "--questions", task + ".jsonl", "--method", "student-only",
                         "--student", model,         "--out",         out};
      evaluate.insert(evaluate.end(), sampling.begin(), sampling.end());
      Run(evaluate);
    }
    const double before = ShareRight(task + ".jsonl", task + "-before.jsonl");
    const double after = ShareRight(task + ".jsonl", task + "-after.jsonl");
    if (task == "CODE") {
      EXPECT_LT(before, 0.65);
      EXPECT_GE(after, 0.90);
    } else {
      EXPECT_GE(after, 0.95) << task << ", " << before << " before";
    }
  }
}

}  // namespace
}  // namespace tessy
