#include "store/output_guard.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "base/links.h"
#include "store/append_file.h"

namespace tessy {
namespace {

namespace fs = std::filesystem;

// The path without links, "." and ".."; what does not exist is taken as it is written.
fs::path RealPath(const std::string& path) {
  std::error_code status;
  const fs::path absolute = fs::absolute(BehindLinks(path), status);
  auto real = fs::weakly_canonical(absolute, status);
  if (status) real = absolute;
  return real.has_filename() ? real : real.parent_path();
}

bool IsSame(const fs::path& a, const fs::path& b) {
  std::error_code status;
  return a == b || fs::equivalent(a, b, status);
}

// Strictly inside.
bool LiesIn(const fs::path& path, const fs::path& folder) {
  const auto [rest, end] = std::mismatch(path.begin(), path.end(), folder.begin(), folder.end());
  return end == folder.end() && rest != path.end();
}

}  // namespace

bool IsSameFile(const std::string& a, const std::string& b) { return IsSame(RealPath(a), RealPath(b)); }

Status CheckOutputs(std::span<const NamedPath> outputs, std::span<const NamedPath> inputs) {
  for (const NamedPath& input : inputs) {
    std::error_code status;
    if (!fs::exists(input.path, status)) continue;
    const fs::path in = RealPath(input.path);
    for (const NamedPath& output : outputs) {
      const fs::path out = RealPath(output.path);
      const auto refuse = [&](std::string_view how) {
        return Fail(ErrorCode::kInvalidArgument, fmt::format("{} {}: {} {}, {}; give another", output.name,
                                                             output.path, how, input.name, input.path));
      };
      if (IsSame(in, out)) return refuse("is the file of");
      if (LiesIn(in, out)) return refuse("is the folder of");
      // A folder of weights; any other is no input, but a text that happens to be its name.
      const bool is_model = fs::exists(in / "config.json", status);
      if (is_model && fs::exists(out, status) && LiesIn(out, in)) return refuse("is part of");
    }
  }
  return {};
}

}  // namespace tessy
