// Family files.
#include "fuzz/target.h"
#include "model/family.h"

namespace tessy::fuzz {
namespace {

void Run(std::string_view input) {
  const auto family = ParseFamily(input, "f.toml");
  DetectFamily(std::string(input));
  Note(family ? "a family" : family.error().message);
}

const Registration kRegistered(
    {.name = "families",
     .grammar = kToml,
     .seeds =
         {"name = \"f\"\ntemplate_marks = [\"<|im_start|>\"]\nopen_thinking = \"<think>\\n\"\nclose_tokens = "
          "[\"</think>\"]\n"
          "close_texts = [\"</think>\"]\nhandover = \"\\n</think>\\n\\n\"\ncontent_open = \"<think>\\n\"\n"
          "content_close = \"\\n</think>\\n\\n\"\ntrim = \"\\n\"\nend_tokens = "
          "[\"<|im_end|>\"]\ndefault_template = '''\n"
          "{{ messages[0].content }}\n'''\n[template_options]\neffort = \"high\"\nflag = true\ndate = "
          "\"2026-01-31\"\n",
          "name = \"g\"\ntemplate_marks = []\nopen_thinking = \"\"\nclose_tokens = []\nclose_texts = []\n"
          "end_closes_thinking = true\nthinking_stops = [\"\\nQ:\"]\nthinking_request = \"aloud\"\n"
          "answer_request = \"now\"\nhandover = \"\"\nanswer_stops = [\"\\nQ:\"]\nskip_thinking = \"A:\"\n"
          "content_open = \"\"\ncontent_close = \"\"\ntrim = \"\"\nend_tokens = []\n"
          "use_default_template = true\ndefault_template = \"{{ messages[0].content }}\"\n",
          "name = 'f'\na.b.c = 1\n[a.d]\n[[e.f]]\n"},
     .run = &Run});

}  // namespace
}  // namespace tessy::fuzz
