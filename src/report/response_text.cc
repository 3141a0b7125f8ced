#include "report/response_text.h"

#include <fmt/format.h>

#include <string_view>
#include <vector>

#include "base/numbers.h"
#include "base/visible.h"
#include "report/response_pieces.h"

namespace tessy {
namespace {

// Select Graphic Rendition of ECMA-48. Blue and orange are told apart by colour-blind people as well; both
// have a contrast of at least 3.8 : 1 against black and against white.
constexpr std::string_view kBold = "1";
constexpr std::string_view kDim = "2";
constexpr std::string_view kStudentColour = "38;5;32";
constexpr std::string_view kTeacherColour = "38;5;166";

std::string_view ColourOf(Role role) { return role == Role::kStudent ? kStudentColour : kTeacherColour; }

bool BeginsSpanOfOther(const ResponsePiece& before, const ResponsePiece& piece) {
  return IsThinking(before) && IsThinking(piece) && before.span->role != piece.span->role;
}

class TextPage {
 public:
  explicit TextPage(bool colour) : colour_(colour) {}

  void Header(const Response& response) {
    Paint(VisibleLine(response.id), kBold);
    Paint(fmt::format("  {}, question {}, sample {}\n\n", VisibleLine(response.method),
                      VisibleLine(response.question_id), response.sample),
          kDim);
  }

  void Question(const std::vector<Message>& messages) {
    for (size_t i = 0; i + 1 < messages.size(); ++i) {
      const bool only_question = messages.size() == 2;
      Paint(fmt::format("{}\n", only_question ? "question" : VisibleLine(messages[i].role)), kBold);
      Paint(WithoutNewlinesAtEnd(Visible(messages[i].content)) + "\n\n", kDim);
    }
  }

  void Legend(const Response& response) {
    for (const Role role : {Role::kStudent, Role::kTeacher}) {
      const RoleShare share = ShareOf(response, role);
      if (share.spans == 0) continue;
      const std::string text = fmt::format("{}: {}", Name(role), Name(share.kind));
      if (colour_) {
        Paint("■ " + text, ColourOf(role));
      } else {
        out_ += Bracketed(role, text);
      }
      out_ += "   ";
    }
    if (colour_) Paint("│ the other one goes on", kDim);
    EndLine("\n\n");
  }

  void Content(const Response& response) {
    const auto pieces = PiecesOf(response);
    for (size_t i = 0; i < pieces.size(); ++i) {
      if (IsAnswer(pieces[i]) && (i == 0 || !IsAnswer(pieces[i - 1]))) AnswerRule(pieces[i].span->role);
      if (colour_ && i > 0 && BeginsSpanOfOther(pieces[i - 1], pieces[i])) Paint("│", kDim);
      Piece(pieces[i]);
    }
    EndLine("\n\n");
  }

  void Figures(const Response& response) {
    const SampleStats& stats = response.stats;
    std::string line =
        fmt::format("thinking {}, teacher {}, {}; answer {}", Counted(stats.thinking_tokens(), "token"),
                    TeacherShare(stats), Counted(stats.switches, "switch", "switches"),
                    Counted(stats.answer_tokens, "token"));
    if (!response.closed_by.empty()) line += "; closed by " + VisibleLine(response.closed_by);
    Paint(fmt::format("{}; seed {}\n", line, response.seed), kDim);
  }

  std::string Take() { return std::move(out_); }

 private:
  static std::string WithoutNewlinesAtEnd(std::string text) {
    text.erase(text.find_last_not_of("\n ") + 1);
    return text;
  }
  static std::string Bracketed(Role role, std::string_view text) {
    return fmt::format("‹{} {}›", role == Role::kStudent ? 'S' : 'T', text);
  }

  // Line by line, so that pagers and scrolling keep the colour where it belongs.
  void Paint(std::string_view text, std::string_view sgr) {
    if (!colour_) {
      out_ += text;
      return;
    }
    while (!text.empty()) {
      const size_t newline = text.find('\n');
      const std::string_view line = text.substr(0, newline);
      if (!line.empty()) out_ += fmt::format("\x1b[{}m{}\x1b[0m", sgr, line);
      if (newline == std::string_view::npos) return;
      out_ += '\n';
      text.remove_prefix(newline + 1);
    }
  }

  void Piece(const ResponsePiece& piece) {
    const std::string text = Visible(piece.text);
    if (piece.span == nullptr) {
      Paint(text, kDim);
    } else if (IsAnswer(piece)) {
      out_ += text;
    } else if (colour_) {
      Paint(text, ColourOf(piece.span->role));
    } else {
      const size_t end = text.find_last_not_of('\n') + 1;  // line breaks stay outside the brackets
      out_ += Bracketed(piece.span->role, text.substr(0, end)) + text.substr(end);
    }
  }

  void AnswerRule(Role writer) {
    EndLine("\n\n");
    Paint("── answer by ", kDim);
    Paint(Name(writer), colour_ ? ColourOf(writer) : kDim);
    Paint(" ──────────\n", kDim);
  }

  // Lets the text so far end in exactly `end`.
  void EndLine(std::string_view end) {
    out_ = WithoutNewlinesAtEnd(std::move(out_));
    out_ += end;
  }

  bool colour_;
  std::string out_;
};

}  // namespace

std::string RenderText(const Response& response, bool colour) {
  TextPage page(colour);
  page.Header(response);
  page.Question(response.messages);
  page.Legend(response);
  page.Content(response);
  const bool is_counted = response.stats.tokens() > 0;
  if (is_counted) page.Figures(response);  // an annotated window is not
  return page.Take();
}

}  // namespace tessy
