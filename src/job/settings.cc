#include "job/settings.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <limits>
#include <optional>
#include <type_traits>

namespace tessy {
namespace {

template <class... Cases>
struct Overloaded : Cases... {
  using Cases::operator()...;
};
template <class... Cases>
Overloaded(Cases...) -> Overloaded<Cases...>;

// All of the text, or nothing.
template <class T>
std::optional<T> Parse(const std::string& text) {
  T value{};
  const char* end = text.data() + text.size();
  const char* begin = text.starts_with('+') ? text.data() + 1 : text.data();
  const auto [stop, error] = std::from_chars(begin, end, value);
  if (error != std::errc() || stop != end || begin == end) return std::nullopt;
  return value;
}

template <>
std::optional<bool> Parse(const std::string& text) {
  if (text == "true") return true;
  if (text == "false") return false;
  return std::nullopt;
}

// A number of a range as far as the C++ type goes.
template <class T>
std::string WhyNoWhole(const std::string& text, const WholeRange& range) {
  const auto value = Parse<T>(text);
  const auto above = [&](T number) { return number < 0 || static_cast<uint64_t>(number) <= range.max; };
  const auto below = [&](T number) {
    return range.min < 0 ? static_cast<int64_t>(number) >= range.min
                         : number >= 0 && static_cast<uint64_t>(number) >= static_cast<uint64_t>(range.min);
  };
  if (value && below(*value) && above(*value)) return "";
  const auto type_max = static_cast<uint64_t>(std::numeric_limits<T>::max());
  return fmt::format("{} is not a whole number from {} to {}", text, range.min,
                     std::min(range.max, type_max));
}

template <class T>
std::string WhyNoValue(const Setting& setting, const std::string& text) {
  if constexpr (std::is_same_v<T, bool>) {
    return Parse<bool>(text) ? "" : text + " is neither true nor false";
  } else if constexpr (std::is_integral_v<T>) {
    const auto* range = std::get_if<WholeRange>(&setting.range);
    const int64_t min = std::is_signed_v<T> ? static_cast<int64_t>(std::numeric_limits<T>::min()) : 0;
    return WhyNoWhole<T>(text, range != nullptr ? *range : WholeRange{.min = min});
  } else if constexpr (std::is_floating_point_v<T>) {
    const auto value = Parse<double>(text);
    const auto* range = std::get_if<RealRange>(&setting.range);
    const bool fits = Parse<T>(text).has_value();
    if (range == nullptr) return fits ? "" : text + " is not a number";
    if (fits && value && *value >= range->min && *value <= range->max) return "";  // which NaN is not
    return fmt::format("{} is not a number from {} to {}", text, range->min, range->max);
  } else {
    return "";
  }
}

template <class T>
void Set(T& value, std::span<const std::string> texts) {
  if constexpr (std::is_same_v<T, std::string>) {
    value = texts.back();
  } else if constexpr (std::is_same_v<T, std::vector<std::string>>) {
    value.assign(texts.begin(), texts.end());
  } else {
    value = *Parse<T>(texts.back());
  }
}

std::vector<std::string> Split(std::span<const std::string> texts, char delimiter) {
  std::vector<std::string> parts;
  for (const std::string& text : texts) {
    size_t start = 0;
    for (size_t end = 0; delimiter != '\0' && (end = text.find(delimiter, start)) != std::string::npos;
         start = end + 1) {
      parts.push_back(text.substr(start, end - start));
    }
    parts.push_back(text.substr(start));
  }
  return parts;
}

bool NamesFile(const Setting& setting) {
  const std::string& type = setting.type_name;
  return type.starts_with("FILE") || type == "DIR" || type == "MODEL" || type == "FAMILY";
}

// A shell knows ~/ only where a word begins with it: not in --student=~/a.gguf, and not in a run file.
std::string WithHome(const std::string& path) {
  const size_t begin = path.starts_with(kPhrasesMark) ? kPhrasesMark.size()
                       : path.starts_with(kFileMark)  ? kFileMark.size()
                                                      : 0;
  const char* home = std::getenv("HOME");
  if (home == nullptr || *home == '\0' || path.compare(begin, 2, "~/") != 0) return path;
  return path.substr(0, begin) + home + path.substr(begin + 1);
}

}  // namespace

bool IsBinding(const Setting& setting) { return setting.recorded.as != Fingerprint::kNone; }

const Setting* FindSetting(std::span<const Setting> settings, std::string_view key) {
  const auto found = std::ranges::find(settings, key, &Setting::key);
  return found == settings.end() ? nullptr : &*found;
}

void InsertBefore(Settings& settings, std::string_view group, Settings more) {
  settings.insert(std::ranges::find(settings, group, &Setting::group), std::make_move_iterator(more.begin()),
                  std::make_move_iterator(more.end()));
}

std::string WhyRefused(const Setting& setting, const std::string& text) {
  if (const auto* choices = std::get_if<Choices>(&setting.range)) {
    if (std::ranges::find(*choices, text) != choices->end()) return "";
    return fmt::format("{} not in {{{}}}", text, fmt::join(*choices, ","));
  }
  if (const auto* check = std::get_if<SettingCheck>(&setting.range)) return (*check)(text);
  return std::visit([&]<class T>(T*) { return WhyNoValue<T>(setting, text); }, setting.value);
}

Status Assign(const Setting& setting, std::span<const std::string> texts) {
  const auto refuse = [&](const std::string& reason) {
    return Fail(ErrorCode::kInvalidArgument, fmt::format("--{}: {}", setting.key, reason));
  };
  if (texts.empty()) return refuse("needs a value");
  if (texts.size() > 1 && !TakesSeveral(setting)) return refuse("takes one value, not several");
  std::vector<std::string> parts = Split(texts, setting.delimiter);
  for (std::string& part : parts) {
    const bool is_text = setting.recorded.as == Fingerprint::kText;
    if (is_text ? part.starts_with(kFileMark) : NamesFile(setting)) part = WithHome(part);
  }
  for (const std::string& part : parts) {
    if (const std::string reason = WhyRefused(setting, part); !reason.empty()) return refuse(reason);
  }
  std::visit([&](auto* value) { Set(*value, std::span(parts)); }, setting.value);
  return {};
}

bool IsSwitch(const Setting& setting) { return std::holds_alternative<bool*>(setting.value); }

bool TakesSeveral(const Setting& setting) {
  return std::holds_alternative<std::vector<std::string>*>(setting.value);
}

std::string TextOf(const Setting& setting) {
  return std::visit(Overloaded{[](const std::vector<std::string>* texts) {
                                 return fmt::format("{}", fmt::join(*texts, ","));
                               },
                               [](const auto* value) { return fmt::format("{}", *value); }},
                    setting.value);
}

std::string TypeOf(const Setting& setting) {
  if (!setting.type_name.empty()) return setting.type_name;
  return std::visit(
      []<class T>(T*) -> std::string {
        if (std::is_same_v<T, bool>) return "";
        if (std::is_floating_point_v<T>) return "FLOAT";
        if (std::is_integral_v<T>) return std::is_signed_v<T> ? "INT" : "UINT";
        return "TEXT";
      },
      setting.value);
}

std::string DescribeRange(const Setting& setting) {
  return std::visit(
      Overloaded{
          [](const Choices& choices) { return fmt::format("{{{}}}", fmt::join(choices, ",")); },
          [&](const WholeRange& range) {
            if (range.max == UINT64_MAX) return std::string();
            const bool is_signed = std::visit([]<class T>(T*) { return std::is_signed_v<T>; }, setting.value);
            return fmt::format("{} in [{} - {}]", is_signed ? "INT" : "UINT", range.min, range.max);
          },
          [](const RealRange& range) { return fmt::format("FLOAT in [{} - {}]", range.min, range.max); },
          [](const auto&) { return std::string(); }},
      setting.range);
}

std::string CheckDate(const std::string& text) {
  constexpr std::string_view kForm = "0000-00-00";
  bool good = text.size() == kForm.size();
  for (size_t i = 0; good && i < kForm.size(); ++i) {
    good = kForm[i] == '-' ? text[i] == '-' : text[i] >= '0' && text[i] <= '9';
  }
  return good ? "" : fmt::format("{} is not a date of the form YYYY-MM-DD", text);
}

}  // namespace tessy
