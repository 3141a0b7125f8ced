#include "cli/command.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <memory>
#include <new>
#include <sstream>
#include <string>
#include <vector>

#include "base/near_names.h"
#include "base/shorten.h"
#include "base/visible.h"
#include "cli/exit_status.h"

namespace tessy {
namespace {

// Where one was closed, no file of ours is to take its place and get what is meant for people. Results that
// are written to a closed standard output are lost, so its place is one that cannot be written to; messages
// may be lost.
void OccupyStandardStreams() {
  for (int descriptor = 0; descriptor <= 2; ++descriptor) {
    if (::fcntl(descriptor, F_GETFD) >= 0) continue;
    if (::open("/dev/null", descriptor == STDERR_FILENO ? O_WRONLY : O_RDONLY) < 0) return;
  }
}

// "tessy model inspect": the command that the arguments had reached.
std::string CommandLine(const CLI::App& app) {
  const auto parsed = app.get_subcommands();
  return parsed.empty() ? app.get_name() : app.get_name() + " " + CommandLine(*parsed.front());
}

// What is asked of the program may be asked of any command; only the program's help names it.
void OfferVersion(CLI::App& app, const std::string& version) {
  for (CLI::App* command : app.get_subcommands({})) {
    command->set_version_flag("--version", version)->group("");
    OfferVersion(*command, version);
  }
}

const CLI::App& Innermost(const CLI::App& app) {
  const auto parsed = app.get_subcommands();
  return parsed.empty() ? app : Innermost(*parsed.front());
}

// "; did you mean --seed?" for a flag that the command does not have.
std::string NearFlags(const CLI::App& app, const CLI::ParseError& error) {
  const CLI::App& command = Innermost(app);
  const auto left = command.remaining();
  if (dynamic_cast<const CLI::ExtrasError*>(&error) == nullptr || left.empty()) return "";
  std::vector<std::string> names;
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  return left.front().starts_with("--") ? DidYouMean(left.front(), names) : "";
}

// CLI11 takes a misspelt command for a missing one.
std::string Explain(const CLI::App& app, const CLI::ParseError& error, int argc, const char* const* argv) {
  const std::string_view first = argc > 1 ? argv[1] : "";
  if (first.empty()) return "no command given";
  if (!app.get_subcommands().empty() || first.starts_with('-')) return error.what() + NearFlags(app, error);
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands({})) names.push_back(command->get_name());
  return fmt::format("there is no command \"{}\"{}", first, DidYouMean(first, names));
}

// Log lines quote servers, models and files, and a terminal obeys what is printed on it.
class VisibleSink final : public spdlog::sinks::stderr_sink_mt {
 public:
  void log(const spdlog::details::log_msg& message) override {
    const std::string text = VisibleLine(LineShortened({message.payload.data(), message.payload.size()}));
    spdlog::details::log_msg shown = message;
    shown.payload = text;
    spdlog::sinks::stderr_sink_mt::log(shown);
  }
};

// What no part of the program answers for; errors are values everywhere else.
int ReportException(std::string_view what) {
  ReportError({ErrorCode::kBackend, fmt::format("this should not have happened, and is a mistake of the "
                                                "program: {}",
                                                what)});
  return kExitUsage;
}

}  // namespace

void Say(std::string_view text) { std::fwrite(text.data(), 1, text.size(), stderr); }

void ReportError(const Error& error) {
  Say(fmt::format("tessy: {}\n", VisibleLine(LineShortened(error.message))));
}

int ReportStopped(const Error& error, bool is_kept) {
  const bool goes_on = is_kept && error.code != ErrorCode::kInvalidData;
  // An error that says itself what goes on (a file of results that somebody else has touched).
  const bool all_kept = goes_on && error.message.find("the same command") == std::string::npos;
  ReportError({error.code,
               error.message + (all_kept ? "; what is finished is kept, and the same command goes on" : "")});
  if (error.code == ErrorCode::kUnavailable) return kExitBackendUnreachable;
  return goes_on ? kExitInterrupted : kExitUsage;
}

void Finish(CommandContext& context, const Status& status) {
  if (status) return;
  ReportError(status.error());
  // Retryable: nothing is wrong with what was typed, somebody does not answer.
  context.exit_status = status.error().retryable ? kExitBackendUnreachable : kExitUsage;
}

Status WriteOutput(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0) return {};
  const char* reason = errno == EBADF ? "it is closed" : std::strerror(errno);
  return Fail(ErrorCode::kIo, fmt::format("standard output cannot be written: {}", reason));
}

void SetLogLevel(const std::string& level) {
  auto logger = std::make_shared<spdlog::logger>("tessy", std::make_shared<VisibleSink>());
  logger->set_pattern("tessy: %l: %v");
  logger->set_level(spdlog::level::from_str(level));
  spdlog::set_default_logger(std::move(logger));
}

bool OutputIsTerminal() { return ::isatty(STDOUT_FILENO) == 1; }

bool OutputHasColour() {
  return AllowsColour(OutputIsTerminal(), std::getenv("NO_COLOR"), std::getenv("TERM"));
}

bool AllowsColour(bool is_terminal, const char* no_color, const char* terminal) {
  const bool refused = no_color != nullptr && *no_color != '\0';
  const bool dumb = terminal == nullptr || std::string_view(terminal) == "dumb";
  return is_terminal && !refused && !dumb;
}

int RunProgram(CLI::App& app, CommandContext& context, int argc, const char* const* argv) {
  context.argv = argv;
  OccupyStandardStreams();
  std::signal(SIGXFSZ, SIG_IGN);  // a file that may not grow further is an error like a full disk
  std::signal(SIGPIPE, SIG_IGN);  // writing to somebody who is gone is an error like any other
  SetLogLevel("warning");
  OfferVersion(app, app.version());
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& asked) {  // --help, --version
    std::signal(SIGPIPE, SIG_DFL);       // whoever reads only the first lines of a help wants no more of it
    std::ostringstream text;
    const int status = app.exit(asked, text, text);
    Finish(context, WriteOutput(text.str()));
    return context.exit_status != kExitDone ? context.exit_status : status;
  } catch (const CLI::ParseError& error) {
    const std::string reason = Explain(app, error, argc, argv);
    ReportError({ErrorCode::kInvalidArgument, fmt::format("{} (see {} --help)", reason, CommandLine(app))});
    return kExitUsage;
  } catch (const std::bad_alloc&) {
    ReportError({ErrorCode::kResourceLimit, "there is not enough memory"});
    return kExitUsage;
  } catch (const std::exception& error) {
    return ReportException(error.what());
  }
  return context.exit_status;
}

}  // namespace tessy
