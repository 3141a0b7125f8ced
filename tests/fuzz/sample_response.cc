#include "fuzz/sample_response.h"

namespace tessy::fuzz {

Response SampleResponse() {
  Response response{
      .id = "q1-0",
      .question_id = "q1",
      .sample = 0,
      .method = "tessy",
      .messages = {{"system", "Be brief."}, {"user", "What is 1 + 2?"}},
      .spans = {{.role = Role::kStudent, .kind = SpanKind::kStyle, .start = 8, .end = 14, .tokens = 2},
                {.role = Role::kTeacher, .kind = SpanKind::kCapability, .start = 14, .end = 25, .tokens = 5},
                {.role = Role::kStudent, .kind = SpanKind::kAnswer, .start = 36, .end = 56, .tokens = 9}},
      .closed_by = "teacher",
      .stats = {.student_tokens = 2, .teacher_tokens = 5, .answer_tokens = 9, .switches = 1},
      .models = {.student = "s.gguf", .teacher = "t.gguf"},
      .sampling = {.temperature = 0.6, .top_p = 0.95, .top_k = 20},
      .seed = 7,
      .source_json = R"({"answer":"3","n":1.50})"};
  response.messages.push_back(
      {"assistant", "<think>\nOkay, 1 + 2 is 3.\n</think>\n\n```py\n1 + 2\n```\n3 \xF0\x9F\x98\x80"});
  return response;
}

}  // namespace tessy::fuzz
