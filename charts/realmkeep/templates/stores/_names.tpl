{{/* The services that have a database, in a YAML list. Its name, and its runtime role's, is the service's with _ for -. */}}
{{- define "realmkeep.stores.services" -}}
[player-state, item-location, area-stats]
{{- end -}}

{{/* Whether this chart makes the Valkey cluster: "true" or nothing. */}}
{{- define "realmkeep.stores.ownValkey" -}}
{{- if and (ne .Values.stores.kind "external") (empty .Values.stores.valkey.external.nodes) }}true{{ end -}}
{{- end -}}

{{/* The Secret with all passwords that were made here. */}}
{{- define "realmkeep.stores.passwords" -}}
{{ include "realmkeep.fullname" . }}-stores
{{- end -}}

{{/* The name of a node of the dev Postgres: (list $ ordinal). It survives the pod, whose address does not. */}}
{{- define "realmkeep.stores.postgresHost" -}}
{{- $name := include "realmkeep.fullname" (index . 0) -}}
{{ $name }}-postgres-{{ index . 1 }}.{{ $name }}-postgres
{{- end -}}

{{/* The same of a node of Valkey. */}}
{{- define "realmkeep.stores.valkeyHost" -}}
{{- $name := include "realmkeep.fullname" (index . 0) -}}
{{ $name }}-valkey-{{ index . 1 }}.{{ $name }}-valkey
{{- end -}}

{{/* Every node of Valkey, separated by blanks: three masters and a replica for each. */}}
{{- define "realmkeep.stores.valkeyHosts" -}}
{{- $hosts := list -}}
{{- range $ordinal := until 6 }}{{ $hosts = append $hosts (include "realmkeep.stores.valkeyHost" (list $ $ordinal)) }}{{ end -}}
{{ join " " $hosts }}
{{- end -}}

{{/* Where the stores are and of which kind, without passwords: what the services' Secrets say, as far as the chart makes them. */}}
{{- define "realmkeep.stores.addresses" -}}
{{- $stores := .Values.stores -}}
{{- $addresses := dict "kind" $stores.kind -}}
{{- if eq $stores.kind "dev" -}}
{{- $_ := set $addresses "replicas" (int $stores.dev.postgres.replicas) -}}
{{- end -}}
{{- if include "realmkeep.stores.ownValkey" . -}}
{{- $_ := set $addresses "valkey" (include "realmkeep.stores.valkeyHosts" .) -}}
{{- else if ne $stores.kind "external" -}}
{{- $_ := set $addresses "valkey" $stores.valkey.external -}}
{{- end -}}
{{ toJson $addresses }}
{{- end -}}

{{/*
The connections that a Postgres node must accept: 40 of the migrations and of operators, and of each service

  (pods + surge + draining) x (POSTGRES_POOL_SIZE + 4)

pods: the most there are. surge: those that a rollout adds. draining: those that it has told to end and that are not gone,
surge x (grace period / minReadySeconds, rounded up), for it ends so many each time that their successors count; all, where
that is at once. 4: those that measure, lock and follow.
*/}}
{{- define "realmkeep.stores.maxConnections" -}}
{{- $sum := 40 -}}
{{- range $service := include "realmkeep.stores.services" . | fromYamlArray -}}
{{- $values := index $.Values $service -}}
{{- $pods := $values.autoscaling.enabled | ternary $values.autoscaling.maxReplicas $values.replicas | int -}}
{{- $surge := int (trimSuffix "%" (toString $values.maxSurge)) -}}
{{- if hasSuffix "%" (toString $values.maxSurge) -}}
{{- $surge = divf (mul $pods $surge) 100 | ceil | int -}}
{{- end -}}
{{- $draining := $pods -}}
{{- if $values.minReadySeconds -}}
{{- $rounds := divf (include "service.graceSeconds" (dict "Values" $values)) $values.minReadySeconds | ceil | int -}}
{{- $draining = min $pods (mul $surge $rounds) -}}
{{- end -}}
{{- $each := add 4 (int (dig "POSTGRES_POOL_SIZE" 10 $values.settings)) -}}
{{- $sum = add $sum (mul (add $pods $surge $draining) $each) -}}
{{- end -}}
{{ $sum }}
{{- end -}}
