#include "model/llama/row_workers.h"

#include <gtest/gtest.h>

#include <numeric>
#include <set>
#include <thread>

namespace tessy {
namespace {

TEST(RowWorkers, EveryTaskRunsOnceAndIsDoneWhenRunReturns) {
  for (const int helpers : {0, 1, 3}) {
    RowWorkers workers(helpers);
    for (size_t count = 0; count < 200; ++count) {
      std::vector<size_t> runs(count);
      workers.Run(count, [&](size_t i) { ++runs[i]; });
      ASSERT_EQ(runs, std::vector<size_t>(count, 1)) << helpers << " " << count;
    }
  }
}

TEST(RowWorkers, HelpersTakePartOfTheWork) {
  RowWorkers workers(1);
  std::mutex mutex;
  std::condition_variable both;
  std::set<std::thread::id> threads;
  // Each of two tasks waits for the other, so that one thread alone would never end.
  workers.Run(2, [&](size_t) {
    std::unique_lock lock(mutex);
    threads.insert(std::this_thread::get_id());
    both.notify_all();
    both.wait(lock, [&] { return threads.size() == 2; });
  });
  EXPECT_EQ(threads.size(), 2U);
}

}  // namespace
}  // namespace tessy
