#!/usr/bin/env bash
# Runs the attacks at every level of the sandbox: `scripts/attacks.sh PROGRAM`, the tests' program. As root it runs them again as a
# user without rights, in a folder of that user's.
set -euo pipefail
program=$(realpath "$1")
export TESSY_SOURCE_DIR
TESSY_SOURCE_DIR=$(realpath "$(dirname "$0")/..")
if ((EUID != 0)); then
  echo "attacks: as $(id -un), levels B and C; level A needs control groups, which root has"
  TESSY_ATTACK_LEVELS=B,C exec "$program"
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
chmod 755 "$folder"
(cd "$folder" && TESSY_ATTACK_LEVELS=A,B,C "$program")
echo "attacks: as a user without rights; levels B and C"
mkdir -p "$folder/user/src/judge"
cp "$program" "$folder/user/attacks_test"
cp "$TESSY_SOURCE_DIR/src/judge/attacks.jsonl" "$folder/user/src/judge/"
cp "$TESSY_SOURCE_DIR/ARCHITECTURE.md" "$folder/user/"
chown -R 65534:65534 "$folder/user"
cd "$folder/user"
TESSY_SOURCE_DIR="$folder/user" TESSY_ATTACK_LEVELS=B,C HOME="$folder/user" \
  setpriv --reuid=65534 --regid=65534 --clear-groups --no-new-privs ./attacks_test
