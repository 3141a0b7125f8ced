#pragma once

#include <atomic>
#include <string>

#include "base/error.h"
#include "dataset/tables/column_types.h"

namespace tessy {

// Whether Parquet can be written here. kNotFound: there is no DuckDB; the message says where it is looked
// for.
Status CheckParquet();

// The columns of a plain file of JSON lines. kInvalidData: as ColumnTypes::Add, with the line's number.
Result<ColumnTypes> ColumnTypesOf(const std::string& lines);

// Writes the file `out`, which may be there already, of the rows of `lines`, the descriptor of a plain file
// of JSON lines whose columns are `types`: compressed with zstd, in the same order, in groups of rows that
// readers can take one by one. Memory grows with the longest group, not with the file. kCancelled: `stop`
// became true. kIo: the disk is full and the like, in DuckDB's words; kResourceLimit: its rows need too much
// memory. After an error `out` holds nothing that can be read.
Status WriteParquet(int lines, const ColumnTypes& types, const std::string& out,
                    const std::atomic<bool>* stop = nullptr);

}  // namespace tessy
