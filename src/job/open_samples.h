#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "base/error.h"
#include "dataset/question_file.h"
#include "synthesis/run_files.h"
#include "synthesis/task_source.h"

namespace tessy {

// The samples of all questions that are neither done nor failed, in the order of the file. What it is given
// must outlive it.
class OpenSamples final : public TaskSource {
 public:
  struct Options {
    uint32_t samples = 1;       // of each question
    RunFiles* files = nullptr;  // null: the run keeps no files, and nothing is there already
    size_t count = 0;           // of what will be handed out
    QuestionFile::Keep keep = QuestionFile::Keep::kSource;
  };
  OpenSamples(QuestionFile& questions, const Options& options) : questions_(questions), options_(options) {}

  Result<std::optional<SampleTask>> Next() override;
  size_t size() const override { return options_.count; }

 private:
  // The samples of a question follow each other: it is read for the first of them.
  Status Load(size_t index);

  QuestionFile& questions_;
  Options options_;
  uint64_t number_ = 0;
  std::shared_ptr<const Question> question_;
  size_t index_ = 0;  // of `question_`
};

}  // namespace tessy
