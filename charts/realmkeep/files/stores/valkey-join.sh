#!/bin/sh
# Makes one cluster of the nodes: three masters, each with a replica. Nothing changes where they are one already; a node
# that lost its volume is taken in again as a replica.
set -eu

ask() {
  node=$1
  shift
  valkey-cli -h "$node" "$@"
}

info() { # NODE KEY
  ask "$1" cluster info | sed -n "s/^$2:\([a-z0-9]*\).*/\1/p"
}

addresses() {
  for each in $PEERS; do
    echo "$(getent ahostsv4 "$each" | head -n 1 | cut -d ' ' -f 1):6379"
  done
}

for each in $PEERS; do
  until [ "$(ask "$each" ping 2>/dev/null)" = PONG ]; do
    echo "waiting for $each"
    sleep 1
  done
done

member=
alone=
for each in $PEERS; do
  if [ "$(info "$each" cluster_slots_assigned)" = 16384 ]; then member=$each; else alone="$alone $each"; fi
done

if [ -z "$member" ]; then
  # An attempt that was cut off leaves nodes that know some others. They hold nothing yet: reset refuses where they do.
  for each in $PEERS; do ask "$each" cluster reset hard; done
  # shellcheck disable=SC2046
  valkey-cli --cluster create $(addresses) --cluster-replicas 1 --cluster-yes
else
  for each in $alone; do
    valkey-cli --cluster add-node "$each:6379" "$member:6379" --cluster-replica
  done
  # What failed and is none of the nodes that are there will not come back. A node that only restarts is one of them.
  there=
  for each in $PEERS; do there="$there $(ask "$each" cluster myid)"; done
  for each in $PEERS; do
    for lost in $(ask "$each" cluster nodes | awk '$3 ~ /fail$/ { print $1 }'); do
      case "$there" in
        *"$lost"*) ;;
        *) ask "$each" cluster forget "$lost" ;;
      esac
    done
  done
fi

for each in $PEERS; do
  until [ "$(info "$each" cluster_state)" = ok ] && [ "$(info "$each" cluster_slots_assigned)" = 16384 ]; do
    echo "waiting for $each to see the cluster whole"
    sleep 1
  done
done
echo 'the cluster serves'
