#include "lab/similarity.h"

#include <cmath>
#include <set>

namespace tessy {
namespace {

using Bag = std::map<int, double>;

double Dot(const Bag& a, const Bag& b) {
  double sum = 0.0;
  for (auto x = a.begin(), y = b.begin(); x != a.end() && y != b.end();) {
    if (x->first < y->first) {
      ++x;
    } else if (y->first < x->first) {
      ++y;
    } else {
      sum += x++->second * y++->second;
    }
  }
  return sum;
}

}  // namespace

std::vector<std::vector<double>> SimilarityMatrix(const std::vector<TokenisedResponses>& methods) {
  std::map<int, double> holders;
  double responses = 0.0;
  for (const TokenisedResponses& method : methods) {
    for (const auto& [question, tokens] : method) {
      ++responses;
      for (const int token : std::set<int>(tokens.begin(), tokens.end())) ++holders[token];
    }
  }
  std::vector<std::map<std::string, Bag>> bags(methods.size());
  for (size_t i = 0; i < methods.size(); ++i) {
    for (const auto& [question, tokens] : methods[i]) {
      Bag bag;
      for (const int token : tokens) ++bag[token];
      for (auto& [token, weight] : bag) weight *= std::log((1 + responses) / (1 + holders[token])) + 1;
      const double norm = std::sqrt(Dot(bag, bag));
      for (auto& [token, weight] : bag) weight /= norm;
      bags[i][question] = std::move(bag);
    }
  }
  std::vector<std::vector<double>> matrix(methods.size(), std::vector<double>(methods.size(), 0.0));
  for (size_t i = 0; i < methods.size(); ++i) {
    for (size_t j = 0; j < methods.size(); ++j) {
      double sum = 0.0;
      size_t count = 0;
      for (const auto& [question, bag] : bags[i]) {
        const auto other = bags[j].find(question);
        if (other == bags[j].end()) continue;
        sum += Dot(bag, other->second);
        ++count;
      }
      matrix[i][j] = count > 0 ? sum / static_cast<double>(count) : 0.0;
    }
  }
  return matrix;
}

}  // namespace tessy
