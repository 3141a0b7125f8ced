#include "train/training_files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/json_depth.h"
#include "store/configuration.h"

namespace tessy {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr uint64_t kFormat = 1;

std::string CheckpointPath(const std::string& folder) { return folder + "/checkpoint"; }
std::string ResultPath(const std::string& folder) { return folder + "/result.json"; }

tl::unexpected<Error> CannotWrite(const std::string& path) {
  return Fail(ErrorCode::kIo, fmt::format("{}: cannot be written: {}", path, std::strerror(errno)));
}

void AppendNumbers(std::ofstream& stream, const std::vector<float>& numbers) {
  stream.write(reinterpret_cast<const char*>(numbers.data()),
               static_cast<std::streamsize>(numbers.size() * sizeof(float)));
}

bool ReadNumbers(std::ifstream& stream, std::vector<float>& numbers, size_t count) {
  numbers.resize(count);
  const auto bytes = static_cast<std::streamsize>(count * sizeof(float));
  stream.read(reinterpret_cast<char*>(numbers.data()), bytes);
  return stream.gcount() == bytes;
}

// What is not there, or of another type, is 0 or empty.
uint64_t WholeOf(const Json& object, const char* key) {
  return object.contains(key) && object[key].is_number_unsigned() ? object[key].get<uint64_t>() : 0;
}
double NumberOf(const Json& object, const char* key) {
  return object.contains(key) && object[key].is_number() ? object[key].get<double>() : 0.0;
}
std::string TextOf(const Json& object, const char* key) {
  return object.contains(key) && object[key].is_string() ? object[key].get<std::string>() : "";
}

Json HeaderOf(const TrainingState& state) {
  Json header{{"format", kFormat},
              {"step", state.trainer.step},
              {"numbers", state.trainer.values.size()},
              {"metrics_lines", state.metrics_lines},
              {"seconds", state.seconds}};
  if (state.best) {
    header["best"] = {{"epoch", state.best->epoch},
                      {"score", state.best->score},
                      {"judgement_json", state.best->judgement_json},
                      {"judgement_text", state.best->judgement_text},
                      {"numbers", state.best->values.size()}};
  }
  return header;
}

// Also flushes the bytes of the file, because a rename may reach the disk before them.
Status Flush(const std::string& path) {
  const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return CannotWrite(path);
  const bool done = fsync(descriptor) == 0;
  close(descriptor);
  if (!done) return CannotWrite(path);
  return {};
}

Status SetAsideAll(const std::string& out, const std::string& folder) {
  // The files of a training that is still writing are not set aside.
  if (auto held = AppendFile::Open(folder + "/metrics.jsonl"); !held) return tl::unexpected(held.error());
  for (const std::string& path : {out, folder}) {
    if (auto moved = SetAside(path); !moved) return tl::unexpected(moved.error());
  }
  return {};
}

}  // namespace

Result<TrainingFiles> TrainingFiles::Open(
    const std::string& out, const std::string& configuration_json, bool fresh,
    const std::function<std::string(const std::string& recorded)>& as_recorded_now, const UnsetTexts& unset) {
  const std::string folder = out + ".run";
  if (fresh) {
    if (auto status = SetAsideAll(out, folder); !status) return tl::unexpected(status.error());
  }
  const std::string config = folder + "/config.json";
  const bool begun = fs::exists(config);
  if (fs::exists(out) && !begun) {
    return Fail(
        ErrorCode::kConflict,
        fmt::format("{}: is there already, and {} does not say how it was made; use another --out, or "
                    "--fresh to set it aside",
                    out, config));
  }
  auto metrics = AppendFile::Open(folder + "/metrics.jsonl");
  if (!metrics) return tl::unexpected(metrics.error());
  const std::string recorded = begun ? ReadWhole(config).value_or("") : "";
  if (begun) {
    const std::string known = as_recorded_now ? as_recorded_now(recorded) : recorded;
    const std::string difference = DifferenceOf(known, configuration_json, unset);
    if (!difference.empty()) {
      return Fail(
          ErrorCode::kConflict,
          fmt::format("{}: was made with other settings: {}; give the same ones to go on, use another "
                      "--out, or --fresh to start over",
                      out, difference));
    }
  }
  // A record in an older form is written anew.
  if (!begun || !DifferenceOf(recorded, configuration_json).empty()) {
    if (auto status = WriteWhole(config, configuration_json + "\n"); !status)
      return tl::unexpected(status.error());
  }
  TrainingFiles files(folder, std::move(*metrics));
  if (fs::exists(ResultPath(folder))) {
    auto result = ReadWhole(ResultPath(folder));
    if (!result) return tl::unexpected(result.error());
    if (!ParseBounded<Json>(*result).is_object()) {
      return Fail(ErrorCode::kInvalidData,
                  fmt::format("{}: is damaged; --fresh makes it again", ResultPath(folder)));
    }
    files.result_ = std::move(*result);
    if (!fs::exists(out)) {
      return Fail(ErrorCode::kConflict,
                  fmt::format("{}: is gone, though {} says that it was made; --fresh makes it again", out,
                              ResultPath(folder)));
    }
  }
  return files;
}

Result<std::optional<TrainingState>> TrainingFiles::LoadState() const {
  const std::string path = CheckpointPath(folder_);
  if (!fs::exists(path)) return std::optional<TrainingState>();
  const auto damaged = [&] {
    return Fail(ErrorCode::kInvalidData, fmt::format("{}: is damaged; --fresh starts over", path));
  };
  std::ifstream stream(path, std::ios::binary);
  std::string line;
  if (!std::getline(stream, line)) return damaged();
  const Json header = ParseBounded<Json>(line);
  if (!header.is_object() || WholeOf(header, "format") != kFormat) return damaged();
  TrainingState state;
  state.trainer.step = WholeOf(header, "step");
  state.metrics_lines = WholeOf(header, "metrics_lines");
  state.seconds = NumberOf(header, "seconds");
  const auto count = WholeOf(header, "numbers");
  if (count > fs::file_size(path) / sizeof(float)) return damaged();
  for (std::vector<float>* numbers : {&state.trainer.values, &state.trainer.first, &state.trainer.second}) {
    if (!ReadNumbers(stream, *numbers, count)) return damaged();
  }
  if (header.contains("best")) {
    const Json& best = header["best"];
    if (!best.is_object()) return damaged();
    state.best = BestEpoch{.epoch = WholeOf(best, "epoch"),
                           .score = NumberOf(best, "score"),
                           .judgement_json = TextOf(best, "judgement_json"),
                           .judgement_text = TextOf(best, "judgement_text"),
                           .values = {}};
    const auto best_count = WholeOf(best, "numbers");
    if (ParseBounded<Json>(state.best->judgement_json).is_discarded()) return damaged();
    if (best_count != count || !ReadNumbers(stream, state.best->values, count)) return damaged();
  }
  return std::optional(std::move(state));
}

Status TrainingFiles::SaveState(const TrainingState& state) const {
  const std::string path = CheckpointPath(folder_);
  const std::string temporary = path + ".tmp";
  {
    std::ofstream stream(temporary, std::ios::binary | std::ios::trunc);
    stream << HeaderOf(state).dump() << '\n';
    AppendNumbers(stream, state.trainer.values);
    AppendNumbers(stream, state.trainer.first);
    AppendNumbers(stream, state.trainer.second);
    if (state.best) AppendNumbers(stream, state.best->values);
    stream.flush();
    if (!stream) return CannotWrite(temporary);
  }
  if (auto flushed = Flush(temporary); !flushed) return flushed;
  if (std::rename(temporary.c_str(), path.c_str()) != 0) return CannotWrite(path);
  return {};
}

Status TrainingFiles::Finish(std::string_view result_json) {
  if (auto written = WriteWhole(ResultPath(folder_), std::string(result_json) + "\n"); !written)
    return written;
  std::error_code status;
  fs::remove(CheckpointPath(folder_), status);
  result_ = result_json;
  return {};
}

}  // namespace tessy
