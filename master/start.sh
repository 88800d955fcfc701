#!/bin/sh
# Starts the master as the owner of /results, so that the results of a run belong to the caller on the host.
# A container that does not start as root, for example in Kubernetes, keeps its user.
set -eu
[ "$(id -u)" -eq 0 ] || exec python -m stampede locust "$@"

owner=$(stat -c %u:%g /results)
# The container engine creates a missing results/ as root. Then the owner of the checkout becomes its owner.
if [ "$owner" = 0:0 ]; then
  owner=$(stat -c %u:%g /app/load_tests)
  chown "$owner" /results
fi
chown "$owner" "$STAMPEDE_CLUSTER_KEY"
# An owner of 0 is the caller too: root, or the user of a rootless engine. It also keeps no capability.
exec setpriv --reuid "${owner%:*}" --regid "${owner#*:}" --clear-groups --inh-caps=-all --bounding-set=-all \
  python -m stampede locust "$@"
