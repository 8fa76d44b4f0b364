#!/bin/sh
# Gives a replica its data: a copy of the primary, made once. The primary, pod 0, makes its own.
set -eu

[ "${HOSTNAME##*-}" != 0 ] || exit 0
[ ! -s "$PGDATA/PG_VERSION" ] || exit 0

# What a copy that was cut off left behind.
rm -rf "$PGDATA" "$PGDATA.seed"
until pg_isready -q -h "$PRIMARY"; do
  echo "waiting for $PRIMARY"
  sleep 1
done
pg_basebackup --host "$PRIMARY" --username replicator --pgdata "$PGDATA.seed" --wal-method stream --checkpoint fast
touch "$PGDATA.seed/standby.signal"
mv "$PGDATA.seed" "$PGDATA"
