#pragma once

#include <map>
#include <string>
#include <vector>

namespace tessy {

// Responses of one method, as token ids of the student's vocabulary, by question.
using TokenisedResponses = std::map<std::string, std::vector<int>>;

// The mean cosine similarity of TF-IDF bags of words between methods, over the questions that both answered
// (method, section 12; Fig. 14). A bag counts a token by its share of the response times
// ln((1 + N) / (1 + n)) + 1, where n of all N responses hold it (smoothed inverse document frequency, as
// scikit-learn's TfidfVectorizer). Symmetric, 1 on the diagonal; in the order of `methods`.
std::vector<std::vector<double>> SimilarityMatrix(const std::vector<TokenisedResponses>& methods);

}  // namespace tessy
