#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tessy {

// The two models that write a trace between them (TESSY, section 3).
enum class Role : uint8_t { kStudent, kTeacher };

constexpr Role Other(Role role) { return role == Role::kStudent ? Role::kTeacher : Role::kStudent; }
std::string_view Name(Role role);  // "student", "teacher"
// Both roles, to iterate over what exists once for each.
inline constexpr std::array<Role, 2> kRoles{Role::kStudent, Role::kTeacher};
constexpr size_t Index(Role role) { return static_cast<size_t>(role); }

// The kind of text that a span holds. A cooperative thinking consists of style and capability; kThinking is
// the thinking of a method with one thinker.
enum class SpanKind : uint8_t { kStyle, kCapability, kThinking, kAnswer };
std::string_view Name(SpanKind kind);

// A maximal run of text written by one role. Offsets are bytes, end exclusive.
struct Span {
  Role role = Role::kStudent;
  SpanKind kind = SpanKind::kStyle;
  size_t begin = 0;
  size_t end = 0;
  uint32_t tokens = 0;  // in the writer's own vocabulary

  bool operator==(const Span&) const = default;
};

// The thinking so far: its text and the spans that tile it. Value type.
struct Trace {
  std::string text;
  std::vector<Span> spans;

  // Appends to the last span when it has the same role and kind, else opens a new one. Empty text opens none.
  void Append(Role role, SpanKind kind, std::string_view written, uint32_t tokens);
  // Drops everything past `size` bytes, and the spans that become empty. The caller corrects the token count
  // of a span that is cut in its middle.
  void Truncate(size_t size);
  // Drops the first `size` bytes, and the spans that become empty.
  void DropFront(size_t size);

  bool operator==(const Trace&) const = default;
};

using TokenId = int32_t;

// One token as a model drafted it. The id is -1 where a backend does not tell ids.
struct DraftToken {
  enum class End : uint8_t {
    kNone,
    kThinking,  // the family's close marker as one token: thinking ends here
    kSequence,  // an end-of-generation token
  };
  TokenId id = -1;
  // The bytes that the token adds to the response. May end inside a character; empty for a control token.
  std::string text;
  End end = End::kNone;

  bool operator==(const DraftToken&) const = default;
};

}  // namespace tessy
