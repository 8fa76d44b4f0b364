#!/bin/sh
# Starts a node, and tells its peers where it is now: a pod that comes back has a new address, and when all come back
# together none knows another's.
set -eu

member() {
  [ "$(valkey-cli cluster info | sed -n 's/^cluster_known_nodes:\([0-9]*\).*/\1/p')" -gt 1 ]
}

# Whether this node hears of every node, itself included.
whole() {
  [ "$(valkey-cli cluster nodes | grep -v fail | grep -c ' connected')" -ge "$(echo "$PEERS" | wc -w)" ]
}

meet_peers() {
  until [ "$(valkey-cli ping 2>/dev/null)" = PONG ]; do sleep 0.2; done
  # A new node waits for the join Job.
  member || return 0
  for round in $(seq 120); do
    # Until then a peer counts as heard of at the address it had, and its name may lead there too.
    if [ "$round" -gt 20 ] && whole; then return 0; fi
    for peer in $PEERS; do
      address=$(getent ahostsv4 "$peer" | head -n 1 | cut -d ' ' -f 1)
      [ -z "$address" ] || valkey-cli cluster meet "$address" 6379 >/dev/null || true
    done
    sleep 1
  done
}

umask 077
printf 'requirepass %s\nprimaryauth %s\n' "$VALKEY_PASSWORD" "$VALKEY_PASSWORD" >/run/valkey/password.conf
meet_peers &
exec valkey-server /etc/valkey/valkey.conf --include /run/valkey/password.conf --cluster-announce-ip "$POD_IP"
