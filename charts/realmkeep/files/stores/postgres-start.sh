#!/bin/sh
# Starts a node. A replica does not start with fewer max_connections than its primary had when it wrote the WAL, and replicas
# are restarted before the primary: one takes the larger of that and its setting. pg_controldata tells what the primary had.
set -eu

conf=${0%/*}
# cluster_name: under which a replica is listed in pg_stat_replication.
set -- postgres -c "config_file=$conf/postgresql.conf" -c "hba_file=$conf/pg_hba.conf" -c "cluster_name=$POD_NAME"
if [ "${POD_NAME##*-}" != 0 ]; then
  set_here=$(sed -n 's/^max_connections = \([0-9]*\)$/\1/p' "$conf/postgresql.conf")
  of_primary=$(LC_ALL=C pg_controldata | sed -n 's/^max_connections setting: *\([0-9]*\)$/\1/p')
  if [ "$of_primary" -gt "$set_here" ]; then set -- "$@" -c "max_connections=$of_primary"; fi
fi
exec docker-entrypoint.sh "$@"
