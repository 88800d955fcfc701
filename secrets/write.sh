#!/bin/sh
# Writes a random secret of 256 bits, as 64 hexadecimal digits, into each file of its arguments.
# A file that has one stays unchanged: containers that run have read it.
set -eu
umask 022 # all users of the containers that mount the volume may read it: the master runs as the owner of results/
for file; do
  [ ! -s "$file" ] || continue
  secret=$(od -An -N32 -tx1 /dev/urandom | tr -d ' \n')
  if [ "${#secret}" -ne 64 ]; then
    echo "stampede: /dev/urandom gives no random bytes for $file" >&2
    exit 1
  fi
  # Renamed when it is complete: an interrupted start leaves no half of a secret.
  printf %s "$secret" >"$file.new"
  mv "$file.new" "$file"
done
