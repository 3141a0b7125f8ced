#include "model/openai/sse.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace tessy {
namespace {

using testing::ElementsAre;

std::vector<std::string> EventsOf(std::string_view stream, size_t piece) {
  SseReader reader;
  std::vector<std::string> events;
  for (size_t at = 0; at < stream.size(); at += piece) {
    reader.Push(stream.substr(at, piece), [&](std::string_view data) { events.emplace_back(data); });
  }
  return events;
}

TEST(SseTest, KeepAlivesAreNoEvents) {
  constexpr std::string_view kStream =
      ": OPENROUTER PROCESSING\n\n:\n\nevent: ping\nid: 7\nretry: 100\n\ndata:\n\ndata: \n\nevent: "
      "ping\ndata:\n\n"
      "data: {\"a\":1}\n\n: keep-alive\r\n\r\ndata:two\r\ndata: lines\r\n\r\n";
  for (const size_t piece : {1UL, 3UL, 1000UL}) {
    EXPECT_THAT(EventsOf(kStream, piece), ElementsAre("{\"a\":1}", "two\nlines")) << piece;
  }
}

TEST(SseTest, WhatHasNoEndIsCountedEvenInAComment) {
  SseReader reader;
  const auto none = [](std::string_view) { FAIL(); };
  reader.Push(": ", none);
  for (int i = 0; i < 1000; ++i) reader.Push("abcdefghij", none);
  EXPECT_GT(reader.open_bytes(), 9'999U);
  SseReader lines;
  for (int i = 0; i < 1000; ++i) lines.Push("data: abcdefghij\n", none);
  EXPECT_GT(lines.open_bytes(), 9'999U);
}

}  // namespace
}  // namespace tessy
