#include "job/engine_report.h"

#include <fmt/format.h>

#include "base/numbers.h"

namespace tessy {

void ReportEngines(const ModelCast& cast, const JobEvents& events) {
  for (const PartCounts& part : cast.Counts()) {
    const EngineStats* engine = part.engine();
    Tell(engine == nullptr ? events.notice : events.debug, part.Describe());
    if (engine != nullptr && engine->set_aside > 0) {
      Tell(events.notice,
           fmt::format("the {}'s memory was full: samples were set aside {}, and {} tokens were "
                       "computed again (--memory, --concurrency)",
                       part.name, Counted(engine->set_aside, "time"), engine->set_aside_tokens));
    }
    if (engine != nullptr && engine->refed_tokens > 0) {
      Tell(events.warning,
           fmt::format("the {} cannot roll back; {} tokens were fed again (--draft stop feeds fewest)",
                       part.name, engine->refed_tokens));
    }
  }
}

}  // namespace tessy
