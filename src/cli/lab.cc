#include "cli/commands.h"

#include <fmt/format.h>

#include <filesystem>
#include <memory>

#include "cli/lab_run.h"
#include "cli/validators.h"
#include "lab/corpus.h"
#include "lab/new_model.h"
#include "store/append_file.h"

namespace tessy {
namespace {

struct CorpusFlags {
  std::string role = "student";
  uint64_t count = 1000;
  uint64_t seed = 0;
  uint64_t from = 0;
  std::string out;
};

struct QuestionFlags {
  std::vector<std::string> tasks{"CODE"};
  uint64_t count = 100;
  uint64_t seed = 0;
  int steps = 5;
  std::string out;
};

struct PhraseFlags {
  std::string role = "student";
  std::string out;
};

Status WriteNew(const std::string& path, const std::string& content) {
  if (path.empty()) return WriteOutput(content);
  if (std::filesystem::exists(path)) {
    return Fail(ErrorCode::kConflict, fmt::format("--out {}: is there already; name a new one", path));
  }
  return WriteWhole(path, content);
}

Status WriteCorpus(const CorpusFlags& flags) {
  const LabCorpus corpus = flags.role == "teacher" ? TeacherCorpus(flags.seed) : StudentCorpus(flags.seed);
  std::string lines;
  for (uint64_t i = 0; i < flags.count; ++i) lines += ToJsonLine(LabResponse(corpus, flags.from + i)) + "\n";
  return WriteNew(flags.out, lines);
}

Status WriteQuestions(const QuestionFlags& flags) {
  std::string lines;
  for (const std::string& name : flags.tasks) {
    const auto task = FindLabTask(name);
    if (!task) return tl::unexpected(task.error());
    for (uint64_t i = 0; i < flags.count; ++i)
      lines += LabQuestionLine(*task, flags.seed, i, flags.steps) + "\n";
  }
  return WriteNew(flags.out, lines);
}

Status WritePhrases(const PhraseFlags& flags) {
  std::string lines;
  for (const std::string& phrase : LabPhrases(flags.role == "both"      ? LabStyle::kMixed
                                              : flags.role == "teacher" ? LabStyle::kTeacher
                                                                        : LabStyle::kStudent)) {
    lines += phrase + "\n";
  }
  return WriteNew(flags.out, lines);
}

CLI::Option* AddRole(CLI::App& command, std::string& role) {
  return command.add_option("--role", role, "whose style: student or teacher")
      ->check(CLI::IsMember({"student", "teacher"}))
      ->capture_default_str();
}

void AddCorpus(CLI::App& lab, CommandContext& context) {
  CLI::App* command = lab.add_subcommand("corpus", "responses to pretrain a model of the lab on");
  auto flags = std::make_shared<CorpusFlags>();
  AddRole(*command, flags->role);
  command->add_option("--count", flags->count, "responses")->check(WholeNumber())->capture_default_str();
  command->add_option("--from", flags->from, "the first one's number")
      ->check(WholeNumber())
      ->capture_default_str();
  command->add_option("--seed", flags->seed, "of the draws")->check(WholeNumber())->capture_default_str();
  command->add_option("--out", flags->out, "a new file (default: standard output)")->type_name("FILE");
  command->callback([flags, &context] { Finish(context, WriteCorpus(*flags)); });
}

void AddQuestions(CLI::App& lab, CommandContext& context) {
  CLI::App* command = lab.add_subcommand("questions", "problems of the lab's world, with answers");
  auto flags = std::make_shared<QuestionFlags>();
  command->add_option("--task", flags->tasks, "CODE, ADD, MAX, REV; may be repeated")
      ->allow_extra_args(false)
      ->capture_default_str();
  command->add_option("--count", flags->count, "of each task")->check(WholeNumber())->capture_default_str();
  command->add_option("--seed", flags->seed, "of the draws")->check(WholeNumber())->capture_default_str();
  command->add_option("--steps", flags->steps, "of a problem; 0: 4 to 6")
      ->check(CLI::Range(0, 20))
      ->capture_default_str();
  command->add_option("--out", flags->out, "a new file (default: standard output)")->type_name("FILE");
  command->callback([flags, &context] { Finish(context, WriteQuestions(*flags)); });
}

void AddPhrases(CLI::App& lab, CommandContext& context) {
  CLI::App* command =
      lab.add_subcommand("phrases", "a style's phrases, for annotate --annotator phrases:FILE");
  auto flags = std::make_shared<PhraseFlags>();
  command->add_option("--role", flags->role, "whose style: student, teacher or both")
      ->check(CLI::IsMember({"student", "teacher", "both"}))
      ->capture_default_str();
  command->add_option("--out", flags->out, "a new file (default: standard output)")->type_name("FILE");
  command->callback([flags, &context] { Finish(context, WritePhrases(*flags)); });
}

void AddModel(CLI::App& lab, CommandContext& context) {
  CLI::App* command =
      lab.add_subcommand("model", "a .gguf of random weights, with a vocabulary learnt from responses");
  auto flags = std::make_shared<NewModelOptions>();
  command->add_option("--text", flags->texts, "responses to learn the vocabulary from; may be repeated")
      ->allow_extra_args(false)
      ->required();
  const auto size = [&](const char* name, int64_t& value, const char* what) {
    command->add_option(name, value, what)->check(CLI::Range(1, 1000000))->capture_default_str();
  };
  command->add_option("--vocabulary", flags->vocabulary, "tokens, at most")
      ->check(CLI::Range(261, 1000000))
      ->capture_default_str();
  size("--width", flags->shape.width, "of the residual stream");
  size("--layers", flags->shape.layers, "");
  size("--feed-forward", flags->shape.feed_forward, "width of the feed-forward parts");
  size("--heads", flags->shape.heads, "of attention");
  size("--kv-heads", flags->shape.kv_heads, "of keys and values");
  size("--head-width", flags->shape.head_width, "");
  size("--context", flags->shape.context_tokens, "tokens");
  command->add_option("--seed", flags->seed, "of the weights")->check(WholeNumber())->capture_default_str();
  command->add_option("--out", flags->out, "a new .gguf")->type_name("FILE")->required();
  command->callback([flags, &context] { Finish(context, WriteNewModel(*flags)); });
}

}  // namespace

void AddLabCommand(CLI::App& app, CommandContext& context) {
  CLI::App* command = app.add_subcommand("lab", "the paper in miniature, from pretraining to a table");
  command->require_subcommand(1);
  AddLabRunCommand(*command, context);
  AddCorpus(*command, context);
  AddQuestions(*command, context);
  AddPhrases(*command, context);
  AddModel(*command, context);
}

}  // namespace tessy
