#include "job/select_files.h"

#include <fmt/format.h>

#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

#include "base/links.h"
#include "store/append_file.h"
#include "store/configuration.h"

namespace tessy {
namespace {

namespace fs = std::filesystem;

std::string FolderOf(const SelectOptions& options) { return options.out + ".run"; }
std::string RejectedOf(const SelectOptions& options) { return FolderOf(options) + "/rejected.jsonl"; }
std::string SummaryOf(const SelectOptions& options) { return FolderOf(options) + "/summary.json"; }

bool IsThere(const std::string& path) {
  std::error_code error;
  return fs::exists(path, error);
}

}  // namespace

Result<SelectFiles> SelectFiles::Open(const SelectOptions& options, const JobEvents& events) {
  SelectFiles files(options, events);
  const bool is_dry = options.dry_run > 0;
  if (!is_dry) {
    if (IsThere(options.out) && !options.fresh) {
      return Fail(
          ErrorCode::kConflict,
          fmt::format("{}: is there already; use another --out, or --fresh to set it aside", options.out));
    }
    if (auto status = files.OpenTable(options.out, files.out_); !status)
      return tl::unexpected(status.error());
    if (auto status = files.OpenTable(RejectedOf(options), files.rejected_); !status)
      return tl::unexpected(status.error());
  }
  auto spool = Spool::Make(is_dry ? "" : FolderOf(options));
  if (!spool) return tl::unexpected(spool.error());
  files.spool_.emplace(std::move(*spool));
  return files;
}

Status SelectFiles::OpenTable(const std::string& path, std::optional<TableWriter>& table) {
  made_.Expect(BehindLinks(path) + ".tmp");
  auto opened = TableWriter::Open(path, TableWriter::NameTaken::kUntilCommit);
  if (!opened) {
    // Another process has made it a moment ago, and it is not to lose it.
    if (opened.error().code == ErrorCode::kConflict) made_.Keep();
    return tl::unexpected(opened.error());
  }
  table.emplace(std::move(*opened));
  return {};
}

Status SelectFiles::MoveAway(const std::string& path) const {
  const auto moved = SetAside(path);
  if (!moved) return tl::unexpected(moved.error());
  if (!moved->empty()) Tell(events_.notice, fmt::format("{}: set aside as {}", path, *moved));
  return {};
}

// One by one, so that the teacher's decisions are in their place at any time.
Status SelectFiles::MoveOldFolder() const {
  const std::string folder = FolderOf(options_);
  std::vector<fs::path> old;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    const std::string name = entry.path().filename();
    if (name != "teacher" && name != "rejected.jsonl.tmp") old.push_back(entry.path());
  }
  if (error || old.empty()) return {};
  const std::string aside = FreeNameAside(folder);
  fs::create_directory(aside, error);
  for (const fs::path& path : old) {
    if (!error) fs::rename(path, fs::path(aside) / path.filename(), error);
  }
  if (error) return Fail(ErrorCode::kIo, fmt::format("{}: cannot be set aside: {}", folder, error.message()));
  Tell(events_.notice, fmt::format("{}: set aside as {}", folder, aside));
  return {};
}

Status SelectFiles::Commit(std::string_view summary, const std::atomic<bool>& stop) {
  for (std::optional<TableWriter>* writer : {&rejected_, &out_}) {
    if (auto status = (*writer)->Finish(&stop); !status) return status;
  }
  made_.Keep();  // all is in them, should one not get its name
  // What stands beside an output that is not there is that of a selection which did not come to its end, or
  // of something else.
  const std::string out = BehindLinks(options_.out);
  if (options_.fresh && IsThere(out)) {
    if (auto status = MoveOldFolder(); !status) return status;
    if (auto status = MoveAway(out); !status) return status;
  }
  for (const std::string& path : {RejectedOf(options_), SummaryOf(options_)}) {
    if (auto status = MoveAway(path); !status) return status;
  }
  if (auto status = rejected_->Commit(); !status) return status;
  if (auto status = WriteWhole(SummaryOf(options_), summary); !status) return status;
  return out_->Commit();
}

}  // namespace tessy
