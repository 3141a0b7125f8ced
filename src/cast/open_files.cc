#include "cast/open_files.h"

#include <spdlog/spdlog.h>
#include <sys/resource.h>

#include <algorithm>

namespace tessy {

int FitOpenFiles(int wanted) {
  constexpr rlim_t kOthers = 128;  // files and sockets besides the streams
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return wanted;
  const auto files = static_cast<rlim_t>(wanted) + static_cast<rlim_t>(wanted / 8) + kOthers;
  if (limit.rlim_cur < files) {
    rlimit raised = limit;
    raised.rlim_cur = std::min(limit.rlim_max, files);
    if (setrlimit(RLIMIT_NOFILE, &raised) == 0) limit = raised;
  }
  if (limit.rlim_cur >= files) return wanted;
  const rlim_t room = limit.rlim_cur > 2 * kOthers ? (limit.rlim_cur - kOthers) * 8 / 9 : kOthers / 2;
  const auto fits = std::min<rlim_t>(static_cast<rlim_t>(wanted), room);
  if (fits == static_cast<rlim_t>(wanted)) return wanted;
  spdlog::warn("only {} files may be open at a time (ulimit -Hn): {} samples at a time instead of {}",
               limit.rlim_cur, fits, wanted);
  return static_cast<int>(fits);
}

}  // namespace tessy
