#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/random.h"
#include "base/testing/source_tree.h"
#include "model/text/gguf_file.h"
#include "model/text/testing/edited_gguf.h"
#include "weights/number_types.h"
#include "weights/qwen3.h"
#include "weights/safetensors.h"
#include "weights/testing/random_checkpoint.h"

namespace tessy {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

const std::string kStudent = InSource("lab/models/student.gguf");
const std::string kPredictor = InSource("lab/models/boundary-student.gguf");

std::string ReadBytes(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

void WriteBytes(const fs::path& path, std::string_view bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc).write(bytes.data(), std::ssize(bytes));
}

TensorReader ReaderOf(const Checkpoint& checkpoint) {
  return [&checkpoint](const TensorSpec& tensor) { return checkpoint.Read(tensor); };
}

// What becomes of a number that is stored as `type`.
std::vector<float> Rounded(const std::vector<float>& values, WeightType type) {
  return DecodeNumbers(EncodeNumbers(values, type), type);
}

class WeightsTest : public testing::Test {
 protected:
  WeightsTest() : folder_(fs::temp_directory_path() / ("weights_test." + std::to_string(getpid()))) {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    shape_ = SmallShape();
    shape_.vocabulary = OpenCheckpoint(kStudent).value()->shape().vocabulary;
  }
  ~WeightsTest() override { fs::remove_all(folder_); }

  std::string Path(const std::string& name) const { return folder_ / name; }
  Status WriteGgufFile(const std::string& name, const Checkpoint& model, WeightType type = WeightType::kF32) {
    return WriteGguf(Path(name), model.shape(), ReaderOf(model),
                     {.tokenizer_from = kStudent, .name = name, .type = type});
  }
  Status WriteFolder(const std::string& name, const Checkpoint& model, WeightType type = WeightType::kF32) {
    return WriteHuggingFace(Path(name), model.shape(), ReaderOf(model), {.type = type});
  }
  // The message of the error that opening this gives.
  std::string Refusal(const std::string& name) const {
    const auto opened = OpenCheckpoint(Path(name));
    return opened ? "it opened" : opened.error().message;
  }
  void EditConfig(const std::string& folder, const std::function<void(Json&)>& edit) const {
    Json json = Json::parse(ReadBytes(Path(folder) + "/config.json"));
    edit(json);
    WriteBytes(Path(folder) + "/config.json", json.dump());
  }

  fs::path folder_;
  Qwen3Shape shape_;
};

void ExpectEqual(const Checkpoint& found, const Checkpoint& due, WeightType type) {
  EXPECT_EQ(found.shape(), due.shape());
  EXPECT_EQ(found.type(), type);
  for (const TensorSpec& tensor : TensorsOf(due.shape())) {
    EXPECT_EQ(found.Read(tensor).value(), Rounded(due.Read(tensor).value(), StoredAs(tensor, type)))
        << tensor.name;
  }
}

TEST_F(WeightsTest, WhatIsWrittenIsReadInBothLayoutsAndEveryType) {
  int number = 0;
  for (const bool tied : {true, false}) {
    for (const int64_t classes : {0, 2, 3}) {
      for (const WeightType type : {WeightType::kF32, WeightType::kF16, WeightType::kBF16}) {
        Qwen3Shape shape = shape_;
        shape.classes = classes;
        // A classifier has no output matrix in a GGUF file, so its embeddings count as tied there.
        shape.tied_embeddings = tied || classes > 0;
        const RandomCheckpoint model(shape);
        const std::string name = std::to_string(number++);
        ASSERT_TRUE(WriteGgufFile(name + ".gguf", model, type));
        ExpectEqual(*OpenCheckpoint(Path(name + ".gguf")).value(), model, type);
        ASSERT_TRUE(WriteFolder(name, model, type));
        ExpectEqual(*OpenCheckpoint(Path(name)).value(), model, type);
      }
    }
  }
}

TEST_F(WeightsTest, AFileThereAndBackIsTheSameToTheByte) {
  for (const std::string& path : {kStudent, kPredictor}) {
    const auto original = OpenCheckpoint(path).value();
    const std::string folder = "folder" + fs::path(path).stem().string();
    ASSERT_TRUE(
        WriteHuggingFace(Path(folder), original->shape(), ReaderOf(*original), {.type = original->type()}));
    const auto copy = OpenCheckpoint(Path(folder)).value();
    for (const Checkpoint* from : {original.get(), copy.get()}) {
      const std::string name = from == original.get() ? "direct.gguf" : "back.gguf";
      ASSERT_TRUE(WriteGguf(Path(name), from->shape(), ReaderOf(*from),
                            {.tokenizer_from = path, .name = "x", .type = from->type()}));
    }
    EXPECT_EQ(ReadBytes(Path("direct.gguf")), ReadBytes(Path("back.gguf")));
  }
}

TEST_F(WeightsTest, TheTokenizerIsTakenOverWhole) {
  ASSERT_TRUE(WriteGgufFile("a.gguf", RandomCheckpoint(shape_)));
  const auto file = GgufFile::Open(Path("a.gguf")).value();
  const auto source = GgufFile::Open(kStudent).value();
  EXPECT_EQ(file.vocabulary_fingerprint(), source.vocabulary_fingerprint());
  EXPECT_EQ(file.String("tokenizer.chat_template"), source.String("tokenizer.chat_template"));
  EXPECT_EQ(file.Integer("tokenizer.ggml.eos_token_id"), source.Integer("tokenizer.ggml.eos_token_id"));
}

TEST_F(WeightsTest, ATokenizerOfAnotherSizeIsRefused) {
  const int64_t tokens = shape_.vocabulary++;
  const auto status = WriteGgufFile("a.gguf", RandomCheckpoint(shape_));
  ASSERT_FALSE(status);
  EXPECT_THAT(status.error().message, HasSubstr("its tokenizer has " + std::to_string(tokens) +
                                                " tokens, the model embeds " + std::to_string(tokens + 1)));
  EXPECT_TRUE(fs::is_empty(folder_));
}

TEST_F(WeightsTest, WhereAModelComesFromIsKept) {
  const RandomCheckpoint model(shape_);
  const Metadata origin{{"tessy.training.kind", "boundary"}};
  ASSERT_TRUE(WriteGguf(Path("a.gguf"), shape_, ReaderOf(model),
                        {.tokenizer_from = kStudent, .name = "a", .metadata = origin}));
  EXPECT_EQ(OpenCheckpoint(Path("a.gguf")).value()->provenance(), origin);
  ASSERT_TRUE(WriteHuggingFace(Path("a"), shape_, ReaderOf(model), {.metadata = origin}));
  EXPECT_EQ(OpenCheckpoint(Path("a")).value()->provenance(), origin);
}

TEST_F(WeightsTest, AFolderThatHoldsAModelIsNotWrittenOver) {
  ASSERT_TRUE(WriteFolder("a", RandomCheckpoint(shape_)));
  const std::string before = ReadBytes(Path("a/model.safetensors"));
  const auto status = WriteFolder("a", RandomCheckpoint(shape_, 2));
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::kConflict);
  EXPECT_EQ(ReadBytes(Path("a/model.safetensors")), before);
}

TEST_F(WeightsTest, AReaderThatFailsLeavesNoFile) {
  const RandomCheckpoint model(shape_);
  int left = 5;
  const TensorReader failing = [&](const TensorSpec& tensor) -> Result<std::vector<float>> {
    if (left-- == 0) return Fail(ErrorCode::kIo, "the disk is gone");
    return model.Read(tensor);
  };
  for (const bool gguf : {true, false}) {
    left = 5;
    const Status status =
        gguf ? WriteGguf(Path("a.gguf"), shape_, failing, {.tokenizer_from = kStudent, .name = "a"})
             : WriteSafetensors(Path("a.safetensors"), TensorsOf(shape_), failing, WeightType::kF32, {});
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().message, "the disk is gone");
  }
  EXPECT_TRUE(fs::is_empty(folder_));
}

// ---- Numbers

TEST(Numbers, NoBytesAreNoNumbers) {
  for (const WeightType type : {WeightType::kF32, WeightType::kF16, WeightType::kBF16}) {
    EXPECT_TRUE(DecodeNumbers("", type).empty());
    EXPECT_TRUE(DecodeNumbers({}, type).empty());
  }
}

TEST(NumberTypesTest, RoundsToTheNearestAndTiesToEven) {
  const std::vector<float> values{1.0F, 1.00390625F, 1.01171875F, -65504.0F, 1e-8F, 3.39e38F};
  EXPECT_THAT(Rounded(values, WeightType::kBF16),
              ElementsAre(1.0F, 1.0F, 1.015625F, -65536.0F, testing::FloatNear(1e-8F, 1e-10F),
                          testing::FloatNear(3.39e38F, 2e36F)));
  const std::vector<float> halves =
      Rounded({1.0F, 1.00048828125F, 65504.0F, 1e-8F, 5.9604645e-8F, 1e6F}, WeightType::kF16);
  EXPECT_THAT(halves, ElementsAre(1.0F, 1.0F, 65504.0F, 0.0F, 5.9604645e-8F, INFINITY));
}

TEST(NumberTypesTest, NotANumberStaysOne) {
  for (const WeightType type : {WeightType::kF32, WeightType::kF16, WeightType::kBF16})
    EXPECT_TRUE(std::isnan(Rounded({NAN}, type).front()));
}

// ---- Files of others

TEST_F(WeightsTest, ShardsAreReadByTheirIndex) {
  const RandomCheckpoint model(shape_);
  ASSERT_TRUE(WriteFolder("a", model));
  fs::remove(Path("a/model.safetensors"));
  const auto tensors = TensorsOf(shape_);
  const std::span<const TensorSpec> all(tensors);
  Json index{{"metadata", Json::object()}, {"weight_map", Json::object()}};
  for (const auto& [name, part] :
       {std::pair("model-1.safetensors", all.first(7)), std::pair("model-2.safetensors", all.subspan(7))}) {
    ASSERT_TRUE(WriteSafetensors(Path("a/") + name, part, ReaderOf(model), WeightType::kF32, {}));
    for (const TensorSpec& tensor : part) index["weight_map"][tensor.name] = name;
  }
  WriteBytes(Path("a/model.safetensors.index.json"), index.dump());
  ExpectEqual(*OpenCheckpoint(Path("a")).value(), model, WeightType::kF32);

  index["weight_map"]["model.norm.weight"] = "../a/model-2.safetensors";
  WriteBytes(Path("a/model.safetensors.index.json"), index.dump());
  EXPECT_THAT(Refusal("a"), HasSubstr("is not a file name"));

  WriteBytes(Path("a/model.safetensors.index.json"), R"({"weight_map":[]})");
  EXPECT_THAT(Refusal("a"), HasSubstr("weight_map is empty"));
  fs::remove(Path("a/model-2.safetensors"));
  WriteBytes(Path("a/model.safetensors.index.json"), R"({"weight_map":{"x":"model-2.safetensors"}})");
  EXPECT_THAT(Refusal("a"), HasSubstr("model-2.safetensors: no such file"));
}

TEST_F(WeightsTest, NothingIsFilledInAndNothingLeftOut) {
  const auto write = [&](const std::vector<TensorSpec>& tensors) {
    const RandomCheckpoint model(shape_);
    return WriteSafetensors(Path("a/model.safetensors"), tensors, ReaderOf(model), WeightType::kF32, {});
  };
  ASSERT_TRUE(WriteFolder("a", RandomCheckpoint(shape_)));
  auto tensors = TensorsOf(shape_);

  auto changed = tensors;
  changed.erase(changed.begin() + 6);
  ASSERT_TRUE(write(changed));
  EXPECT_THAT(Refusal("a"), HasSubstr("tensor model.layers.0.self_attn.q_norm.weight is missing"));

  changed = tensors;
  changed.push_back({"model.layers.0.self_attn.q_proj.bias", {shape_.width}});
  ASSERT_TRUE(write(changed));
  EXPECT_THAT(Refusal("a"), HasSubstr("tensor model.layers.0.self_attn.q_proj.bias does not belong to"));

  changed = tensors;
  changed[2].shape = {changed[2].shape[1], changed[2].shape[0]};
  ASSERT_TRUE(write(changed));
  EXPECT_THAT(Refusal("a"), HasSubstr("self_attn.q_proj.weight has shape [24, 32], but must have [32, 24]"));

  // An output matrix that is the embeddings once more is not used, and no error.
  changed = tensors;
  changed.push_back({"lm_head.weight", {shape_.vocabulary, shape_.width}});
  ASSERT_TRUE(write(changed));
  EXPECT_TRUE(OpenCheckpoint(Path("a")));
}

TEST_F(WeightsTest, AConfigurationThatCannotBeComputedIsRefused) {
  ASSERT_TRUE(WriteFolder("a", RandomCheckpoint(shape_)));
  const std::string good = ReadBytes(Path("a/config.json"));
  const std::vector<std::pair<std::function<void(Json&)>, std::string>> cases{
      {[](Json& j) { j["architectures"] = {"LlamaForCausalLM"}; }, "architectures is [\"LlamaForCausalLM\"]"},
      {[](Json& j) { j["architectures"] = 7; }, "architectures is 7"},
      {[](Json& j) {
         j["rope_scaling"] = {{"rope_type", "yarn"}};
       },
       "rotary scaling \"yarn\""},
      {[](Json& j) { j["attention_bias"] = true; }, "attention_bias is not supported"},
      {[](Json& j) { j["use_sliding_window"] = true; }, "use_sliding_window is not supported"},
      {[](Json& j) { j["hidden_act"] = "gelu"; }, "hidden_act is not silu"},
      {[](Json& j) { j["hidden_size"] = "wide"; }, "hidden_size is missing or not a whole number"},
      {[](Json& j) { j.erase("num_hidden_layers"); }, "num_hidden_layers is missing"},
      {[](Json& j) { j["num_hidden_layers"] = 1'000'000'000; }, "its layers is 1000000000"},
      {[](Json& j) { j["num_attention_heads"] = -4; }, "its attention heads is -4"},
      {[](Json& j) { j["num_key_value_heads"] = 3; }, "do not go together"},
      {[](Json& j) { j["vocab_size"] = uint64_t{18446744073709551615U}; },
       "vocab_size is 18446744073709551615, more than any model has"},
      {[](Json& j) { j["vocab_size"] = int64_t{1} << 40; }, "its vocabulary is 1099511627776"}};
  for (const auto& [edit, message] : cases) {
    WriteBytes(Path("a/config.json"), good);
    EditConfig("a", edit);
    EXPECT_THAT(Refusal("a"), HasSubstr(message));
  }
  for (const char* broken : {"", "{", "[]", "\xff\xfe"}) {
    WriteBytes(Path("a/config.json"), broken);
    EXPECT_THAT(Refusal("a"), HasSubstr("config.json: is not a JSON object"));
  }
  fs::remove(Path("a/config.json"));
  EXPECT_THAT(Refusal("a"), HasSubstr("config.json: cannot be read"));
}

std::vector<float> ValuesOf(const Checkpoint& checkpoint, const std::string& name) {
  for (const TensorSpec& tensor : TensorsOf(checkpoint.shape())) {
    if (tensor.name == name) return checkpoint.Read(tensor).value();
  }
  return {};
}

TEST_F(WeightsTest, TheNamesOfTheClassesSayWhichRowIsStyle) {
  shape_.classes = 2;
  const RandomCheckpoint model(shape_, 5);
  ASSERT_TRUE(WriteFolder("folder", model));
  const auto weight = ValuesOf(*OpenCheckpoint(Path("folder")).value(), "score.weight");
  const auto bias = ValuesOf(*OpenCheckpoint(Path("folder")).value(), "score.bias");
  EditConfig("folder", [](Json& json) { json["id2label"] = {{"0", "STYLE"}, {"1", "CAPABILITY"}}; });
  const auto swapped = OpenCheckpoint(Path("folder")).value();
  auto expected = weight;
  SwapRows(expected);
  EXPECT_NE(expected, weight);
  EXPECT_EQ(ValuesOf(*swapped, "score.weight"), expected);
  EXPECT_EQ(ValuesOf(*swapped, "score.bias"), (std::vector<float>{bias[1], bias[0]}));

  EditConfig("folder", [](Json& json) { json["id2label"] = {{"0", "capability"}, {"1", "style"}}; });
  EXPECT_EQ(ValuesOf(*OpenCheckpoint(Path("folder")).value(), "score.weight"), weight);
  EditConfig("folder", [](Json& json) { json["id2label"] = {{"0", "yes"}, {"1", "no"}}; });
  EXPECT_THAT(Refusal("folder"), HasSubstr("id2label: its classes are named \"yes\" and \"no\""));

  ASSERT_TRUE(WriteGgufFile("model.gguf", model));
  ASSERT_TRUE(WriteWithTexts(Path("model.gguf"), Path("swapped.gguf"), "qwen3.classifier.output_labels",
                             {"style", "capability"}));
  EXPECT_EQ(ValuesOf(*OpenCheckpoint(Path("swapped.gguf")).value(), "score.weight"), expected);
}

TEST_F(WeightsTest, ASplitModelIsReadWhole) {
  const auto parts = WriteSplitModel(kStudent, Path("split"), 3, true).value();
  const auto whole = OpenCheckpoint(kStudent).value();
  const auto split = OpenCheckpoint(parts[0]);
  ASSERT_TRUE(split) << split.error().message;
  EXPECT_EQ((*split)->shape(), whole->shape());
  for (const TensorSpec& tensor : TensorsOf(whole->shape())) {
    EXPECT_EQ((*split)->Read(tensor).value(), whole->Read(tensor).value()) << tensor.name;
  }
  EXPECT_THAT(Refusal("split-00003-of-00003.gguf"), HasSubstr("name the first, " + parts[0]));
}

TEST_F(WeightsTest, PointersOfGitLfsAndDeepConfigurationsAreNamed) {
  const std::string pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:abc\nsize 123\n";
  ASSERT_TRUE(WriteFolder("folder", RandomCheckpoint(shape_, 5)));
  const std::string config = ReadBytes(Path("folder/config.json"));
  WriteBytes(Path("folder/config.json"), pointer);
  EXPECT_THAT(Refusal("folder"), HasSubstr("config.json: is a Git-LFS pointer"));
  WriteBytes(Path("folder/config.json"),
             "{\"a\":" + std::string(100'000, '[') + std::string(100'000, ']') + "}");
  EXPECT_THAT(Refusal("folder"), HasSubstr("nested more than 200 levels deep"));
  WriteBytes(Path("folder/config.json"), "\xEF\xBB\xBF" + config);
  EXPECT_TRUE(OpenCheckpoint(Path("folder")));
  WriteBytes(Path("folder/model.safetensors"), pointer);
  EXPECT_THAT(Refusal("folder"), HasSubstr("model.safetensors: is a Git-LFS pointer"));
}

TEST_F(WeightsTest, TheBaseIsFoundWhereNewerConfigurationsKeepIt) {
  ASSERT_TRUE(WriteFolder("a", RandomCheckpoint(shape_)));
  EditConfig("a", [](Json& j) {
    j.erase("rope_theta");
    j["rope_parameters"] = {{"rope_type", "default"}, {"rope_theta", 5e5}};
  });
  EXPECT_EQ(OpenCheckpoint(Path("a")).value()->shape().rope_base, 5e5);
}

std::string Safetensors(const std::string& header, const std::string& data) {
  std::string bytes;
  for (size_t i = 0; i < 8; ++i) bytes += static_cast<char>(header.size() >> (8 * i) & 0xFF);
  return bytes + header + data;
}

TEST_F(WeightsTest, SafetensorsThatLieAreRefused) {
  const std::string data(16, 'x');
  const std::vector<std::pair<std::string, std::string>> cases{
      {"", "too short"},
      {std::string("\xff\xff\xff\xff\xff\xff\xff\xff", 8) + "{}", "is not all there"},
      {Safetensors("nonsense", ""), "its header is not JSON"},
      {Safetensors(std::string(100000, '['), ""), "its header is nested too deeply"},
      {Safetensors(R"({"a":{"dtype":"F32","shape":[5],"data_offsets":[0,20]}})", data),
       "not all in the file"},
      {Safetensors(R"({"a":{"dtype":"F32","shape":[3],"data_offsets":[0,16]}})", data),
       "it has 16 bytes, but shape [3] of type F32 takes 12"},
      {Safetensors(R"({"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,16]}})", data),
       "more than can be counted"},
      {Safetensors(R"({"a":{"dtype":"F32","shape":[-4],"data_offsets":[0,16]}})", data), "does not say"},
      {Safetensors(R"({"a":{"dtype":"Q4","shape":[4],"data_offsets":[0,16]}})", data),
       "type Q4 is not known"},
      {Safetensors(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", data), "bytes follow"},
      {Safetensors(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}})", data),
       "there is a gap before"},
      {Safetensors(R"({"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]},)"
                   R"("b":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}})",
                   data),
       "there is an overlap before"},
      {Safetensors(R"({"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]},)"
                   R"("a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}})",
                   data),
       "names a tensor twice"}};
  for (const auto& [bytes, message] : cases) {
    WriteBytes(Path("a.safetensors"), bytes);
    const auto file = SafetensorsFile::Open(Path("a.safetensors"));
    ASSERT_FALSE(file) << message;
    EXPECT_THAT(file.error().message, HasSubstr(message));
  }
}

TEST_F(WeightsTest, IntegersAreReadAndOtherTypesAreErrors) {
  WriteBytes(Path("a.safetensors"),
             Safetensors(R"({"__metadata__":{"by":"hand"},)"
                         R"("i":{"dtype":"I64","shape":[1],"data_offsets":[0,8]},)"
                         R"("j":{"dtype":"I32","shape":[2],"data_offsets":[8,16]}})",
                         std::string("\xfe\xff\xff\xff\xff\xff\xff\xff\x01\0\0\0\xff\xff\xff\xff", 16)));
  const auto file = SafetensorsFile::Open(Path("a.safetensors")).value();
  EXPECT_THAT(file.metadata(), ElementsAre(Pair("by", "hand")));
  EXPECT_THAT(file.ReadIntegers(*file.Find("i")).value(), ElementsAre(-2));
  EXPECT_THAT(file.ReadIntegers(*file.Find("j")).value(), ElementsAre(1, -1));
  EXPECT_THAT(file.ReadFloats(*file.Find("i")).error().message, HasSubstr("F32, F16 and BF16 can be read"));
}

// Every prefix of a file, and files with bytes changed: an error or a model, never a crash.
TEST_F(WeightsTest, DamagedFilesAreErrorsOrModels) {
  ASSERT_TRUE(WriteFolder("a", RandomCheckpoint(shape_)));
  ASSERT_TRUE(WriteGgufFile("a.gguf", RandomCheckpoint(shape_)));
  for (const std::string name : {"a/model.safetensors", "a.gguf"}) {
    const std::string opened = name == "a.gguf" ? name : "a";
    const std::string good = ReadBytes(Path(name));
    for (size_t round = 0; round < 150; ++round) {
      const auto below = [&](size_t n, uint64_t draw) {
        return static_cast<size_t>(UniformAt(round, 0, draw) * static_cast<double>(n));
      };
      std::string bytes = good;
      if (round % 2 == 0) {
        bytes.resize(below(good.size(), 0));
        WriteBytes(Path(name), bytes);
        EXPECT_FALSE(OpenCheckpoint(Path(opened))) << bytes.size();
      } else {
        bytes[below(std::min<size_t>(good.size(), 4000), 0)] ^= static_cast<char>(1 + below(254, 1));
        WriteBytes(Path(name), bytes);
        const auto checkpoint = OpenCheckpoint(Path(opened));
        if (!checkpoint) continue;
        for (const TensorSpec& tensor : TensorsOf((*checkpoint)->shape())) {
          const auto values = (*checkpoint)->Read(tensor);
          if (values) {
            EXPECT_EQ(values->size(), ElementsOf(tensor));
          }
        }
      }
    }
    WriteBytes(Path(name), good);
  }
}

TEST_F(WeightsTest, OtherArchitecturesAndMissingTensorsOfGgufFilesAreRefused) {
  EXPECT_THAT(OpenCheckpoint(Path("none.gguf")).error().message, HasSubstr("none.gguf"));
  // A bias that does not fit its head.
  shape_.classes = 2;
  const RandomCheckpoint model(shape_);
  ASSERT_TRUE(WriteGguf(Path("a.gguf"), shape_,
                        [&](const TensorSpec& tensor) {
                          auto values = model.Read(tensor);
                          if (tensor.name == "score.bias") values->push_back(1.0F);
                          return values;
                        },
                        {.tokenizer_from = kStudent, .name = "a"}));
  EXPECT_THAT(Refusal("a.gguf"), HasSubstr("has 3 values, its head 2"));
}

}  // namespace
}  // namespace tessy
