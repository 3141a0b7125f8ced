#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"
#include "store/run_store.h"

namespace tessy {

// Opens the store of a run by its address, which says what kind of store it is:
//
//   sqlite:PATH   a file of SQLite
//   PATH          the same file
//
// The scheme is what stands before the first colon: a letter, then letters, digits, "+", "-" or ".". So a
// relative path whose first folder has a colon in its name is written with the scheme. The store is made if
// it is missing, and brought up to date if an older program made it.
// Errors: kInvalidArgument: no store has that scheme (the message lists those that there are, and does not
// repeat the address, which may hold a password). kInvalidData: what is there is damaged, is no store of a
// run, or was made by a newer program; it is left alone. kIo: it cannot be written.
Result<std::unique_ptr<RunStore>> OpenRunStore(const std::string& url);

// Opens a store to read it; the run may be under way in another process. Nothing is changed, and no method
// that changes the store may be called. Errors as above; kNotFound: there is no store.
Result<std::unique_ptr<RunStore>> OpenRunStoreToRead(const std::string& url);

// The file, in the folder of a run, that holds its store unless another address is given.
inline constexpr const char* kRunStoreFile = "run.sqlite";

// The address of that file.
std::string RunStoreIn(const std::string& run_folder);

}  // namespace tessy
