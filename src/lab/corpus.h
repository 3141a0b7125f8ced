#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "dataset/response.h"
#include "lab/world.h"

namespace tessy {

// The responses on which a model of the lab is pretrained.
struct LabCorpus {
  LabStyle style = LabStyle::kStudent;
  double own_style = 1.0;  // share; the rest is of the style below
  LabStyle other = LabStyle::kMixed;
  std::array<double, 4> tasks{1, 1, 1, 1};  // weights, in the order of kLabTasks
  bool misconceptions = false;
  double hints = 0.0;  // share of prompts that tell the answer (" hint report output: 8", as the teacher
                       // answers); those traces are right
  uint64_t seed = 0;
  uint64_t world = 1;  // seed of the misconceptions
};

// The student has misconceptions, writes 99 % in its own style (the rest chosen by a coin), and all tasks
// equally often. The teacher knows the right products, has read both styles (60 % its own, the rest mixed,
// because it must continue the text of a student), and has seen more CODE.
LabCorpus StudentCorpus(uint64_t seed);
LabCorpus TeacherCorpus(uint64_t seed);

// The n-th response of a corpus, of one thinker, as tessy synth would have written it.
Response LabResponse(const LabCorpus& corpus, uint64_t number);

// The JSON line of a question: id, prompt, answer, task.
std::string LabQuestionLine(LabTask task, uint64_t seed, uint64_t number, int steps);

// The text of prompt and response from which a vocabulary is learnt.
std::string TextOf(const Response& response);

// The chat template of every model of the lab: "<bos> CODE 7 * 3<think>".
extern const char* const kLabChatTemplate;

}  // namespace tessy
