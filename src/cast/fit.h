#pragma once

#include <array>
#include <cstdint>

#include "base/error.h"
#include "cast/model_cast.h"
#include "model/llama/accelerators.h"

namespace tessy {

// The layers that accelerators keep, by role, and the memory that accelerators have for them.
struct CastLayers {
  std::array<int, 2> players{};
  std::array<int, 2> predictors{};
  // Before anything is loaded: what is free afterwards leaves out weights that are still to be planned for.
  uint64_t ram_bytes = 0;          // that the cast may take
  uint64_t device_bytes = 0;       // of all accelerators together; UINT64_MAX: not known
  bool devices_share_ram = false;  // it is part of the RAM
};

// As LayersOnDevices, for every model and predictor in process. kInvalidArgument also where one file, which
// is loaded once, is asked for with two numbers of layers.
Result<CastLayers> LayersOf(const CastOptions& options, const Accelerators& found);

// Whether the weights of all models in process and the whole context of one sample fit into the RAM and on
// the accelerators, before any weights are loaded; see CheckOneSampleFits. Reads the metadata of the files; a
// file that cannot be read is passed over, because loading it says why.
Status CheckCastFits(const CastOptions& options, const CastLayers& layers, const Accelerators& found);

// Both, with the accelerators of this machine. They are not asked where all is served: asking takes some of
// their memory.
Result<CastLayers> PlaceCast(const CastOptions& options);

}  // namespace tessy
