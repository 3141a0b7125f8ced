#include "base/sha256.h"

#include <gtest/gtest.h>

namespace tessy {
namespace {

std::string Of(std::string_view text) {
  Sha256 hash;
  hash.Add(text);
  return hash.Finish();
}

// The examples of NIST for FIPS 180-4, and the hash of nothing.
TEST(Sha256Test, GivesTheStandardsOwnExamples) {
  EXPECT_EQ(Of("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(Of("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(Of(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(Of(std::string(1000000, 'a')),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256Test, PortionsMakeNoDifference) {
  const std::string text(300, 'x');
  for (const size_t portion : {1, 55, 56, 63, 64, 65, 200}) {
    Sha256 hash;
    for (size_t at = 0; at < text.size(); at += portion) hash.Add(std::string_view(text).substr(at, portion));
    EXPECT_EQ(hash.Finish(), Of(text)) << portion;
  }
}

}  // namespace
}  // namespace tessy
