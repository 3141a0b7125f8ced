// Streams of servers: server-sent events, and what each dialect reads in their data.
#include <string>
#include <vector>

#include "base/utf8.h"
#include "fuzz/target.h"
#include "model/openai/completion.h"
#include "model/openai/sse.h"

namespace tessy::fuzz {
namespace {

// The data of the stream's events, if it arrives in pieces of this size.
std::vector<std::string> DataOf(std::string_view stream, size_t piece) {
  std::vector<std::string> events;
  SseReader reader;
  for (size_t at = 0; at < stream.size(); at += piece) {
    reader.Push(stream.substr(at, piece), [&](std::string_view data) { events.emplace_back(data); });
  }
  Require(reader.open_bytes() <= stream.size(), "no more bytes are open than came");
  return events;
}

void Read(const ServerDialect& dialect, const std::vector<std::string>& events) {
  HalfJoiner joiner;
  for (const std::string& data : events) {
    auto event = ParseCompletionEvent(dialect, data);
    if (!event) {
      Require(IsValidUtf8(event.error().message), "an error is UTF-8");
      Note(event.error().message);
      continue;
    }
    joiner.Join(*event);
    Require(!event->has_halves && IsValidUtf8(event->text), "the text of an event is UTF-8");
    Require(IsValidUtf8(event->end_name) && event->end_name.size() < 200,
            "the reason of an end is short and UTF-8");
    for (const TokenId id : event->ids) Require(id >= -1, "a token id is told or not");
    Require(event->tokens_so_far >= -1, "a count is told or not");
    Note(std::string(Name(dialect)) + static_cast<char>('a' + static_cast<int>(event->end)) +
         (event->text.empty() ? "" : "t") + (event->ids.empty() ? "" : "i"));
  }
}

void Run(std::string_view input) {
  const auto events = DataOf(input, input.size() + 1);
  Require(DataOf(input.substr(0, 3000), 1) == DataOf(input.substr(0, 3000), 3001),
          "events do not depend on the pieces");
  for (const ServerDialect* dialect : ServerDialects()) {
    Read(*dialect, events);
    Read(*dialect, {std::string(input)});
  }
}

const Registration kRegistered(
    {.name = "server_streams",
     .grammar = kJson,
     .seeds =
         {"data: "
          "{\"content\":\"a\\n\",\"tokens\":[5,-1,99999999999],\"tokens_predicted\":1,\"stop\":false}\n\n"
          ": ping\n\ndata: {\"content\":\"\",\"stop\":true,\"stop_type\":\"limit\",\"truncated\":true}\n\n",
          "event: "
          "x\r\ndata:{\"choices\":[{\"text\":\"\\ud83d\",\"token_ids\":[1],\"finish_reason\":null}]}\r\n\r\n"
          "data: {\"choices\":[{\"text\":\"\\ude00\",\"finish_reason\":\"stop\"}],\"error\":null}\n\n"
          "data: {\"choices\":[],\"usage\":{}}\n\ndata: [DONE]\n\n",
          "{\"error\":{\"message\":\"no \\ud83d\",\"code\":1}}", "{\"type\":\"ping\"}",
          "data: {\"error\":\"x\"}\ndata: {\n\n"},
     .run = &Run});

}  // namespace
}  // namespace tessy::fuzz
