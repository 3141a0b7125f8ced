#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/error.h"
#include "judge/sandbox/box.h"

namespace tessy {

// The user's folder for kept programs: tessy/judge in $XDG_CACHE_HOME, else in ~/.cache; empty without a
// home.
std::string CompilerCacheFolder();

struct CompilerOptions {
  std::string compiler = "/usr/bin/g++";
  std::string cache_folder = {};  // empty: nothing is kept, and there is no precompiled header
  std::chrono::nanoseconds cpu_max{std::chrono::seconds(60)};
};

struct Compilation {
  std::string program = {};  // the executable; empty: it did not compile
  std::string message = {};  // then the first line of the compiler's that says why
};

// Compiles C++17 programs (-O2) in a box, since a compiler reads and does what the program says. Programs
// that compiled are kept in a folder by SHA-256 of compiler, flags and text, and are not compiled again; at
// most kProgramsKept, the oldest go first. <bits/stdc++.h> is precompiled once a compiler, into the same
// folder.
class Compiler {
 public:
  static constexpr size_t kProgramsKept = 4096;

  explicit Compiler(CompilerOptions options) : options_(std::move(options)) {}

  // The folder that a box must show (BoxOptions::shown) for the precompiled header; empty: there is none.
  // Makes it where it is missing, in a box of level `box`. kNotFound: there is no such compiler.
  Result<std::string> HeaderFolder(const BoxOptions& box) const;
  // A kept program; empty: there is none.
  std::string Kept(std::string_view code) const;
  // Keeps a program, whoever else does so at that moment. May fail, as a cache may.
  void Keep(std::string_view code, std::string_view program) const;
  // In `box`, whose work folder it uses. kCancelled: the box was interrupted.
  Result<Compilation> Compile(Box& box, std::string_view code, const std::string& header_folder) const;

 private:
  Result<std::string> Identity() const;
  std::string PathOf(std::string_view code) const;

  CompilerOptions options_;
};

}  // namespace tessy
