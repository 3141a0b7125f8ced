// A real llama-server, built from the same source, plays a role of the shipped pair: `make interop`. Another
// pair does, too: TESSY_INTEROP_MODELS names a folder with student.gguf, teacher.gguf, their predictors and
// questions.jsonl.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <set>
#include <thread>

#include "base/testing/source_tree.h"
#include "cli_fixture.h"
#include "model/openai/testing/fault_proxy.h"

namespace tessy {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

// A port that was free a moment ago.
int FreePort() {
  const int socket_descriptor = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  bind(socket_descriptor, reinterpret_cast<sockaddr*>(&address), size);
  getsockname(socket_descriptor, reinterpret_cast<sockaddr*>(&address), &size);
  close(socket_descriptor);
  return ntohs(address.sin_port);
}

class InteropTest : public CliTest {
 protected:
  InteropTest() {
    if (Folder() == nullptr) {
      WriteQuestions("q.jsonl", 40);
    } else {
      std::filesystem::copy_file(std::string(Folder()) + "/questions.jsonl", Path("q.jsonl"));
    }
  }
  static const char* Folder() { return std::getenv("TESSY_INTEROP_MODELS"); }
  static std::string Model(const std::string& name) {
    return Folder() == nullptr ? CliTest::Model(name) : std::string(Folder()) + "/" + name + ".gguf";
  }

  // Waits until the server answers.
  std::string Serve(const std::string& model, const std::string& more = "") {
    const std::string address = "http://127.0.0.1:" + std::to_string(FreePort());
    Start(model, address, more);
    return address + "/v1#" + model;
  }
  void Start(const std::string& model, const std::string& address, const std::string& more = "") {
    servers_.push_back(std::make_unique<Program>(
        // Its log would fill the pipe, which nobody reads.
        Arguments{"bash", "-c",
                  "exec " + InSource("build/llama-server/bin/llama-server") + " -m " + Model(model) +
                      " --host 127.0.0.1 --port " + address.substr(address.rfind(':') + 1) +
                      " -c 4096 -np 16 -t 1 --no-webui " + more + " >/dev/null 2>&1"},
        ProgramOptions{.time_limit = std::chrono::minutes(10)}));
    for (int i = 0; i < 300; ++i) {
      if (RunProgram({"bash", "-c",
                      "exec 3<>/dev/tcp/127.0.0.1/" + address.substr(address.rfind(':') + 1) +
                          "; printf 'GET /health HTTP/1.0\\r\\n\\r\\n' >&3; grep -q '\"ok\"' <&3"})
              .exit_status == 0) {
        return;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
    FAIL() << "llama-server did not come up";
  }
  ProgramResult Synthesise(const std::string& student, const std::string& teacher,
                           const Arguments& more) const {
    Arguments all{"synth",
                  "--questions",
                  "q.jsonl",
                  "--student",
                  student,
                  "--teacher",
                  teacher,
                  "--student-boundary",
                  Model("boundary-student"),
                  "--teacher-boundary",
                  Model("boundary-teacher"),
                  "--max-thinking-tokens",
                  "200"};
    for (const auto& [flag, value] : {std::pair("--out", "r.jsonl"), std::pair("--concurrency", "8")}) {
      if (std::find(more.begin(), more.end(), flag) == more.end()) all.insert(all.end(), {flag, value});
    }
    all.insert(all.end(), more.begin(), more.end());
    return Tessy(all, {.time_limit = std::chrono::minutes(5)});
  }
  double ShareRight() const {
    const auto graded = Tessy({"eval", "--responses", "r.jsonl", "--questions", "q.jsonl", "--json"});
    return Json::parse(graded.out)["all"]["pass_at_1"].get<double>();
  }
  double TeachersShare() const {
    double teacher = 0.0;
    double all = 0.0;
    for (const auto& [id, response] : Responses("r.jsonl")) {
      teacher += response["stats"]["teacher_tokens"].get<double>();
      all += response["stats"]["thinking_tokens"].get<double>();
    }
    return teacher / all;
  }

  std::vector<std::unique_ptr<Program>> servers_;
};

TEST_F(InteropTest, AServedTeacherAndAStudentInProcess) {
  const auto result = Synthesise(Model("student"), Serve("teacher"), {});
  EXPECT_EQ(result.exit_status, 0) << result.err;
  EXPECT_THAT(Responses("r.jsonl"), SizeIs(40));
  EXPECT_GE(ShareRight(), 0.93);
  EXPECT_NEAR(TeachersShare(), 0.48, 0.06);
  EXPECT_THAT(result.err, HasSubstr("teacher server (llama-server): "));
}

TEST_F(InteropTest, BothServed) {
  const std::string student = Serve("student");
  const auto result = Synthesise(student, Serve("teacher"), {});
  EXPECT_EQ(result.exit_status, 0) << result.err;
  EXPECT_GE(ShareRight(), 0.93);
  EXPECT_NEAR(TeachersShare(), 0.48, 0.06);
}

TEST_F(InteropTest, DraftsOfKTokensNeedNoStreamThatIsClosed) {
  const auto result = Synthesise(Model("student"), Serve("teacher"), {"--draft", "rollback", "--k", "5"});
  EXPECT_EQ(result.exit_status, 0) << result.err;
  EXPECT_GE(ShareRight(), 0.93);
}

TEST_F(InteropTest, AServerThatStallsDoesNotHoldBackWhoeverInterrupts) {
  const auto program =
      StartTessy({"synth", "--questions", "q.jsonl", "--student", Model("student"), "--teacher",
                  Serve("teacher"), "--student-boundary", Model("boundary-student"), "--teacher-boundary",
                  Model("boundary-teacher"), "--concurrency", "8", "--max-thinking-tokens", "200",
                  "--samples-per-question", "50", "--out", "r.jsonl"},
                 {.time_limit = std::chrono::seconds(30)});
  ASSERT_TRUE(AwaitLines("r.jsonl", 5));
  servers_.back()->Signal(SIGSTOP);
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  program->Signal(SIGINT);
  const auto result = program->Wait();
  EXPECT_FALSE(result.timed_out);
  EXPECT_EQ(result.exit_status, 3) << result.err;
  EXPECT_THAT(result.err, HasSubstr("the same command goes on"));
}

TEST_F(InteropTest, AServerThatDiesAndComesBackCostsNoSample) {
  const std::string teacher = Serve("teacher");
  const std::string address = teacher.substr(0, teacher.find("/v1"));
  const auto program =
      StartTessy({"synth", "--questions", "q.jsonl", "--student", Model("student"), "--teacher", teacher,
                  "--student-boundary", Model("boundary-student"), "--teacher-boundary",
                  Model("boundary-teacher"), "--concurrency", "8", "--max-thinking-tokens", "200",
                  "--samples-per-question", "4", "--out", "r.jsonl"},
                 {.time_limit = std::chrono::minutes(5)});
  ASSERT_TRUE(AwaitLines("r.jsonl", 5));
  servers_.back()->Signal(SIGKILL);
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  Start("teacher", address);
  const auto result = program->Wait();
  EXPECT_EQ(result.exit_status, 0) << result.err;
  EXPECT_THAT(Responses("r.jsonl"), SizeIs(160));
}

// The server is behind a proxy that lets one token through every 20 ms, as a large model would write them.
TEST_F(InteropTest, WhatComesAfterABoundaryIsHardlyEverGenerated) {
  const auto waste = [&](const std::string& student, const std::string& teacher, const char* out) {
    const auto result = Synthesise(student, teacher, {"--concurrency", "16", "--limit", "40", "--out", out});
    EXPECT_EQ(result.exit_status, 0) << result.err;
    return Json::parse(Tessy({"runs", "show", out, "--json"}).out);
  };
  const auto discarded = [](const Json& run) {
    return run["generated"]["discarded_tokens"].get<double>() /
           run["generated"]["drafted_tokens"].get<double>();
  };
  const std::string student = Serve("student");
  const std::string teacher = Serve("teacher");
  std::vector<std::unique_ptr<FaultProxy>> proxies;
  const auto paced = [&proxies](const std::string& spec) {
    const size_t port = spec.rfind(':') + 1;
    const size_t path = spec.find("/v1");
    auto proxy = FaultProxy::Start(
        {.target_port = static_cast<uint16_t>(std::stoi(spec.substr(port, path - port))), .event_ms = 20.0});
    EXPECT_TRUE(proxy.has_value()) << proxy.error().message;
    proxies.push_back(std::move(*proxy));
    return proxies.back()->url() + spec.substr(path);
  };
  const Json slow = waste(paced(student), paced(teacher), "paced.jsonl");
  const Json fast = waste(student, teacher, "r.jsonl");
  std::printf(
      "discarded of drafted: %.3f at 20 ms a token, %.3f as fast as it goes; %.1f switches a sample\n",
      discarded(slow), discarded(fast), slow["switches"].get<double>() / 40.0);
  // If the vocabularies differ, only the token after a place tells that it is one.
  const double looked_ahead =
      slow["switches"].get<double>() / slow["generated"]["drafted_tokens"].get<double>();
  EXPECT_LE(discarded(slow), Folder() == nullptr ? looked_ahead + 0.04 : 0.10);
}

// The shipped teacher cannot annotate, and the server requires a key: no window is lost, none is asked about
// again, and the key is in no file.
TEST_F(InteropTest, AServedAnnotatorIsAskedAboutEveryWindow) {
  const std::string annotator = Serve("teacher", "--api-key hush");
  ASSERT_EQ(Tessy({"synth", "--questions", "q.jsonl", "--limit", "6", "--method", "student-only", "--student",
                   Model("student"), "--out", "r.jsonl"})
                .exit_status,
            0);
  Write("prompt.txt", "{window}");
  const Arguments annotate{"annotate",   "--responses",
                           "r.jsonl",    "--window-words",
                           "20",         "--windows-per-response",
                           "4",          "--windows",
                           "16",         "--annotator",
                           annotator,    "--prompt",
                           "prompt.txt", "--max-thinking-tokens",
                           "64",         "--max-answer-tokens",
                           "24",         "--retries",
                           "0",          "--out",
                           "a.jsonl"};
  const auto refused = Tessy(annotate);
  EXPECT_NE(refused.exit_status, 0);
  EXPECT_THAT(refused.err, HasSubstr("set the key in TESSY_API_KEY"));

  const ProgramOptions with_key{.environment = {"TESSY_ANNOTATOR_API_KEY=hush", "TESSY_API_KEY=wrong"},
                                .time_limit = std::chrono::minutes(5)};
  const auto result = Tessy(annotate, with_key);
  EXPECT_THAT(result.exit_status, testing::AnyOf(0, 2)) << result.err;
  EXPECT_THAT(result.err, HasSubstr(" of 16 windows annotated"));
  std::set<std::string> ids;
  for (const char* file : {"a.jsonl", "a.jsonl.run/rejected.jsonl"}) {
    for (const std::string& line : ReadLines(file)) {
      const Json record = Json::parse(line);
      EXPECT_TRUE(ids.insert(record["id"].get<std::string>()).second) << line;
      EXPECT_EQ(record["annotator"], annotator);
    }
  }
  EXPECT_THAT(ids, SizeIs(16));

  const std::string rejected = Read("a.jsonl.run/rejected.jsonl");
  EXPECT_THAT(rejected, testing::Not(HasSubstr("no_answer: http")));
  EXPECT_EQ(Tessy(annotate).exit_status, result.exit_status);  // nothing to do, and nobody is asked
  EXPECT_EQ(Read("a.jsonl.run/rejected.jsonl"), rejected);

  // By the model's name: its server may move.
  EXPECT_THAT(Read("a.jsonl.run/config.json"), HasSubstr(R"("annotator":{"server":"teacher"})"));
  for (const auto& entry : std::filesystem::recursive_directory_iterator(Path(""))) {
    if (!entry.is_regular_file() || entry.path().extension() == ".gguf") continue;
    EXPECT_THAT(Read(std::filesystem::relative(entry.path(), Path("")).string()),
                testing::Not(HasSubstr("hush")))
        << entry.path();
  }
}

}  // namespace
}  // namespace tessy
