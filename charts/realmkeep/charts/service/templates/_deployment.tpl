{{/*
The Deployment: (dict "chart" . "stores" what of the release's stores is no secret, as text). The release's chart renders
it, because a subchart sees nothing of its parent's values.
*/}}
{{- define "service.deployment" -}}
{{- $stores := .stores }}
{{- with .chart }}
{{- $keysCa := include "realmkeep.keysCaVolume" . }}
{{- if eq .Values.protocol "grpc" }}
{{- range .Values.extraEnv }}
{{- if and $keysCa (eq .name "NODE_EXTRA_CA_CERTS") }}
{{- fail (printf "%s.extraEnv has NODE_EXTRA_CA_CERTS, which global.auth.callers.remote.ca sets, and one alone would count: put the certificates of both into what global.auth.callers.remote.ca names, and leave it out of extraEnv" $.chart.Chart.Name) }}
{{- end }}
{{- end }}
{{- end }}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include "service.fullname" . }}
  labels: {{- include "service.labels" . | nindent 4 }}
spec:
  {{- if not .Values.autoscaling.enabled }}
  replicas: {{ .Values.replicas }}
  {{- end }}
  revisionHistoryLimit: 5
  # A new pod counts once Envoy had the time to find it; until then no old one goes.
  minReadySeconds: {{ .Values.minReadySeconds }}
  # Longer than a migration may take that the pods wait for.
  progressDeadlineSeconds: {{ add .Values.startupSeconds 300 }}
  strategy:
    type: RollingUpdate
    rollingUpdate:
      maxUnavailable: 0
      maxSurge: {{ .Values.maxSurge }}
  selector:
    matchLabels: {{- include "service.selectorLabels" . | nindent 6 }}
  template:
    metadata:
      labels:
        {{- include "service.labels" . | nindent 8 }}
        {{- if .Values.stores.enabled }}
        realmkeep/stores: client
        {{- end }}
        {{- with .Values.podLabels }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      annotations:
        realmkeep/settings: {{ include "service.settings" . | sha256sum }}
        {{- if .Values.stores.enabled }}
        # Where its stores are, as far as this chart says: it reads that from a Secret, once, when it starts.
        realmkeep/stores: {{ $stores | sha256sum }}
        {{- end }}
        {{- with .Values.podAnnotations }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
    spec:
      serviceAccountName: {{ include "service.fullname" . }}
      automountServiceAccountToken: false
      enableServiceLinks: false
      terminationGracePeriodSeconds: {{ include "service.graceSeconds" . }}
      securityContext: {{- include "realmkeep.podSecurity" (dict "user" 65532) | nindent 8 }}
      topologySpreadConstraints: {{- include "realmkeep.spread" (include "service.selectorLabels" .) | nindent 8 }}
      {{- include "realmkeep.placement" (dict "global" .Values.global "values" .Values) | nindent 6 }}
      containers:
        - name: {{ .Chart.Name }}
          image: {{ include "service.image" . }}
          imagePullPolicy: {{ .Values.global.image.pullPolicy }}
          securityContext: {{- include "realmkeep.containerSecurity" . | nindent 12 }}
          ports:
            - name: {{ .Values.protocol }}
              containerPort: {{ .Values.port }}
            - name: metrics
              containerPort: {{ .Values.metricsPort }}
          envFrom:
            - configMapRef:
                name: {{ include "service.fullname" . }}-settings
            {{- if .Values.stores.enabled }}
            - secretRef:
                name: {{ .Values.stores.secretName | default (printf "%s-stores" (include "service.fullname" .)) }}
            {{- end }}
          {{- if or (eq .Values.protocol "grpc") .Values.extraEnv }}
          env:
            {{- if eq .Values.protocol "grpc" }}
            - name: PAGE_TOKEN_KEY
              valueFrom:
                secretKeyRef:
                  name: {{ include "realmkeep.internalKeys" . }}
                  key: page-token-key
            {{- if $keysCa }}
            # Beside the public authorities.
            - name: NODE_EXTRA_CA_CERTS
              value: /etc/realmkeep/keys-ca/ca.crt
            {{- end }}
            {{- end }}
            {{- with .Values.extraEnv }}
            {{- toYaml . | nindent 12 }}
            {{- end }}
          {{- end }}
          {{- if eq .Values.protocol "grpc" }}
          # Until it serves: a pod waits for its database to be migrated.
          startupProbe:
            grpc: { port: {{ .Values.port }}, service: "" }
            periodSeconds: 1
            timeoutSeconds: 2
            failureThreshold: {{ .Values.startupSeconds }}
          # NOT_SERVING when it can answer nothing at all. Slow to say so: Envoy asks each second by itself, and a process that
          # is merely busy must not lose its name, for then the others get its calls as well.
          readinessProbe:
            grpc: { port: {{ .Values.port }}, service: "" }
            periodSeconds: 2
            timeoutSeconds: 5
            failureThreshold: 3
          # Looks at the process alone: a lost store is no reason to start it again.
          livenessProbe:
            grpc: { port: {{ .Values.port }}, service: liveness }
            periodSeconds: 10
            timeoutSeconds: 5
            failureThreshold: 3
          {{- else }}
          startupProbe:
            httpGet: { port: http, path: /healthz }
            periodSeconds: 1
            timeoutSeconds: 2
            failureThreshold: {{ .Values.startupSeconds }}
          readinessProbe:
            httpGet: { port: http, path: /healthz }
            periodSeconds: 2
            timeoutSeconds: 5
            failureThreshold: 3
          # Looks at the process alone, also while it drains and /healthz says 503.
          livenessProbe:
            httpGet: { port: metrics, path: /metrics }
            periodSeconds: 10
            timeoutSeconds: 5
            failureThreshold: 3
          {{- end }}
          # Those who call it learn that the pod goes, before it knows itself.
          lifecycle:
            preStop:
              sleep: { seconds: {{ .Values.drain.preStopSeconds }} }
          resources: {{- toYaml .Values.resources | nindent 12 }}
          {{- if or (eq .Values.protocol "grpc") .Values.extraVolumeMounts }}
          volumeMounts:
            {{- with .Values.extraVolumeMounts }}
            {{- toYaml . | nindent 12 }}
            {{- end }}
            {{- if eq .Values.protocol "grpc" }}
            - name: internal
              mountPath: /etc/realmkeep/internal
              readOnly: true
            {{- if ne .Values.global.auth.callers.source "remote" }}
            - name: callers
              mountPath: /etc/realmkeep/callers
              readOnly: true
            {{- end }}
            {{- if $keysCa }}
            - name: keys-ca
              mountPath: /etc/realmkeep/keys-ca
              readOnly: true
            {{- end }}
            {{- end }}
          {{- end }}
      {{- if or (eq .Values.protocol "grpc") .Values.extraVolumes }}
      volumes:
        {{- with .Values.extraVolumes }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
        {{- if eq .Values.protocol "grpc" }}
        - name: internal
          secret:
            secretName: {{ include "realmkeep.internalKeys" . }}
            items:
              - key: internal-key
                path: key
        {{- if ne .Values.global.auth.callers.source "remote" }}
        - name: callers
          {{- include "realmkeep.callersKeysVolume" . | nindent 10 }}
        {{- end }}
        {{- with $keysCa }}
        - name: keys-ca
          {{- . | nindent 10 }}
        {{- end }}
        {{- end }}
      {{- end }}
{{- end }}
{{- end -}}
