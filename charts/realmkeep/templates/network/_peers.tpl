{{/* Who may read metrics: whom the values name, else every pod of the cluster. */}}
{{- define "realmkeep.metricsReaders" -}}
{{- with .Values.global.networkPolicy.metricsFrom -}}
{{- toYaml . -}}
{{- else -}}
- namespaceSelector: {}
{{- end -}}
{{- end -}}

{{/* The port of a remote issuer of public keys. */}}
{{- define "realmkeep.keysPort" -}}
{{- include "realmkeep.portOf" .Values.global.auth.callers.remote.uri -}}
{{- end -}}

{{/* The port of a collector of traces. */}}
{{- define "realmkeep.otlpPort" -}}
{{- include "realmkeep.portOf" .Values.global.telemetry.otlpEndpoint -}}
{{- end -}}

{{/* The port of an address: https://host:port/path. */}}
{{- define "realmkeep.portOf" -}}
{{- $url := urlParse . -}}
{{- $parts := splitList ":" $url.host -}}
{{- gt (len $parts) 1 | ternary (last $parts) (eq $url.scheme "https" | ternary "443" "80") -}}
{{- end -}}
