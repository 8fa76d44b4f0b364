{{/* The deployable is named by the alias of this chart: player-state. */}}
{{- define "service.fullname" -}}
{{ include "realmkeep.fullname" . }}-{{ .Chart.Name }}
{{- end -}}

{{/* Labels that never change in the life of a release. */}}
{{- define "service.selectorLabels" -}}
{{ include "realmkeep.selectorLabels" (dict "root" . "name" .Chart.Name) }}
{{- end -}}

{{- define "service.labels" -}}
{{ include "realmkeep.labels" (dict "root" . "name" .Chart.Name) }}
{{- end -}}

{{- define "service.image" -}}
{{ include "realmkeep.image" (dict "global" .Values.global "image" .Values.image "name" .Chart.Name "version" .Chart.AppVersion) }}
{{- end -}}

{{/* Seconds from the end of preStop to the end of the process: the drain's two waits. */}}
{{- define "service.drainSeconds" -}}
{{- divf (addf .Values.drain.delayMs .Values.drain.timeoutMs) 1000 | ceil | int -}}
{{- end -}}

{{/* Seconds that a pod has to end: preStop, then the drain, then a rest to close the stores' connections. */}}
{{- define "service.graceSeconds" -}}
{{- add .Values.drain.preStopSeconds (include "service.drainSeconds" .) 10 -}}
{{- end -}}
