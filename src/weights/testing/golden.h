#pragma once

#include <filesystem>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/testing/source_tree.h"
#include "weights/checkpoint.h"
#include "weights/safetensors.h"

namespace tessy {

// The results that Hugging Face transformers computed with a random model (tools/oracle), for tests.
struct Golden {
  std::string folder;
  std::unique_ptr<Checkpoint> checkpoint;
  std::vector<std::vector<int32_t>> tokens;
  std::vector<std::vector<int32_t>>
      labels;  // -100: none. A language model predicts each one position before it
  double loss = 0.0;
  double gradient_norm = 0.0;
  double rate = 0.0;
  double weight_decay = 0.0;
  double epsilon = 0.0;
  size_t length = 0;          // of the padded rows below
  std::vector<float> hidden;  // [sequences, length, width]
  std::vector<float> logits;  // [sequences, length, outputs]

  size_t outputs() const {
    const Qwen3Shape& shape = checkpoint->shape();
    return static_cast<size_t>(shape.classes > 0 ? shape.classes : shape.vocabulary);
  }
  // The values of one position.
  std::vector<float> HiddenAt(size_t sequence, size_t position) const {
    return RowOf(hidden, sequence, position, static_cast<size_t>(checkpoint->shape().width));
  }
  std::vector<float> LogitsAt(size_t sequence, size_t position) const {
    return RowOf(logits, sequence, position, outputs());
  }

 private:
  std::vector<float> RowOf(const std::vector<float>& rows, size_t sequence, size_t position,
                           size_t width) const {
    const auto begin = rows.begin() + static_cast<int64_t>((sequence * length + position) * width);
    return {begin, begin + static_cast<int64_t>(width)};
  }
};

inline Golden LoadGolden(const std::string& name) {
  Golden golden;
  golden.folder = InSource("tests/goldens/" + name);
  golden.checkpoint = OpenCheckpoint(golden.folder).value();
  std::ifstream stream(golden.folder + "/golden.json");
  const auto json = nlohmann::json::parse(stream);
  golden.tokens = json.at("input_ids").get<std::vector<std::vector<int32_t>>>();
  golden.labels = json.at("labels").get<std::vector<std::vector<int32_t>>>();
  golden.loss = json.at("loss").get<double>();
  golden.gradient_norm = json.at("gradient_norm").get<double>();
  golden.rate = json.at("rate").get<double>();
  golden.weight_decay = json.at("weight_decay").get<double>();
  golden.epsilon = json.at("epsilon").get<double>();
  const auto file = SafetensorsFile::Open(golden.folder + "/golden.safetensors").value();
  golden.length = static_cast<size_t>(file.Find("hidden")->shape.at(1));
  golden.hidden = file.ReadFloats(*file.Find("hidden")).value();
  golden.logits = file.ReadFloats(*file.Find("logits")).value();
  return golden;
}

inline constexpr const char* kGoldens[] = {"tied", "untied", "classifier"};

}  // namespace tessy
