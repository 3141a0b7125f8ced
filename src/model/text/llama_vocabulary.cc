#include "model/text/llama_vocabulary.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <pthread.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <functional>
#include <mutex>

#include "llama.h"

namespace tessy {
namespace {

std::string PieceOf(const llama_vocab* vocab, TokenId token) {
  std::string piece(64, '\0');
  int32_t n = llama_token_to_piece(vocab, token, piece.data(), static_cast<int32_t>(piece.size()), 0, false);
  if (n < 0) {
    piece.resize(static_cast<size_t>(-n));
    n = llama_token_to_piece(vocab, token, piece.data(), static_cast<int32_t>(piece.size()), 0, false);
  }
  piece.resize(n > 0 ? static_cast<size_t>(n) : 0);
  return piece;
}

void LogLlama(ggml_log_level level, const char* text, void* /*user_data*/) {
  std::string_view line(text);
  while (!line.empty() && (line.back() == '\n' || line.back() == '.')) line.remove_suffix(1);
  if (!line.empty() && level == GGML_LOG_LEVEL_ERROR) spdlog::debug("llama.cpp: {}", line);
}

// llama.cpp cuts text by regular expressions whose matcher calls itself for every character that one piece
// takes in: 27,000 blanks are more than 8 MiB of stack hold.
constexpr size_t kRunOfThisStack = 2048;
constexpr size_t kRunMax = size_t{1} << 20;
constexpr size_t kStackBytes = size_t{8} << 20;
constexpr size_t kStackBytesPerByte = 1024;

// The bytes of the longest part of the text that is all whitespace, or has none.
size_t LongestRun(std::string_view text) {
  size_t longest = 0;
  size_t begin = 0;
  const auto is_blank = [](char c) { return c == ' ' || (c >= '\t' && c <= '\r'); };
  for (size_t at = 0; at < text.size(); ++at) {
    if (is_blank(text[at]) != is_blank(text[begin])) begin = at;
    longest = std::max(longest, at + 1 - begin);
  }
  return longest;
}

bool IsInsideCharacter(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

// Calls it on a thread with a stack of that size, and waits. False if the system gives no such thread. What
// the call throws is thrown here.
bool RunWithStack(size_t bytes, const std::function<void()>& call) {
  std::exception_ptr thrown;
  std::function<void()> guarded = [&] {
    try {
      call();
    } catch (...) {
      thrown = std::current_exception();
    }
  };
  pthread_attr_t attributes;
  if (pthread_attr_init(&attributes) != 0) return false;
  pthread_t thread{};
  const auto start = [](void* given) -> void* {
    (*static_cast<std::function<void()>*>(given))();
    return nullptr;
  };
  const bool started = pthread_attr_setstacksize(&attributes, bytes) == 0 &&
                       pthread_create(&thread, &attributes, start, &guarded) == 0;
  pthread_attr_destroy(&attributes);
  if (!started || pthread_join(thread, nullptr) != 0) return false;
  if (thrown) std::rethrow_exception(thrown);
  return true;
}

struct ModelHolder {
  llama_model* model;
  LlamaVocabulary vocabulary;
  ModelHolder(llama_model* m, const GgufFile& file) : model(m), vocabulary(llama_model_get_vocab(m), file) {}
  ModelHolder(const ModelHolder&) = delete;
  ModelHolder& operator=(const ModelHolder&) = delete;
  ~ModelHolder() { llama_model_free(model); }
};

}  // namespace

void QuietLlamaLog() {
  static std::once_flag once;
  std::call_once(once, [] {
    // Where ggml ends the process it would start a debugger, if one is installed.
    setenv("GGML_NO_BACKTRACE", "1", /*overwrite=*/0);
    llama_log_set(LogLlama, nullptr);
    llama_backend_init();
  });
}

llama_model* internal::LoadLlamaModel(const std::string& path, const llama_model_params& given) {
  QuietLlamaLog();
  llama_model_kv_override overrides[2] = {};
  overrides[0].tag = LLAMA_KV_OVERRIDE_TYPE_BOOL;
  std::strncpy(overrides[0].key, "tokenizer.ggml.add_space_prefix", sizeof overrides[0].key - 1);
  overrides[0].val_bool = false;
  llama_model_params params = given;
  params.kv_overrides = overrides;
  return llama_model_load_from_file(path.c_str(), params);
}

llama_model* internal::LoadLlamaVocabulary(const std::string& path) {
  QuietLlamaLog();
  llama_model_params params = llama_model_default_params();
  params.vocab_only = true;
  params.n_gpu_layers = 0;
  return LoadLlamaModel(path, params);
}

LlamaVocabulary::LlamaVocabulary(const llama_vocab* vocab, const GgufFile& file)
    : vocab_(vocab), fingerprint_(file.vocabulary_fingerprint()) {
  const int32_t count = llama_vocab_n_tokens(vocab);
  pieces_.reserve(static_cast<size_t>(count));
  for (TokenId id = 0; id < count; ++id) {
    pieces_.push_back(PieceOf(vocab, id));
    const int attributes = llama_vocab_get_attr(vocab, id);
    if ((attributes & (LLAMA_TOKEN_ATTR_CONTROL | LLAMA_TOKEN_ATTR_USER_DEFINED)) != 0) {
      markers_.emplace(llama_vocab_get_text(vocab, id), id);
    }
  }
  for (TokenId id = 0; id < count; ++id) markers_.try_emplace(pieces_[static_cast<size_t>(id)], id);
}

TokenId LlamaVocabulary::Find(std::string_view text) const {
  const auto it = markers_.find(std::string(text));
  return it == markers_.end() ? -1 : it->second;
}

bool LlamaVocabulary::EndsGeneration(TokenId token) const { return llama_vocab_is_eog(vocab_, token); }

std::vector<TokenId> LlamaVocabulary::Tokenize(std::string_view text) const {
  constexpr size_t kRememberedBytesMax = 48;
  constexpr size_t kRememberedMax = 1 << 16;
  if (text.size() > kRememberedBytesMax) return Run(text, false);
  const std::lock_guard lock(mutex_);
  if (remembered_.size() >= kRememberedMax) remembered_.clear();
  const auto [entry, is_new] = remembered_.try_emplace(std::string(text));
  if (is_new) entry->second = Run(text, false);
  return entry->second;
}

std::vector<TokenId> LlamaVocabulary::Run(std::string_view text, bool special) const {
  if (text.size() <= kRunOfThisStack) return RunHere(text, special);
  std::vector<TokenId> tokens;
  const auto run_beside = [&](size_t bytes) {
    return bytes <= kRunMax &&
           RunWithStack(kStackBytes + bytes * kStackBytesPerByte, [&] { tokens = RunHere(text, special); });
  };
  // What one piece may take in differs from pre-tokenizer to pre-tokenizer; it is never more than the text.
  if (run_beside(text.size())) return tokens;
  const size_t run = LongestRun(text);
  if (run <= kRunOfThisStack) return RunHere(text, special);
  if (run_beside(run)) return tokens;
  // Nobody has trained on such a run: where it is cut decides nothing.
  for (size_t at = 0; at < text.size();) {
    size_t bytes = std::min(kRunOfThisStack, text.size() - at);
    while (at + bytes < text.size() && bytes > 1 && IsInsideCharacter(text[at + bytes])) --bytes;
    const auto piece = RunHere(text.substr(at, bytes), special);
    tokens.insert(tokens.end(), piece.begin(), piece.end());
    at += bytes;
  }
  return tokens;
}

std::vector<TokenId> LlamaVocabulary::RunHere(std::string_view text, bool special) const {
  if (text.empty()) return {};
  std::vector<TokenId> tokens(text.size() + 2);
  int32_t n = llama_tokenize(vocab_, text.data(), static_cast<int32_t>(text.size()), tokens.data(),
                             static_cast<int32_t>(tokens.size()), false, special);
  if (n < 0) {
    tokens.resize(static_cast<size_t>(-n));
    n = llama_tokenize(vocab_, text.data(), static_cast<int32_t>(text.size()), tokens.data(),
                       static_cast<int32_t>(tokens.size()), false, special);
  }
  tokens.resize(n > 0 ? static_cast<size_t>(n) : 0);
  return tokens;
}

Result<std::shared_ptr<const Vocabulary>> LoadVocabulary(const std::string& path) {
  auto file = GgufFile::Open(path);
  if (!file) return tl::unexpected(file.error());
  llama_model* model = internal::LoadLlamaVocabulary(path);
  if (model == nullptr) {
    return Fail(ErrorCode::kInvalidData,
                fmt::format("{}: its tokenizer cannot be loaded by llama.cpp", path));
  }
  auto holder = std::make_shared<ModelHolder>(model, *file);
  return std::shared_ptr<const Vocabulary>(holder, &holder->vocabulary);
}

}  // namespace tessy
