#include "judge/verdict.h"

namespace tessy {

std::string_view LettersOf(Verdict verdict) {
  switch (verdict) {
    case Verdict::kAccepted:
      return "AC";
    case Verdict::kWrongAnswer:
      return "WA";
    case Verdict::kTimeLimit:
      return "TLE";
    case Verdict::kMemoryLimit:
      return "MLE";
    case Verdict::kRuntimeError:
      return "RTE";
    case Verdict::kOutputLimit:
      return "OLE";
    case Verdict::kCompileError:
      return "CE";
  }
  return "";
}

}  // namespace tessy
