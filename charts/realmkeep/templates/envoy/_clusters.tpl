{{/* Envoy's clusters: those of the contract, with the names that the deployables have in this release. */}}
{{- define "realmkeep.envoy.clusters" -}}
{{- $file := .Files.Get "files/envoy/clusters.yaml" | fromYaml -}}
{{- range $file.resources -}}
{{- range .load_assignment.endpoints -}}
{{- range .lb_endpoints -}}
{{- $address := .endpoint.address.socket_address -}}
{{- $_ := set $address "port_value" (index $.Values $address.address "port" | int) -}}
{{- $_ := set $address "address" (printf "%s-%s" (include "realmkeep.fullname" $) $address.address) -}}
{{- end -}}
{{- end -}}
{{- range .circuit_breakers.per_host_thresholds -}}
{{- /* Streams have clusters of their own, with a bound of their own. */ -}}
{{- if lt (int .max_connections) 100 -}}
{{- $_ := set . "max_connections" (int $.Values.envoy.connectionsPerHost) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if eq .Values.global.auth.callers.source "remote" -}}
{{- $_ := set $file "resources" (append $file.resources (include "realmkeep.envoy.keysCluster" . | fromYaml)) -}}
{{- end -}}
{{- toYaml $file -}}
{{- end -}}

{{/* Where a remote issuer's public keys are fetched. */}}
{{- define "realmkeep.envoy.keysCluster" -}}
{{- $url := urlParse .Values.global.auth.callers.remote.uri -}}
{{- $secure := eq $url.scheme "https" -}}
{{- $host := splitList ":" $url.host | first -}}
"@type": type.googleapis.com/envoy.config.cluster.v3.Cluster
name: callers-keys
type: STRICT_DNS
dns_lookup_family: V4_PREFERRED
connect_timeout: 5s
load_assignment:
  cluster_name: callers-keys
  endpoints:
    - lb_endpoints:
        - endpoint:
            address:
              socket_address: { address: {{ $host }}, port_value: {{ include "realmkeep.portOf" .Values.global.auth.callers.remote.uri }} }
{{- if $secure }}
transport_socket:
  name: envoy.transport_sockets.tls
  typed_config:
    "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext
    sni: {{ $host }}
    common_tls_context:
      validation_context:
        trusted_ca: { filename: {{ include "realmkeep.keysCaVolume" . | empty | ternary "/etc/ssl/certs/ca-certificates.crt" "/etc/realmkeep/keys-ca/ca.crt" }} }
        match_typed_subject_alt_names:
          - san_type: DNS
            matcher: { exact: {{ $host }} }
{{- end }}
{{- end -}}
