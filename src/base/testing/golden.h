#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

#include "base/testing/source_tree.h"

namespace tessy {

inline std::string ReadFile(const std::string& path) {
  std::ostringstream content;
  content << std::ifstream(path, std::ios::binary).rdbuf();
  return content.str();
}

// Expects `text` to be the content of the golden file at `path`, which is relative to the source tree.
// TESSY_UPDATE_GOLDEN=1 writes what is rendered now; look at the difference before you keep it.
inline void ExpectGolden(const std::string& path, const std::string& text) {
  const std::string file = InSource(path);
  if (std::getenv("TESSY_UPDATE_GOLDEN") != nullptr) std::ofstream(file, std::ios::binary) << text;
  EXPECT_TRUE(text == ReadFile(file)) << path << " differs; TESSY_UPDATE_GOLDEN=1 updates it";
}

}  // namespace tessy
