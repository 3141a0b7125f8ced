#include "dataset/annotation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace tessy {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string ErrorOf(std::string_view line) {
  const auto annotation = ParseAnnotation(line);
  return annotation ? "" : annotation.error().message;
}

TEST(AnnotationTest, OffsetsInFilesAreCodePoints) {
  const Annotation annotation{.id = "q/0#3",
                              .trace_id = "q/0",
                              .text = "„Ähm“, 7 × 3",
                              .start = 12,
                              .spans = {{.start = 0, .end = 10}, {.start = 12, .end = 13}},
                              .annotator = "lexicon"};
  const std::string line = ToJsonLine(annotation);
  EXPECT_THAT(line, HasSubstr(R"("start":12,"end":24)"));
  EXPECT_THAT(line, HasSubstr(R"({"span":"„Ähm“","start":0,"end":5})"));
  EXPECT_THAT(line, HasSubstr(R"({"span":"7","start":7,"end":8})"));
  EXPECT_EQ(ParseAnnotation(line).value(), annotation);
}

TEST(AnnotationTest, ReadsThePublishedForm) {
  const auto annotation = ParseAnnotation(
      R"({"id_ddm":17,"think_text":"Okay, é so.","pred_result":[{"span":"Okay,","start":0,"end":5},)"
      R"({"span":"so","start":8,"end":10}]})");
  ASSERT_TRUE(annotation) << annotation.error().message;
  EXPECT_EQ(annotation->trace_id, "17");
  EXPECT_THAT(annotation->spans, ElementsAre(ByteRange{0, 5}, ByteRange{9, 11}));
}

TEST(AnnotationTest, WhatDoesNotFitIsAnError) {
  const std::string head = R"({"id":"a","trace_id":"t","text":"one two","start":0,"annotator":"x","spans":[)";
  EXPECT_EQ(ErrorOf(head + "]}"), "");
  EXPECT_THAT(ErrorOf(head + R"({"span":"one","start":0,"end":9}]})"), HasSubstr("not in the text"));
  EXPECT_THAT(ErrorOf(head + R"({"span":"","start":2,"end":2}]})"), HasSubstr("empty"));
  EXPECT_THAT(ErrorOf(head + R"({"span":"two","start":0,"end":3}]})"), HasSubstr("\"one\" stands there"));
  EXPECT_THAT(ErrorOf(head + R"({"span":"two","start":4,"end":7},{"span":"one","start":0,"end":3}]})"),
              HasSubstr("before the one before it ends"));
  EXPECT_THAT(ErrorOf(head + R"({"span":"one","start":-1,"end":3}]})"), HasSubstr("\"start\""));
  EXPECT_THAT(ErrorOf(head + "3]}"), HasSubstr("not an object"));
  EXPECT_THAT(ErrorOf(R"({"id":"a","trace_id":"t","text":"one"})"), HasSubstr("\"annotator\""));
  EXPECT_THAT(ErrorOf("nonsense"), HasSubstr("JSON"));
}

TEST(AnnotationTest, AFileSaysWhichLineIsWrong) {
  const auto path =
      std::filesystem::temp_directory_path() / ("annotation_test." + std::to_string(getpid()) + ".jsonl");
  std::ofstream(path) << R"({"id_ddm":"a","think_text":"x y","pred_result":[]})"
                      << "\n\n{}\n";
  const auto read = ReadAnnotations(path);
  ASSERT_FALSE(read);
  EXPECT_THAT(read.error().message, HasSubstr(":3: "));
  std::ofstream(path) << R"({"id_ddm":"a","think_text":"x y","pred_result":[]})"
                      << "\n";
  EXPECT_EQ(ReadAnnotations(path).value().at(0).id, "a@1");
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace tessy
