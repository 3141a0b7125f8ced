#include "dataset/tables/column_types.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <unordered_map>
#include <utility>

#include "base/shorten.h"
#include "base/visible.h"
#include "dataset/tables/duckdb.h"

namespace tessy {
namespace {

constexpr size_t kFieldsMax = 100;     // of an object within a row
constexpr size_t kShapesMax = 10'000;  // of all together
constexpr size_t kDepthMax = 16;       // of lists and objects
constexpr size_t kGroupSizes = 18;     // 2^17 is about the number of rows that writers of Parquet take
constexpr uint64_t kBlockBytesMax = uint64_t{32} << 20;
constexpr uint64_t kExactInDouble = uint64_t{1} << 53;

enum class Kind : uint8_t { kNull, kBoolean, kInteger, kReal, kText, kList, kObject, kMixed };

// Names of columns do not know the case of ASCII letters.
std::string Folded(std::string_view name) {
  std::string folded(name);
  for (char& c : folded) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return folded;
}

tl::unexpected<Error> Bad(std::string reason) { return Fail(ErrorCode::kInvalidData, std::move(reason)); }

}  // namespace

// What stands in one place of the rows.
struct ColumnTypes::Shape {
  struct Field {
    std::string name;
    std::unique_ptr<Shape> shape;
    uint64_t seen_in = 0;  // the number of the last object that has it
  };

  Kind kind = Kind::kNull;
  bool has_negative = false;  // of integers
  bool has_large = false;     // one that a double rounds
  bool has_unsigned = false;  // one that needs all 64 bits
  std::unique_ptr<Shape> element;
  std::vector<Field> fields;
  std::unordered_map<std::string, size_t> by_name;  // folded

  void Meet(Kind other) {
    if (kind == Kind::kNull || kind == other) {
      kind = other;
      return;
    }
    const auto is_number = [](Kind k) { return k == Kind::kInteger || k == Kind::kReal; };
    kind = is_number(kind) && is_number(other) ? Kind::kReal : Kind::kMixed;
  }
  void MeetInteger(bool is_negative, uint64_t size) {
    Meet(Kind::kInteger);
    has_negative = has_negative || is_negative;
    has_large = has_large || size > kExactInDouble;
    has_unsigned = has_unsigned || (!is_negative && size > uint64_t{std::numeric_limits<int64_t>::max()});
  }
  std::string Sql() const;
};

std::string ColumnTypes::Shape::Sql() const {
  switch (kind) {
    case Kind::kNull:
    case Kind::kText:
      return "VARCHAR";
    case Kind::kBoolean:
      return "BOOLEAN";
    case Kind::kInteger:
      if (!has_unsigned) return "BIGINT";
      return has_negative ? "JSON" : "UBIGINT";
    case Kind::kReal:
      return has_large ? "JSON" : "DOUBLE";
    case Kind::kList:
      return (element == nullptr ? "VARCHAR" : element->Sql()) + "[]";
    case Kind::kMixed:
      return "JSON";
    case Kind::kObject:
      break;
  }
  if (fields.empty()) return "JSON";
  std::string text;
  for (const Field& field : fields) {
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", SqlName(field.name), field.shape->Sql());
  }
  return "STRUCT(" + text + ")";
}

// Takes what nlohmann's parser meets in a line.
class ColumnTypes::Reader {
 public:
  explicit Reader(ColumnTypes& types) : types_(types) {}

  std::string reason() const { return reason_; }

  bool null() { return Next() != Place::kRefused; }
  bool boolean(bool /*value*/) { return Meet(Kind::kBoolean); }
  bool number_integer(int64_t value) {
    return MeetInteger(value < 0,
                       value < 0 ? uint64_t{0} - static_cast<uint64_t>(value) : static_cast<uint64_t>(value));
  }
  bool number_unsigned(uint64_t value) { return MeetInteger(false, value); }
  // An integer without a point or an exponent is one of more than 64 bits.
  bool number_float(double /*value*/, const std::string& text) {
    return Meet(text.find_first_of(".eE") == std::string::npos ? Kind::kMixed : Kind::kReal);
  }
  bool string(std::string& /*text*/) { return Meet(Kind::kText); }
  bool binary(std::vector<uint8_t>& /*bytes*/) { return false; }

  bool start_object(size_t /*size*/) { return Open(Kind::kObject); }
  bool start_array(size_t /*size*/) { return Open(Kind::kList); }
  bool end_object() { return Close(); }
  bool end_array() { return Close(); }
  bool key(std::string& name);

  bool parse_error(size_t /*position*/, const std::string& /*token*/, const nlohmann::detail::exception& e) {
    reason_ = std::string("is no JSON: ") + VisibleLine(Shortened(e.what()));
    return false;
  }

 private:
  enum class Place : uint8_t { kKnown, kPassedOver, kRefused };

  struct Frame {
    Shape* shape;  // null: what is within is not looked at
    Kind kind;
    uint64_t object = 0;     // its number
    Shape* value = nullptr;  // of the key that was read last
  };

  // Where the value that begins now stands; `at_` is its shape.
  Place Next() {
    at_ = nullptr;
    if (frames_.empty()) {
      if (!is_open_) return Refuse("is no JSON object");
      return Place::kPassedOver;
    }
    Frame& frame = frames_.back();
    if (frame.shape == nullptr) return Place::kPassedOver;
    if (frame.kind == Kind::kObject) {
      at_ = frame.value;
    } else {
      if (frame.shape->element == nullptr) frame.shape->element = Make();
      at_ = frame.shape->element.get();
    }
    return at_ == nullptr || at_->kind == Kind::kMixed ? Place::kPassedOver : Place::kKnown;
  }
  Place Refuse(std::string reason) {
    reason_ = std::move(reason);
    return Place::kRefused;
  }
  std::unique_ptr<Shape> Make() {
    ++types_.shapes_;
    return std::make_unique<Shape>();
  }
  bool Meet(Kind kind) {
    const Place place = Next();
    if (place == Place::kKnown) at_->Meet(kind);
    return place != Place::kRefused;
  }
  bool MeetInteger(bool is_negative, uint64_t size) {
    const Place place = Next();
    if (place == Place::kKnown) at_->MeetInteger(is_negative, size);
    return place != Place::kRefused;
  }
  bool Open(Kind kind);
  bool Close() {
    frames_.pop_back();
    return true;
  }

  ColumnTypes& types_;
  std::vector<Frame> frames_;
  Shape* at_ = nullptr;
  bool is_open_ = false;  // the row has begun
  std::string reason_;
};

bool ColumnTypes::Reader::Open(Kind kind) {
  if (!is_open_) {
    is_open_ = true;
    if (kind != Kind::kObject) return Refuse("is no JSON object") != Place::kRefused;
    types_.row_->kind = Kind::kObject;
    frames_.push_back({.shape = types_.row_.get(), .kind = kind, .object = ++types_.objects_});
    return true;
  }
  Shape* shape = Next() == Place::kKnown ? at_ : nullptr;
  if (shape != nullptr) {
    const bool is_too_much = frames_.size() >= kDepthMax || types_.shapes_ >= kShapesMax;
    shape->Meet(is_too_much ? Kind::kMixed : kind);
    if (shape->kind == Kind::kMixed) shape = nullptr;
  }
  frames_.push_back({.shape = shape, .kind = kind, .object = ++types_.objects_});
  return true;
}

// Shapes that have become JSON keep what was found in them: frames still lead there.
bool ColumnTypes::Reader::key(std::string& name) {
  Frame& frame = frames_.back();
  frame.value = nullptr;
  if (frame.shape == nullptr) return true;
  Shape& shape = *frame.shape;
  const bool is_row = frames_.size() == 1;
  const auto give_up = [&](const char* why) {
    if (is_row) return Refuse(fmt::format("has {}", why)) != Place::kRefused;
    shape.kind = Kind::kMixed;
    frame.shape = nullptr;
    return true;
  };
  if (name.empty()) return give_up("a field without a name, and a column of Parquet needs one");
  if (name.find('\0') != std::string::npos) {
    return give_up(
        "a field with a NUL character in its name, which no column of Parquet can have; rename it, or write "
        "JSON lines");
  }
  const auto [found, is_new] = shape.by_name.try_emplace(Folded(name), shape.fields.size());
  if (is_new) {
    const size_t most = is_row ? kShapesMax : kFieldsMax;
    if (shape.fields.size() >= most)
      return give_up("more fields than a Parquet file takes from here (10,000)");
    shape.fields.push_back({.name = name, .shape = Make()});
  }
  Shape::Field& field = shape.fields[found->second];
  if (field.name != name || field.seen_in == frame.object) {
    return give_up(
        fmt::format("the fields {} and {} (in this row or one before), which columns of Parquet do "
                    "not tell apart; rename one, or write JSON lines",
                    VisibleLine(Shortened(field.name)), VisibleLine(Shortened(name)))
            .c_str());
  }
  field.seen_in = frame.object;
  frame.value = field.shape.get();
  return true;
}

ColumnTypes::ColumnTypes() : row_(std::make_unique<Shape>()), blocks_(kGroupSizes) {}
ColumnTypes::~ColumnTypes() = default;
ColumnTypes::ColumnTypes(ColumnTypes&&) noexcept = default;
ColumnTypes& ColumnTypes::operator=(ColumnTypes&&) noexcept = default;

Status ColumnTypes::Add(std::string_view line) {
  Reader reader(*this);
  if (!nlohmann::json::sax_parse(line.begin(), line.end(), &reader)) return Bad(reader.reason());
  CountBytes(line.size());
  return {};
}

void ColumnTypes::CountBytes(size_t bytes) {
  longest_ = std::max(longest_, bytes);
  for (size_t i = 0; i < blocks_.size(); ++i) {
    if (rows_ % (uint64_t{1} << i) == 0) blocks_[i].bytes = 0;
    blocks_[i].bytes += bytes;
    blocks_[i].most = std::max(blocks_[i].most, blocks_[i].bytes);
  }
  ++rows_;
}

std::string ColumnTypes::Sql() const {
  if (row_->fields.empty()) return "";
  std::string text;
  for (const Shape::Field& field : row_->fields) {
    text +=
        fmt::format("{}{}: {}", text.empty() ? "" : ", ", SqlText(field.name), SqlText(field.shape->Sql()));
  }
  return "{" + text + "}";
}

uint64_t ColumnTypes::rows_in_group() const {
  uint64_t rows = 1;
  for (size_t i = 0; i < blocks_.size() && blocks_[i].most <= kBlockBytesMax; ++i) rows = uint64_t{1} << i;
  return rows;
}

}  // namespace tessy
