#include "job/select_options.h"

#include <fmt/format.h>

#include <utility>

namespace tessy {
namespace {

tl::unexpected<Error> Usage(std::string message) {
  return Fail(ErrorCode::kInvalidArgument, std::move(message));
}

}  // namespace

Status CheckOptions(const SelectOptions& options) {
  if (options.sources.empty()) {
    return Usage("--source is missing: give files, folders or patterns of JSON lines or Parquet");
  }
  if (options.out.empty() && options.dry_run == 0) {
    return Usage("--out is missing: give the file to write, or --dry-run N to look at the first rows only");
  }
  if (options.rows > 0 && options.distinct > options.rows) {
    return Usage(fmt::format("--rows {}: is less than --distinct {}, and each question gets a row at least",
                             options.rows, options.distinct));
  }
  if (!options.teacher.model.empty()) return CastOptionsOf(options).map([](const CastOptions&) {});
  if (!options.teacher.prompt.empty()) return Usage("--prompt goes with --teacher");
  if (!options.retry_failed.empty()) return Usage("--retry-failed goes with --teacher");
  return {};
}

Result<CastOptions> CastOptionsOf(const SelectOptions& options) {
  return CastOptionsOf(options.teacher, "teacher", "TESSY_TEACHER_API_KEY");
}

}  // namespace tessy
