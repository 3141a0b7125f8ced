#include "model/openai/testing/wire_vocabulary.h"

#include <algorithm>

namespace tessy {
namespace {

constexpr size_t kMarkers = 5;
constexpr size_t kMessageMarkers = 3;

// Characters of several bytes are partly here whole and partly not ("時", "🙂"): then they come byte by
// byte.
constexpr std::string_view kWords[] = {
    " Okay",  " okay",  " let",     " me",    " see",   " Wait",    " wait",     " Hmm",      " hmm",
    " First", " first", " Now",     " now",   " then",  " Then",    " So",       " so",       " But",
    " but",   " check", " that",    " again", " this",  " again",   " for",      " For",      " example",
    " I",     " think", " need",    " to",    " we",    " add",     " and",      " which",    " gives",
    " the",   " sum",   " of",      " is",    " total", " times",   " plus",     " minus",    " return",
    " items", " index", " value",   " with",  " loop",  " over",    " result",   " equals",   " makes",
    " sense", " right", " answer",  " The",   " Let",   " Alright", " actually", " Actually", " simply",
    " step",  " by",    " from",    " in",    " each",  " at",      " list",     " x",        " y",
    " n",     " f",     "Okay",     "Wait",   "Hmm",    "So",       "First",     "Let",       "The",
    "'s",     "(x",     "(n",       ")",      "[i",     "]",        "+=",        " =",        " +",
    " -",     " *",     " +=",      "_total", "sum",    "item",     ",",         ".",         ";",
    "\n",     "\n\n",   "\n    ",   " ",      " π",     " ≈",       "é",         " café",     "日",
    "本",     "語",     " in turn", "ing",    "ed",     "er",       "s",
};

}  // namespace

PhraseVocabulary::PhraseVocabulary(bool reversed) {
  for (const char* marker : {"<|endoftext|>", "<|im_start|>", "<|im_end|>", "<think>", "</think>"}) {
    pieces_.emplace_back(marker);
  }
  for (int byte = 0; byte < 256; ++byte) pieces_.emplace_back(1, static_cast<char>(byte));
  std::vector<std::string> words(std::begin(kWords), std::end(kWords));
  for (int number = 0; number < 100; ++number) {
    words.push_back(" " + std::to_string(number));
    if (number > 9) words.push_back(std::to_string(number));
  }
  std::sort(words.begin(), words.end());
  words.erase(std::unique(words.begin(), words.end()), words.end());
  std::erase_if(words, [](const std::string& word) { return word.size() == 1; });
  if (reversed) std::reverse(words.begin(), words.end());
  pieces_.insert(pieces_.end(), words.begin(), words.end());
  for (size_t id = kMessageMarkers; id < pieces_.size(); ++id) {
    by_first_[static_cast<unsigned char>(pieces_[id][0])].push_back(static_cast<int32_t>(id));
  }
  for (auto& ids : by_first_) {
    std::stable_sort(ids.begin(), ids.end(),
                     [this](int32_t a, int32_t b) { return pieces_[a].size() > pieces_[b].size(); });
  }
}

const PhraseVocabulary& PhraseVocabulary::Edition(int edition) {
  static const PhraseVocabulary first(false);
  static const PhraseVocabulary second(true);
  return edition == 0 ? first : second;
}

int32_t PhraseVocabulary::First(std::string_view text) const {
  for (const int32_t id : by_first_[static_cast<unsigned char>(text[0])]) {
    if (text.starts_with(pieces_[id])) return id;
  }
  return kEndOfText;  // not reached: every byte is a token
}

std::vector<int32_t> PhraseVocabulary::Tokenize(std::string_view text, bool parse_special) const {
  std::vector<int32_t> ids;
  while (!text.empty()) {
    int32_t id = -1;
    if (parse_special && text[0] == '<') {
      for (size_t marker = 0; marker < kMarkers; ++marker) {
        if (text.starts_with(pieces_[marker])) id = static_cast<int32_t>(marker);
      }
    }
    if (id < 0) id = First(text);
    text.remove_prefix(pieces_[id].size());
    ids.push_back(id);
  }
  return ids;
}

std::string_view PhraseVocabulary::Spelling(int32_t id) const {
  return id >= 0 && static_cast<size_t>(id) < pieces_.size() ? std::string_view(pieces_[id])
                                                             : std::string_view();
}

std::string WireVocabulary::Text(std::span<const int32_t> ids) const {
  std::string text;
  for (const int32_t id : ids) text += Spelling(id);
  return text;
}

}  // namespace tessy
