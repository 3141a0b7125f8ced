#include "base/machine.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <thread>

namespace tessy {
namespace {

class MachineTest : public testing::Test {
 protected:
  MachineTest() {
    root_ = testing::TempDir() + "machine_test_" + std::to_string(getpid());
    std::filesystem::remove_all(root_);
    Write("proc/meminfo", "MemTotal:       24000000 kB\nMemAvailable:   8000000 kB\n");
  }
  ~MachineTest() override { std::filesystem::remove_all(root_); }

  void Write(const std::string& name, const std::string& text) const {
    const std::filesystem::path path = root_ + "/" + name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
  }
  MachineFiles Files() const { return {.proc = root_ + "/proc", .cgroup = root_ + "/cgroup"}; }

  static constexpr uint64_t kAvailable = uint64_t{8000000} << 10;
  std::string root_;
};

TEST_F(MachineTest, WithoutGroupsItIsTheMachine) {
  EXPECT_EQ(MemoryAvailable(Files()), kAvailable);
  EXPECT_GE(ProcessorsAvailable(Files()), 1);
  EXPECT_LE(ProcessorsAvailable(Files()), static_cast<int>(std::thread::hardware_concurrency()));
}

TEST_F(MachineTest, GroupsOfTheSecondVersionLimitByTheTightestAboveThem) {
  Write("proc/self/cgroup", "0::/outer/inner\n");
  Write("cgroup/outer/inner/cpu.max", "max 100000\n");
  Write("cgroup/outer/cpu.max", "50000 100000\n");
  Write("cgroup/outer/inner/memory.max", "max\n");
  Write("cgroup/outer/inner/memory.current", "100\n");
  Write("cgroup/outer/memory.max", "1000000\n");
  Write("cgroup/outer/memory.current", "400000\n");
  Write("cgroup/outer/memory.stat", "anon 100000\ninactive_file 300000\n");
  EXPECT_EQ(ProcessorsAvailable(Files()), 1);
  EXPECT_EQ(MemoryAvailable(Files()), 900000U);
}

TEST_F(MachineTest, PartsOfAProcessorCountAsOne) {
  const int all = ProcessorsAvailable();
  Write("proc/self/cgroup", "0::/box\n");
  Write("cgroup/box/cpu.max", "150000 100000\n");
  EXPECT_EQ(ProcessorsAvailable(Files()), std::min(2, all));
  Write("cgroup/box/cpu.max", "100000000 100000\n");
  EXPECT_EQ(ProcessorsAvailable(Files()), all) << "a quota gives no processors";
}

TEST_F(MachineTest, GroupsOfTheFirstVersionLimitToo) {
  Write("proc/self/cgroup", "4:cpu,cpuacct:/box\n3:memory:/box\n");
  Write("cgroup/cpu/box/cpu.cfs_quota_us", "100000\n");
  Write("cgroup/cpu/box/cpu.cfs_period_us", "100000\n");
  Write("cgroup/cpu/cpu.cfs_quota_us", "-1\n");
  Write("cgroup/cpu/cpu.cfs_period_us", "100000\n");
  Write("cgroup/memory/box/memory.limit_in_bytes", "5000\n");
  Write("cgroup/memory/box/memory.usage_in_bytes", "6000\n");
  EXPECT_EQ(ProcessorsAvailable(Files()), 1);
  EXPECT_EQ(MemoryAvailable(Files()), 0U);
}

TEST_F(MachineTest, NoMoreThreadsThanThereAreProcessors) {
  std::string cut;
  const int processors = ProcessorsAvailable();
  EXPECT_EQ(ThreadsWithin(0, cut), 0);
  EXPECT_EQ(ThreadsWithin(processors, cut), processors);
  EXPECT_EQ(cut, "");
  EXPECT_EQ(ThreadsWithin(processors + 7, cut), processors);
  EXPECT_TRUE(cut.starts_with("--threads " + std::to_string(processors + 7) + ": there ")) << cut;
}

TEST_F(MachineTest, WhatTheKernelDoesNotTellIsNoLimit) {
  Write("proc/self/cgroup", "nonsense\n0::/gone\n");
  Write("proc/meminfo", "");
  EXPECT_EQ(MemoryAvailable(Files()), uint64_t{4} << 30);
  EXPECT_GE(ProcessorsAvailable(Files()), 1);
}

}  // namespace
}  // namespace tessy
