#include "store/sqlite/sqlite_run_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <initializer_list>
#include <map>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/random.h"
#include "store/sqlite/connection.h"
#include "store/sqlite/schema.h"

namespace tessy {
namespace {

using sqlite::Blob;
using sqlite::Connection;
using sqlite::Row;
using sqlite::Value;

enum State : int64_t { kUnderWay = 0, kDone = 1, kFailed = 2 };

Value N(uint64_t value) { return static_cast<int64_t>(value); }
template <class Enum>
requires std::is_enum_v<Enum> Value N(Enum value) { return static_cast<int64_t>(value); }

class Store final : public RunStore {
 public:
  explicit Store(std::unique_ptr<Connection> connection) : db_(std::move(connection)) {}
  // What the writer remembers: where questions and what is under way are.
  Status Load();

  Result<std::vector<ConfigurationRecord>> Configurations() override;
  Result<std::vector<SessionRecord>> Sessions() override;
  Status ForEachQuestion(const std::function<void(const QuestionRecord&)>& question) override;
  Status ForEachSample(const std::function<void(const SampleRecord&)>& sample) override;
  Status ForEachFailedAttempt(const std::function<void(const AttemptRecord&)>& attempt) override;
  Result<WritingRecord> Recall(const WritingKey& key) override;
  Result<size_t> Unfinished() override;

  void AddConfiguration(const ConfigurationRecord& configuration) override;
  void SetSession(const SessionRecord& session) override;
  void SetQuestion(const QuestionRecord& question) override;
  void FinishSample(const SampleRecord& sample) override;
  void AddSpan(const WritingKey& key, const SpanRecord& span) override;
  void FailAttempt(const WritingKey& key, const AttemptRecord& attempt) override;
  void ForgetSpans(const WritingKey& key) override;
  void ForgetSample(const SampleKey& key) override;
  void ForgetUnfinished() override;
  void ForgetFinished() override;

  bool dirty() const override { return open_ || !status_; }
  Status Commit() override;

 private:
  struct SpanPlace {
    int64_t id = 0;
    uint32_t candidate = 0;
    Writer writer = Writer::kBoth;
    bool IsOf(const WritingKey& key) const { return candidate == key.candidate && writer == key.writer; }
  };
  struct UnderWay {
    int64_t id = 0;  // of the sample
    std::vector<SpanPlace> spans;
  };
  using Place = std::pair<int64_t, uint32_t>;  // question, sample

  // Changes are made at once, in a transaction that Commit ends; the first that fails spoils all after it.
  void Change(const char* sql, std::span<const Value> values);
  void Change(const char* sql, std::initializer_list<Value> values) {
    Change(sql, std::span<const Value>(values.begin(), values.size()));
  }
  Place PlaceOf(const SampleKey& key) const;
  Place MakePlaceOf(const SampleKey& key);
  void ForgetSpansOf(const UnderWay& sample);
  UnderWay& Begin(const SampleKey& key);
  Status ReadSpan(int64_t id, std::vector<SpanRecord>& spans);

  std::unique_ptr<Connection> db_;
  std::unordered_map<std::string, int64_t> questions_;
  std::map<Place, UnderWay> under_way_;
  int64_t session_ = 0;
  bool open_ = false;
  Status status_;
};

Status Store::Load() {
  auto status = db_->Query("SELECT name, id FROM questions", {},
                           [this](const Row& row) { questions_.emplace(row.Text(0), row.Integer(1)); });
  if (!status) return status;
  std::unordered_map<int64_t, UnderWay*> by_id;
  status = db_->Query("SELECT question, sample, id FROM samples WHERE state = 0", {}, [&](const Row& row) {
    UnderWay& sample = under_way_[{row.Integer(0), static_cast<uint32_t>(row.Integer(1))}];
    sample.id = row.Integer(2);
    by_id.emplace(sample.id, &sample);
  });
  if (!status) return status;
  return db_->Query("SELECT id, sample, candidate, writer FROM spans ORDER BY id", {}, [&](const Row& row) {
    const auto sample = by_id.find(row.Integer(1));
    if (sample == by_id.end()) return;
    sample->second->spans.push_back({.id = row.Integer(0),
                                     .candidate = static_cast<uint32_t>(row.Integer(2)),
                                     .writer = static_cast<Writer>(row.Integer(3))});
  });
}

// ---- Reading.

Result<std::vector<ConfigurationRecord>> Store::Configurations() {
  std::vector<ConfigurationRecord> all;
  return db_
      ->Query("SELECT at_ms, json FROM configurations ORDER BY id", {},
              [&all](const Row& row) { all.push_back({.at_ms = row.Integer(0), .json = row.Text(1)}); })
      .map([&all] { return std::move(all); });
}

Result<std::vector<SessionRecord>> Store::Sessions() {
  std::vector<SessionRecord> all;
  return db_
      ->Query(
          "SELECT started_ms, last_ms, ended, samples, done, failed, tokens, drafted_tokens, "
          "discarded_tokens, "
          "recalled_tokens, spans FROM sessions ORDER BY id",
          {},
          [&all](const Row& row) {
            all.push_back({.started_ms = row.Integer(0),
                           .last_ms = row.Integer(1),
                           .ended = row.Text(2),
                           .samples = row.Unsigned(3),
                           .done = row.Unsigned(4),
                           .failed = row.Unsigned(5),
                           .tokens = row.Unsigned(6),
                           .drafted_tokens = row.Unsigned(7),
                           .discarded_tokens = row.Unsigned(8),
                           .recalled_tokens = row.Unsigned(9),
                           .spans = row.Unsigned(10)});
          })
      .map([&all] { return std::move(all); });
}

Status Store::ForEachQuestion(const std::function<void(const QuestionRecord&)>& question) {
  return db_->Query("SELECT name, hash FROM questions ORDER BY id", {},
                    [&](const Row& row) { question({.id = row.Text(0), .hash = row.Unsigned(1)}); });
}

Status Store::ForEachSample(const std::function<void(const SampleRecord&)>& sample) {
  const auto columns = sqlite::ColumnsOf(*db_, "samples");
  if (!columns) return tl::unexpected(columns.error());
  const auto column = [&](std::string_view name, uint64_t if_absent) {
    return columns->contains(std::string(name)) ? std::string(name) : std::to_string(if_absent);
  };
  std::string sql = "SELECT name, sample, state, line_end, reason, closed_by, " + column("line_bytes", 0) +
                    ", " + column("line_hash", 0);
  for (const SampleStat& stat : kSampleStats) sql += ", " + column(stat.key, stat.if_absent);
  sql += " FROM samples JOIN questions ON questions.id = question WHERE state <> 0 ORDER BY samples.id";
  return db_->QueryOnce(sql.c_str(), [&](const Row& row) {
    SampleRecord record{.key = {.question_id = row.Text(0), .sample = static_cast<uint32_t>(row.Integer(1))},
                        .done = row.Integer(2) == kDone,
                        .line_end = row.Unsigned(3),
                        .line_bytes = row.Unsigned(6),
                        .line_hash = row.Unsigned(7),
                        .reason = row.Text(4),
                        .closed_by = row.Text(5)};
    int place = 8;
    for (const SampleStat& stat : kSampleStats) record.stats.*stat.value = row.Unsigned(place++);
    sample(record);
  });
}

AttemptRecord AttemptOf(const Row& row) {
  return {.number = static_cast<uint32_t>(row.Integer(0)),
          .reason = row.Text(1),
          .tokens = row.Unsigned(2),
          .retryable = row.Integer(3) != 0};
}

Status Store::ForEachFailedAttempt(const std::function<void(const AttemptRecord&)>& attempt) {
  return db_->Query("SELECT number, reason, tokens, retryable FROM attempts", {},
                    [&](const Row& row) { attempt(AttemptOf(row)); });
}

Status Store::ReadSpan(int64_t id, std::vector<SpanRecord>& spans) {
  bool sound = false;
  auto status =
      db_->Query("SELECT attempt, stage, role, ended, tokens, hash, events FROM spans WHERE id = ?1",
                 std::initializer_list<Value>{id}, [&](const Row& row) {
                   SpanRecord span{.attempt = static_cast<uint32_t>(row.Integer(0)),
                                   .stage = static_cast<WritingStage>(row.Integer(1)),
                                   .role = row.Integer(2) == 0 ? Role::kStudent : Role::kTeacher,
                                   .end = static_cast<SpanEnd>(row.Integer(3)),
                                   .tokens = static_cast<uint32_t>(row.Integer(4)),
                                   .events = row.Text(6)};
                   sound = HashBytes(span.events) == row.Unsigned(5);
                   spans.push_back(std::move(span));
                 });
  if (!status || sound) return status;
  return Fail(ErrorCode::kInvalidData,
              fmt::format("{}: is damaged (span {}); --fresh sets the run aside", db_->path(), id));
}

Result<WritingRecord> Store::Recall(const WritingKey& key) {
  WritingRecord writing;
  const auto found = under_way_.find(PlaceOf(key.sample));
  if (found == under_way_.end()) return writing;
  Status status = db_->Query(
      "SELECT number, reason, tokens, retryable, text FROM attempts WHERE sample = ?1 AND candidate = ?2 AND "
      "writer = ?3 ORDER BY number",
      std::initializer_list<Value>{found->second.id, N(key.candidate), N(key.writer)}, [&](const Row& row) {
        writing.failed.push_back(AttemptOf(row));
        writing.failed.back().text = row.Text(4);
      });
  for (const SpanPlace& span : found->second.spans) {
    if (status && span.IsOf(key)) status = ReadSpan(span.id, writing.spans);
  }
  if (status) return writing;
  if (status_) status_ = status;
  return tl::unexpected(status.error());
}

Result<size_t> Store::Unfinished() {
  return db_->Integer("SELECT count(*) FROM samples WHERE state = 0").map([](int64_t count) {
    return static_cast<size_t>(count);
  });
}

// ---- Writing.

void Store::Change(const char* sql, std::span<const Value> values) {
  if (status_ && !open_) status_ = db_->Run("BEGIN IMMEDIATE", {});
  if (!status_) return;
  open_ = true;
  status_ = db_->Run(sql, values);
}

Status Store::Commit() {
  if (status_ && open_) status_ = db_->Run("COMMIT", {});
  open_ = false;
  return status_;
}

Store::Place Store::PlaceOf(const SampleKey& key) const {
  const auto question = questions_.find(key.question_id);
  return {question == questions_.end() ? 0 : question->second, key.sample};
}

Store::Place Store::MakePlaceOf(const SampleKey& key) {
  if (!questions_.contains(key.question_id)) SetQuestion({.id = key.question_id, .hash = 0});
  return PlaceOf(key);
}

Store::UnderWay& Store::Begin(const SampleKey& key) {
  const Place place = MakePlaceOf(key);
  UnderWay& sample = under_way_[place];
  if (sample.id != 0) return sample;
  Change("INSERT INTO samples(question, sample, state) VALUES(?1, ?2, 0)", {place.first, N(place.second)});
  sample.id = db_->last_row();
  return sample;
}

void Store::AddConfiguration(const ConfigurationRecord& configuration) {
  const std::string hash = fmt::format("{:016x}", HashBytes(configuration.json));
  Change("INSERT INTO configurations(at_ms, json, hash) VALUES(?1, ?2, ?3)",
         {configuration.at_ms, std::string_view(configuration.json), std::string_view(hash)});
}

void Store::SetSession(const SessionRecord& s) {
  if (session_ == 0) {
    Change("INSERT INTO sessions VALUES(NULL, 0, 0, '', 0, 0, 0, 0, 0, 0, 0, 0)", {});
    session_ = db_->last_row();
  }
  Change(
      "UPDATE sessions SET started_ms = ?2, last_ms = ?3, ended = ?4, samples = ?5, done = ?6, failed = ?7, "
      "tokens = ?8, drafted_tokens = ?9, discarded_tokens = ?10, recalled_tokens = ?11, spans = ?12 WHERE id "
      "= ?1",
      {session_, s.started_ms, s.last_ms, std::string_view(s.ended), N(s.samples), N(s.done), N(s.failed),
       N(s.tokens), N(s.drafted_tokens), N(s.discarded_tokens), N(s.recalled_tokens), N(s.spans)});
}

void Store::SetQuestion(const QuestionRecord& question) {
  Change(
      "INSERT INTO questions(name, hash) VALUES(?1, ?2) ON CONFLICT(name) DO UPDATE SET hash = excluded.hash",
      {std::string_view(question.id), N(question.hash)});
  const auto known = questions_.find(question.id);
  if (known == questions_.end()) {
    questions_.emplace(question.id, db_->last_row());
    return;
  }
  for (auto at = under_way_.lower_bound({known->second, 0});
       at != under_way_.end() && at->first.first == known->second;) {
    ForgetSpansOf(at->second);
    Change("DELETE FROM attempts WHERE sample = ?1", {at->second.id});
    Change("DELETE FROM samples WHERE id = ?1", {at->second.id});
    at = under_way_.erase(at);
  }
}

void Store::ForgetSpansOf(const UnderWay& sample) {
  for (const SpanPlace& span : sample.spans) Change("DELETE FROM spans WHERE id = ?1", {span.id});
}

// The columns of the counters follow from their table.
std::string FinishSampleSql() {
  constexpr std::string_view kOwn[] = {"question", "sample",    "state",      "line_end",
                                       "reason",   "closed_by", "line_bytes", "line_hash"};
  std::vector<std::string_view> columns(std::begin(kOwn), std::end(kOwn));
  for (const SampleStat& stat : kSampleStats) columns.push_back(stat.key);
  std::string places;
  std::string updates;
  for (size_t i = 0; i < columns.size(); ++i) {
    places += fmt::format("{}?{}", i == 0 ? "" : ", ", i + 1);
    if (i >= 2) updates += fmt::format("{0}{1} = excluded.{1}", i == 2 ? "" : ", ", columns[i]);
  }
  return fmt::format("INSERT INTO samples({}) VALUES({}) ON CONFLICT(question, sample) DO UPDATE SET {}",
                     fmt::join(columns, ", "), places, updates);
}

void Store::FinishSample(const SampleRecord& s) {
  const Place place = MakePlaceOf(s.key);
  std::vector<Value> values{place.first,
                            N(place.second),
                            int64_t{s.done ? kDone : kFailed},
                            N(s.line_end),
                            std::string_view(s.reason),
                            std::string_view(s.closed_by),
                            N(s.line_bytes),
                            N(s.line_hash)};
  for (const SampleStat& stat : kSampleStats) values.emplace_back(N(s.stats.*stat.value));
  static const std::string kSql = FinishSampleSql();
  Change(kSql.c_str(), values);
  const auto found = under_way_.find(place);
  if (found == under_way_.end()) return;
  ForgetSpansOf(found->second);
  under_way_.erase(found);
}

void Store::AddSpan(const WritingKey& key, const SpanRecord& span) {
  UnderWay& sample = Begin(key.sample);
  Change(
      "INSERT INTO spans(sample, candidate, writer, attempt, stage, role, ended, tokens, hash, events) "
      "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
      {sample.id, N(key.candidate), N(key.writer), N(span.attempt), N(span.stage), N(span.role), N(span.end),
       N(span.tokens), N(HashBytes(span.events)), Blob{span.events}});
  sample.spans.push_back({.id = db_->last_row(), .candidate = key.candidate, .writer = key.writer});
}

void Store::FailAttempt(const WritingKey& key, const AttemptRecord& attempt) {
  ForgetSpans(key);
  Change(
      "INSERT OR REPLACE INTO attempts(sample, candidate, writer, number, reason, tokens, retryable, text) "
      "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
      {Begin(key.sample).id, N(key.candidate), N(key.writer), N(attempt.number),
       std::string_view(attempt.reason), N(attempt.tokens), int64_t{attempt.retryable ? 1 : 0},
       Blob{attempt.text}});
}

void Store::ForgetSpans(const WritingKey& key) {
  const auto found = under_way_.find(PlaceOf(key.sample));
  if (found == under_way_.end()) return;
  auto& spans = found->second.spans;
  for (const SpanPlace& span : spans) {
    if (span.IsOf(key)) Change("DELETE FROM spans WHERE id = ?1", {span.id});
  }
  std::erase_if(spans, [&](const SpanPlace& span) { return span.IsOf(key); });
}

void Store::ForgetSample(const SampleKey& key) {
  const Place place = PlaceOf(key);
  if (const auto found = under_way_.find(place); found != under_way_.end()) {
    ForgetSpansOf(found->second);
    under_way_.erase(found);
  }
  Change("DELETE FROM attempts WHERE sample = (SELECT id FROM samples WHERE question = ?1 AND sample = ?2)",
         {place.first, N(place.second)});
  Change("DELETE FROM samples WHERE question = ?1 AND sample = ?2", {place.first, N(place.second)});
}

void Store::ForgetUnfinished() {
  Change("DELETE FROM spans", {});
  Change("DELETE FROM attempts WHERE sample IN (SELECT id FROM samples WHERE state = 0)", {});
  Change("DELETE FROM samples WHERE state = 0", {});
  under_way_.clear();
}

void Store::ForgetFinished() {
  Change("DELETE FROM attempts WHERE sample IN (SELECT id FROM samples WHERE state <> 0)", {});
  Change("DELETE FROM samples WHERE state <> 0", {});
}

// Also of a folder in which nothing may be written, where SQLite cannot keep its log's index.
Result<std::unique_ptr<Connection>> OpenConnectionToRead(const std::string& path) {
  auto connection = Connection::Open(path, SQLITE_OPEN_READONLY);
  if (connection && (*connection)->Integer("PRAGMA user_version")) return connection;
  auto fixed = Connection::Open("file:" + path + "?immutable=1", SQLITE_OPEN_READONLY | SQLITE_OPEN_URI);
  return fixed && (*fixed)->Integer("PRAGMA user_version") ? std::move(fixed) : std::move(connection);
}

}  // namespace

Result<std::unique_ptr<RunStore>> SqliteRunStore::Open(const std::string& path) {
  auto connection = Connection::Open(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
  if (!connection) return tl::unexpected(connection.error());
  Status status = sqlite::PrepareSchema(**connection);
  auto store = std::make_unique<Store>(std::move(*connection));
  if (status) status = store->Load();
  if (!status) return tl::unexpected(status.error());
  return store;
}

Result<std::unique_ptr<RunStore>> SqliteRunStore::OpenToRead(const std::string& path) {
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) return Fail(ErrorCode::kNotFound, path + ": is not there");
  auto connection = OpenConnectionToRead(path);
  if (!connection) return tl::unexpected(connection.error());
  if (auto status = sqlite::CheckSchema(**connection); !status) return tl::unexpected(status.error());
  return std::make_unique<Store>(std::move(*connection));
}

}  // namespace tessy
