// Run files in TOML, of synthesis and of annotation.
#include <algorithm>
#include <string>
#include <vector>

#include "fuzz/target.h"
#include "job/annotate_options.h"
#include "job/run_file.h"
#include "job/synth_settings.h"

namespace tessy::fuzz {
namespace {

std::vector<std::string> TextsOf(const Settings& settings) {
  std::vector<std::string> texts;
  for (const Setting& setting : settings) texts.push_back(TextOf(setting));
  return texts;
}

void Apply(const Settings& settings, const std::string& path) {
  const auto before = TextsOf(settings);
  const auto status = ApplyRunFile(settings, path);
  if (!status) {
    const std::string& message = status.error().message;
    return Note(std::string_view(message).substr(std::min(message.size(), path.size())));
  }
  const auto after = TextsOf(settings);
  for (size_t i = 0; i < settings.size(); ++i) {
    if (after[i] == before[i] || TakesSeveral(settings[i])) continue;
    Require(WhyRefused(settings[i], after[i]).empty(), "a value that was taken can be typed again");
    Note(settings[i].key);
  }
  Note("applied");
}

void Run(std::string_view input) {
  const MemoryFile file(input);
  SynthOptions synth;
  Apply(SynthSettings(synth), file.path());
  AnnotateOptions annotate;
  Apply(AnnotateSettings(annotate), file.path());
}

const Registration kRegistered(
    {.name = "run_files",
     .grammar = kToml,
     .seeds =
         {"# a run\nquestions = \"q.jsonl\"\nout = 'o.jsonl'\nstudent = [\"a.gguf\", "
          "\"http://h:1/v1#m\"]\nteacher = \"t.gguf\"\n"
          "top-p = 0.9\ntop_k = 20\nseed = 1\nfresh = true\ntemplate-date = 2026-01-31\nmethod = \"tessy\"\n",
          "style-threshold = 1\nthinking-tokens = 100\nk=3\n[a.b]\nc = {d.e = [1, 2]}\n[[x]]\ny = "
          "\"\"\"z\"\"\"\n",
          "\xEF\xBB\xBFout = \"~/a\"\r\nlimit = 0x10\r\n"},
     .run = &Run});

}  // namespace
}  // namespace tessy::fuzz
