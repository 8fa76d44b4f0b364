{{/*
The spec of a pod that runs one of the chart's scripts once: (dict "root" . "name" "probe" "args" (list ..) "env" (list ..)
"key" whether it signs tokens).
*/}}
{{- define "realmkeep.scriptPod" -}}
restartPolicy: Never
automountServiceAccountToken: false
enableServiceLinks: false
{{- include "realmkeep.placement" (dict "global" .root.Values.global "values" (index .root.Values "player-state")) | nindent 0 }}
securityContext: {{- include "realmkeep.podSecurity" (dict "user" 65532) | nindent 2 }}
containers:
  - name: {{ .name }}
    image: {{ include "realmkeep.playerStateImage" .root }}
    imagePullPolicy: {{ .root.Values.global.image.pullPolicy }}
    args: {{- toYaml .args | nindent 6 }}
    {{- with .env }}
    env: {{- toYaml . | nindent 6 }}
    {{- end }}
    securityContext: {{- include "realmkeep.containerSecurity" .root | nindent 6 }}
    resources:
      requests: { cpu: 50m, memory: 64Mi }
      limits: { cpu: "1", memory: 256Mi }
    volumeMounts:
      - { name: scripts, mountPath: /etc/realmkeep/scripts, readOnly: true }
      {{- if .key }}
      - { name: key, mountPath: /etc/realmkeep/key, readOnly: true }
      {{- end }}
volumes:
  - name: scripts
    configMap:
      name: {{ include "realmkeep.fullname" .root }}-scripts
  {{- if .key }}
  - name: key
    secret:
      secretName: {{ include "realmkeep.fullname" .root }}-callers-keys
      items:
        - { key: private, path: private.pem }
  {{- end }}
{{- end -}}
