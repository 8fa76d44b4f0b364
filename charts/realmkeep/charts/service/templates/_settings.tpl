{{/* The settings that are no secret, by their names. */}}
{{- define "service.settings" -}}
{{- $settings := dict }}
{{- if eq .Values.protocol "grpc" }}
{{- $settings = merge $settings (dict "GRPC_PORT" (toString .Values.port) "INTERNAL_KEY_FILE" "/etc/realmkeep/internal/key" "INTERNAL_JWKS_FILE" "/etc/realmkeep/internal/key") }}
{{- if eq .Values.global.auth.callers.source "remote" }}
{{- $_ := set $settings "JWKS_URI" .Values.global.auth.callers.remote.uri }}
{{- else }}
{{- $_ := set $settings "JWKS_FILE" "/etc/realmkeep/callers/keys" }}
{{- end }}
{{- else }}
{{- $_ := set $settings "HTTP_PORT" (toString .Values.port) }}
{{- end }}
{{- range .Values.calls }}
{{- $_ := set $settings .setting (printf "%s-%s:%v" (include "realmkeep.fullname" $) .service .port) }}
{{- end }}
{{- $_ := set $settings "METRICS_PORT" (toString .Values.metricsPort) }}
{{- $_ := set $settings "DRAIN_DELAY_MS" (toString .Values.drain.delayMs) }}
{{- $_ := set $settings "DRAIN_TIMEOUT_MS" (toString .Values.drain.timeoutMs) }}
{{- with .Values.global.telemetry }}
{{- $_ := set $settings "LOG_LEVEL" .logLevel }}
{{- if .otlpEndpoint }}
{{- $_ := set $settings "OTEL_EXPORTER_OTLP_ENDPOINT" .otlpEndpoint }}
{{- $_ := set $settings "OTLP_METRICS" (toString .otlpMetrics) }}
{{- $_ := set $settings "TRACE_SAMPLE_RATIO" (toString .traceSampleRatio) }}
{{- end }}
{{- end }}
{{- range $name, $value := .Values.settings }}
{{- $_ := set $settings $name (kindIs "float64" $value | ternary ($value | int64 | toString) (toString $value)) }}
{{- end }}
{{- range $name := keys $settings | sortAlpha }}
  {{ $name }}: {{ get $settings $name | quote }}
{{- end }}
{{- end -}}
