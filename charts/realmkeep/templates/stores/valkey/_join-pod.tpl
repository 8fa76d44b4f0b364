{{/* The pod that makes one cluster of the nodes of Valkey. */}}
{{- define "realmkeep.stores.joinPod" -}}
{{- with .Values.stores.valkey }}
metadata:
  labels: {{- include "realmkeep.labels" (dict "root" $ "name" "valkey-join") | nindent 4 }}
spec:
  restartPolicy: OnFailure
  automountServiceAccountToken: false
  enableServiceLinks: false
  {{- include "realmkeep.placement" (dict "global" $.Values.global "values" .) | nindent 2 }}
  securityContext: {{- include "realmkeep.podSecurity" (dict "user" 999) | nindent 4 }}
  containers:
    - name: join
      image: {{ .image }}
      imagePullPolicy: {{ $.Values.global.image.pullPolicy }}
      command: [sh, /etc/valkey/valkey-join.sh]
      securityContext: {{- include "realmkeep.containerSecurity" $ | nindent 8 }}
      env:
        - name: PEERS
          value: {{ include "realmkeep.stores.valkeyHosts" $ }}
        - name: REDISCLI_AUTH
          valueFrom:
            secretKeyRef:
              name: {{ include "realmkeep.stores.passwords" $ }}
              key: VALKEY_PASSWORD
      resources:
        requests:
          cpu: 10m
          memory: 16Mi
        limits:
          cpu: 500m
          memory: 64Mi
      volumeMounts:
        - name: settings
          mountPath: /etc/valkey
  volumes:
    - name: settings
      configMap:
        name: {{ include "realmkeep.fullname" $ }}-valkey
{{- end }}
{{- end -}}
