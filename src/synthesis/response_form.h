#pragma once

#include <string>

#include "dataset/response.h"
#include "model/family.h"
#include "synthesis/sample.h"

namespace tessy {

// The response in the form of the file: the assistant's content as the student's family writes it, with
// spans in code points that tile thinking and answer; without thinking the content is the answer alone. The
// text is UTF-8. Models, sampling, seed and wall time are not filled in. Pure.
Response FormResponse(const SampleTask& task, const SampleOutcome& outcome, const Method& method,
                      const Family& student_family);

}  // namespace tessy
