#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace tessy::bench {

struct PublishedSchemeOptions {
  std::string url;                 // of the server of both models
  std::vector<std::string> names;  // student's, teacher's
  std::vector<std::string> prompts;
  size_t connections_max = 100;
  int student_tokens = 5;  // of a request
  int teacher_tokens = 10;
  int rounds_max = 4000;
};

struct PublishedSchemeResult {
  std::vector<std::string> responses;  // thinking and answer; empty where it did not come to an end
  size_t rounds = 0;
};

// Cooperation as the published code goes about it (method, section 5), as a measure: all samples in rounds,
// with a barrier behind each; in a round every sample asks its speaker for a few tokens, without streaming,
// and sends its whole prefix as text. A draft is cut where the predictor (here the lexicon) gives what
// follows to the other role, but not behind its first word; the cut moves right to the next blank of the
// draft, and where none comes the draft stays whole.
PublishedSchemeResult RunPublishedScheme(const PublishedSchemeOptions& options);

}  // namespace tessy::bench
