#pragma once

#include <vector>

#include "base/error.h"
#include "cooperation/sample_stats.h"
#include "store/sqlite/connection.h"

namespace tessy::sqlite {

// Sets up write-ahead logging, and makes the tables or brings older ones up to date in one transaction; the
// columns of the counters follow from kSampleStats. kInvalidData: the file holds other tables, or tables of a
// newer program; it is left alone.
Status PrepareSchema(Connection& connection);

// The counters that the table of samples has columns for. Every one of kSampleStats, but for the store of an
// older program that is open to be read.
Result<std::vector<SampleStat>> StatColumns(Connection& connection);

// Makes the same checks and changes nothing: for a connection that only reads.
Status CheckSchema(Connection& connection);

}  // namespace tessy::sqlite
