#pragma once

#include <string>

#include "dataset/response.h"
#include "model/family.h"
#include "synthesis/sample.h"

namespace tessy {

// The response as it stands in the file: the assistant's content in the student's family's form, spans in
// code points that tile thinking and answer, text that is UTF-8. Does not fill in models, sampling, seed and
// wall time. Pure.
Response FormResponse(const SampleTask& task, const SampleOutcome& outcome, const Method& method,
                      const Family& student_family);

}  // namespace tessy
