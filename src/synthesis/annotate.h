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
  // Exactly one of these two is called for each window. An error stops the run.
  std::function<Status(size_t window, const std::vector<ByteRange>& spans)> accepted;
  // `answer`: the last one that could not be used, or what the last failed attempt at one wrote.
  std::function<Status(size_t window, const std::vector<std::string>& reasons, std::string_view answer)>
      rejected;
  std::function<void(const RunProgress&)> progress;  // may be empty
};

// Asks the answering role about every window, without a barrier between them. If an answer cannot be used
// (see LocateStyle), the model is shown the answer and the problem once and asked again; then the window is
// rejected. A window whose answer never comes is rejected too. `settings` must be of a method with one role.
// The rules about threads are those of RunAll.
RunResult AnnotateWindows(boost::asio::io_context& io, Cast& cast, const SampleSettings& settings,
                          std::span<const WindowQuestion> windows, std::string_view prompt,
                          const RunOptions& options, const AnnotateCallbacks& callbacks);

}  // namespace tessy
