#pragma once

#include "base/error.h"
#include "store/sqlite/connection.h"

namespace tessy::sqlite {

// Sets up write-ahead logging, and makes the tables or brings older ones up to date in one transaction.
// kInvalidData: the file holds other tables, or tables of a newer program; it is left alone.
Status PrepareSchema(Connection& connection);

// Makes the same checks and changes nothing: for a connection that only reads.
Status CheckSchema(Connection& connection);

}  // namespace tessy::sqlite
