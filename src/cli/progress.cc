#include "cli/progress.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <optional>
#include <system_error>

#include "base/numbers.h"
#include "base/utf8.h"
#include "cli/command.h"

namespace tessy {
namespace {

constexpr double kPlainSeconds = 10.0;
constexpr size_t kBarWidth = 24;
constexpr size_t kBarLeast = 8;  // a narrower one tells nothing
constexpr size_t kColumnsUsual = 80;
constexpr size_t kColumnsMax = 10000;

std::string Bar(double share, size_t width) {
  const auto filled = static_cast<size_t>(share * static_cast<double>(width));
  std::string bar;
  for (size_t i = 0; i < width; ++i) bar += i < filled ? "━" : "╌";
  return bar;
}

// What is left, by tokens: so many as a finished sample took, attempts that failed included, for each that is
// not finished, less those that are written already. Between two samples that finish this only falls while
// tokens come at the same rate; seconds a sample would climb. The first samples to finish are the short ones,
// so that a few are waited for. Empty: not known yet.
std::optional<double> SecondsLeft(const RunProgress& progress) {
  constexpr size_t kEnough = 3;
  const size_t finished = progress.done + progress.failed;
  const size_t fresh = finished - progress.resumed;
  const size_t left = progress.samples - finished;
  const auto tokens = static_cast<double>(progress.counters.tokens);
  const auto of_finished = static_cast<double>(progress.counters.finished_tokens);
  if (fresh == 0 || (fresh < kEnough && fresh < left)) return std::nullopt;
  // Without any tokens (recalled samples, prompts that do not fit) the clock is all there is.
  if (tokens <= 0 || of_finished <= 0) {
    return progress.seconds / static_cast<double>(fresh) * static_cast<double>(left);
  }
  const double mean = of_finished / static_cast<double>(fresh);
  const double under_way = std::max(0.0, tokens - of_finished);
  // A sample that is longer than the mean is not done yet all the same.
  const double wanted = std::max(mean * static_cast<double>(left) - under_way, mean);
  return wanted * progress.seconds / tokens;
}

// As many of the parts of "a, b, c" as `room` characters hold; the first is cut where even it is too long.
std::string_view PartsWithin(std::string_view line, size_t room) {
  if (CountCodePoints(line) <= room) return line;
  const size_t room_bytes = ByteOffset(line, room);
  return line.substr(0, std::min(room_bytes, line.rfind(", ", room_bytes)));
}

}  // namespace

size_t TerminalColumns(int descriptor) {
  winsize size{};
  if (ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  const char* told = std::getenv("COLUMNS");
  const std::string_view text = told == nullptr ? "" : told;
  size_t columns = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), columns);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  return whole && columns > 0 && columns <= kColumnsMax ? columns : kColumnsUsual;
}

std::string BarLine(double share, std::string_view line, size_t columns) {
  // A terminal that has its last column filled may go on to the next line.
  const size_t room = std::max<size_t>(columns, 1) - 1;
  const size_t text = CountCodePoints(line) + 1;
  const size_t bar = std::clamp(room > text ? room - text : 0, kBarLeast, kBarWidth);
  if (room <= bar) return Bar(share, std::min(room, kBarLeast));
  return Bar(share, bar) + " " + std::string(PartsWithin(line, room - bar - 1));
}

Result<ProgressStyle> FindProgressStyle(const std::string& name, bool is_terminal) {
  if (name == "auto") return is_terminal ? ProgressStyle::kBar : ProgressStyle::kPlain;
  if (name == "none") return ProgressStyle::kNone;
  if (name == "plain") return ProgressStyle::kPlain;
  if (name == "bar") return ProgressStyle::kBar;
  return Fail(ErrorCode::kInvalidArgument,
              fmt::format("--progress {}: there are auto, none, plain and bar", name));
}

std::string DescribeProgress(const RunProgress& progress) {
  const size_t finished = progress.done + progress.failed;
  std::string line = fmt::format("{}/{} samples", finished, progress.samples);
  if (progress.failed > 0) line += fmt::format(", {} failed", progress.failed);
  if (progress.seconds > 0) {
    line +=
        fmt::format(", {:.0f} tokens/s", static_cast<double>(progress.counters.tokens) / progress.seconds);
  }
  if (progress.seconds > 0 && finished < progress.samples) {
    const auto left = SecondsLeft(progress);
    line += fmt::format(", ETA {}", left ? Duration(*left) : "unknown");
  }
  if (progress.counters.drafted > 0) {
    line += fmt::format(", {:.1f} % discarded", 100.0 * static_cast<double>(progress.counters.discarded) /
                                                    static_cast<double>(progress.counters.drafted));
  }
  return line + fmt::format(", {}", Duration(progress.seconds));
}

void ProgressDisplay::Show(const RunProgress& progress) {
  const double share = progress.samples == 0 ? 1.0
                                             : static_cast<double>(progress.done + progress.failed) /
                                                   static_cast<double>(progress.samples);
  Show(share, progress.seconds, DescribeProgress(progress));
}

void ProgressDisplay::Show(double share, double seconds, const std::string& line) {
  if (style_ == ProgressStyle::kBar) {
    Say(fmt::format("\r{}\x1b[K", BarLine(share, line, TerminalColumns(STDERR_FILENO))));
    open_ = true;
  } else if (style_ == ProgressStyle::kPlain && seconds - shown_at_ >= kPlainSeconds) {
    shown_at_ = seconds;
    Say(line + "\n");
  }
}

void ProgressDisplay::Close() {
  if (open_) Say("\n");
  open_ = false;
}

}  // namespace tessy
