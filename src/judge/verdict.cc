#include "judge/verdict.h"

namespace tessy {

std::string_view LettersOf(ProgramVerdict verdict) {
  switch (verdict) {
    case ProgramVerdict::kAccepted:
      return "AC";
    case ProgramVerdict::kWrongAnswer:
      return "WA";
    case ProgramVerdict::kTimeLimit:
      return "TLE";
    case ProgramVerdict::kMemoryLimit:
      return "MLE";
    case ProgramVerdict::kRuntimeError:
      return "RTE";
    case ProgramVerdict::kOutputLimit:
      return "OLE";
    case ProgramVerdict::kCompileError:
      return "CE";
  }
  return "";
}

}  // namespace tessy
