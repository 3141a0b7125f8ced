#include "store/event_codec.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

namespace tessy {
namespace {

bool Same(const Event& a, const Event& b) {
  if (const auto* owners = std::get_if<Owners>(&a)) {
    const auto* others = std::get_if<Owners>(&b);
    return others != nullptr && owners->p_style == others->p_style;
  }
  const auto* drafted = std::get_if<Drafted>(&a);
  const auto* other = std::get_if<Drafted>(&b);
  return drafted != nullptr && other != nullptr && drafted->draft.tokens == other->draft.tokens &&
         drafted->draft.context_full == other->draft.context_full;
}

std::vector<Event> SomeEvents() {
  const std::string odd("\0\xFF|\n", 4);
  Draft draft{
      .tokens = {{.id = 7, .text = " the"},
                 {.id = -1, .text = odd},
                 {.id = std::numeric_limits<TokenId>::max(), .text = "", .end = DraftToken::End::kThinking},
                 {.id = 151645, .text = std::string(300, 'x'), .end = DraftToken::End::kSequence}},
      .context_full = true};
  return {Drafted{}, Drafted{draft}, Owners{{0.0F, 0.1F, 1.0F}}, Owners{},
          Drafted{{.tokens = {{.id = 0, .text = "a"}}}}};
}

TEST(EventCodec, GivesBackWhatItTook) {
  std::string bytes;
  for (const Event& event : SomeEvents()) AppendEvent(bytes, event);
  const auto parsed = ParseEvents(bytes);
  ASSERT_TRUE(parsed);
  ASSERT_EQ(parsed->size(), SomeEvents().size());
  for (size_t i = 0; i < parsed->size(); ++i) EXPECT_TRUE(Same((*parsed)[i], SomeEvents()[i])) << i;
}

TEST(EventCodec, ATokenTakesADozenBytes) {
  std::string bytes;
  AppendEvent(bytes, Drafted{{.tokens = {{.id = 150000, .text = " word"}}}});
  AppendEvent(bytes, Owners{{0.5F}});
  EXPECT_LE(bytes.size(), 18U);
}

TEST(EventCodec, RefusesWhatIsCutShortOrNoEventAtAll) {
  std::string bytes;
  std::vector<size_t> ends{0};
  for (const Event& event : SomeEvents()) {
    AppendEvent(bytes, event);
    ends.push_back(bytes.size());
  }
  for (size_t size = 0; size < bytes.size(); ++size) {
    const bool whole = std::find(ends.begin(), ends.end(), size) != ends.end();
    EXPECT_EQ(ParseEvents(std::string_view(bytes).substr(0, size)).has_value(), whole) << size;
  }
  for (const char* wrong : {"\x04", "\x05\x01", "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"}) {
    EXPECT_FALSE(ParseEvents(wrong)) << wrong;
  }
  EXPECT_FALSE(ParseEvents(std::string("\x01\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01", 11)))
      << "more than there is";
  EXPECT_FALSE(ParseEvents(std::string("\x01\x01\x00\x03", 4))) << "an end that is none";
  EXPECT_TRUE(ParseEvents(std::string("\x01\x01\x80\x80\x80\x80\x08\x00", 8)));
  EXPECT_FALSE(ParseEvents(std::string("\x01\x01\x81\x80\x80\x80\x08\x00", 8))) << "an id that is none";
}

TEST(EventCodec, RefusesWhatItWouldHaveWrittenOtherwise) {
  using namespace std::string_literals;
  EXPECT_TRUE(ParseEvents("\x01\x01\x02\x04Z"s));
  EXPECT_FALSE(ParseEvents("\x01\x01\x82\x00\x04Z"s)) << "a number with a zero in front";
  EXPECT_FALSE(ParseEvents("\x01\x01\xAD\xAD\xAD\xAD\xAD\x02\x04Z"s)) << "an id that no token has";
  EXPECT_FALSE(ParseEvents("\x01\x01\x80\x80\x80\x80\x80\x80\x80\x80\x80\x02\x04Z"s)) << "a 65th bit";
}

}  // namespace
}  // namespace tessy
