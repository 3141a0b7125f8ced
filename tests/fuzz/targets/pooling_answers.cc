// The answers of predictors behind servers.
#include "boundary/pooling/pooling_answer.h"
#include "fuzz/target.h"

namespace tessy::fuzz {
namespace {

void Run(std::string_view input) {
  for (const size_t inputs : {size_t{1}, size_t{2}}) {
    const auto p_style = ReadPoolingAnswer(input, inputs);
    Note(p_style ? "probabilities" : "another form");
    if (!p_style) continue;
    Require(p_style->size() == inputs, "there is a probability for each input");
    for (const float p : *p_style) Require(p >= 0.0F && p <= 1.0F, "a probability lies between 0 and 1");
  }
}

const Registration kRegistered(
    {.name = "pooling_answers",
     .grammar = kJson,
     .seeds = {R"({"data":[{"index":1,"data":[[0.5,0.5],[0.25,0.75]]},{"index":0,"data":[[1,0]]}]})",
               R"({"data":[{"data":[[0.1,0.9]]}]})"},
     .run = &Run});

}  // namespace
}  // namespace tessy::fuzz
