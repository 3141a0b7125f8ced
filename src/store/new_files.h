#pragma once

#include <string>
#include <vector>

namespace tessy {

// The files and folders that are made for work that has not begun. Whoever is refused before the work begins
// (a model that cannot be loaded, a server that is not there) finds nothing of it: what did not exist before
// is removed with this object, unless Keep was called. Not thread-safe. Movable.
class NewFiles {
 public:
  NewFiles() = default;
  NewFiles(NewFiles&& other) noexcept;
  NewFiles& operator=(NewFiles&& other) noexcept;
  NewFiles(const NewFiles&) = delete;
  NewFiles& operator=(const NewFiles&) = delete;
  // Removes the files, whatever is in them, and the folders that are empty then. What cannot be removed
  // stays.
  ~NewFiles();

  // To be called before the file is made: notes it and its folders, as far as they are not there yet. Behind
  // a link the file is meant, and the link stays.
  void Expect(const std::string& path);
  // The work begins: all stay.
  void Keep() { paths_.clear(); }

 private:
  std::vector<std::string> paths_;  // in the order in which they are made
};

}  // namespace tessy
