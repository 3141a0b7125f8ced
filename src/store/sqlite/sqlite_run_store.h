#pragma once

#include <memory>
#include <string>

#include "store/run_store.h"

namespace tessy {

// A RunStore in one SQLite file, with a log beside it while it is open (write-ahead logging): readers do not
// wait for the writer, nor the writer for them. A commit survives the end of the process at once; of a
// machine that fails, all since the last checkpoint may be lost, but not the file.
class SqliteRunStore {
 public:
  // Makes the file if it is missing, brings an older one up to date. kInvalidData: it is damaged, no store of
  // a run, or of a newer program; kIo: it cannot be written. The file is left alone then.
  static Result<std::unique_ptr<RunStore>> Open(const std::string& path);
  // Of a run that may be under way elsewhere; nothing may be changed. kNotFound: there is none.
  static Result<std::unique_ptr<RunStore>> OpenToRead(const std::string& path);
};

}  // namespace tessy
