#include "cli/commands.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/near_names.h"
#include "base/numbers.h"
#include "base/utf8.h"
#include "base/visible.h"
#include "dataset/annotation.h"
#include "dataset/failure.h"
#include "dataset/formats/format.h"
#include "dataset/response.h"
#include "report/failure_text.h"
#include "report/response_page.h"
#include "report/response_pieces.h"
#include "report/response_text.h"
#include "store/output_guard.h"
#include "store/run_folder.h"

namespace tessy {
namespace {

struct ShowOptions {
  std::string file;
  std::string id;
  size_t index = 0;
  std::string html;
  bool json = false;
  bool list = false;
  bool force = false;
  bool failures = false;
};

struct Found {
  std::string line;
  Response response;
};

// A window with its style marked, as a response whose thinking is that window.
Response AsResponse(const Annotation& window) {
  Response response;
  response.id = window.id;
  response.question_id = window.trace_id;
  response.method = "annotated by " + window.annotator;
  response.messages = {{.role = "assistant", .content = window.text}};
  const auto add = [&](Role role, SpanKind kind, size_t start, size_t end) {
    const std::string_view text = window.text;
    if (start == end) return;
    response.spans.push_back({.role = role,
                              .kind = kind,
                              .start = CountCodePoints(text.substr(0, start)),
                              .end = CountCodePoints(text.substr(0, end))});
  };
  size_t at = 0;
  for (const ByteRange& span : window.spans) {
    add(Role::kTeacher, SpanKind::kCapability, at, span.start);
    add(Role::kStudent, SpanKind::kStyle, span.start, span.end);
    at = span.end;
  }
  add(Role::kTeacher, SpanKind::kCapability, at, window.text.size());
  response.stats.attempts = 1;
  response.stats.switches = response.spans.empty() ? 0 : response.spans.size() - 1;
  return response;
}

Result<Found> Parse(const LineReader& reader, std::string_view line) {
  auto response = ParseAnyResponse(line);
  if (response) return Found{std::string(line), std::move(*response)};
  if (const auto window = ParseAnnotation(line)) return Found{std::string(line), AsResponse(*window)};
  return Fail(response.error().code, fmt::format("{}: {}", reader.Where(), response.error().message));
}

Result<Found> FindByIndex(LineReader& reader, size_t index) {
  for (size_t at = 0;; ++at) {
    const auto line = reader.Next();
    if (!line) return tl::unexpected(line.error());
    if (*line && at == index) return Parse(reader, **line);
    if (*line) continue;
    if (at == 0)
      return Fail(ErrorCode::kInvalidData, fmt::format("{}: is empty: no responses in it", reader.name()));
    return Fail(ErrorCode::kNotFound, fmt::format("{}: has {}: --index goes from 0 to {}, not to {}",
                                                  reader.name(), Counted(at, "response"), at - 1, index));
  }
}

// A question's id will do as well: its first response is meant. Lines that are no responses (the torn last
// line of a run that was killed) do not hide the others.
Result<Found> FindById(LineReader& reader, const std::string& id) {
  std::optional<Found> of_question;
  std::vector<std::string> ids;
  while (true) {
    const auto line = reader.Next();
    if (!line) return tl::unexpected(line.error());
    if (!*line) break;
    auto found = Parse(reader, **line);
    if (!found) continue;
    if (found->response.id == id) return found;
    ids.push_back(found->response.id);
    if (found->response.question_id == id && !of_question) of_question = std::move(*found);
  }
  if (of_question) return std::move(*of_question);
  return Fail(ErrorCode::kNotFound,
              fmt::format("{}: no response with the id \"{}\" among its {}{} (--list shows all)",
                          reader.name(), id, ids.size(), DidYouMean(id, ids)));
}

// Cut to `width` characters.
std::string Shortened(std::string_view text, size_t width) {
  std::string shown = VisibleLine(text);
  if (CountCodePoints(shown) <= width) return shown;
  return shown.substr(0, ByteOffset(shown, width - 1)) + "…";
}

std::string ListRow(size_t index, const Response& response) {
  const SampleStats& stats = response.stats;
  return fmt::format("{:>6}  {:<40}  {:>8}  {:>7}  {:>8}  {}\n", index, Shortened(response.id, 40),
                     WithThousands(stats.thinking_tokens()), TeacherShare(stats),
                     WithThousands(stats.switches),
                     response.closed_by.empty() ? "–" : Shortened(response.closed_by, 20));
}

Status ShowList(LineReader& reader) {
  auto status = WriteOutput(fmt::format("{:>6}  {:<40}  {:>8}  {:>7}  {:>8}  {}\n", "index", "id", "thinking",
                                        "teacher", "switches", "closed by"));
  size_t unreadable = 0;
  for (size_t index = 0; status; ++index) {
    const auto line = reader.Next();
    if (!line) return tl::unexpected(line.error());
    if (!*line) break;
    const auto found = Parse(reader, **line);
    if (!found) ReportError(found.error());
    unreadable += found ? 0 : 1;
    if (found) status = WriteOutput(ListRow(index, found->response));
  }
  if (status && unreadable > 0) {
    return Fail(ErrorCode::kInvalidData,
                fmt::format("{}: {} cannot be read", reader.name(), Counted(unreadable, "line")));
  }
  return status;
}

// For a terminal: what could drive it is written as JSON escapes, which leaves the value the same. (Valid
// JSON holds control characters below U+0020 between its parts only.)
std::string SafeJson(std::string_view line) {
  std::string out;
  while (!line.empty()) {
    const CodePoint c = FirstCodePoint(line);
    const std::string_view bytes = line.substr(0, c.bytes);
    line.remove_prefix(c.bytes);
    if (c.value < 0x20) {
      out += ' ';
    } else if (Visible(bytes) == bytes) {
      out += bytes;
    } else if (c.value < 0x10000) {
      out += fmt::format("\\u{:04x}", static_cast<uint32_t>(c.value));
    } else {
      const auto pair = static_cast<uint32_t>(c.value) - 0x10000;
      out += fmt::format("\\u{:04x}\\u{:04x}", 0xD800 + (pair >> 10), 0xDC00 + (pair & 0x3FF));
    }
  }
  return out;
}

// The file of what failed, of the run that wrote `file`; `file` itself where it is one.
Result<std::string> FailuresOf(const std::string& file) {
  std::error_code ignored;
  const bool is_folder = std::filesystem::is_directory(file, ignored);
  const std::string folder = is_folder ? file : RunFolder::FolderOf(file, "");
  for (const char* name : {"failures.jsonl", "rejected.jsonl"}) {
    // A copy that was kept beside it ("failures.jsonl.old-1") is one, too.
    if (!is_folder && std::filesystem::path(file).filename().string().starts_with(name)) return file;
    const std::string path = (std::filesystem::path(folder) / name).string();
    if (std::filesystem::exists(path, ignored)) return path;
  }
  return Fail(ErrorCode::kNotFound,
              fmt::format("{}: there is no failures.jsonl or rejected.jsonl in {}; give the responses, the "
                          "annotations or the folder of a run",
                          file, folder));
}

Status ShowFailures(const ShowOptions& options) {
  const auto path = FailuresOf(options.file);
  if (!path) return tl::unexpected(path.error());
  auto reader = LineReader::Open(*path);
  if (!reader) return tl::unexpected(reader.error());
  size_t shown = 0;
  size_t unreadable = 0;
  Status status;
  while (status) {
    const auto line = reader->Next();
    if (!line) return tl::unexpected(line.error());
    if (!*line) break;
    const auto failure = ParseFailure(**line);
    if (!failure) {
      ReportError({failure.error().code, fmt::format("{}: {}", reader->Where(), failure.error().message)});
      ++unreadable;
      continue;
    }
    if (!options.id.empty() && failure->id != options.id && NameOf(*failure) != options.id) continue;
    ++shown;
    status = WriteOutput(options.json ? (OutputIsTerminal() ? SafeJson(**line) : std::string(**line)) + "\n"
                                      : RenderFailure(*failure, OutputHasColour()));
  }
  if (status && unreadable > 0) {
    return Fail(ErrorCode::kInvalidData,
                fmt::format("{}: {} cannot be read", reader->name(), Counted(unreadable, "line")));
  }
  if (!status || shown > 0 || options.json) return status;
  return WriteOutput(options.id.empty() ? fmt::format("{}: nothing failed\n", *path)
                                        : fmt::format("{}: no failure of \"{}\"\n", *path, options.id));
}

Status WritePage(const ShowOptions& options, std::string_view page) {
  if (options.html == "-") return WriteOutput(page);
  std::FILE* file = std::fopen(options.html.c_str(), options.force ? "we" : "wxe");
  if (file == nullptr && errno == EEXIST) {
    return Fail(
        ErrorCode::kConflict,
        fmt::format("{}: is there already; --force writes over it, or give another name", options.html));
  }
  if (file == nullptr) {
    return Fail(ErrorCode::kIo, fmt::format("{}: cannot be written: {}", options.html, std::strerror(errno)));
  }
  const bool written = std::fwrite(page.data(), 1, page.size(), file) == page.size();
  if (std::fclose(file) == 0 && written) return {};
  const int reason = errno;
  std::error_code ignored;
  if (std::filesystem::is_regular_file(options.html, ignored)) {
    std::filesystem::remove(options.html, ignored);  // half a page is none
  }
  return Fail(ErrorCode::kIo, fmt::format("{}: cannot be written: {}", options.html, std::strerror(reason)));
}

Status Show(const ShowOptions& options) {
  if (options.failures) return ShowFailures(options);
  auto reader = LineReader::Open(options.file);
  if (!reader) return tl::unexpected(reader.error());
  if (options.list) return ShowList(*reader);
  if (!options.html.empty() && options.html != "-") {
    const NamedPath page{"--html", options.html};
    const NamedPath file{"the responses", options.file};
    if (auto status = CheckOutputs({&page, 1}, {&file, 1}); !status) return status;
  }
  const auto found = options.id.empty() ? FindByIndex(*reader, options.index) : FindById(*reader, options.id);
  if (!found) return tl::unexpected(found.error());
  if (options.json) return WriteOutput((OutputIsTerminal() ? SafeJson(found->line) : found->line) + "\n");
  if (!options.html.empty()) return WritePage(options, RenderPage(found->response));
  return WriteOutput(RenderText(found->response, OutputHasColour()));
}

}  // namespace

void AddShowCommand(CLI::App& app, CommandContext& context) {
  auto options = std::make_shared<ShowOptions>();
  CLI::App* command = app.add_subcommand("show", "one response, spans coloured");
  command->footer("Example:\n  tessy show responses.jsonl --index 3 --html response.html");
  // option_text: how the help shows it, instead of types, defaults and exclusions.
  command->add_option("FILE", options->file, "of tessy synth or tessy annotate; - for standard input")
      ->option_text(" ")
      ->required();
  auto* id =
      command->add_option("--id", options->id, "show the response of this id, or the first of this question");
  id->type_name("ID")->option_text("ID");
  auto* index =
      command->add_option("--index", options->index, "show the response of this number, counted from 0");
  index->option_text("N (default 0)")->excludes(id);
  auto* html = command->add_option("--html", options->html,
                                   "write it as one self-contained page; - for standard output");
  html->option_text("FILE");
  command->add_flag("--force", options->force, "write over a page that is there already")
      ->option_text(" ")
      ->needs(html);
  auto* json = command->add_flag("--json", options->json, "print it as it stands in the file");
  json->option_text(" ")->excludes(html);
  auto* list = command->add_flag("--list", options->list, "list all responses instead");
  list->option_text(" ")->excludes(html)->excludes(json)->excludes(id)->excludes(index);
  command
      ->add_flag("--failures", options->failures,
                 "show what failed in the run that writes FILE: the reasons, and the end of what was written")
      ->option_text(" ")
      ->excludes(html)
      ->excludes(list)
      ->excludes(index);
  command->callback([options, &context] { Finish(context, Show(*options)); });
}

}  // namespace tessy
