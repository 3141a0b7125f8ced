#include "model/llama/testing/driver.h"

#include <cstdio>
#include <utility>

#include "base/check.h"

namespace tessy {

Engine::Post EngineDriver::post() {
  return [this](std::function<void()> call) {
    const std::lock_guard lock(mutex_);
    posted_.push_back(std::move(call));
    wake_.notify_one();
  };
}

bool EngineDriver::TakeOne(bool wait) {
  std::function<void()> call;
  {
    std::unique_lock lock(mutex_);
    if (wait) wake_.wait(lock, [this] { return !posted_.empty(); });
    if (posted_.empty()) return false;
    call = std::move(posted_.front());
    posted_.pop_front();
  }
  call();
  return true;
}

void EngineDriver::Poll() {
  while (TakeOne(false)) {
  }
}

void EngineDriver::Settle() {
  while (group_.busy()) TakeOne(true);
}

void EngineDriver::RunUntil(const std::function<bool()>& done) {
  while (true) {
    Poll();
    if (done()) return;
    group_.Pump();
    TESSY_CHECK(group_.busy());
    TakeOne(true);
  }
}

WantedRows::WantedRows(Sequence& sequence, std::vector<size_t> positions)
    : state_(std::make_shared<State>()) {
  state_->rows.resize(positions.size());
  sequence.Want(
      std::move(positions),
      [state = state_](std::span<const float> row, size_t index) {
        state->rows[index].assign(row.begin(), row.end());
      },
      [state = state_](Status status) {
        state->done = true;
        state->status = std::move(status);
      });
}

std::vector<std::vector<float>> RowsAt(EngineDriver& driver, Sequence& sequence,
                                       std::vector<size_t> positions) {
  const WantedRows wanted(sequence, std::move(positions));
  driver.RunUntil([&] { return wanted.done(); });
  if (!wanted.status()) std::fprintf(stderr, "%s\n", wanted.status().error().message.c_str());
  TESSY_CHECK(wanted.status().has_value());
  return wanted.rows();
}

std::vector<float> LastRow(EngineDriver& driver, Sequence& sequence) {
  return RowsAt(driver, sequence, {sequence.tokens().size() - 1}).front();
}

}  // namespace tessy
