#include "boundary/lexicon/lexicon.h"

#include <toml++/toml.h>
#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <utility>

#include "base/check.h"
#include "base/toml_depth.h"
#include "base/utf8.h"
#include "embedded/lexicon.h"

namespace tessy {

// The sentence under way. It tells whether the words so far are a chain of markers, and follows every way of
// reading them as one.
class Lexicon::Sentence {
 public:
  explicit Sentence(const Lexicon& lexicon) : lexicon_(lexicon) {}

  // `open`: the student may begin the sentence.
  void Begin(bool open) {
    open_ = open;
    comma_chains_ = false;
    words_ = teacher_words_ = 0;
    nodes_.assign(1, PhraseTree::kRoot);
  }
  void Take(std::string_view word);
  void TakeComma() {
    ends_in_marker_ = ends_in_marker_ || comma_completes_;
    if (!comma_chains_) Close();
    nodes_.assign(1, PhraseTree::kRoot);
  }
  // The rest of the sentence is the teacher's.
  void Close() { open_ = false; }

  bool open() const { return open_; }
  bool empty() const { return words_ == 0; }
  bool is_student_only() const { return teacher_words_ == 0; }
  // True if the last word or comma completed a marker of an open sentence.
  bool ends_in_marker() const { return ends_in_marker_; }
  // True if the end of the sentence would complete one.
  bool may_end_in_marker() const { return ends_in_marker_ || comma_completes_; }

 private:
  const Lexicon& lexicon_;
  bool open_ = false;
  bool comma_chains_ = false;     // another marker may follow a comma
  bool comma_completes_ = false;  // the words are a marker if a comma follows
  bool ends_in_marker_ = false;
  uint32_t words_ = 0;
  uint32_t teacher_words_ = 0;             // words of the teacher in a row
  std::vector<uint32_t> nodes_, reached_;  // nodes that the next word goes on from
};

void Lexicon::Sentence::Take(std::string_view word) {
  ++words_;
  ends_in_marker_ = comma_completes_ = false;
  if (!open_) {
    ++teacher_words_;
    return;
  }
  reached_.clear();
  comma_chains_ = false;
  bool chains = false;
  for (const uint32_t node : nodes_) {
    const auto& next = lexicon_.markers_.At(node).next;
    const auto found = next.find(word);
    if (found == next.end()) continue;
    reached_.push_back(found->second);
    const std::optional<Then> then = lexicon_.markers_.At(found->second).marker;
    ends_in_marker_ = ends_in_marker_ || (then && then != Then::kComma);
    comma_completes_ = comma_completes_ || then == Then::kComma;
    if (then == Then::kContent) return Close();
    chains = chains || then == Then::kMarker || then == Then::kMarkerOrComma;
    comma_chains_ = comma_chains_ || then == Then::kMarker;
  }
  if (reached_.empty() || words_ >= lexicon_.words_max_) return Close();
  if (chains) reached_.push_back(PhraseTree::kRoot);
  nodes_.swap(reached_);
}

// Reads the end of a response, line by line. A sentence whose beginning is not seen is the teacher's.
class Lexicon::Scan {
 public:
  Scan(const Lexicon& lexicon, bool from_start)
      : lexicon_(lexicon), block_(from_start ? Block::kOutside : Block::kUnknown), sentence_(lexicon) {
    sentence_.Begin(from_start);
  }

  Place Read(std::string_view text);

 private:
  enum class Block : uint8_t { kUnknown, kInside, kOutside };  // of code or formulas, between fences

  void ReadLine(std::string_view line);
  void EndLine(std::string_view line);
  void EndSentence(bool student_may_begin);
  void Pass(Fence fence);
  bool StudentMayBeginLine() const;

  const Lexicon& lexicon_;
  Block block_;
  Sentence sentence_;
  uint32_t student_sentences_ = 0;         // in a row in which the teacher had no word
  LineKind last_line_ = LineKind::kProse;  // that is not blank
  bool blank_since_ = false;
  bool ends_in_marker_ = false;
};

Lexicon::Place Lexicon::Scan::Read(std::string_view text) {
  for (;;) {
    const auto newline =
        static_cast<size_t>(std::find_if(text.begin(), text.end(), IsNewline) - text.begin());
    const std::string_view line = text.substr(0, newline);
    ReadLine(line);
    if (newline == text.size()) {
      const bool prose = block_ != Block::kInside;
      return {.next_is_style = prose && sentence_.open(),
              .ends_in_marker = prose && ends_in_marker_,
              .ends_sentence = sentence_.empty()};
    }
    EndLine(line);
    text.remove_prefix(newline + (text.substr(newline).starts_with("\r\n") ? 2 : 1));
  }
}

void Lexicon::Scan::ReadLine(std::string_view line) {
  ForEachWord(line, lexicon_.abbreviations_, [&](const Word& word) {
    if (!word.core.empty() || word.mark == Mark::kNone) sentence_.Take(word.core);
    switch (word.mark) {
      case Mark::kNone:
        break;
      case Mark::kComma:
        sentence_.TakeComma();
        break;
      case Mark::kColon:
        sentence_.Close();
        break;
      case Mark::kEnd:
        EndSentence(!StartsLikeCode(line.substr(0, word.end), lexicon_.code_line_starts_));
        return;
    }
    ends_in_marker_ = sentence_.ends_in_marker();
  });
}

void Lexicon::Scan::EndLine(std::string_view line) {
  blank_since_ = line.find_first_not_of(" \t") == std::string_view::npos;
  if (const Fence fence = FenceOf(line); fence != Fence::kNone) {
    Pass(fence);
  } else if (!blank_since_) {
    last_line_ = KindOf(line, lexicon_.code_line_starts_);
  }
  EndSentence(StudentMayBeginLine());
}

// The position of the text tells whether a bare fence opens or closes a block. If the beginning of the text
// is not seen, the line before the fence tells.
void Lexicon::Scan::Pass(Fence fence) {
  const bool after_code = last_line_ == LineKind::kCode || last_line_ == LineKind::kFormula;
  const bool inside = block_ == Block::kInside || (block_ == Block::kUnknown && after_code);
  const bool closes = fence == Fence::kCloses || (fence == Fence::kEither && inside);
  block_ = closes ? Block::kOutside : Block::kInside;
  last_line_ = LineKind::kProse;
  student_sentences_ = 0;
}

void Lexicon::Scan::EndSentence(bool student_may_begin) {
  if (!sentence_.empty()) {
    student_sentences_ = sentence_.is_student_only() ? student_sentences_ + 1 : 0;
    ends_in_marker_ = sentence_.may_end_in_marker();
  }
  sentence_.Begin(student_may_begin && student_sentences_ < lexicon_.student_sentences_max_);
}

bool Lexicon::Scan::StudentMayBeginLine() const {
  switch (last_line_) {
    case LineKind::kProse:
      return true;
    case LineKind::kItem:
    case LineKind::kFormula:
      return blank_since_;
    case LineKind::kUnfinished:
    case LineKind::kCode:
      return false;
  }
  return false;
}

// Builds a lexicon from TOML; keeps the first problem.
class Lexicon::Loader {
 public:
  explicit Loader(std::string_view origin) : origin_(origin) {}

  Result<Lexicon> Load(std::string_view text);

 private:
  void Read(const toml::table& table);
  void ReadMarkers(const toml::table& table);
  const toml::node* Find(const toml::table& table, std::string_view key);
  uint32_t ReadCount(const toml::table& table, std::string_view key);
  Then ReadThen(const toml::table& table);
  template <class F>
  void ForEachString(const toml::table& table, std::string_view key, F&& visit);
  void RefuseOtherKeys(const toml::table& table, std::span<const std::string_view> known);
  void Complain(const toml::source_region& place, std::string_view key, std::string_view what);

  std::string_view origin_;
  std::optional<Error> problem_;
  Lexicon lexicon_;
};

Result<Lexicon> Lexicon::Loader::Load(std::string_view text) {
  if (auto nested = CheckTomlNesting(text, origin_); !nested) return tl::unexpected(nested.error());
  try {
    Read(toml::parse(text, origin_));
  } catch (const toml::parse_error& error) {
    return Fail(ErrorCode::kInvalidData, std::string(origin_) + ":" +
                                             std::to_string(error.source().begin.line) +
                                             ": not TOML: " + std::string(error.description()));
  }
  if (problem_) return tl::unexpected<Error>(*std::move(problem_));
  return std::move(lexicon_);
}

void Lexicon::Loader::Read(const toml::table& table) {
  constexpr std::array<std::string_view, 5> kKeys{"words_max", "student_sentences_max", "abbreviations",
                                                  "code_line_starts", "markers"};
  RefuseOtherKeys(table, kKeys);
  lexicon_.words_max_ = ReadCount(table, "words_max");
  lexicon_.student_sentences_max_ = ReadCount(table, "student_sentences_max");
  ForEachString(table, "abbreviations",
                [&](const toml::node&, std::string_view text) { lexicon_.abbreviations_.emplace(text); });
  ForEachString(table, "code_line_starts", [&](const toml::node&, std::string_view text) {
    lexicon_.code_line_starts_.emplace_back(text);
  });

  const toml::node* groups = Find(table, "markers");
  if (!groups) return;
  if (!groups->is_array_of_tables())
    return Complain(groups->source(), "markers", "must be an array of tables");
  for (const toml::node& group : *groups->as_array()) ReadMarkers(*group.as_table());
}

void Lexicon::Loader::ReadMarkers(const toml::table& table) {
  constexpr std::array<std::string_view, 2> kKeys{"then", "phrases"};
  RefuseOtherKeys(table, kKeys);
  const Then then = ReadThen(table);
  ForEachString(table, "phrases", [&](const toml::node& node, std::string_view text) {
    const std::optional<std::string> problem = lexicon_.markers_.Add(text, then);
    if (problem) Complain(node.source(), "phrases", "holds \"" + std::string(text) + "\", which " + *problem);
  });
}

const toml::node* Lexicon::Loader::Find(const toml::table& table, std::string_view key) {
  const toml::node* node = table.get(key);
  if (!node) Complain(table.source(), key, "is missing");
  return node;
}

uint32_t Lexicon::Loader::ReadCount(const toml::table& table, std::string_view key) {
  constexpr int64_t kMax = 1000;
  const toml::node* node = Find(table, key);
  if (!node) return 0;
  const int64_t count = node->value_exact<int64_t>().value_or(0);
  if (count < 1 || count > kMax) Complain(node->source(), key, "must be a whole number from 1 to 1000");
  return static_cast<uint32_t>(count);
}

Then Lexicon::Loader::ReadThen(const toml::table& table) {
  const toml::node* node = Find(table, "then");
  const auto name = node ? node->value_exact<std::string_view>() : std::nullopt;
  if (name == "marker") return Then::kMarker;
  if (name == "marker_or_comma") return Then::kMarkerOrComma;
  if (name == "comma") return Then::kComma;
  if (node && name != "content") {
    Complain(node->source(), "then", "must be \"marker\", \"marker_or_comma\", \"comma\" or \"content\"");
  }
  return Then::kContent;
}

template <class F>
void Lexicon::Loader::ForEachString(const toml::table& table, std::string_view key, F&& visit) {
  const toml::node* node = Find(table, key);
  if (!node) return;
  if (!node->is_array()) return Complain(node->source(), key, "must be an array of strings");
  for (const toml::node& element : *node->as_array()) {
    const auto text = element.value_exact<std::string_view>();
    if (!text || text->empty())
      return Complain(element.source(), key, "must hold strings that are not empty");
    visit(element, *text);
  }
}

void Lexicon::Loader::RefuseOtherKeys(const toml::table& table, std::span<const std::string_view> known) {
  for (const auto& [key, value] : table) {
    if (std::find(known.begin(), known.end(), key.str()) != known.end()) continue;
    Complain(key.source(), key.str(), "is unknown");
  }
}

void Lexicon::Loader::Complain(const toml::source_region& place, std::string_view key,
                               std::string_view what) {
  if (problem_) return;
  std::string message(origin_);
  message.append(":").append(std::to_string(place.begin.line));
  message.append(": the key `").append(key).append("` ").append(what);
  problem_ = Error{ErrorCode::kInvalidData, std::move(message)};
}

Result<Lexicon> Lexicon::Parse(std::string_view toml, std::string_view origin) {
  return Loader(origin).Load(toml);
}

const Lexicon& Lexicon::BuiltIn() {
  static const Lexicon lexicon = [] {
    Result<Lexicon> parsed = Parse(embedded::lexicon::kEnglishToml, "english.toml");
    TESSY_CHECK(parsed.has_value());
    return *std::move(parsed);
  }();
  return lexicon;
}

Lexicon::Place Lexicon::PlaceAfter(std::string_view text) const {
  const bool from_start = text.size() < kLookBackBytes;
  if (!from_start) text.remove_prefix(text.size() - kLookBackBytes);
  return Scan(*this, from_start).Read(text);
}

float Lexicon::StyleProbability(std::string_view response_so_far) const {
  return PlaceAfter(response_so_far).next_is_style ? 1.0F : 0.0F;
}

}  // namespace tessy
