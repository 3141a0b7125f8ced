#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "store/append_file.h"
#include "store/configuration.h"
#include "store/new_files.h"

namespace tessy {

// The files of work that can be interrupted: a file of results, one per line, and beside it a folder with
// the settings (config.json) and a file of rejected items with reasons. Both files are locked, and a torn
// last line is cut off. Used by one process at a time; not thread-safe. Until the settings are recorded
// nothing of a new run stays: what Open has made is removed with the object.
class RunFolder {
 public:
  struct Options {
    std::string out;         // results
    std::string run_folder;  // empty: `out` + ".run"
    std::string rejects;     // file name, in the folder
    // Names of files that the caller will make in the folder; they are removed with those of a run that does
    // not begin.
    std::vector<std::string> others = {};
    bool fresh = false;  // set what is there aside (renamed, not deleted) and start over
    // The flag that accepts other settings; empty: there is none.
    std::string accept_flag = {};
    bool accepts_change = false;  // it was given
    // A record of an earlier version in the form that it has today; empty: it has not changed.
    std::function<std::string(const std::string& recorded)> as_recorded_now = {};
    UnsetTexts unset = {};  // of the settings, for the error that tells how they differ
  };

  // The folder of a run: `run_folder`, or `out` + ".run" where that is empty.
  static std::string FolderOf(const std::string& out, const std::string& run_folder);
  // kConflict: another process is writing, `out` was not made by such a run, or the settings differ.
  static Result<RunFolder> Open(const Options& options, std::string configuration_json);
  // The error for settings that differ from the recorded ones.
  static Error OtherSettings(const Options& options, const std::string& difference);
  // The settings that an earlier run recorded; empty if there are none.
  static std::string RecordedConfiguration(const Options& options);

  // To be called once all is ready to run, before the first result.
  Status RecordConfiguration();

  // kConflict: somebody else has removed, renamed, replaced or changed one of the files since it was opened.
  Status CheckUntouched() const {
    auto status = results_.CheckUntouched();
    return status ? rejects_.CheckUntouched() : status;
  }
  // Leaves only these lines in the file of rejected items, and what it was in a copy beside it ("….old-1").
  // Not in one step: after a kill some of the lines may be missing.
  Status RewriteRejects(const std::vector<std::string>& lines);

  AppendFile& results() { return results_; }
  AppendFile& rejects() { return rejects_; }
  const AppendFile& results() const { return results_; }
  const AppendFile& rejects() const { return rejects_; }
  const std::string& folder() const { return folder_; }
  // The difference from the settings before; empty if there is none.
  const std::string& accepted_change() const { return accepted_change_; }
  const std::vector<std::string>& set_aside() const { return set_aside_; }
  size_t repaired_bytes() const { return repaired_bytes_; }

 private:
  RunFolder(AppendFile results, AppendFile rejects, NewFiles made)
      : results_(std::move(results)), rejects_(std::move(rejects)), made_(std::move(made)) {}

  AppendFile results_;
  AppendFile rejects_;
  NewFiles made_;  // destroyed first: files go while they are locked
  std::string folder_;
  std::string configuration_;
  std::string accepted_change_;
  bool recorded_ = false;
  std::vector<std::string> set_aside_;
  size_t repaired_bytes_ = 0;
};

}  // namespace tessy
