#pragma once

#include <string>

namespace tessy {

// The date that chat templates show: the one that is given; else the one with which the run began, so that a
// run that goes on after midnight keeps it; else today's in UTC. `recorded`: the run's recorded
// configuration, empty if there is none.
std::string TemplateDate(const std::string& given, const std::string& recorded);

}  // namespace tessy
