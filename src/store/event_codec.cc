#include "store/event_codec.h"

#include <bit>
#include <cstdint>
#include <limits>
#include <utility>

namespace tessy {
namespace {

constexpr char kDrafted = 1;
constexpr char kDraftedToTheBrim = 2;  // with context_full
constexpr char kOwners = 3;

void PutNumber(std::string& bytes, uint64_t value) {
  for (; value >= 0x80; value >>= 7) bytes += static_cast<char>(0x80 | (value & 0x7F));
  bytes += static_cast<char>(value);
}

void PutToken(std::string& bytes, const DraftToken& token) {
  PutNumber(bytes, static_cast<uint64_t>(int64_t{token.id} + 1));  // -1 is an id that is not told
  PutNumber(bytes, token.text.size() * 4 + static_cast<uint64_t>(token.end));
  bytes += token.text;
}

void PutFloat(std::string& bytes, float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  for (int shift = 0; shift < 32; shift += 8) bytes += static_cast<char>((bits >> shift) & 0xFF);
}

// Reads from the front; once something is not there, everything after it is nothing, too.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}
  bool sound() const { return sound_; }
  bool empty() const { return bytes_.empty(); }
  size_t left() const { return bytes_.size(); }

  std::string_view Take(size_t count) {
    sound_ = sound_ && count <= bytes_.size();
    const std::string_view taken = sound_ ? bytes_.substr(0, count) : std::string_view();
    bytes_.remove_prefix(taken.size());
    return taken;
  }
  uint8_t TakeByte() {
    const std::string_view taken = Take(1);
    return taken.empty() ? 0 : static_cast<uint8_t>(taken[0]);
  }
  // Only as PutNumber writes it: a number has one form.
  uint64_t TakeNumber() {
    uint64_t value = 0;
    for (int shift = 0; sound_; shift += 7) {
      const uint64_t byte = TakeByte();
      const uint64_t bits = byte & 0x7F;
      sound_ = sound_ && shift < 64 && (shift < 63 || bits <= 1) && (shift == 0 || byte != 0);
      if (sound_) value |= bits << shift;
      if (byte < 0x80) break;
    }
    return value;
  }
  float TakeFloat() {
    uint32_t bits = 0;
    for (int shift = 0; shift < 32; shift += 8) bits |= uint32_t{TakeByte()} << shift;
    return std::bit_cast<float>(bits);
  }
  // How many items follow, each of at least a byte.
  size_t TakeCount() {
    const uint64_t count = TakeNumber();
    sound_ = sound_ && count <= left();
    return sound_ ? count : 0;
  }
  void Spoil() { sound_ = false; }

 private:
  std::string_view bytes_;
  bool sound_ = true;
};

DraftToken TakeToken(Reader& reader) {
  DraftToken token;
  const uint64_t id_above = reader.TakeNumber();  // -1, for none, is 0
  if (id_above > uint64_t{std::numeric_limits<uint32_t>::max() / 2} + 1) reader.Spoil();
  token.id = static_cast<TokenId>(static_cast<int64_t>(id_above) - 1);
  const uint64_t length_and_end = reader.TakeNumber();
  if (length_and_end % 4 > static_cast<uint64_t>(DraftToken::End::kSequence)) reader.Spoil();
  token.end = static_cast<DraftToken::End>(length_and_end % 4);
  token.text = reader.Take(length_and_end / 4);
  return token;
}

Event TakeEvent(Reader& reader) {
  const auto kind = static_cast<char>(reader.TakeByte());
  const size_t count = reader.TakeCount();
  if (kind == kOwners) {
    Owners owners;
    for (size_t i = 0; i < count && reader.sound(); ++i) owners.p_style.push_back(reader.TakeFloat());
    return owners;
  }
  if (kind != kDrafted && kind != kDraftedToTheBrim) reader.Spoil();
  Drafted drafted;
  drafted.draft.context_full = kind == kDraftedToTheBrim;
  for (size_t i = 0; i < count && reader.sound(); ++i) drafted.draft.tokens.push_back(TakeToken(reader));
  return drafted;
}

}  // namespace

void AppendEvent(std::string& bytes, const Event& event) {
  if (const auto* drafted = std::get_if<Drafted>(&event)) {
    bytes += drafted->draft.context_full ? kDraftedToTheBrim : kDrafted;
    PutNumber(bytes, drafted->draft.tokens.size());
    for (const DraftToken& token : drafted->draft.tokens) PutToken(bytes, token);
  } else if (const auto* owners = std::get_if<Owners>(&event)) {
    bytes += kOwners;
    PutNumber(bytes, owners->p_style.size());
    for (const float p : owners->p_style) PutFloat(bytes, p);
  }
}

std::optional<std::vector<Event>> ParseEvents(std::string_view bytes) {
  std::vector<Event> events;
  Reader reader(bytes);
  while (!reader.empty() && reader.sound()) events.push_back(TakeEvent(reader));
  if (!reader.sound()) return std::nullopt;
  return events;
}

}  // namespace tessy
