#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/openai/testing/wire_text.h"
#include "model/openai/testing/wire_vocabulary.h"

namespace tessy {

enum class WireDialect : uint8_t { kLlamaServer, kVllm };

// How an error looks: status and body.
struct WireError {
  int status = 400;
  std::string body;
};
WireError MakeWireError(WireDialect dialect, int status, std::string_view message);

// One completion: its request, its progress, and its events in the dialect's form.
class WireGeneration {
 public:
  struct Server {  // settings that all requests share
    WireDialect dialect = WireDialect::kVllm;
    const WireVocabulary* vocabulary = nullptr;
    WireTextOptions text;
    std::string thinking_opener;
    size_t context_tokens = 0;
    bool refuses_beyond_context = false;
    uint32_t tokens_an_event = 1;
  };
  enum class Finish : uint8_t { kNone, kEnd, kLength, kStop, kAbort };

  // Nothing, and *error set, if the server refuses the request.
  static std::optional<WireGeneration> Begin(const Server& server, const nlohmann::json& request,
                                             std::string_view model, uint64_t number, WireError* error);

  bool streams() const { return streams_; }
  bool over() const { return finish_ != Finish::kNone; }
  size_t tokens() const { return made_; }
  size_t tokens_left() const { return tokens_max_ - made_; }
  // Draws the tokens of one event; true if there is an event to send.
  bool Step();
  // Ends here, without another token.
  void EndWith(Finish finish);
  // The server-sent events of the last Step; empty if it holds back the first bytes of a character.
  std::string Events();
  // The text after the last event.
  std::string Trailer() const { return dialect_ == WireDialect::kVllm ? "data: [DONE]\n\n" : ""; }
  // The whole answer, for a request that does not stream.
  std::string Whole() const;
  // An event with this text as it stands between the quotes of a JSON string.
  std::string EventOf(std::string_view escaped_text, const std::vector<int32_t>& ids, bool last) const;

 private:
  WireGeneration(const Server& server, WireText text)
      : server_(server), dialect_(server.dialect), text_(std::move(text)) {}
  void Add(int32_t id);
  void Release();
  std::string FinalLlamaEvent() const;

  Server server_;
  WireDialect dialect_;
  WireText text_;
  std::string model_;
  uint64_t number_ = 0;
  bool streams_ = false;
  bool returns_ids_ = false;
  std::vector<std::string> stops_;
  std::vector<int32_t> stop_ids_;
  size_t prompt_tokens_ = 0;
  std::vector<int32_t> prompt_ids_;  // if they are to be told
  size_t tokens_max_ = 0;
  bool cut_by_context_ = false;

  size_t made_ = 0;
  Finish finish_ = Finish::kNone;
  std::string stop_reason_ = "null";  // JSON
  std::string held_;                  // a character's first bytes, or what may begin a stop text
  std::string fresh_;                 // to be told
  std::vector<int32_t> fresh_ids_;
  bool first_event_ = true;
  std::string whole_;  // where it does not stream
  std::vector<int32_t> whole_ids_;
};

}  // namespace tessy
