#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "dataset/response.h"
#include "job/export_options.h"

namespace tessy {

struct ExportResult;

// A file that rows came from.
struct DataSource {
  std::string path;
  uint64_t rows = 0;
  std::string sha256;  // empty: it is no file
  bool is_mixed = false;
};

// The card of a training set (README.md): what was read, by which models it was written, what was left out,
// the settings, the licences as far as the rows name them, hashes. Not thread-safe.
class DataCard {
 public:
  // A response that became a row.
  void Add(const Response& response, bool is_mixed);
  void AddSource(DataSource source) { sources_.push_back(std::move(source)); }
  // `rows_sha256`: of the rows' file, the first of `result.files`.
  std::string Text(const ExportResult& result, ExportOptions options, const std::string& rows_sha256) const;

 private:
  using Counts = std::map<std::string, uint64_t>;
  static std::string Listed(const Counts& counts);

  std::vector<DataSource> sources_;
  Counts methods_, students_, teachers_, boundaries_, sampling_, seeds_, closed_by_, licences_;
};

}  // namespace tessy
