// The recorded configuration of a run beside the one of now: two JSON objects with a record separator between
// them.
#include "fuzz/target.h"
#include "store/configuration.h"

namespace tessy::fuzz {
namespace {

void Run(std::string_view input) {
  const auto [recorded, given] = InTwo(input);
  const std::string now = given.empty() ? R"({"seed":1,"weights":{"style":"a"}})" : std::string(given);
  Note(DifferenceOf(std::string(recorded), now).substr(0, 40));
}

const Registration kRegistered(
    {.name = "configurations",
     .grammar = kJson,
     .seeds =
         {"{\"seed\":1,\"weights\":{\"style\":\"a\"},\"list\":[1,{\"b\":2}]}\x1E{\"seed\":2,\"weights\":{}}",
          "{\"a/b\":1,\"~\":{\"\":[]}}\x1E{\"a/b\":1.0}", "{}", "[1]"},
     .run = &Run});

}  // namespace
}  // namespace tessy::fuzz
