#pragma once

#include <atomic>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "dataset/tables/spool.h"
#include "dataset/tables/table_writer.h"
#include "job/job_events.h"
#include "job/select_options.h"
#include "store/new_files.h"

namespace tessy {

// The files that a selection writes: OUT, OUT.run/rejected.jsonl, OUT.run/summary.json, and a spool without a
// name. Until Commit there is nothing but files that end in .tmp, and what was there before is where it was.
// Where it does not come to Commit, they are removed with this object, and OUT.run if it was made for them.
// A dry run has the spool alone. Not thread-safe.
class SelectFiles {
 public:
  // kConflict: OUT is there and not `fresh`, or another process writes to it.
  static Result<SelectFiles> Open(const SelectOptions& options, const JobEvents& events);

  // Lines without their newlines. In a dry run they go nowhere.
  Status Write(std::string_view line) { return out_ ? out_->Write(line) : Status(); }
  Status Reject(std::string_view line) { return rejected_ ? rejected_->Write(line) : Status(); }
  Spool& spool() { return *spool_; }

  // Brings all to the disk, sets aside what has these names (of an old OUT.run all but the teacher's
  // decisions), and gives the new files theirs. kCancelled: `stop` became true while Parquet was made, and
  // nothing was moved.
  Status Commit(std::string_view summary, const std::atomic<bool>& stop);

 private:
  SelectFiles(const SelectOptions& options, const JobEvents& events) : options_(options), events_(events) {}

  Status OpenTable(const std::string& path, std::optional<TableWriter>& table);
  Status MoveAway(const std::string& path) const;
  Status MoveOldFolder() const;

  const SelectOptions& options_;
  const JobEvents& events_;
  std::optional<TableWriter> out_;
  std::optional<TableWriter> rejected_;
  std::optional<Spool> spool_;
  NewFiles made_;  // destroyed first: files go while they are locked
};

}  // namespace tessy
