{{/* What NOTES say of the stores: what they promise, and what not. */}}
{{- define "realmkeep.stores.notes" -}}
{{- if eq .Values.stores.kind "dev" -}}
THE STORES ARE FOR TRYING THINGS OUT (stores.kind=dev): Postgres does not fail over by itself, nothing is backed up, and
passwords are in Secrets of this namespace. While the primary is away reads go on and writes fail; it comes back with its
data, and nothing acknowledged is lost as long as its volume is kept. For more, move the
data to stores.kind=cnpg or external (docs/operations.md, "Move to other stores"); the kind is not changed in place.
{{- else if eq .Values.stores.kind "cnpg" -}}
Stores: a CloudNativePG Cluster (stores.kind=cnpg), one primary and synchronous standbys: a write that was acknowledged
survives the loss of any one of them. Its operator must be there; backups are yours to set up.
{{- else -}}
Stores: yours (stores.kind=external). What survives what is as you set them up.
{{- end -}}
{{- end -}}
