#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace tessy {

// Says which samples that have failed for good a run tries again, by the reason of the failure; empty: none.
//
// `asked` is --retry-failed: "all", or how the reasons begin. Where `accepts_change`, samples are tried
// again, too, that failed by a limit which the settings have raised since: `recorded` and `now` are the two
// records of the settings.
std::function<bool(std::string_view reason)> FailuresToRetry(const std::string& asked, bool accepts_change,
                                                             const std::string& recorded,
                                                             const std::string& now);

}  // namespace tessy
