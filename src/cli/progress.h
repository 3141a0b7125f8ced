#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/error.h"
#include "synthesis/run.h"

namespace tessy {

enum class ProgressStyle { kNone, kPlain, kBar };

// "none", "plain", "bar", or "auto": a bar on a terminal, lines otherwise.
Result<ProgressStyle> FindProgressStyle(const std::string& name, bool is_terminal);

// One line: samples, tokens a second, time left, discarded share. Pure.
std::string DescribeProgress(const RunProgress& progress);

// The width of the terminal behind a descriptor: what the system says now, else the variable COLUMNS,
// else 80.
size_t TerminalColumns(int descriptor);

// A bar for `share` (0 to 1) and the line, in fewer than `columns` columns, so that no terminal wraps it.
// What does not fit goes: first of the bar, then of the line's last parts, which commas separate. Every
// character of the line must be one column wide. Pure.
std::string BarLine(double share, std::string_view line, size_t columns);

// Shows progress on standard error: a bar that stays in its line, of the terminal's width at that moment, or
// one plain line every 10 s.
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
