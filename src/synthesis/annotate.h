#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/words.h"
#include "synthesis/run.h"

namespace tessy {

// The prompt that asks for a window's style spans (method, section 8); "{window}" stands for the window.
std::string_view BuiltInAnnotatePrompt();

// A window to be asked about.
struct WindowQuestion {
  std::string id;
  std::string text;
};

struct AnnotateCallbacks {
  // Each window comes to exactly one of these. An error stops the run.
  std::function<Status(size_t window, const std::vector<ByteRange>& spans)> accepted;
  std::function<Status(size_t window, const std::vector<std::string>& reasons)> rejected;
  std::function<void(const RunProgress&)> progress;  // may be empty
};

// Asks the cast's answerer about every window, without a barrier between them. An answer that cannot be used
// (see LocateStyle) is shown to the model with what is wrong with it, once; then the window is rejected, as
// is one whose answer never comes. `settings` is that of a method of one role. Threads as in RunAll.
RunResult AnnotateWindows(boost::asio::io_context& io, Cast& cast, const SampleSettings& settings,
                          std::span<const WindowQuestion> windows, std::string_view prompt,
                          const RunOptions& options, const AnnotateCallbacks& callbacks);

}  // namespace tessy
