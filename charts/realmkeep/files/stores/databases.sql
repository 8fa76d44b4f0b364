{{- /* Run once, as the superuser, when the primary's volume is new. */ -}}
-- The role that replicas stream as.
\getenv password REPLICATOR_PASSWORD
create role replicator replication login password :'password';
{{- range $service := list "player-state" "item-location" "area-stats" }}
{{- $database := replace "-" "_" $service }}

-- {{ $service }}: an owner that migrates, and a role that can do what the migrations let it, within time bounds:
-- followers of the outbox wait for the oldest transaction of the whole cluster.
\getenv password {{ upper $database }}_OWNER_PASSWORD
create role {{ $database }}_owner login password :'password';
alter role {{ $database }}_owner set transaction_timeout = '10min';
\getenv password {{ upper $database }}_PASSWORD
create role {{ $database }} login password :'password';
alter role {{ $database }} set transaction_timeout = '15s';
alter role {{ $database }} set idle_in_transaction_session_timeout = '5s';
create database {{ $database }} owner {{ $database }}_owner;
revoke all on database {{ $database }} from public;
grant connect on database {{ $database }} to {{ $database }};
{{- end }}
