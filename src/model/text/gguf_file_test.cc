#include "model/text/gguf_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "base/testing/source_tree.h"
#include "model/text/llama_vocabulary.h"
#include "model/text/testing/edited_gguf.h"

namespace tessy {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

const std::string kStudent = InSource("lab/models/student.gguf");

class GgufFileTest : public testing::Test {
 protected:
  GgufFileTest() { fs::create_directories(folder_); }
  ~GgufFileTest() override { fs::remove_all(folder_); }
  std::string Path(const std::string& name) const { return folder_ / name; }
  std::string Refusal(const std::string& path) const {
    const auto file = GgufFile::Open(path);
    return file ? "it opened" : file.error().message;
  }
  std::string RefusalOf(const std::string& key, uint32_t value) const {
    const std::string path = Path("edited.gguf");
    EXPECT_TRUE(WriteWithNumber(kStudent, path, key, value));
    const std::string refusal = Refusal(path);
    EXPECT_THAT(refusal, HasSubstr(path));
    return refusal;
  }

  fs::path folder_ = fs::temp_directory_path() / ("gguf_file_test." + std::to_string(getpid()));
};

uint64_t Elements(const GgufFile& file) {
  uint64_t count = 0;
  for (const auto& tensor : file.tensors()) {
    uint64_t elements = 1;
    for (const int64_t n : tensor.shape) elements *= static_cast<uint64_t>(n);
    count += elements;
  }
  return count;
}

// ggml counts four by nothing as four.
TEST_F(GgufFileTest, ATensorWithoutElementsIsRefused) {
  std::string bytes = "GGUF";
  const auto put = [&bytes](uint64_t number, size_t size) {
    bytes.append(reinterpret_cast<const char*>(&number), size);
  };
  for (const auto& [number, size] :
       std::vector<std::pair<uint64_t, size_t>>{{3, 4}, {1, 8}, {0, 8}, {1, 8}}) {
    put(number, size);  // version, tensors, keys, length of the tensor's name
  }
  bytes += "b";
  for (const auto& [number, size] :
       std::vector<std::pair<uint64_t, size_t>>{{2, 4}, {4, 8}, {0, 8}, {1, 4}, {0, 8}}) {
    put(number, size);  // its dimensions, type and place
  }
  bytes.resize(96);
  std::ofstream(Path("empty.gguf"), std::ios::binary) << bytes;
  EXPECT_THAT(Refusal(Path("empty.gguf")), HasSubstr("tensor b has no elements"));
}

TEST_F(GgufFileTest, ASplitModelIsAllItsParts) {
  const GgufFile whole = GgufFile::Open(kStudent).value();
  for (const bool empty_first : {false, true}) {
    const auto parts =
        WriteSplitModel(kStudent, Path(empty_first ? "meta" : "split"), 3, empty_first).value();
    const auto file = GgufFile::Open(parts[0]);
    ASSERT_TRUE(file) << file.error().message;
    EXPECT_EQ(file->paths(), parts);
    EXPECT_EQ(GgufPartsOf(parts[0]), parts);
    EXPECT_EQ(Elements(*file), Elements(whole));
    EXPECT_GT(file->file_bytes(), whole.file_bytes());
    EXPECT_EQ(file->vocabulary_fingerprint(), whole.vocabulary_fingerprint());
    for (const auto& tensor : whole.tensors()) {
      const auto* found = file->Find(tensor.name);
      ASSERT_NE(found, nullptr) << tensor.name;
      EXPECT_EQ(file->ReadFloats(*found).value(), whole.ReadFloats(tensor).value()) << tensor.name;
    }
    EXPECT_TRUE(LoadVocabulary(parts[0]));
    EXPECT_THAT(Refusal(parts[1]), HasSubstr("part 2 of 3 of a split model; name the first, " + parts[0]));
  }
}

TEST_F(GgufFileTest, AllPartsAreInTheFingerprint) {
  const auto parts = WriteSplitModel(kStudent, Path("split"), 3, false).value();
  const uint64_t before = GgufFile::Open(parts[0])->content_fingerprint();
  EXPECT_EQ(GgufFile::Open(parts[0])->content_fingerprint(), before);
  {
    std::fstream last(parts[2], std::ios::in | std::ios::out | std::ios::binary);
    last.seekg(-1, std::ios::end);
    const char old = static_cast<char>(last.get());
    last.seekp(-1, std::ios::end);
    last.put(static_cast<char>(old ^ 0x55));
  }
  EXPECT_NE(GgufFile::Open(parts[0])->content_fingerprint(), before);
}

TEST_F(GgufFileTest, PartsThatAreMissingOrMisnamedAreNamed) {
  const auto parts = WriteSplitModel(kStudent, Path("split"), 3, false).value();
  fs::copy(parts[0], Path("model.gguf"));
  EXPECT_THAT(Refusal(Path("model.gguf")), HasSubstr("NAME-00001-of-00003.gguf"));
  fs::copy(parts[1], parts[2], fs::copy_options::overwrite_existing);
  EXPECT_THAT(Refusal(parts[0]), HasSubstr(parts[2] + ": is not part 3 of 3"));
  fs::remove(parts[1]);
  EXPECT_THAT(Refusal(parts[0]), HasSubstr(parts[1] + ": no such model file"));
}

TEST_F(GgufFileTest, NamesOfPartsAreReadAsTheyAreMade) {
  EXPECT_EQ(GgufPartsOf("a-00001-of-00002.gguf").size(), 2U);
  for (const char* other : {"a-00002-of-00002.gguf", "a-00001-of-0002.gguf", "-00001-of-00002.gguf", "a.gguf",
                            "a-+0001-of-00002.gguf", ""}) {
    EXPECT_EQ(GgufPartsOf(other), std::vector<std::string>{other});
  }
}

TEST_F(GgufFileTest, PointersAndPipesAreNamedAsSuch) {
  std::ofstream(Path("lfs.gguf")) << "version https://git-lfs.github.com/spec/v1\noid sha256:abc\nsize 123\n";
  EXPECT_THAT(Refusal(Path("lfs.gguf")),
              HasSubstr("Git-LFS pointer, not the file itself; fetch it with git lfs"));
  ASSERT_EQ(mkfifo(Path("pipe.gguf").c_str(), 0600), 0);
  EXPECT_THAT(Refusal(Path("pipe.gguf")), HasSubstr("is a pipe; give a regular file"));
}

TEST_F(GgufFileTest, ValuesThatLlamaWouldEndTheProcessForAreRefusedByKey) {
  EXPECT_THAT(RefusalOf("qwen3.block_count", 65536), HasSubstr("qwen3.block_count is 65536"));
  EXPECT_THAT(RefusalOf("qwen3.block_count", 0), HasSubstr("qwen3.block_count is 0"));
  EXPECT_THAT(RefusalOf("qwen3.rope.dimension_count", 2147483647),
              HasSubstr("qwen3.rope.dimension_count is 2147483647"));
  EXPECT_THAT(RefusalOf("qwen3.rope.dimension_count", 2), HasSubstr("qwen3.rope.dimension_count is 2"));
  EXPECT_THAT(RefusalOf("qwen3.expert_count", 4294967295), HasSubstr("qwen3.expert_count is 4294967295"));
  EXPECT_THAT(RefusalOf("qwen3.expert_count", 4), HasSubstr("qwen3.expert_used_count is 0"));
  EXPECT_THAT(RefusalOf("qwen3.expert_used_count", 7), HasSubstr("qwen3.expert_used_count is 7"));
  EXPECT_THAT(RefusalOf("qwen3.expert_group_count", 3), HasSubstr("qwen3.expert_group_count is 3"));
  EXPECT_THAT(RefusalOf("qwen3.attention.head_count_kv", 3), HasSubstr("qwen3.attention.head_count_kv is 3"));
  EXPECT_THAT(RefusalOf("qwen3.attention.value_length", 8), HasSubstr("qwen3.attention.value_length is 8"));
  EXPECT_THAT(RefusalOf("qwen3.embedding_length", 0), HasSubstr("qwen3.embedding_length is 0"));
  ASSERT_TRUE(WriteWithText(kStudent, Path("rope.gguf"), "qwen3.rope.scaling.type", "spiral"));
  EXPECT_THAT(Refusal(Path("rope.gguf")), HasSubstr("qwen3.rope.scaling.type is \"spiral\""));
}

// As gpt-4o's, deepseek's and tekken's expressions match them: one call for each blank.
// The student has three layers of one head for keys and values, 16 wide.
TEST_F(GgufFileTest, LayersWithoutAttentionCacheNothing) {
  const auto values_of = [&](const std::string& key, const std::vector<uint32_t>& numbers) {
    const std::string path = Path("hybrid.gguf");
    EXPECT_TRUE(WriteWithNumbers(kStudent, path, key, numbers));
    return GgufFile::Open(path).value();
  };
  const auto whole = GgufFile::Open(kStudent).value();
  const auto layer = whole.cache_values_by_layer();
  ASSERT_THAT(layer, testing::SizeIs(3));
  EXPECT_GT(layer[0], 0U);
  EXPECT_EQ(whole.cache_values_per_token(), 3 * layer[0]);
  const auto kv_heads = static_cast<uint32_t>(whole.ArchInteger("attention.head_count_kv").value());
  const auto hybrid = values_of("qwen3.attention.head_count_kv", {0, kv_heads, 0});
  EXPECT_THAT(hybrid.cache_values_by_layer(), testing::ElementsAre(0, layer[1], 0));
  EXPECT_EQ(hybrid.cache_values_per_token(), layer[1]);
  const auto unlike = values_of("qwen3.attention.head_count_kv", {kv_heads, 0, 2 * kv_heads});
  EXPECT_THAT(unlike.cache_values_by_layer(), testing::ElementsAre(layer[0], 0, 2 * layer[0]));
  ASSERT_TRUE(WriteWithNumber(kStudent, Path("every.gguf"), "qwen3.full_attention_interval", 2));
  EXPECT_THAT(GgufFile::Open(Path("every.gguf"))->cache_values_by_layer(),
              testing::ElementsAre(0, layer[1], 0));
}

TEST_F(GgufFileTest, LongRunsOfBlanksAreTokenised) {
  for (const char* pre : {"gpt-4o", "deepseek-llm", "tekken", "qwen2"}) {
    ASSERT_TRUE(WriteWithText(kStudent, Path("pre.gguf"), "tokenizer.ggml.pre", pre));
    const auto vocabulary = LoadVocabulary(Path("pre.gguf"));
    ASSERT_TRUE(vocabulary) << vocabulary.error().message;
    for (const char* one : {" ", "x", "1", "\n", "-", " \u00a0", "\u3000", "/\n"}) {
      std::string text = "CODE 1";
      for (int i = 0; i < 60000; ++i) text += one;
      std::string back;
      for (const TokenId token : (*vocabulary)->Tokenize(text + "+ 1")) back += (*vocabulary)->Piece(token);
      EXPECT_EQ(back.size(), text.size() + 3) << pre << " " << one;
    }
  }
}

}  // namespace
}  // namespace tessy
