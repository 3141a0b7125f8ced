#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace tessy::bench {

struct PublishedSchemeOptions {
  std::string url;                 // of the server that has both models
  std::vector<std::string> names;  // the student's and the teacher's
  std::vector<std::string> prompts;
  size_t connections_max = 100;
  int student_tokens = 5;  // in one request
  int teacher_tokens = 10;
  int rounds_max = 4000;
};

struct PublishedSchemeResult {
  std::vector<std::string> responses;  // thinking and answer; empty if the response did not end
  size_t rounds = 0;
};

// Cooperation as the published code does it (method, section 5), for comparison. All samples proceed in
// rounds with a barrier after each. In a round every sample asks its speaker for a few tokens, without
// streaming, and sends its whole prefix as text. A draft is cut where the predictor (here the lexicon) gives
// the next word to the other role, but not after the first word. The cut moves right to the next blank of
// the draft; without such a blank the draft stays whole.
PublishedSchemeResult RunPublishedScheme(const PublishedSchemeOptions& options);

}  // namespace tessy::bench
