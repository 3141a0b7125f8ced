#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "job/export_options.h"
#include "job/job_events.h"

namespace tessy {

// The counts of an export.
struct ExportResult {
  uint64_t read = 0;                         // responses, of --mix too
  uint64_t rows = 0;                         // written
  uint64_t mixed = 0;                        // those of them that came from --mix
  std::map<std::string, uint64_t> rejected;  // by reason
  std::map<std::string, uint64_t> flagged;   // rows that were written, by what a trainer does with them
  // In tokens of the student; 0 where no template was given.
  uint64_t tokens = 0;
  uint64_t tokens_in_loss = 0;
  uint64_t tokens_longest = 0;     // of a row
  uint64_t straddling = 0;         // tokens that begin in a part and end in one that counts otherwise
  bool is_checked = false;         // a template was given
  std::vector<std::string> files;  // in the folder; the first has the rows
  bool interrupted = false;        // nothing was written
};

// Makes a training set of responses: rows that a trainer reads, checked by the student's template and
// tokenizer, with a recipe, the reasons for what was left out, and a card of the data.
class ExportJob {
 public:
  ExportJob(ExportOptions options, JobEvents events, JobStop stop = {});
  ~ExportJob();
  ExportJob(const ExportJob&) = delete;
  ExportJob& operator=(const ExportJob&) = delete;

  // To be called once. kInvalidData: no row is left; the error names the most frequent reason. kConflict: the
  // folder is there already. After an error nothing is left behind.
  Result<ExportResult> Run();

 private:
  class Work;
  std::unique_ptr<Work> work_;
};

// The result as lines for people: what was read, and what became of it.
std::string Describe(const ExportResult& result);

}  // namespace tessy
