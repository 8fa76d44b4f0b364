{{/* Every object's name begins with this: the release's name, short enough for the names of Jobs. */}}
{{- define "realmkeep.fullname" -}}
{{ .Release.Name | trunc 36 | trimSuffix "-" }}
{{- end -}}

{{/* Labels of pods that never change in the life of a release: (dict "root" . "name" "player-state"). */}}
{{- define "realmkeep.selectorLabels" -}}
app.kubernetes.io/name: {{ .name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- end -}}

{{/* Labels of every object: (dict "root" . "name" "player-state"). */}}
{{- define "realmkeep.labels" -}}
{{ include "realmkeep.selectorLabels" . }}
app.kubernetes.io/part-of: realmkeep
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
{{- end -}}

{{/* The Secret of the services' own keys. */}}
{{- define "realmkeep.internalKeys" -}}
{{ .Values.global.auth.internal.secretName | default (printf "%s-internal-keys" (include "realmkeep.fullname" .)) }}
{{- end -}}

{{/* The body of a volume with callers' public keys in the file `keys`. */}}
{{- define "realmkeep.callersKeysVolume" -}}
{{- $callers := .Values.global.auth.callers -}}
{{- if eq $callers.source "configMap" -}}
configMap:
  name: {{ required "global.auth.callers.configMap.name is missing" $callers.configMap.name }}
  items:
    - key: {{ $callers.configMap.key }}
      path: keys
{{- else -}}
secret:
  {{- if eq $callers.source "secret" }}
  secretName: {{ required "global.auth.callers.secret.name is missing" $callers.secret.name }}
  items:
    - key: {{ $callers.secret.key }}
      path: keys
  {{- else }}
  secretName: {{ include "realmkeep.fullname" . }}-callers-keys
  items:
    - key: public
      path: keys
  {{- end }}
{{- end -}}
{{- end -}}

{{/*
The body of a volume with the authority of a remote issuer of callers' keys in the file `ca.crt`; nothing where the public
ones are meant.
*/}}
{{- define "realmkeep.keysCaVolume" -}}
{{- $callers := .Values.global.auth.callers -}}
{{- with $callers.remote.ca -}}
{{- if and .secretName .configMapName -}}
{{- fail "global.auth.callers.remote.ca has both a secretName and a configMapName: leave one of them empty" -}}
{{- end -}}
{{- if ne $callers.source "remote" -}}
{{- else if .secretName -}}
secret:
  secretName: {{ .secretName }}
  items:
    - key: {{ .key }}
      path: ca.crt
{{- else if .configMapName -}}
configMap:
  name: {{ .configMapName }}
  items:
    - key: {{ .key }}
      path: ca.crt
{{- end -}}
{{- end -}}
{{- end -}}

{{/* What a pod of the chart may do: nothing beyond computing. (dict "user" 65532) */}}
{{- define "realmkeep.podSecurity" -}}
runAsNonRoot: true
runAsUser: {{ .user }}
runAsGroup: {{ .user }}
fsGroup: {{ .user }}
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "realmkeep.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{/* Over zones, then over nodes; takes the selector labels as text. A cluster of one node or zone is no obstacle. */}}
{{- define "realmkeep.spread" -}}
{{- $labels := . -}}
{{- range list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
- maxSkew: 1
  topologyKey: {{ . }}
  whenUnsatisfiable: ScheduleAnyway
  # Each revision by itself: pods that are about to go do not count.
  matchLabelKeys: [pod-template-hash]
  labelSelector:
    matchLabels: {{- $labels | nindent 6 }}
{{- end }}
{{- end -}}

{{/*
Where a pod may and would rather run, how much it matters, and what its images are pulled with: (dict "global"
.Values.global "values" those with nodeSelector, tolerations, affinity, priorityClassName).
*/}}
{{- define "realmkeep.placement" -}}
{{- with .global.image.pullSecrets }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- range $field := list "nodeSelector" "tolerations" "affinity" }}
{{- with index $.values $field }}
{{ $field }}: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
{{- end -}}

{{/* Up at once by as much as is there, down slowly; takes the values `autoscaling`. */}}
{{- define "realmkeep.scalingBehavior" -}}
scaleUp:
  stabilizationWindowSeconds: 0
  selectPolicy: Max
  policies:
    - { type: Percent, value: 100, periodSeconds: 15 }
    - { type: Pods, value: 4, periodSeconds: 15 }
scaleDown:
  stabilizationWindowSeconds: {{ .scaleDownStabilizationSeconds }}
  policies:
    - { type: Pods, value: 1, periodSeconds: 60 }
{{- end -}}

{{/* The image of a deployable: (dict "global" .Values.global "image" its values "name" "player-state" "version" appVersion). */}}
{{- define "realmkeep.image" -}}
{{- $repository := .image.repository | default (printf "realmkeep/%s" .name) -}}
{{- if and .global.image.registry (not .image.repository) -}}
{{- $repository = printf "%s/%s" .global.image.registry $repository -}}
{{- end -}}
{{ $repository }}:{{ .image.tag | default .global.image.tag | default .version }}
{{- end -}}

{{/* The image of player-state, which also holds the command that makes JWK sets. */}}
{{- define "realmkeep.playerStateImage" -}}
{{ include "realmkeep.image" (dict "global" .Values.global "image" (index .Values "player-state").image "name" "player-state" "version" .Chart.AppVersion) }}
{{- end -}}

{{/*
The name of a Job: (dict "root" . "name" "player-state-migrate" "pod" its template, as text). A Job can not be changed, so
another revision or another pod is another Job, also where nobody counts revisions (helm template). At most 63 characters.
*/}}
{{- define "realmkeep.jobName" -}}
{{- $fullname := include "realmkeep.fullname" .root -}}
{{- $end := printf "-%s-%d-%s" .name (int .root.Release.Revision) (printf "%s\n%s" $fullname .pod | sha256sum | trunc 8) -}}
{{ $fullname | trunc (sub 63 (len $end) | int) | trimSuffix "-" }}{{ $end }}
{{- end -}}
