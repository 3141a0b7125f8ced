#pragma once

#include <set>
#include <string>

#include "base/error.h"
#include "store/sqlite/connection.h"

namespace tessy::sqlite {

// Sets up write-ahead logging, and makes the tables or brings older ones up to date in one transaction; the
// columns of the counters follow from kSampleStats. kInvalidData: the file holds other tables, or tables of a
// newer program; it is left alone.
Status PrepareSchema(Connection& connection);

// The columns of a table. The store of an older program that is open to be read may lack some.
Result<std::set<std::string>> ColumnsOf(Connection& connection, const char* table);

// Makes the same checks and changes nothing: for a connection that only reads.
Status CheckSchema(Connection& connection);

}  // namespace tessy::sqlite
