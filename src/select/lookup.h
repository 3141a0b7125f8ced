#pragma once

#include <atomic>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "select/source_question.h"

namespace tessy {

// The texts of questions that a source only refers to, by the name of a data set, its split and a row's
// number in the split (OpenCodeReasoning: TACO, APPS, CodeContests, Codeforces). A data set's tables are read
// and kept in memory when the first question refers to it. The split of a file is the first of train, test,
// valid that its path below the folder holds, or its name if it is given alone; rows are numbered from 0 over
// its files in their order. Not thread-safe.
class Lookup {
 public:
  // Each is NAME=FOLDER. A name stands for a data set of that name, with or without an owner before it:
  // "codeforces" for "open-r1/codeforces". `stop` must outlive the object; once it is true, reading ends, and
  // texts are not found. kInvalidArgument: none of that form.
  static Result<Lookup> Make(const std::vector<std::string>& given, const std::atomic<bool>* stop = nullptr);

  // The text that the question refers to; empty if nothing is known of it. Errors are those of the tables.
  Result<std::string> Find(const SourceQuestion& question);

 private:
  struct DataSet {
    std::string folder;
    bool is_read = false;
    std::map<std::string, std::vector<std::string>> splits;
  };

  Status Read(DataSet& data_set) const;

  std::map<std::string, DataSet> data_sets_;
  const std::atomic<bool>* stop_ = nullptr;
};

// The text of a row of such a data set: `question` (TACO, APPS), or `description` (CodeContests), for
// Codeforces with its input, output, examples and note under headings. Empty if it has none. Pure.
std::string TextOfTask(std::string_view row);

}  // namespace tessy
