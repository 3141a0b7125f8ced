#pragma once

#include <string>
#include <string_view>

namespace tessy {

// The modules of LiveCodeBench's prelude of which a name occurs in a Python program, as a Python tuple
// ("('sys', 'heapq',)"). Importing all would cost each test 44 ms. A name after a dot does not count.
std::string PreludeModules(std::string_view code);

// The script that runs a program of standard input with its prelude, and the one that calls a function:
// `seconds` of CPU time a call. Their first argument is the program's path.
std::string StdinScript(std::string_view code);
std::string FunctionScript(std::string_view code, std::string_view function, double seconds);

}  // namespace tessy
