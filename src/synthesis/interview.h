#pragma once

#include <boost/asio/io_context.hpp>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "synthesis/run.h"

namespace tessy {

// Something that a model is asked about.
struct InterviewItem {
  std::string id;  // no other item of the interview has it
  std::string prompt;
};

// All but `progress` must be there. They are called on the thread that runs the interview; an error stops it.
struct InterviewCallbacks {
  // The next item; empty once there is none any more.
  std::function<Result<std::optional<InterviewItem>>()> next;
  // The number of items that are asked about in all, as far as it is known.
  std::function<size_t()> size;
  // Why an answer cannot be used, its reason's name first ("not_json: …"); empty: it can be used.
  std::function<std::string(const std::string& id, std::string_view answer)> flaw;
  // Exactly one of these two is called for each item that is not interrupted. `reasons`: one for each time
  // that the model was asked. `answer`: the last one, or what the last failed attempt at one wrote.
  std::function<Status(const std::string& id, std::string_view answer)> accepted;
  std::function<Status(const std::string& id, const std::vector<std::string>& reasons,
                       std::string_view answer)>
      rejected;
  // Samples are items here, and an item is done or has failed when it is accepted or rejected.
  std::function<void(const RunProgress&)> progress;
};

// Asks the answering role about every item, without a barrier between them; only those under way are in
// memory. If an answer cannot be used, the model is shown the answer and the flaw once, and told `again`
// ("Answer again: only …"); if that comes to nothing either, or no answer comes, the item is rejected.
// `settings` must be of a method with one role. The rules about threads are those of RunAll.
RunResult Interview(boost::asio::io_context& io, Cast& cast, const SampleSettings& settings,
                    std::string_view again, const RunOptions& options, const InterviewCallbacks& callbacks);

}  // namespace tessy
