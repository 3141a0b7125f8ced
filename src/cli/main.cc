#include "cli/annotate.h"
#include "cli/command.h"
#include "cli/completion.h"
#include "cli/eval.h"
#include "cli/lab.h"
#include "cli/man.h"
#include "cli/model.h"
#include "cli/runs.h"
#include "cli/show.h"
#include "cli/synth.h"
#include "cli/train.h"

int main(int argc, char** argv) {
  CLI::App app("Teacher and student models write fine-tuning data together, span by span.", "tessy");
  app.set_version_flag("--version", "tessy " TESSY_VERSION);
  app.require_subcommand(1);
  app.footer(
      "Example:\n"
      "  tessy synth --questions q.jsonl --student S.gguf --teacher T.gguf --out responses.jsonl\n"
      "  tessy show responses.jsonl\n\n"
      "tessy COMMAND --help tells more of a command.");

  tessy::CommandContext context;
  tessy::AddSynthCommand(app, context);
  tessy::AddAnnotateCommand(app, context);
  tessy::AddTrainCommand(app, context, tessy::HandOver(context));
  tessy::AddEvalCommand(app, context);
  tessy::AddShowCommand(app, context);
  tessy::AddRunsCommand(app, context);
  tessy::AddModelCommand(app, context);
  tessy::AddLabCommand(app, context);
  tessy::AddCompletionCommand(app, context);
  tessy::AddManCommand(app, context);
  return tessy::RunProgram(app, context, argc, argv);
}
