#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/error.h"
#include "dataset/decision.h"
#include "job/job_events.h"
#include "job/select_options.h"

namespace tessy {

// Questions about which a teacher decides, in the order in which it is asked.
struct AskedQuestions {
  size_t count = 0;
  std::function<std::string(size_t place)> id;
  std::function<Result<std::string>(size_t place)> text;
  // Once so many of the first ones suit, no further one is asked. 0: all are.
  uint64_t wanted = 0;
};

// A prompted teacher's decisions whether questions suit. Each is in OUT.run/teacher/decisions.jsonl as soon
// as it is there, so nothing is asked twice, however the work was interrupted; a question for which no
// decision came is in undecided.jsonl beside it. They hold for one teacher, prompt and settings
// (config.json). In a dry run nothing is read or written. Used by one thread.
class TeacherDecisions {
 public:
  // Reads what an earlier selection left, and connects with a teacher behind a server. `stop` must outlive
  // the object. kConflict: the decisions were made with other settings (with `fresh` they are set aside
  // instead), or another process is writing.
  static Result<std::unique_ptr<TeacherDecisions>> Open(const SelectOptions& options, const JobEvents& events,
                                                        const std::atomic<bool>& stop);
  ~TeacherDecisions();
  TeacherDecisions(const TeacherDecisions&) = delete;
  TeacherDecisions& operator=(const TeacherDecisions&) = delete;

  // Asks about those of the questions that are neither decided nor undecided; the model is loaded where there
  // is one. Ends early once `stop` is true. After an error, too, what has been decided is kept.
  Status Ask(const AskedQuestions& questions);

  // Null: the teacher has not been asked, or has not decided. Valid until the next call of Ask.
  const Decision* Find(const std::string& id) const;
  const Undecided* FindUndecided(const std::string& id) const;
  size_t decided() const;

 private:
  class Work;
  explicit TeacherDecisions(std::unique_ptr<Work> work);
  std::unique_ptr<Work> work_;
};

}  // namespace tessy
