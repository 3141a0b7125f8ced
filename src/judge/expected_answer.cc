#include <nlohmann/json.hpp>

#include "judge/answer.h"
#include "judge/math_text.h"

namespace tessy {
namespace {

using Json = nlohmann::json;

// Picks the "answer" out of a row without building the row: other fields may be nested as deep as they like,
// and a number keeps its digits, of which a double has room for sixteen.
class AnswerPicker final : public nlohmann::json_sax<Json> {
 public:
  enum class Shape { kNone, kNull, kEmpty, kOne, kSeveral, kObject, kTruth };

  Shape shape = Shape::kNone;
  std::string answer;

  bool null() override { return Value(Shape::kNull, ""); }
  bool boolean(bool) override { return Value(Shape::kTruth, ""); }
  bool number_integer(number_integer_t value) override { return Value(Shape::kOne, std::to_string(value)); }
  bool number_unsigned(number_unsigned_t value) override { return Value(Shape::kOne, std::to_string(value)); }
  bool number_float(number_float_t, const string_t& written) override { return Value(Shape::kOne, written); }
  bool string(string_t& value) override { return Value(Shape::kOne, value); }
  bool binary(binary_t&) override { return true; }
  bool start_object(size_t) override {
    if (in_answer_) shape = Shape::kObject;
    ++depth_;
    return true;
  }
  bool end_object() override { return End(); }
  bool start_array(size_t) override {
    if (in_answer_) shape = depth_ == 1 ? Shape::kEmpty : Shape::kSeveral;
    ++depth_;
    return true;
  }
  bool end_array() override { return End(); }
  bool key(string_t& name) override {
    if (depth_ == 1) in_answer_ = name == "answer";
    return true;
  }
  bool parse_error(size_t, const std::string&, const Json::exception&) override { return false; }

 private:
  bool Value(Shape value_shape, std::string text) {
    if (!in_answer_ || depth_ > 2 || depth_ < 1) return true;
    ++values_;
    const bool first = values_ == 1 && (shape == Shape::kNone || shape == Shape::kEmpty);
    if (first) answer = std::move(text);
    shape = first ? value_shape : shape == Shape::kObject ? shape : Shape::kSeveral;
    return true;
  }
  bool End() {
    --depth_;
    return true;
  }

  size_t depth_ = 0;  // 1: in the row, 2: in a list that is the answer
  size_t values_ = 0;
  bool in_answer_ = false;
};

}  // namespace

Result<std::string> ExpectedAnswer(std::string_view source_json) {
  AnswerPicker picker;
  using Shape = AnswerPicker::Shape;
  const bool read = Json::sax_parse(source_json.empty() ? "{}" : source_json, &picker);
  const auto refuse = [](const char* reason) { return Fail(ErrorCode::kInvalidData, reason); };
  if (!read) picker.shape = Shape::kNone;
  switch (picker.shape) {
    case Shape::kNone:
    case Shape::kNull:
      return Fail(ErrorCode::kNotFound, "has no \"answer\" to compare with");
    case Shape::kSeveral:
      return refuse(
          "has an \"answer\" that is a list of several; if all are meant, write one text: \"1, 2\"");
    case Shape::kObject:
      return refuse("has an \"answer\" that is an object, which cannot be compared");
    case Shape::kTruth:
      return refuse("has an \"answer\" that is true or false; write the word that is meant");
    case Shape::kEmpty:
    case Shape::kOne:
      break;
  }
  if (Trimmed(picker.answer).empty())
    return refuse("has an empty \"answer\", with which nothing can be compared");
  return std::move(picker.answer);
}

}  // namespace tessy
