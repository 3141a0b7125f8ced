#include "model/openai/server_address.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tessy {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(ServerAddressTest, IsReadAndRefused) {
  const auto address = ServerAddress::Parse("https://host:8000/v1#org/name");
  ASSERT_TRUE(address);
  EXPECT_EQ(address->base, "https://host:8000");
  EXPECT_EQ(address->model, "org/name");
  EXPECT_EQ(ServerAddress::Parse("http://h:1/")->base, "http://h:1");
  EXPECT_EQ(ServerAddress::Parse("http://h:1/prefix/v1")->base, "http://h:1/prefix");
  for (const char* bad :
       {"host", "ftp://host", "http://", "http://:80/v1", "http://a b/v1", "http://a\n/v1"}) {
    EXPECT_FALSE(ServerAddress::Parse(bad)) << bad;
  }
}

TEST(ServerAddressTest, CapitalsAndAMissingSchemeAreUnderstood) {
  EXPECT_EQ(ServerAddress::Parse("HTTP://Host:8000/Prefix/v1#Name")->base, "http://host:8000/Prefix");
  EXPECT_EQ(ServerAddress::Parse("HTTP://Host:8000/Prefix/v1#Name")->model, "Name");
  EXPECT_EQ(ServerAddress::Parse("Https://HOST")->base, "https://host");
  EXPECT_EQ(ServerAddress::Parse("localhost:8000/v1#m")->base, "http://localhost:8000");
  EXPECT_EQ(ServerAddress::Parse("127.0.0.1:8000")->base, "http://127.0.0.1:8000");
  EXPECT_EQ(ServerAddress::Parse("[::1]:8000#m")->base, "http://[::1]:8000");
  for (const char* server : {"HTTP://h", "https://h", "h:8000", "h:80/v1", "a-b.c:1#m", "[::1]:8000"}) {
    EXPECT_TRUE(IsServerAddress(server)) << server;
  }
  for (const char* file :
       {"student.gguf", "/a/b:8000/c.gguf", "./h:8000", "c:\\m.gguf", "qwen3:8b", "lexicon",
        "phrases:8000.txt", "m:", ":8000", "", "a b:80", "./a@b:80", "a@b.gguf", "./m?.gguf"}) {
    EXPECT_FALSE(IsServerAddress(file)) << file;
  }
}

TEST(ServerAddressTest, SecretsAreRefusedAndNotShown) {
  for (const char* secret :
       {"http://me:hunter2@host/v1", "http://h:1/v1?key=hunter2#m", "h:1/v1?api_key=hunter2",
        "HTTP://hunter2@h", "h:1?key=hunter2", "me:hunter2@h:8000/v1", "hunter2@[::1]:80",
        "ftp://me:hunter2@h", "http://h:1/v1#m?key=hunter2"}) {
    EXPECT_TRUE(IsServerAddress(secret)) << secret;  // as a file it would be named in messages
    const auto address = ServerAddress::Parse(secret);
    ASSERT_FALSE(address) << secret;
    EXPECT_THAT(address.error().message, Not(HasSubstr("hunter2")));
    EXPECT_THAT(address.error().message, HasSubstr("environment"));
  }
}

}  // namespace
}  // namespace tessy
