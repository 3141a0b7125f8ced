// Runs a synthesis inside your own program: what `tessy synth` does, without its flags and its output. Start
// it in the clone's root, or give that folder as the first argument.
#include <cstdio>
#include <string>

#include "job/synth_job.h"

int main(int argc, char** argv) {
  const std::string root = argc > 1 ? argv[1] : ".";
  const std::string models = root + "/lab/models";

  // Options are plain values; job/synth_settings.cc explains each of them. Without `out` no files are kept.
  tessy::SynthOptions options;
  options.questions = root + "/lab/demo/questions.jsonl";
  options.student = {models + "/student.gguf"};
  options.teacher = {models + "/teacher.gguf"};
  options.student_boundary = {models + "/boundary-student.gguf"};
  options.teacher_boundary = {models + "/boundary-teacher.gguf"};
  options.limit = 5;

  // The job calls these functions, on the thread that runs it.
  size_t characters = 0;
  tessy::JobEvents events;
  events.progress = [](const tessy::RunProgress& progress) {
    std::printf("progress: %zu of %zu samples\n", progress.done + progress.failed, progress.samples);
  };
  events.warning = [](const std::string& line) { std::printf("warning: %s\n", line.c_str()); };
  events.finished = [&characters](const tessy::JobItem& item) -> tessy::Status {
    characters += item.line.size();  // of the JSON line of a response, as docs/formats.md describes it
    return {};
  };

  // A std::stop_token stops the job from another thread: {.token = source.get_token()}.
  tessy::SynthJob job(options, events);
  const auto result = job.Run();
  if (!result) {  // refused before anything was begun
    std::printf("%s\n", result.error().message.c_str());
    return 1;
  }
  if (!result->status) {  // stopped on the way
    std::printf("%s\n", result->status.error().message.c_str());
    return 1;
  }
  std::printf("%zu responses, %zu failed; %zu bytes of JSON\n", result->progress.done,
              result->progress.failed, characters);
  return 0;
}
