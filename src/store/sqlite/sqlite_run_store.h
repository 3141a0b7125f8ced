#pragma once

#include <memory>
#include <string>

#include "store/run_store.h"

namespace tessy {

// A RunStore in one SQLite file, with a write-ahead log beside it while it is open. Readers do not wait for
// the writer, and the writer does not wait for them. A commit survives the end of the process. If the machine
// fails, commits since the last checkpoint may be lost; the file stays sound.
class SqliteRunStore {
 public:
  // Makes the file if it is missing, and brings an older one up to date. kInvalidData: the file is damaged,
  // is no store of a run, or was made by a newer program; kIo: it cannot be written. On an error the file is
  // left alone.
  static Result<std::unique_ptr<RunStore>> Open(const std::string& path);
  // Opens the file to read it, also while a run writes to it. Methods that change the store may not be
  // called. kNotFound: there is no file.
  static Result<std::unique_ptr<RunStore>> OpenToRead(const std::string& path);
};

}  // namespace tessy
