#include "synthesis/llama_cast.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <map>
#include <string>
#include <thread>

#include "base/numbers.h"
#include "boundary/classifier/classifier_reader.h"
#include "boundary/lexicon/lexicon_reader.h"
#include "cooperation/loop.h"
#include "model/llama/llama_session.h"

namespace tessy {
namespace {

constexpr int kConcurrencyDefault = 64;
constexpr size_t kContextDefault = 40960;      // the paper's (method, section 3)
constexpr size_t kPredictorContext = 256;      // the window of 200 tokens, rounded up as llama.cpp does
constexpr size_t kContextRounding = 256;       // of llama.cpp
constexpr uint64_t kSmallModel = 200'000'000;  // parameters; below it, threads cost more than they bring
constexpr const char* kLexicon = "lexicon";

int ThreadsFor(const LlamaModel& model, int asked) {
  if (asked > 0) return asked;
  if (model.parameters() < kSmallModel) return 1;
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()) / 2);
}

}  // namespace

uint64_t MemoryPlan::total() const {
  uint64_t bytes = 0;
  for (const Line& line : lines)
    bytes += line.weights + line.cache_per_sample * static_cast<uint64_t>(concurrency);
  return bytes;
}

std::string MemoryPlan::Describe() const {
  std::string out;
  for (const Line& line : lines) {
    out += fmt::format("{}{} {} + {} x {}", out.empty() ? "" : "; ", line.what, FormatBytes(line.weights),
                       concurrency, FormatBytes(line.cache_per_sample));
  }
  return fmt::format("{} samples at a time, context {}: {}; {} in all of {}", concurrency, context_tokens,
                     out, FormatBytes(total()), FormatBytes(budget));
}

Result<MemoryPlan> PlanMemory(std::vector<MemoryPlan::Line> lines, int concurrency, size_t context_tokens,
                              uint64_t budget) {
  MemoryPlan plan{
      .lines = std::move(lines), .concurrency = 0, .context_tokens = context_tokens, .budget = budget};
  const uint64_t weights = plan.total();
  plan.concurrency = 1;
  const uint64_t one = plan.total() - weights;
  plan.concurrency = concurrency > 0 ? concurrency : kConcurrencyDefault;
  if (plan.total() <= budget) return plan;
  const uint64_t fits = budget > weights && one > 0 ? (budget - weights) / one : 0;
  if (concurrency > 0 || fits == 0) {
    const std::string advice =
        fits == 0
            ? "not even one sample fits: raise --memory, lower --context, or take smaller models"
            : fmt::format("lower --concurrency (at most {} would fit) or --context, or raise --memory", fits);
    return Fail(ErrorCode::kResourceLimit,
                fmt::format("does not fit in memory: {}; {}", plan.Describe(), advice));
  }
  plan.concurrency = static_cast<int>(std::min<uint64_t>(fits, kConcurrencyDefault));
  return plan;
}

uint64_t AvailableMemory() {
  std::ifstream info("/proc/meminfo");
  std::string key;
  uint64_t kib = 0;
  std::string unit;
  while (info >> key >> kib >> unit) {
    if (key == "MemAvailable:") return kib << 10;
  }
  return uint64_t{4} << 30;
}

Result<std::unique_ptr<LlamaCast>> LlamaCast::Load(const LlamaCastOptions& options, Engine::Post post) {
  std::unique_ptr<LlamaCast> cast(new LlamaCast);
  cast->post_ = std::move(post);
  cast->sampling_ = options.sampling;
  if (auto status = cast->LoadModels(options); !status) return tl::unexpected(status.error());
  for (const Role role : kRoles) {
    if (auto status = cast->LoadFormat(role, options); !status) return tl::unexpected(status.error());
  }
  if (auto status = cast->Plan(options); !status) return tl::unexpected(status.error());
  if (auto status = cast->StartEngines(options); !status) return tl::unexpected(status.error());
  return cast;
}

Status LlamaCast::LoadModels(const LlamaCastOptions& options) {
  const LlamaModelOptions load{.gpu_layers = options.gpu_layers, .exact = options.exact};
  std::map<std::string, std::shared_ptr<const LlamaModel>> loaded;
  for (const Role role : kRoles) {
    const std::string& path = options.models[Index(role)];
    if (!options.method.Uses(role) || path.empty()) continue;
    auto& model = loaded[path];
    if (!model) {
      auto result = LlamaModel::Load(path, load);
      if (!result) return tl::unexpected(result.error());
      model = std::move(*result);
    }
    models_[Index(role)] = model;
  }
  for (const Role role : kRoles) {
    const auto& model = models_[Index(role)];
    const auto& served = options.served[Index(role)];
    vocabularies_[Index(role)] = model ? model->vocabulary().fingerprint() : served ? served->vocabulary : 0;
  }
  roles_share_vocabulary_ = vocabularies_[0] != 0 && vocabularies_[0] == vocabularies_[1];
  if (!options.method.cooperative()) return {};
  std::map<std::string, std::shared_ptr<const LlamaModel>> predictors;
  for (const Role role : kRoles) {
    const std::string& spec = options.boundaries[Index(role)];
    uses_lexicon_[Index(role)] = spec == kLexicon;
    if (spec == kLexicon || spec.empty()) continue;
    auto& predictor = predictors[spec];
    if (!predictor) {
      auto result = LlamaModel::LoadClassifier(spec, load);
      if (!result) return tl::unexpected(result.error());
      predictor = std::move(*result);
    }
    predictors_[Index(role)] = predictor;
  }
  return {};
}

Status LlamaCast::LoadFormat(Role role, const LlamaCastOptions& options) {
  if (const auto& served = options.served[Index(role)]) {
    families_[Index(role)] = served->family;
    return {};
  }
  const std::string& asked = options.families[Index(role)];
  if (const LlamaModel* model = models_[Index(role)].get()) {
    auto format =
        ChatFormat::Load(model->file(), model->vocabulary(), asked, options.template_options[Index(role)]);
    if (!format) return tl::unexpected(format.error());
    families_[Index(role)] = format->family();
    formats_[Index(role)] = std::move(*format);
    return {};
  }
  // A student that does not play still gives the response its form; that of a served teacher will do.
  if (const auto& other = options.served[Index(Other(role))]; other && options.models[Index(role)].empty()) {
    families_[Index(role)] = other->family;
    return {};
  }
  const std::string& path =
      options.models[Index(role)].empty() ? options.models[Index(Other(role))] : options.models[Index(role)];
  const auto file = GgufFile::Open(path);
  if (!file) return tl::unexpected(file.error());
  auto family =
      LoadFamily(asked.empty() ? DetectFamily(file->String("tokenizer.chat_template").value_or("")) : asked);
  if (!family) return tl::unexpected(family.error());
  families_[Index(role)] = std::move(*family);
  return {};
}

Status LlamaCast::Plan(const LlamaCastOptions& options) {
  size_t context = options.context_tokens > 0 ? options.context_tokens : kContextDefault;
  for (const auto& model : models_) {
    if (model && model->context_tokens() > 0)
      context = std::min(context, static_cast<size_t>(model->context_tokens()));
  }
  const size_t rounded = (context + kContextRounding - 1) / kContextRounding * kContextRounding;
  std::vector<MemoryPlan::Line> lines;
  for (const Role role : kRoles) {
    const auto& model = models_[Index(role)];
    if (!model) continue;
    const bool second = role == Role::kTeacher && model == models_[0];
    lines.push_back({.what = std::string(Name(role)),
                     .weights = second ? 0 : model->file().file_bytes(),
                     .cache_per_sample = model->kv_bytes_per_token() * rounded});
  }
  for (const Role role : kRoles) {
    const auto& predictor = predictors_[Index(role)];
    if (!predictor) continue;
    lines.push_back({.what = fmt::format("{} predictor", Name(role)),
                     .weights = predictor->file().file_bytes(),
                     .cache_per_sample = predictor->kv_bytes_per_token() * kPredictorContext});
  }
  const uint64_t budget = options.memory_bytes > 0 ? options.memory_bytes : AvailableMemory() / 4 * 3;
  auto plan = PlanMemory(std::move(lines), options.concurrency, context, budget);
  if (!plan) return tl::unexpected(plan.error());
  plan_ = std::move(*plan);
  return {};
}

Result<LlamaCast::Engines> LlamaCast::MakeEngines(const std::shared_ptr<const LlamaModel>& model,
                                                  size_t context_tokens, int threads) {
  Engines engines;
  const int count = (plan_.concurrency + Engine::kSequencesMax - 1) / Engine::kSequencesMax;
  for (int i = 0; i < count; ++i) {
    // As equal as can be: batches of two contexts take their time side by side.
    const int places = plan_.concurrency / count + (i < plan_.concurrency % count ? 1 : 0);
    auto engine = Engine::Create(
        model,
        {.sequences = places, .context_tokens = context_tokens, .threads = ThreadsFor(*model, threads)},
        post_);
    if (!engine) return tl::unexpected(engine.error());
    group_.Add(**engine);
    engines.push_back(std::move(*engine));
  }
  return engines;
}

Status LlamaCast::StartEngines(const LlamaCastOptions& options) {
  // Predictors first: when both could start, the models' batches wait for what the predictors have yet to
  // say, and samples that fell out of step come together again.
  for (const bool predictor : {true, false}) {
    for (const Role role : kRoles) {
      const auto& model = predictor ? predictors_[Index(role)] : models_[Index(role)];
      if (!model) continue;
      auto engines =
          MakeEngines(model, predictor ? kPredictorContext : plan_.context_tokens, options.threads);
      if (!engines) return tl::unexpected(engines.error());
      (predictor ? predictor_engines_ : engines_)[Index(role)] = std::move(*engines);
    }
  }
  return {};
}

const Family& LlamaCast::FamilyOf(Role role) const { return families_[Index(role)]; }

std::unique_ptr<Sequence> LlamaCast::OpenSequence(Role role) {
  const auto& engines = engines_[Index(role)];
  const auto engine = std::max_element(engines.begin(), engines.end(), [](const auto& a, const auto& b) {
    return a->free_places() < b->free_places();
  });
  return (*engine)->Open();
}

void LlamaCast::Score(Role role, std::span<const Message> messages, std::string_view thinking,
                      std::string_view answer, std::function<void(Result<double>)> done) {
  const auto fail = [&](Error error) {
    post_([done, error = std::move(error)] { done(tl::unexpected<Error>(error)); });
  };
  const ChatFormat& format = *formats_[Index(role)];
  const Vocabulary& vocabulary = models_[Index(role)]->vocabulary();
  auto prompt = format.Prompt(messages, vocabulary);
  if (!prompt) return fail(prompt.error());

  struct Scoring {
    std::vector<TokenId> tokens;
    std::unique_ptr<Sequence> sequence;
    double sum = 0.0;
    size_t count = 0;
  };
  auto scoring = std::make_shared<Scoring>();
  std::vector<TokenId>& tokens = scoring->tokens;
  tokens = std::move(*prompt);
  std::vector<size_t> places;  // whose results foretell a token of the response
  const auto append = [&](const std::vector<TokenId>& piece, bool counts) {
    for (const TokenId token : piece) {
      if (counts && !tokens.empty()) places.push_back(tokens.size() - 1);
      tokens.push_back(token);
    }
  };
  append(vocabulary.Tokenize(thinking), true);
  append(vocabulary.TokenizeMarkup(format.family().handover), false);
  append(vocabulary.Tokenize(answer), true);
  if (places.empty()) return fail({ErrorCode::kInvalidData, "there is nothing to score"});
  if (tokens.size() >= plan_.context_tokens) {
    return fail({ErrorCode::kResourceLimit, fmt::format("{} tokens to score, and the {}'s context holds {}",
                                                        tokens.size(), Name(role), plan_.context_tokens)});
  }
  scoring->sequence = OpenSequence(role);
  if (!scoring->sequence) return fail({ErrorCode::kResourceLimit, "no place is free to score in"});
  scoring->sequence->Append(tokens);
  scoring->sequence->Want(
      std::move(places),
      [raw = scoring.get()](std::span<const float> row, size_t index) {
        const auto target = static_cast<size_t>(raw->tokens[index + 1]);
        const float most = *std::max_element(row.begin(), row.end());
        double total = 0.0;
        for (const float logit : row) total += std::exp(double{logit} - double{most});
        raw->sum += double{row[target]} - double{most} - std::log(total);
        ++raw->count;
      },
      [this, scoring, done = std::move(done)](Status status) {
        // Not from within the sequence's own call.
        post_([scoring, done, status = std::move(status)] {
          scoring->sequence.reset();
          if (!status) return done(tl::unexpected(status.error()));
          done(scoring->sum / static_cast<double>(scoring->count));
        });
      });
}

Result<OpenedSession> LlamaCast::OpenSession(Role role, std::span<const Message> messages) {
  const ChatFormat& format = *formats_[Index(role)];
  const LlamaModel& model = *models_[Index(role)];
  auto prompt = format.Prompt(messages, model.vocabulary());
  if (!prompt) return tl::unexpected(prompt.error());
  if (prompt->empty())
    return Fail(ErrorCode::kInvalidData, fmt::format("the {}'s prompt is empty", Name(role)));
  const size_t prompt_tokens = prompt->size();
  if (prompt_tokens + 1 >= plan_.context_tokens) {
    return Fail(ErrorCode::kResourceLimit, fmt::format("{}: {} tokens for the {}, whose context holds {}",
                                                       Name(FailureReason::kPromptTooLong), prompt_tokens,
                                                       Name(role), plan_.context_tokens));
  }
  auto sequence = OpenSequence(role);
  if (!sequence) return Fail(ErrorCode::kResourceLimit, "no place is free for another sample");
  LlamaSessionOptions options{.prompt = std::move(*prompt),
                              .close_tokens = format.close_tokens(),
                              .end_tokens = format.end_tokens(),
                              .sampling = sampling_,
                              .shares_vocabulary = roles_share_vocabulary_};
  return OpenedSession{
      .session = std::make_unique<LlamaSession>(std::move(sequence), model.vocabulary(), std::move(options)),
      .prompt_tokens = prompt_tokens,
      .context_tokens = plan_.context_tokens};
}

Result<std::unique_ptr<BoundaryReader>> LlamaCast::OpenReader(Role role) {
  if (uses_lexicon_[Index(role)]) return std::make_unique<LexiconReader>(Lexicon::BuiltIn(), post_);
  const auto& predictor = predictors_[Index(role)];
  const auto& engines = predictor_engines_[Index(role)];
  const auto engine = std::max_element(engines.begin(), engines.end(), [](const auto& a, const auto& b) {
    return a->free_places() < b->free_places();
  });
  auto sequence = (*engine)->Open();
  if (!sequence) return Fail(ErrorCode::kResourceLimit, "no place is free for another reader");
  const uint64_t own = predictor->vocabulary().fingerprint();
  const std::array<bool, 2> reads{own == vocabularies_[0], own == vocabularies_[1]};
  return std::make_unique<ClassifierReader>(std::move(sequence), predictor, reads);
}

std::vector<std::pair<std::string, EngineStats>> LlamaCast::stats() const {
  std::vector<std::pair<std::string, EngineStats>> out;
  const auto add = [&out](std::string name, const Engines& engines) {
    EngineStats sum;
    for (const auto& engine : engines) {
      const EngineStats one = engine->stats();
      sum.batches += one.batches;
      sum.tokens += one.tokens;
      sum.refed_tokens += one.refed_tokens;
      sum.sequence_copies += one.sequence_copies;
      sum.cpu_seconds += one.cpu_seconds;
    }
    if (!engines.empty()) out.emplace_back(std::move(name), sum);
  };
  for (const Role role : kRoles) add(std::string(Name(role)), engines_[Index(role)]);
  for (const Role role : kRoles)
    add(fmt::format("{} predictor", Name(role)), predictor_engines_[Index(role)]);
  return out;
}

}  // namespace tessy
