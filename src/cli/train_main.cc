// The part of `tessy` that is linked with libtorch. `tessy train` starts it.
#include <malloc.h>

#include "cli/command.h"
#include "cli/train.h"
#include "cli/train_session.h"

int main(int argc, char** argv) {
  // Training takes and gives back the same large blocks at every step: they stay with the process, because
  // fetching them from the system costs more than the arithmetic of a small model.
  mallopt(M_MMAP_MAX, 0);
  mallopt(M_TRIM_THRESHOLD, -1);
  CLI::App app("Teacher and student models write fine-tuning data together, span by span.", "tessy");
  app.set_version_flag("--version", "tessy " TESSY_VERSION);
  app.require_subcommand(1);
  tessy::CommandContext context;
  tessy::AddTrainCommand(app, context, tessy::TrainHere());
  return tessy::RunProgram(app, context, argc, argv);
}
