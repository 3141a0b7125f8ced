#include "cli/commands.h"

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
  for (const tessy::AddCommand add : tessy::kCommands) add(app, context);
  return tessy::RunProgram(app, context, argc, argv);
}
