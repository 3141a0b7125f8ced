#pragma once

#include <string>

#include "base/error.h"
#include "synthesis/run.h"

namespace tessy {

enum class ProgressStyle { kNone, kPlain, kBar };

// "none", "plain", "bar", or "auto": a bar on a terminal, lines otherwise.
Result<ProgressStyle> FindProgressStyle(const std::string& name, bool is_terminal);

// One line: samples, tokens a second, time left, discarded share. Pure.
std::string DescribeProgress(const RunProgress& progress);

// Shows progress on standard error: a bar that stays in its line, or one plain line every 10 s.
class ProgressDisplay {
 public:
  explicit ProgressDisplay(ProgressStyle style) : style_(style) {}
  void Show(const RunProgress& progress);
  // Shows any work: `share` of it (0 to 1) is done after `seconds`.
  void Show(double share, double seconds, const std::string& line);
  void Close();  // leaves the bar's line

 private:
  ProgressStyle style_;
  double shown_at_ = 0.0;
  bool open_ = false;
};

}  // namespace tessy
