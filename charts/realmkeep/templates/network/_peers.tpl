{{/* Who may read metrics: whom the values name, else every pod of the cluster. */}}
{{- define "realmkeep.metricsReaders" -}}
{{- with .Values.global.networkPolicy.metricsFrom -}}
{{- toYaml . -}}
{{- else -}}
- namespaceSelector: {}
{{- end -}}
{{- end -}}

{{/*
The rule of egress to an address: (dict "address" "https://host:port" "ports" (list ..) "to" (list ..)). Without ports that
of the address, without peers anywhere.
*/}}
{{- define "realmkeep.egressTo" -}}
- ports:
    {{- range .ports | default (list (include "realmkeep.portOf" .address)) }}
    - port: {{ . }}
    {{- end }}
  {{- with .to }}
  to: {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}

{{/* The rule of egress to a remote issuer of public keys. */}}
{{- define "realmkeep.egressToKeys" -}}
{{- $policy := .Values.global.networkPolicy -}}
{{- include "realmkeep.egressTo" (dict "address" .Values.global.auth.callers.remote.uri "ports" $policy.keysPorts "to" $policy.keysTo) -}}
{{- end -}}

{{/* The port of an address: https://host:port/path. */}}
{{- define "realmkeep.portOf" -}}
{{- $url := urlParse . -}}
{{- $parts := splitList ":" $url.host -}}
{{- gt (len $parts) 1 | ternary (last $parts) (eq $url.scheme "https" | ternary "443" "80") -}}
{{- end -}}
