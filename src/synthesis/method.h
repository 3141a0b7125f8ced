#pragma once

#include <boost/asio/awaitable.hpp>
#include <optional>
#include <span>
#include <string_view>

#include "base/error.h"
#include "cooperation/trace.h"

namespace tessy {

class MethodRun;
struct SampleOutcome;

// How a response comes about: who writes, and in which steps (method, section 10). The methods are rows of
// the table in synthesis/methods/; a new one is a file there and a line in its table.cc.
struct Method {
  // Makes one response. `run` outlives the coroutine.
  using Steps = boost::asio::awaitable<SampleOutcome> (*)(MethodRun& run);

  std::string_view name;
  std::optional<Role> thinker;  // none: both think, by Algorithm 1
  Role answerer = Role::kStudent;
  bool needs_both = false;         // both roles play, whoever thinks and answers
  bool scores_candidates = false;  // the teacher scores several responses: reads `candidates` and `score_by`
  Steps steps = nullptr;

  // Algorithm 1 needs both roles' boundary predictors.
  bool cooperative() const { return !thinker.has_value(); }
  // Who thinks answers, too, so that thinking may be left out. Other roles may score or show the way.
  bool has_one_writer() const { return thinker == answerer; }
  // Whether a model must play the role.
  bool Uses(Role role) const { return needs_both || cooperative() || thinker == role || answerer == role; }
};

// All methods, in the order in which they are listed to users. They live as long as the program. Thread-safe.
std::span<const Method> Methods();

// The method of this name; the error lists the names.
Result<Method> FindMethod(std::string_view name);

// Algorithm 1 of the paper: the first of the table.
inline const Method& DefaultMethod() { return Methods().front(); }

}  // namespace tessy
