#include "report/response_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <vector>

#include "base/html.h"
#include "base/numbers.h"
#include "base/utf8.h"
#include "base/visible.h"
#include "embedded/report.h"
#include "report/response_pieces.h"

namespace tessy {
namespace {

constexpr uint64_t kSpansOfRow = 80;  // more than that blur on a screen
constexpr uint64_t kRowsMax = 24;
constexpr uint64_t kTokensMax = uint64_t{1}
                                << 32;  // of a span in the bar: the sum of any row's spans is a number

std::string Escape(std::string_view text) { return EscapeHtml(Visible(text)); }

char ClassOf(Role role) { return role == Role::kStudent ? 's' : 't'; }

std::string_view TrimNewlines(std::string_view text) {
  const size_t begin = text.find_first_not_of('\n');
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of('\n') + 1 - begin);
}

// Figures of a page in which no backend told its tokens are in characters.
class Weights {
 public:
  explicit Weights(const Response& response) {
    for (const ResponseSpan& span : response.spans) by_tokens_ = by_tokens_ || span.tokens > 0;
    for (const ResponseSpan& span : response.spans) {
      (span.kind == SpanKind::kAnswer ? answer_ : thinking_) += Of(span);
    }
  }
  uint64_t Of(const ResponseSpan& span) const {
    return by_tokens_ ? std::min(span.tokens, kTokensMax) : span.end - span.start;
  }
  uint64_t thinking() const { return thinking_; }
  uint64_t answer() const { return answer_; }
  std::string_view unit() const { return by_tokens_ ? "token" : "character"; }

 private:
  bool by_tokens_ = false;
  uint64_t thinking_ = 0;
  uint64_t answer_ = 0;
};

std::string SpanTitle(const ResponseSpan& span) {
  return fmt::format("{} · {} · {}", Name(span.role), Name(span.kind), Counted(span.tokens, "token"));
}

class Page {
 public:
  explicit Page(const Response& response)
      : response_(response), weights_(response), pieces_(PiecesOf(response)) {
    answer_begin_ = static_cast<size_t>(std::ranges::find_if(pieces_, IsAnswer) - pieces_.begin());
  }

  std::string Render() {
    Head();
    Overview();
    Question();
    Thinking();
    Answer();
    Origin();
    out_ += "</main>\n</body>\n</html>\n";
    return std::move(out_);
  }

 private:
  template <class... Args>
  void Add(fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(out_), format, std::forward<Args>(args)...);
  }

  void Head() {
    Add(R"(<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{} · tessy</title>
<style>
{}</style>
</head>
<body>
<main>
<header>
<p class="brand"><svg class="bar" viewBox="0 0 7 7" aria-hidden="true">)"
        R"(<rect class="s" width="3" height="3"/><rect class="t" x="4" width="3" height="3"/>)"
        R"(<rect class="t" y="4" width="3" height="3"/><rect class="s" x="4" y="4" width="3" height="3"/></svg>tessy</p>
<h1>{}</h1>
<p class="sub">method {} · question {} · sample {}</p>
</header>
)",
        Escape(response_.id), embedded::report::kResponsePageCss, Escape(response_.id),
        Escape(response_.method), Escape(response_.question_id), response_.sample);
  }

  void Overview() {
    out_ += "<section class=\"overview\">\n<h2>Who wrote what</h2>\n";
    Bar();
    out_ += "<div class=\"roles\">\n";
    for (const Role role : {Role::kStudent, Role::kTeacher}) RoleFigures(role);
    out_ += "</div>\n<dl>\n";
    Figure("thinking tokens", WithThousands(response_.stats.thinking_tokens()));
    Figure("answer tokens", WithThousands(response_.stats.answer_tokens));
    Figure("role switches", WithThousands(response_.stats.switches));
    Figure("closed by", response_.closed_by.empty() ? "–" : response_.closed_by);
    Figure("seed", fmt::format("{}", response_.seed));
    out_ += "</dl>\n</section>\n";
  }

  // Every span is a part as wide as its tokens; a click leads to its text. A long trace is set in rows, like
  // text.
  void Bar() {
    const uint64_t total = std::max<uint64_t>(1, weights_.thinking() + weights_.answer());
    const uint64_t rows = std::clamp<uint64_t>(response_.spans.size() / kSpansOfRow, 1, kRowsMax);
    const uint64_t row_width = (total + rows - 1) / rows;
    Add("<svg class=\"bar\" style=\"height:{}rem\" viewBox=\"0 0 {} {}\" preserveAspectRatio=\"none\" "
        "role=\"img\" "
        "aria-label=\"the spans of student and teacher in order\">\n",
        rows == 1 ? 2.5 : 1.25 * static_cast<double>(rows), row_width, rows);
    uint64_t at = 0;
    for (size_t i = 0; i < response_.spans.size(); ++i) {
      const ResponseSpan& span = response_.spans[i];
      Add("<a href=\"#p{}\" tabindex=\"-1\"><title>{}</title>", i, SpanTitle(span));
      for (uint64_t left = weights_.Of(span); left > 0;) {
        const uint64_t width = std::min(left, row_width - at % row_width);
        Add("<rect class=\"{}{}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"/>", ClassOf(span.role),
            span.kind == SpanKind::kAnswer ? " a" : "", at % row_width, at / row_width, width,
            rows == 1 ? "1" : ".8");
        at += width;
        left -= width;
      }
      out_ += "</a>\n";
    }
    out_ += "</svg>\n";
    Add("<p class=\"axis\"><span>thinking, {}</span>", Counted(weights_.thinking(), weights_.unit()));
    if (weights_.answer() > 0) Add("<span>answer, {}</span>", Counted(weights_.answer(), weights_.unit()));
    out_ += "</p>\n";
  }

  void RoleFigures(Role role) {
    const RoleShare share = ShareOf(response_, role);
    if (share.spans == 0) return;
    const uint64_t thinking = share.tokens + ShareOf(response_, Other(role)).tokens;
    Add("<div class=\"role {}\"><b>{}</b> writes {}<span>{:.1f} % of the thinking: {} in {}</span></div>\n",
        ClassOf(role), Name(role), share.kind == SpanKind::kThinking ? "the thinking" : Name(share.kind),
        100.0 * static_cast<double>(share.tokens) / static_cast<double>(std::max<uint64_t>(1, thinking)),
        Counted(share.tokens, "token"), Counted(share.spans, "span"));
  }

  void Figure(std::string_view name, std::string_view value) {
    if (!value.empty()) Add("<div><dt>{}</dt><dd>{}</dd></div>\n", name, Escape(value));
  }

  void Question() {
    const bool only_question = response_.messages.size() == 2;
    out_ += "<section class=\"question\">\n";
    if (only_question) out_ += "<h2>Question</h2>\n";
    for (size_t i = 0; i + 1 < response_.messages.size(); ++i) {
      const Message& message = response_.messages[i];
      out_ += "<div class=\"turn\">";
      if (!only_question) Add("<h2>{}</h2>", Escape(message.role));
      Add("<div class=\"text\">{}</div></div>\n", Escape(TrimNewlines(message.content)));
    }
    out_ += "</section>\n";
  }

  // All up to the answer, markers included.
  void Thinking() {
    if (answer_begin_ == 0) return;
    out_ += "<section class=\"thinking\">\n<h2>Thinking</h2>\n<div class=\"text\">";
    for (size_t i = 0; i < answer_begin_; ++i) {
      if (pieces_[i].span == nullptr) {
        Marker(pieces_[i].text, i + 1 == answer_begin_);
      } else {
        Piece("span", ClassOf(pieces_[i].span->role), pieces_[i], Escape(pieces_[i].text));
      }
    }
    out_ += "</div>\n</section>\n";
  }

  // The newlines around a marker stay, those at the section's end do not.
  void Marker(std::string_view text, bool last) {
    const std::string_view name = TrimNewlines(text);
    const size_t before = name.empty() ? 0 : text.find(name);
    const size_t after = last ? 0 : text.size() - before - name.size();
    Add("{}<span class=\"marker\">{}</span>{}", text.substr(0, before), Escape(name),
        std::string(after, '\n'));
  }

  void Answer() {
    if (answer_begin_ == pieces_.size()) return;
    Add("<section class=\"answer\">\n<h2>Answer <small>by the {}</small></h2>\n", AnswerWriter(response_));
    for (size_t i = answer_begin_; i < pieces_.size(); ++i) {
      const std::string html = WithCodeBlocks(TrimNewlines(pieces_[i].text));
      if (pieces_[i].span == nullptr) {
        Add("<div class=\"text marker\">{}</div>", html);
      } else {
        Piece("div", ClassOf(pieces_[i].span->role), pieces_[i], html);
      }
      out_ += '\n';
    }
    out_ += "</section>\n";
  }

  void Piece(std::string_view element, char role_class, const ResponsePiece& piece, std::string_view html) {
    const auto index = piece.span - response_.spans.data();
    Add("<{0} class=\"{1}{2}\" id=\"p{3}\" title=\"{4}\">{5}</{0}>", element, element == "div" ? "text " : "",
        role_class, index, SpanTitle(*piece.span), html);
  }

  // Markdown's fenced blocks are set as code, all else as it is written.
  static std::string WithCodeBlocks(std::string_view text) {
    std::string html;
    bool in_code = false;
    bool after_block = true;  // a block brings its own line breaks
    while (!text.empty()) {
      const size_t newline = text.find('\n');
      const std::string_view line = text.substr(0, newline);
      text.remove_prefix(newline == std::string_view::npos ? text.size() : newline + 1);
      if (line.starts_with("```")) {
        in_code = !in_code;
        html += in_code ? fmt::format("<code class=\"code\"><i>{}</i>", Escape(line.substr(3))) : "</code>";
        after_block = true;
      } else {
        if (!after_block) html += '\n';
        html += Escape(line);
        after_block = false;
      }
    }
    return in_code ? html + "</code>" : html;
  }

  void Origin() {
    const SampleStats& stats = response_.stats;
    const SamplingRecord& sampling = response_.sampling;
    out_ += "<footer>\n<dl>\n";
    Figure("student", response_.models.student);
    Figure("teacher", response_.models.teacher);
    Figure("student's boundary", response_.models.student_boundary);
    Figure("teacher's boundary", response_.models.teacher_boundary);
    Figure("sampling", fmt::format("temperature\u00a0{} · top-p\u00a0{} · top-k\u00a0{} · min-p\u00a0{}",
                                   sampling.temperature, sampling.top_p, sampling.top_k, sampling.min_p));
    Figure("drafted", fmt::format("{}, {} discarded", Counted(stats.drafted_tokens, "token"),
                                  WithThousands(stats.discarded_tokens)));
    Figure("attempts", fmt::format("{}", stats.attempts));
    Figure("wall time", fmt::format("{:.1f} s", static_cast<double>(stats.wall_ms) / 1000));
    out_ += "</dl>\n</footer>\n";
  }

  const Response& response_;
  Weights weights_;
  std::vector<ResponsePiece> pieces_;
  size_t answer_begin_ = 0;  // index of the answer's first piece
  std::string out_;
};

}  // namespace

std::string RenderPage(const Response& response) { return Page(response).Render(); }

}  // namespace tessy
