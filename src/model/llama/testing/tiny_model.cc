#include "model/llama/testing/tiny_model.h"

#include <fmt/format.h>

#include <cmath>
#include <map>
#include <memory>
#include <optional>
#include <unordered_set>

#include "base/check.h"
#include "base/random.h"
#include "base/utf8.h"
#include "ggml.h"
#include "gguf.h"

namespace tessy {
namespace {

// ---- Vocabularies.

constexpr std::string_view kLearningText =
    "Okay, let's see. The problem asks for the longest path in the graph, so let me think about the edges "
    "first. Wait, "
    "if the weights are negative then the greedy choice is wrong. Hmm, maybe dynamic programming works here: "
    "for each "
    "vertex, store the best length of a path that ends there. First, sort the vertices. Then, for each edge, "
    "update. "
    "So the answer is the maximum of these values, and the time is linear in the number of edges. Let me "
    "check this "
    "with an example. Alternatively, use a stack. But the recursion may be deep; an explicit stack is "
    "safer.\n\n"
    "int main() {\n  int n, m;\n  std::cin >> n >> m;\n  std::vector<int> best(n, 0);\n  for (int i = 0; i < "
    "m; ++i) "
    "{\n    int a, b;\n    std::cin >> a >> b;\n    best[b] = std::max(best[b], best[a] + 1);\n  }\n  return "
    "0;\n}\n"
    "def solve(values):\n    total = 0\n    for value in values:\n        if value > total:\n            "
    "total = value\n"
    "    return total\n\n12 + 34 = 46, 100 * 7 = 700, and 2 ** 10 = 1024. Therefore the result is 2026. Yes, "
    "that is it.\n";

// GPT-2's letter for each byte: printable ones stand for themselves.
std::string ByteLetter(unsigned char byte) {
  static const std::vector<std::string> letters = [] {
    std::vector<std::string> all(256);
    char32_t next = 256;
    for (unsigned b = 0; b < 256; ++b) {
      const bool itself = (b >= '!' && b <= '~') || (b >= 0xA1 && b <= 0xAC) || b >= 0xAE;
      AppendUtf8(all[b], itself ? static_cast<char32_t>(b) : next++);
    }
    return all;
  }();
  return letters[byte];
}

using Word = std::vector<std::string>;

// Words as the pre-tokenizers part them, more or less: with the space before them.
std::vector<Word> LearningWords(uint64_t seed) {
  std::vector<Word> words;
  uint64_t index = 0;
  for (size_t begin = 0; begin < kLearningText.size();) {
    size_t end = begin + 1;
    const auto letter = [](char c) { return (c | 0x20) >= 'a' && (c | 0x20) <= 'z'; };
    while (end < kLearningText.size() && letter(kLearningText[end]) &&
           (end > begin + 1 || letter(kLearningText[begin]) || kLearningText[begin] == ' ')) {
      ++end;
    }
    Word word;
    for (size_t i = begin; i < end; ++i)
      word.push_back(ByteLetter(static_cast<unsigned char>(kLearningText[i])));
    if (UniformAt(seed, 1, index++) < 0.7) words.push_back(std::move(word));
    begin = end;
  }
  return words;
}

using Pair = std::pair<std::string, std::string>;

std::optional<Pair> MostFrequentPair(const std::vector<Word>& words) {
  std::map<Pair, size_t> counts;
  for (const Word& word : words) {
    for (size_t i = 0; i + 1 < word.size(); ++i) ++counts[{word[i], word[i + 1]}];
  }
  std::optional<Pair> best;
  size_t most = 1;
  for (const auto& [pair, count] : counts) {
    if (count > most) best = pair, most = count;
  }
  return best;
}

void Merge(std::vector<Word>& words, const Pair& pair) {
  for (Word& word : words) {
    for (size_t i = 0; i + 1 < word.size(); ++i) {
      if (word[i] != pair.first || word[i + 1] != pair.second) continue;
      word[i] += word[i + 1];
      word.erase(word.begin() + static_cast<std::ptrdiff_t>(i) + 1);
    }
  }
}

// ---- Files.

struct GgufDeleter {
  void operator()(gguf_context* gguf) const { gguf_free(gguf); }
};
struct GgmlDeleter {
  void operator()(ggml_context* ggml) const { ggml_free(ggml); }
};
using GgufContext = std::unique_ptr<gguf_context, GgufDeleter>;
using GgmlContext = std::unique_ptr<ggml_context, GgmlDeleter>;

void SetStrings(gguf_context* gguf, const std::string& key, const std::vector<std::string>& values) {
  std::vector<const char*> pointers;
  for (const std::string& value : values) pointers.push_back(value.c_str());
  gguf_set_arr_str(gguf, key.c_str(), pointers.data(), pointers.size());
}

void SetVocabulary(gguf_context* gguf, const TinyVocabulary& vocabulary) {
  gguf_set_val_str(gguf, "tokenizer.ggml.model", vocabulary.model.c_str());
  gguf_set_val_str(gguf, "tokenizer.ggml.pre", vocabulary.pre.c_str());
  SetStrings(gguf, "tokenizer.ggml.tokens", vocabulary.tokens);
  gguf_set_arr_data(gguf, "tokenizer.ggml.token_type", GGUF_TYPE_INT32, vocabulary.types.data(),
                    vocabulary.types.size());
  SetStrings(gguf, "tokenizer.ggml.merges", vocabulary.merges);
  gguf_set_val_u32(gguf, "tokenizer.ggml.bos_token_id", static_cast<uint32_t>(vocabulary.bos));
  gguf_set_val_u32(gguf, "tokenizer.ggml.eos_token_id", static_cast<uint32_t>(vocabulary.eos));
  gguf_set_val_bool(gguf, "tokenizer.ggml.add_bos_token", false);
}

Status Written(bool ok, const std::string& path) {
  if (!ok) return Fail(ErrorCode::kIo, path + ": cannot be written");
  return {};
}

class ModelWriter {
 public:
  explicit ModelWriter(const TinyModelSpec& spec) : spec_(spec), gguf_(gguf_init_empty()) {
    const auto tokens = static_cast<uint64_t>(spec.vocabulary.tokens.size());
    const auto width = static_cast<uint64_t>(spec.width);
    const uint64_t layer = width * 16 *
                           (width + static_cast<uint64_t>(spec.feed_forward) +
                            static_cast<uint64_t>(spec.heads * spec.head_width));
    const uint64_t bytes =
        4 * (2 * tokens * width + static_cast<uint64_t>(spec.layers) * layer) + (uint64_t{4} << 20);
    tensors_.reset(ggml_init({.mem_size = bytes, .mem_buffer = nullptr, .no_alloc = false}));
  }

  Status Write(const std::string& path) {
    SetMetadata();
    const auto tokens = static_cast<int64_t>(spec_.vocabulary.tokens.size());
    const int64_t width = spec_.width;
    const double logit_scale = 3.0;  // of the logits of a normalised state
    const int64_t rows = spec_.embedding_rows > 0 ? spec_.embedding_rows : tokens;
    Matrix("token_embd.weight", {width, rows}, spec_.tied_output ? logit_scale : std::sqrt(spec_.width));
    Norm("output_norm.weight", width);
    if (!spec_.tied_output && spec_.follows.empty()) Matrix("output.weight", {width, tokens}, logit_scale);
    if (!spec_.follows.empty()) AddPlan(rows, tokens);
    for (int i = 0; i < spec_.layers; ++i) {
      prefix_ = fmt::format("blk.{}.", i);
      spec_.architecture == "mamba" ? AddMambaLayer() : AddAttentionLayer();
    }
    prefix_.clear();
    if (spec_.head_outputs > 0) {
      Add("cls.output.weight", GGML_TYPE_F32, {width, spec_.head_outputs}, 0.0, 2.0 / std::sqrt(spec_.width));
    }
    return Written(gguf_write_to_file(gguf_.get(), path.c_str(), false), path);
  }

 private:
  void Set(const char* key, int value) {
    gguf_set_val_u32(gguf_.get(), (spec_.architecture + "." + key).c_str(), static_cast<uint32_t>(value));
  }

  void SetMetadata() {
    gguf_context* gguf = gguf_.get();
    const bool mamba = spec_.architecture == "mamba";
    gguf_set_val_str(gguf, "general.architecture", spec_.architecture.c_str());
    gguf_set_val_str(gguf, "general.name", "tiny");
    Set("context_length", spec_.context);
    Set("embedding_length", spec_.width);
    Set("block_count", spec_.layers);
    Set("feed_forward_length", mamba ? 0 : spec_.feed_forward);
    Set("attention.head_count", mamba ? 0 : spec_.heads);
    Set("attention.head_count_kv", mamba ? 0 : spec_.kv_heads);
    gguf_set_val_f32(gguf, (spec_.architecture + ".attention.layer_norm_rms_epsilon").c_str(), 1e-6F);
    if (mamba) {
      Set("ssm.conv_kernel", kConvolution);
      Set("ssm.inner_size", 2 * spec_.width);
      Set("ssm.state_size", kState);
      Set("ssm.time_step_rank", kTimeStepRank);
    } else {
      Set("attention.key_length", spec_.head_width);
      Set("attention.value_length", spec_.head_width);
      if (spec_.architecture == "llama") Set("rope.dimension_count", spec_.head_width);
    }
    if (spec_.architecture == "gemma3") {
      Set("attention.sliding_window", spec_.sliding_window);
      Set("attention.sliding_window_pattern", 2);
    }
    SetVocabulary(gguf, spec_.vocabulary);
    if (!spec_.chat_template.empty()) {
      gguf_set_val_str(gguf, "tokenizer.chat_template", spec_.chat_template.c_str());
    }
    if (spec_.head_outputs > 0) {
      std::vector<std::string> labels{"capability", "style"};
      labels.resize(static_cast<size_t>(spec_.head_outputs), "other");
      SetStrings(gguf, spec_.architecture + ".classifier.output_labels", labels);
      const float bias[2] = {0.05F, -0.05F};
      gguf_set_arr_data(gguf, "tessy.classifier.bias", GGUF_TYPE_FLOAT32, bias, 2);
      gguf_set_val_str(gguf, "tessy.classifier.labels", "next-token");
    }
    for (const auto& [key, value] : spec_.strings) gguf_set_val_str(gguf, key.c_str(), value.c_str());
  }

  void AddAttentionLayer() {
    const int64_t width = spec_.width;
    const int64_t query = int64_t{spec_.heads} * spec_.head_width;
    const int64_t key = int64_t{spec_.kv_heads} * spec_.head_width;
    const bool normed = spec_.architecture == "qwen3" || spec_.architecture == "gemma3";
    const bool normed_after = spec_.architecture == "gemma3";
    Norm("attn_norm.weight", width);
    Matrix("attn_q.weight", {width, query});
    Matrix("attn_k.weight", {width, key});
    Matrix("attn_v.weight", {width, key});
    Matrix("attn_output.weight", {query, width}, branch_scale());
    if (normed) Norm("attn_q_norm.weight", spec_.head_width);
    if (normed) Norm("attn_k_norm.weight", spec_.head_width);
    if (normed_after) Norm("post_attention_norm.weight", width);
    Norm("ffn_norm.weight", width);
    Matrix("ffn_gate.weight", {width, spec_.feed_forward});
    Matrix("ffn_up.weight", {width, spec_.feed_forward});
    Matrix("ffn_down.weight", {spec_.feed_forward, width}, branch_scale());
    if (normed_after) Norm("post_ffw_norm.weight", width);
  }

  void AddMambaLayer() {
    const int64_t width = spec_.width;
    const int64_t inner = 2 * width;
    Norm("attn_norm.weight", width);
    Matrix("ssm_in.weight", {width, 2 * inner});
    Add("ssm_conv1d.weight", GGML_TYPE_F32, {kConvolution, inner}, 0.0, 0.5);
    Add("ssm_conv1d.bias", GGML_TYPE_F32, {inner}, 0.0, 0.1);
    Matrix("ssm_x.weight", {inner, kTimeStepRank + 2 * kState});
    Matrix("ssm_dt.weight", {kTimeStepRank, inner});
    Add("ssm_dt.bias", GGML_TYPE_F32, {inner}, -1.0, 0.5);
    Add("ssm_a", GGML_TYPE_F32, {kState, inner}, -1.0, 0.3);
    Add("ssm_d", GGML_TYPE_F32, {inner}, 1.0, 0.1);
    Matrix("ssm_out.weight", {inner, width});
  }

  void Norm(const char* name, int64_t size) { Add(name, GGML_TYPE_F32, {size}, 1.0, 0.1); }

  // Its product with a vector of unit values has values of about `scale`.
  void Matrix(const char* name, std::vector<int64_t> shape, double scale = 1.0) {
    const double deviation = scale / std::sqrt(static_cast<double>(shape[0]));
    const ggml_type type = spec_.weights == "f16"    ? GGML_TYPE_F16
                           : spec_.weights == "q8_0" ? GGML_TYPE_Q8_0
                           : spec_.weights == "q4_0" ? GGML_TYPE_Q4_0
                           : spec_.weights == "q4_1" ? GGML_TYPE_Q4_1
                                                     : GGML_TYPE_F32;
    Add(name, type, std::move(shape), 0.0, deviation);
  }

  // With a plan the layers add nothing, so that the last token alone decides.
  double branch_scale() const { return spec_.follows.empty() ? 1.0 : 0.0; }

  // The output row of a token is the sum of the embeddings after which it comes.
  void AddPlan(int64_t rows, int64_t tokens) {
    const auto width = static_cast<size_t>(spec_.width);
    const auto embeddings = Values("token_embd.weight", width * static_cast<size_t>(rows), 0.0, 1.0);
    std::vector<float> output(width * static_cast<size_t>(tokens));
    for (const auto& [token, next] : spec_.follows) {
      for (size_t i = 0; i < width; ++i) {
        output[static_cast<size_t>(next) * width + i] += embeddings[static_cast<size_t>(token) * width + i];
      }
    }
    Add("output.weight", GGML_TYPE_F32, {spec_.width, tokens}, output);
  }

  // Uniform, of this deviation.
  std::vector<float> Values(const std::string& name, size_t count, double mean, double deviation) const {
    std::vector<float> values(count);
    const uint64_t key = HashBytes(prefix_ + name, spec_.seed);
    for (size_t i = 0; i < values.size(); i += 4) {
      const auto bits = Philox4x32({static_cast<uint32_t>(i), static_cast<uint32_t>(i >> 32), 0, 0},
                                   {static_cast<uint32_t>(key), static_cast<uint32_t>(key >> 32)});
      for (size_t j = i; j < std::min(values.size(), i + 4); ++j) {
        const double unit = bits[j - i] * 0x1p-31 - 1.0;
        values[j] = static_cast<float>(mean + deviation * std::sqrt(3.0) * unit);
      }
    }
    return values;
  }

  void Add(const std::string& name, ggml_type type, std::vector<int64_t> shape, double mean,
           double deviation) {
    size_t count = 1;
    for (const int64_t side : shape) count *= static_cast<size_t>(side);
    const auto values = Values(name, count, mean, deviation);
    Add(name, type, std::move(shape), values);
  }

  void Add(const std::string& name, ggml_type type, std::vector<int64_t> shape,
           const std::vector<float>& values) {
    if (shape[0] % ggml_blck_size(type) != 0) type = GGML_TYPE_F32;
    ggml_tensor* tensor = ggml_new_tensor(tensors_.get(), type, static_cast<int>(shape.size()), shape.data());
    ggml_set_name(tensor, (prefix_ + name).c_str());
    ggml_quantize_chunk(type, values.data(), tensor->data, 0, ggml_nrows(tensor), shape[0], nullptr);
    gguf_add_tensor(gguf_.get(), tensor);
  }

  static constexpr int kConvolution = 4;
  static constexpr int kState = 8;
  static constexpr int kTimeStepRank = 8;

  const TinyModelSpec& spec_;
  GgufContext gguf_;
  GgmlContext tensors_;
  std::string prefix_;
};

}  // namespace

TinyVocabulary MakeTinyVocabulary(size_t size, uint64_t seed) {
  const std::vector<std::string> markers{"<|endoftext|>", "<think>", "</think>"};
  TESSY_CHECK(size >= 256 + markers.size());
  const size_t text_tokens = size - markers.size();
  TinyVocabulary vocabulary;
  for (unsigned byte = 0; byte < 256; ++byte)
    vocabulary.tokens.push_back(ByteLetter(static_cast<unsigned char>(byte)));
  std::unordered_set<std::string> known(vocabulary.tokens.begin(), vocabulary.tokens.end());
  std::vector<Word> words = LearningWords(seed);
  bool learning = true;
  for (uint64_t draw = 0; vocabulary.tokens.size() < text_tokens;) {
    std::optional<Pair> pair = learning ? MostFrequentPair(words) : std::nullopt;
    learning = pair.has_value();
    if (pair) {
      Merge(words, *pair);
    } else {
      const auto any = [&] {
        return vocabulary.tokens[static_cast<size_t>(UniformAt(seed, 2, draw++) *
                                                     static_cast<double>(vocabulary.tokens.size()))];
      };
      pair = Pair{any(), any()};
    }
    if (!known.insert(pair->first + pair->second).second) continue;
    vocabulary.tokens.push_back(pair->first + pair->second);
    vocabulary.merges.push_back(pair->first + " " + pair->second);
  }
  vocabulary.types.assign(text_tokens, TinyVocabulary::kNormal);
  for (const std::string& marker : markers) {
    vocabulary.tokens.push_back(marker);
    vocabulary.types.push_back(TinyVocabulary::kControl);
  }
  vocabulary.bos = vocabulary.eos = static_cast<int32_t>(text_tokens);
  return vocabulary;
}

Status WriteTinyModel(const std::string& path, const TinyModelSpec& spec) {
  return ModelWriter(spec).Write(path);
}

Status WriteVocabularyFile(const std::string& path, const TinyVocabulary& vocabulary,
                           const std::string& chat_template) {
  const GgufContext gguf(gguf_init_empty());
  gguf_set_val_str(gguf.get(), "general.architecture", "llama");
  SetVocabulary(gguf.get(), vocabulary);
  if (!chat_template.empty()) gguf_set_val_str(gguf.get(), "tokenizer.chat_template", chat_template.c_str());
  return Written(gguf_write_to_file(gguf.get(), path.c_str(), false), path);
}

}  // namespace tessy
