// Chat templates of strangers' models, rendered within their budget.
#include <algorithm>
#include <string>
#include <vector>

#include "base/utf8.h"
#include "fuzz/target.h"
#include "model/text/chat_template.h"

namespace tessy::fuzz {
namespace {

void Run(std::string_view input) {
  const auto parsed = ChatTemplate::Parse(std::string(input), {.bos = "<s>", .eos = "</s>"});
  if (!parsed) {
    Require(parsed.error().message.find('\n') == std::string::npos, "an error is one line");
    return Note(parsed.error().message);
  }
  static const std::vector<Message> messages{{"system", "Be brief."},
                                             {"user", " 1 + 2? <|im_end|>\n"},
                                             {"assistant", "<think>\na\n</think>\n\n3"},
                                             {"user", "\xE4\xBD\xA0"}};
  const TemplateOptions options{.variables = {{"effort", "low"}, {"flag", true}}, .date = "2026-01-31"};
  const auto parts = parsed->Render(messages, options);
  if (!parts) {
    Require(parts.error().message.find('\n') == std::string::npos, "an error is one line");
    return Note(parts.error().message);
  }
  for (size_t i = 0; i < parts->size(); ++i) {
    Require(!(*parts)[i].text.empty(), "no part is empty");
    Require(i == 0 || (*parts)[i].from_input != (*parts)[i - 1].from_input, "parts alternate");
  }
  const auto again = parsed->Render(messages, options);
  Require(again && *again == *parts, "a template renders as it did before");
  Note("rendered" + std::string(std::min<size_t>(parts->size(), 12), 'p'));
}

const Registration kRegistered(
    {.name = "chat_templates",
     .grammar = kJinja,
     .seeds = {"{%- for message in messages %}{%- set content = message.content %}{%- if message.role == "
               "'assistant' and '</think>' in "
               "content %}{%- set content = content.split('</think>')[-1].lstrip('\\n') %}{%- endif %}{{- "
               "'<|im_start|>' + message.role "
               "+ '\\n' + content + '<|im_end|>\\n' }}{%- endfor %}{%- if add_generation_prompt %}{{- "
               "'<|im_start|>assistant\\n' }}"
               "{%- endif %}",
               "{{ bos_token }}{% set ns = namespace(n=0, last=none) %}{% for m in messages[::-1] if m.role "
               "!= 'system' %}"
               "{% set ns.n = ns.n + 1 %}{{ loop.index0 }}{{ m['content'] | trim | upper }}{% endfor %}{{ "
               "ns.n }}{{ messages | tojson }}",
               "{% macro f(a, b=1) %}{{ a ~ b }}{% if b < 3 %}{{ f(a, b + 1) }}{% endif %}{% endmacro %}{{ "
               "f('x') }}"
               "{{ strftime_now('%Y-%m-%d') }}{{ range(3) | list | join(',') }}{{ messages | "
               "map(attribute='role') | unique | list }}",
               "{% if messages | length > 9 %}{{ raise_exception('too many') }}{% elif effort is defined "
               "%}{{ effort.strip() }}{% endif %}"
               "{{ {'a': [1, 2.5, none, true]}.items() | list }}{{ messages | selectattr('role', 'equalto', "
               "'user') | list | last }}"},
     .run = &Run});

}  // namespace
}  // namespace tessy::fuzz
