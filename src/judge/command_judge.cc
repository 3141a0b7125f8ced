#include "judge/command_judge.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/machine.h"
#include "judge/answer.h"

namespace tessy {
namespace {

// A command that waits for something takes no core.
constexpr int kCommandsLeast = 16;

int CommandsMax(int wanted) {
  if (wanted > 0) return wanted;
  return std::max(kCommandsLeast, ProcessorsAvailable());
}

// The keys of servers are not for commands that judge what models wrote.
bool IsKeyOfServer(std::string_view variable) {
  return variable.starts_with("TESSY_") && variable.ends_with("API_KEY");
}

std::string LineOf(const Question& question, const JudgedResponse& response) {
  const nlohmann::ordered_json json{
      {"id", question.id},
      {"question", question.messages.empty() ? "" : question.messages.back().content},
      {"answer", response.answer},
      {"response", std::string(response.thinking).append(response.answer)},
      {"expected", ExpectedAnswer(question.source_json).value_or("")}};
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

}  // namespace

CommandJudge::CommandJudge(CommandJudgeOptions options, Post post)
    : options_(std::move(options)), pool_(CommandsMax(options_.commands_max), std::move(post)) {}

void CommandJudge::Ask(const Question& question, const JudgedResponse& response, Done done) {
  pool_.Run({.arguments = {"/bin/sh", "-c", options_.command},
             .input = LineOf(question, response),
             .wall_max = options_.wall_max,
             .hides = &IsKeyOfServer},
            [this, done = std::move(done)](const Result<ChildEnd>& end) { done(ResultOf(end)); });
}

Result<bool> CommandJudge::ResultOf(const Result<ChildEnd>& end) const {
  const std::string& name = options_.name;
  if (!end) {
    switch (end.error().code) {
      case ErrorCode::kCancelled:
        return tl::unexpected<Error>(end.error());
      case ErrorCode::kResourceLimit:
        return Fail(ErrorCode::kBackend,
                    fmt::format("{} took longer than {} seconds", name, options_.wall_max.count()));
      default:
        return Fail(ErrorCode::kIo, fmt::format("{}: {}", name, end.error().message));
    }
  }
  if (end->signal != 0) {
    return Fail(ErrorCode::kInvalidArgument, fmt::format("{} was ended by signal {}", name, end->signal));
  }
  if (end->exit_status <= 1) return end->exit_status == 0;
  return Fail(ErrorCode::kInvalidArgument,
              fmt::format("{} ended with status {}; 0 is right, 1 is wrong", name, end->exit_status));
}

}  // namespace tessy
