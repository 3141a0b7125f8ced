#include "dataset/question_file.h"

#include <fmt/format.h>

#include <functional>
#include <utility>

namespace tessy {
namespace {

tl::unexpected<Error> Bad(std::string reason) { return Fail(ErrorCode::kInvalidData, std::move(reason)); }

size_t HashOfLine(std::string_view line) { return std::hash<std::string_view>{}(line); }

std::string NoQuestions(const std::string& file, const std::vector<BadLine>& bad_lines) {
  if (bad_lines.empty()) return fmt::format("{}: is empty: no questions in it", file);
  return fmt::format("{}: no questions in it: all {} lines are bad, line {}: {}", file, bad_lines.size(),
                     bad_lines.front().line, bad_lines.front().reason);
}

}  // namespace

Result<QuestionFile> QuestionFile::Open(const std::string& path, const ReadQuestionsOptions& options) {
  auto lines = LineReader::Open(path);
  if (!lines) return tl::unexpected(lines.error());
  QuestionFile file(std::move(*lines));
  if (auto status = file.ReadLines(options.skip_bad_lines); !status) return tl::unexpected(status.error());
  if (file.entries_.empty()) return Bad(NoQuestions(file.lines_.name(), file.bad_lines_));
  if (auto status = file.IndexGivenIds(); !status) return tl::unexpected(status.error());
  file.NameOthers();
  return file;
}

Status QuestionFile::ReadLines(bool skip_bad_lines) {
  while (true) {
    const auto line = lines_.Next();
    if (!line) return tl::unexpected(line.error());
    if (!*line) return {};
    auto question = parser_.Parse(**line, QuestionParser::Source::kPassOver);
    if (question) {
      Add(**line, std::move(*question));
    } else if (skip_bad_lines) {
      bad_lines_.push_back({lines_.line(), question.error().message});
    } else {
      return Bad(fmt::format("{}: {} (--skip-bad-lines skips such lines)", lines_.Where(),
                             question.error().message));
    }
  }
}

void QuestionFile::Add(std::string_view line, Question question) {
  const bool has_id = !question.id.empty();
  Entry entry{.id = std::move(question.id),
              .has_id = has_id,
              .offset = lines_.offset(),
              .bytes = line.size(),
              .line = lines_.line(),
              .messages_hash = HashOfMessages(question.messages),
              .line_hash = HashOfLine(line)};
  if (in_memory()) {
    entry.offset = kept_.size();
    kept_ += line;
  }
  entries_.push_back(std::move(entry));
}

Status QuestionFile::IndexGivenIds() {
  by_id_.reserve(entries_.size());
  for (size_t i = 0; i < entries_.size(); ++i) {
    if (entries_[i].id.empty()) continue;
    const auto [first, is_new] = by_id_.emplace(entries_[i].id, i);
    if (is_new) continue;
    return Bad(
        fmt::format("{}: the id \"{}\" stands in line {} and in line {}; give each question its own, or none "
                    "(then one is made)",
                    lines_.name(), entries_[i].id, entries_[first->second].line, entries_[i].line));
  }
  return {};
}

void QuestionFile::NameOthers() {
  std::unordered_map<uint64_t, size_t> seen;
  for (size_t i = 0; i < entries_.size(); ++i) {
    Entry& entry = entries_[i];
    while (entry.id.empty()) {
      const size_t occurrence = ++seen[entry.messages_hash];
      std::string name = MadeId(entry.messages_hash);
      if (occurrence > 1) name += fmt::format("-{}", occurrence);
      if (!by_id_.contains(name)) entry.id = std::move(name);
    }
    by_id_.emplace(entry.id, i);
  }
}

std::optional<size_t> QuestionFile::FirstRepeated() const {
  for (size_t i = 0; i < entries_.size(); ++i) {
    const Entry& entry = entries_[i];
    if (!entry.has_id && entry.id != MadeId(entry.messages_hash)) return i;
  }
  return std::nullopt;
}

std::optional<size_t> QuestionFile::Find(std::string_view id) const {
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? std::nullopt : std::optional(found->second);
}

Result<std::string> QuestionFile::ReadLine(size_t index) const {
  const Entry& entry = entries_[index];
  const auto line = in_memory() ? Result<std::string>(kept_.substr(entry.offset, entry.bytes))
                                : lines_.ReadAt(entry.offset, entry.bytes);
  if (!line) return tl::unexpected(line.error());
  if (HashOfLine(*line) != entry.line_hash) {
    return Fail(
        ErrorCode::kConflict,
        fmt::format("{}:{}: is no longer the line that was read first; leave the file as it is while it is "
                    "worked on",
                    lines_.name(), entry.line));
  }
  return line;
}

Result<Question> QuestionFile::Read(size_t index, Keep keep) {
  const Entry& entry = entries_[index];
  auto line = ReadLine(index);
  if (!line) return tl::unexpected(line.error());
  auto question = parser_.Parse(*line, QuestionParser::Source::kKeep);
  if (!question) return question;
  question->id = entry.id;
  question->line = entry.line;
  if (keep == Keep::kSourceAndRow) question->row = std::move(*line);
  return question;
}

void QuestionFile::KeepFirst(size_t count) {
  for (size_t i = count; i < entries_.size(); ++i) by_id_.erase(entries_[i].id);
  if (count < entries_.size()) entries_.resize(count);
}

}  // namespace tessy
