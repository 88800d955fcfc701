#!/bin/sh
# Starts the master as the owner of /results, so that the results of a run belong to the caller on the host.
# A container that is not started as root, such as Kubernetes demands, keeps its user.
set -eu
[ "$(id -u)" -eq 0 ] || exec python -m stampede locust "$@"

owner=$(stat -c %u:%g /results)
# The engine makes a missing results/ as root: then it becomes that of the checkout's owner.
if [ "$owner" = 0:0 ]; then
  owner=$(stat -c %u:%g /app/load_tests)
  chown "$owner" /results
fi
# An owner of 0 is the caller too: root, or the user of a rootless engine. It keeps no capability either.
exec setpriv --reuid "${owner%:*}" --regid "${owner#*:}" --clear-groups --inh-caps=-all --bounding-set=-all \
  python -m stampede locust "$@"
