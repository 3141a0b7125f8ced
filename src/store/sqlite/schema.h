#pragma once

#include "base/error.h"
#include "store/sqlite/connection.h"

namespace tessy::sqlite {

// Sets up write-ahead logging and makes the tables, or brings older ones up to date, in one transaction.
// kInvalidData: other tables are in the file, or newer ones; it is left alone.
Status PrepareSchema(Connection& connection);

// The same checks, for one who only reads.
Status CheckSchema(Connection& connection);

}  // namespace tessy::sqlite
