#include "model/llama/vocabulary_bytes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <malloc.h>

#include <string>

#include "model/llama/testing/test_models.h"

// Where a sanitizer brings its own allocator, glibc knows nothing.
extern "C" size_t __sanitizer_get_current_allocated_bytes() __attribute__((weak));

namespace tessy {
namespace {

using testing::AllOf;
using testing::Gt;
using testing::Lt;

double HeapBytes() {
  if (__sanitizer_get_current_allocated_bytes != nullptr) {
    return static_cast<double>(__sanitizer_get_current_allocated_bytes());
  }
  const auto heap = mallinfo2();
  return static_cast<double>(heap.uordblks + heap.hblkhd);
}

TEST(VocabularyBytes, AreWhatLoadingALargeVocabularyTakes) {
  TinyVocabulary vocabulary = MakeTinyVocabulary(320, 1);
  for (int i = 0; i < 60000; ++i) {
    vocabulary.tokens.push_back("word" + std::to_string(i));
    vocabulary.types.push_back(TinyVocabulary::kNormal);
  }
  const std::string path =
      TinyModel("large-vocabulary", {.width = 32, .layers = 1, .vocabulary = vocabulary});
  const double before = HeapBytes();
  const Model model = Loaded(path, /*exact=*/true);
  const double taken = HeapBytes() - before;
  const auto planned = static_cast<double>(VocabularyBytes(model->file()));
  EXPECT_THAT(planned / taken, AllOf(Gt(0.7), Lt(1.5))) << planned << " planned, " << taken << " taken";
}

}  // namespace
}  // namespace tessy
