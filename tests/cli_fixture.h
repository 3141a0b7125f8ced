#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "program.h"

namespace tessy {

#ifdef TESSY_SANITIZED
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif

using Json = nlohmann::ordered_json;
using Arguments = std::vector<std::string>;

std::string ProgramPath();                          // of `tessy`, in the folder above the test's own
std::string ShippedModel(const std::string& name);  // "student", "boundary-teacher"

// Runs the program as a user does: in a folder of its own, with the shipped miniature models and questions.
class CliTest : public testing::Test {
 protected:
  CliTest();
  ~CliTest() override;

  static std::string Model(const std::string& name) { return ShippedModel(name); }
  std::string Path(const std::string& name) const { return folder_ + "/" + name; }
  void Write(const std::string& name, const std::string& content) const;
  std::string Read(const std::string& name) const;
  std::vector<std::string> ReadLines(const std::string& name) const;
  bool Exists(const std::string& name) const;
  // Writes the first `count` shipped questions.
  void WriteQuestions(const std::string& name, size_t count) const;

  // The program runs in the folder, so that messages name files as they were typed.
  ProgramResult Tessy(const Arguments& arguments, ProgramOptions options = {}) const;
  std::unique_ptr<Program> StartTessy(const Arguments& arguments, ProgramOptions options = {}) const;
  // The arguments of `tessy synth` with models, predictors and the questions "q.jsonl", followed by `more`.
  static Arguments Synth(const Arguments& more,
                         const std::string& student_boundary = Model("boundary-student"));
  ProgramResult RunSynth(const Arguments& more, ProgramOptions options = {}) const;
  // Waits until the file has so many lines; false if that takes too long.
  bool AwaitLines(const std::string& name, size_t count) const;

  // Reads a file of responses, by id.
  std::map<std::string, Json> Responses(const std::string& name) const;
  // The parts of the responses that --exact promises to keep the same: messages, spans and who closed the
  // thinking, by id.
  std::map<std::string, Json> Essence(const std::string& name) const;

 private:
  std::string folder_;
};

std::vector<std::string> Lines(const std::string& text);
// The text without the line that tells what memory the models take.
std::string WithoutPlan(const std::string& text);

// Expects exit status 1, nothing on standard output, and one line on standard error that begins with "tessy:
// " and holds all `pieces`.
void ExpectRefusal(const ProgramResult& result, const std::vector<std::string>& pieces);

}  // namespace tessy
