#pragma once

#include <boost/asio/io_context.hpp>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "cooperation/session.h"
#include "job/common_settings.h"
#include "synthesis/mixed_cast.h"

namespace tessy {

// How jobs reach the models that they are given.

struct ServedBy {
  std::string flag;                // "teacher": what was typed before the addresses, for messages
  std::vector<std::string> specs;  // the addresses
  ServerOptions servers;
  std::string vocabulary = {};                 // see ServerModelOptions
  const char* key_variable = "TESSY_API_KEY";  // of the environment; that one also where this is not set
  bool streams = true;
};

// How a model that is served is reached. Family, template and sampling are those that `local` has for the
// role. Keys come from the environment alone, so that no list of processes and no settings file shows them.
Result<ServerModelOptions> ServerOptionsOf(const ServedBy& served, Role role, const LlamaCastOptions& local);
// Likewise a predictor.
Result<PoolingModelOptions> PoolingOptionsOf(const ServedBy& served);

// Loads what is local and asks the servers what they are; what engines and servers have to say, and the
// servers' pauses, then runs on `io`, which must outlive the cast. A retryable error: a server cannot be
// reached.
Result<std::unique_ptr<MixedCast>> LoadCast(boost::asio::io_context& io, const MixedCastOptions& options);

}  // namespace tessy
