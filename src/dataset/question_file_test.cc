#include "dataset/question_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <random>
#include <thread>

#include "dataset/json_fields.h"
#include "dataset/tables/table_writer.h"

namespace tessy {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class QuestionFileTest : public testing::Test {
 protected:
  QuestionFileTest() {
    const std::string test = testing::UnitTest::GetInstance()->current_test_info()->name();
    path_ = testing::TempDir() + "question_file_test_" + test + "_" + std::to_string(::getpid()) + ".jsonl";
  }
  ~QuestionFileTest() override { std::filesystem::remove_all(path_); }

  void Write(std::string_view content) const { std::ofstream(path_, std::ios::binary) << content; }
  QuestionFile Open(std::string_view content, ReadQuestionsOptions options = {}) const {
    Write(content);
    auto file = QuestionFile::Open(path_, options);
    EXPECT_TRUE(file) << file.error().message;
    return std::move(*file);
  }

  std::string path_;
};

constexpr std::string_view kThree =
    "\xEF\xBB\xBF{\"prompt\":\"one\",\"id\":\"a\",\"answer\":1}\r\n\n"
    "{\"messages\":[{\"role\":\"user\",\"content\":\"two\"}]}\n"
    "{\"prompt\":\"three\",\"id\":3,\"n\":1.50}";

TEST_F(QuestionFileTest, QuestionsAreReadAgainInAnyOrderAsOftenAsAsked) {
  auto file = Open(kThree);
  EXPECT_FALSE(file.in_memory());
  const auto all = ReadQuestions(path_);
  ASSERT_TRUE(all);
  ASSERT_EQ(file.size(), 3u);
  for (const size_t i : {2u, 0u, 1u, 0u}) {
    const auto question = file.Read(i);
    ASSERT_TRUE(question) << question.error().message;
    EXPECT_EQ(*question, all->questions[i]);
    EXPECT_EQ(file.id(i), question->id);
    EXPECT_EQ(file.line(i), question->line);
    EXPECT_EQ(file.Find(question->id), i);
    EXPECT_EQ(file.messages_hash(i), HashOfMessages(question->messages));
  }
  EXPECT_EQ(file.Read(2)->source_json, R"({"n":1.50})");
  EXPECT_EQ(file.Read(2)->line, 4u);
  EXPECT_EQ(file.Read(2)->row, "");
  EXPECT_EQ(file.Read(2, QuestionFile::Keep::kSourceAndRow)->row, R"({"prompt":"three","id":3,"n":1.50})");
  EXPECT_EQ(file.Find("b"), std::nullopt);
}

TEST_F(QuestionFileTest, OnlyTheFirstAreKept) {
  auto file = Open(kThree);
  file.KeepFirst(5);
  EXPECT_EQ(file.size(), 3u);
  file.KeepFirst(1);
  EXPECT_EQ(file.size(), 1u);
  EXPECT_EQ(file.Find("a"), 0u);
  EXPECT_EQ(file.Find("3"), std::nullopt);
}

TEST_F(QuestionFileTest, APipeIsKeptInMemory) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  std::thread writer([&] {
    EXPECT_EQ(::write(ends[1], kThree.data(), kThree.size()), static_cast<ssize_t>(kThree.size()));
    ::close(ends[1]);
  });
  auto file = QuestionFile::Open("/dev/fd/" + std::to_string(ends[0]));  // as a shell passes <(command)
  writer.join();
  ::close(ends[0]);
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_TRUE(file->in_memory());
  EXPECT_EQ(file->Read(2)->messages[0].content, "three");
  EXPECT_EQ(file->Read(0)->source_json, R"({"answer":1})");
  EXPECT_EQ(file->Read(0)->messages[0].content, "one");
}

TEST_F(QuestionFileTest, ANamedPipeIsRefusedAndNotWaitedFor) {
  ASSERT_EQ(mkfifo(path_.c_str(), 0600), 0);
  const auto file = QuestionFile::Open(path_);
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(file.error().message, path_ + ": is a pipe; give a regular file");
}

TEST_F(QuestionFileTest, ALineThatChangedMeanwhileIsAnErrorThatNamesIt) {
  auto file = Open(kThree);
  std::string changed(kThree);
  changed.replace(changed.find("1.50"), 4, "1.51");
  Write(changed);
  const auto question = file.Read(2);
  ASSERT_FALSE(question);
  EXPECT_EQ(question.error().code, ErrorCode::kConflict);
  EXPECT_THAT(question.error().message, AllOf(StartsWith(path_ + ":4: is no longer"), Not(HasSubstr("\n"))));
  EXPECT_TRUE(file.Read(0));

  Write(kThree.substr(0, 60));  // cut short
  EXPECT_TRUE(file.Read(0));
  EXPECT_FALSE(file.Read(1));
  EXPECT_FALSE(file.Read(2));
}

TEST_F(QuestionFileTest, AFileThatWasPutInItsPlaceIsNotLookedAt) {
  auto file = Open(kThree);
  std::filesystem::remove(path_);
  Write("{\"prompt\":\"other\"}\n");
  EXPECT_EQ(file.Read(1)->messages[0].content, "two");
}

// Two parsers look at the lines, and no question may depend on a difference between them.
TEST_F(QuestionFileTest, WhatIsJsonIsWhatTheStrictParserTakes) {
  const std::string_view seeds[] = {
      R"({"prompt":"a\u00e9\ud83d\ude00 \"x\" \\ \/ z","id":12345,"f":[1.5e3,-0,{"g":null}],"t":true})",
      R"({ "messages" : [ {"role":"user","content":"h\u0069 é数"} ] , "n" : -1.0E-2, "e": {}, "b": false })",
      R"({"prompt":"p","big":123456789012345678901234567890,"deep":[[[[]]]],"id":1e5,"id":"last"})"};
  const std::string_view pieces[] = {"\\ud800",
                                     "\\udc00",
                                     "1e999",
                                     "01",
                                     "-",
                                     "+1",
                                     "{",
                                     "}",
                                     "[",
                                     "]",
                                     ",",
                                     ":",
                                     "\"",
                                     "\\",
                                     "\x01",
                                     "/",
                                     "\xC3\x28",
                                     "\xEF\xBB\xBF",
                                     " ",
                                     "\t",
                                     "nul",
                                     "1.",
                                     ".5",
                                     "e",
                                     "E",
                                     "0",
                                     "99999999999999999999",
                                     "\xED\xA0\x80",
                                     "\\u12",
                                     "\\x",
                                     "'",
                                     "NaN",
                                     "\xF4\x90\x80\x80"};
  std::mt19937 random(7);
  const auto up_to = [&random](size_t n) { return random() % (n + 1); };
  QuestionParser parser;
  size_t taken = 0;
  for (int i = 0; i < 5000; ++i) {
    std::string line(seeds[up_to(2)]);
    for (size_t edits = 1 + up_to(1); edits > 0; --edits) {
      const size_t at = up_to(line.size());
      if (up_to(1) == 0) {
        line.insert(at, pieces[up_to(std::size(pieces) - 1)]);
      } else {
        line.erase(at, 1 + up_to(3));
      }
    }
    const auto strict = ParseObject(line);
    const auto question = parser.Parse(line, QuestionParser::Source::kKeep);
    if (!strict) {
      ASSERT_FALSE(question) << line;
      EXPECT_EQ(question.error().message, strict.error().message) << line;
    } else if (question) {
      ++taken;
      EXPECT_TRUE(question->source_json.empty() || Json::accept(question->source_json)) << line;
      if (strict->contains("prompt") && (*strict)["prompt"].is_string()) {
        EXPECT_EQ(question->messages.back().content, (*strict)["prompt"].get<std::string>()) << line;
      }
    } else {
      EXPECT_THAT(question.error().message, Not(HasSubstr("JSON"))) << line;
    }
  }
  EXPECT_GT(taken, 250u);
}

TEST_F(QuestionFileTest, TheLastOfTwoFieldsOfOneNameCounts) {
  auto file = Open(R"({"prompt":"first","id":1,"prompt":"last","id":2})");
  EXPECT_EQ(file.id(0), "2");
  EXPECT_EQ(file.Read(0)->messages[0].content, "last");
  EXPECT_EQ(file.Read(0)->source_json, "");
}

// What is no plain file is unpacked, and then read as often as asked.
TEST_F(QuestionFileTest, CompressedFilesAndFoldersAreReadAgainToo) {
  const std::string folder = path_ + ".d";
  for (const char* name : {"/b.jsonl.gz", "/a.jsonl.zst"}) {
    auto writer = TableWriter::Open(folder + name);
    ASSERT_TRUE(writer) << writer.error().message;
    for (const char* id : {"1", "2"}) {
      ASSERT_TRUE(
          writer->Write(std::string(R"({"id":")") + (name + 1) + id + R"(","prompt":"asked","n":1.50})"));
    }
    ASSERT_TRUE(writer->Commit());
  }
  auto one = QuestionFile::Open(folder + "/b.jsonl.gz");
  ASSERT_TRUE(one) << one.error().message;
  EXPECT_FALSE(one->in_memory());
  auto all = QuestionFile::Open(folder);
  ASSERT_TRUE(all) << all.error().message;
  ASSERT_EQ(all->size(), 4U);
  for (const size_t i : {3U, 0U, 2U, 0U}) EXPECT_EQ(all->Read(i)->source_json, R"({"n":1.50})");
  EXPECT_EQ(all->id(0), "a.jsonl.zst1");
  EXPECT_EQ(all->id(3), "b.jsonl.gz2");
  EXPECT_EQ(all->line(3), 4U);
  std::filesystem::remove_all(folder);
  const auto missing = QuestionFile::Open(folder + "/*.jsonl");
  ASSERT_FALSE(missing);
  EXPECT_THAT(missing.error().message, HasSubstr("no file matches it"));
}

}  // namespace
}  // namespace tessy
