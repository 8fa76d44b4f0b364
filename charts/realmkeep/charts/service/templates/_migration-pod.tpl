{{/* The pod that migrates the database. */}}
{{- define "service.migrationPod" -}}
metadata:
  labels:
    {{- include "realmkeep.labels" (dict "root" . "name" (printf "%s-migrate" .Chart.Name)) | nindent 4 }}
    realmkeep/stores: client
spec:
  restartPolicy: OnFailure
  serviceAccountName: {{ include "service.fullname" . }}
  automountServiceAccountToken: false
  enableServiceLinks: false
  securityContext: {{- include "realmkeep.podSecurity" (dict "user" 65532) | nindent 4 }}
  {{- include "realmkeep.placement" (dict "global" .Values.global "values" .Values) | nindent 2 }}
  containers:
    - name: migrate
      image: {{ include "service.image" . }}
      imagePullPolicy: {{ .Values.global.image.pullPolicy }}
      args: [dist/migrate.js]
      securityContext: {{- include "realmkeep.containerSecurity" . | nindent 8 }}
      envFrom:
        - secretRef:
            name: {{ .Values.stores.ownerSecretName | default (printf "%s-owner" (include "service.fullname" .)) }}
      {{- with .Values.extraEnv }}
      env: {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with .Values.extraVolumeMounts }}
      volumeMounts: {{- toYaml . | nindent 8 }}
      {{- end }}
      resources: {{- toYaml .Values.migration.resources | nindent 8 }}
  {{- with .Values.extraVolumes }}
  volumes: {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}
