#pragma once

#include "dataset/response.h"

namespace tessy::fuzz {

// A response of two roles with an answer, as seeds begin with it.
Response SampleResponse();

}  // namespace tessy::fuzz
