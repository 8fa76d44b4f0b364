{{/*
Envoy's bootstrap: the one that `npm start` uses, with what the values say of origins, rate limits, callers' keys, TLS and
connections, and with the port that the cluster asks.
*/}}
{{- define "realmkeep.envoy.bootstrap" -}}
{{- $values := .Values.envoy -}}
{{- $bootstrap := .Files.Get "files/envoy/bootstrap.yaml" | fromYaml -}}
{{- $status := .Files.Get "files/envoy/status.yaml" | fromYaml -}}
{{- $static := $bootstrap.static_resources -}}
{{- $listener := first $static.listeners -}}
{{- $chain := first $listener.filter_chains -}}
{{- $manager := (first $chain.filters).typed_config -}}
{{- $host := first $manager.route_config.virtual_hosts -}}

{{- $cors := index $host.typed_per_filter_config "envoy.filters.http.cors" -}}
{{- $origins := list -}}
{{- range $values.cors.origins -}}
{{- $origins = append $origins (hasPrefix "regex:" . | ternary (dict "safe_regex" (dict "regex" (trimPrefix "regex:" .))) (dict "exact" .)) -}}
{{- end -}}
{{- $_ := set $cors "allow_origin_string_match" $origins -}}

{{- range $manager.http_filters -}}
{{- if eq .name "envoy.filters.http.jwt_authn" -}}
{{- $_ := include "realmkeep.envoy.setKeys" (dict "provider" .typed_config.providers.callers "callers" $.Values.global.auth.callers) -}}
{{- else if eq .name "envoy.filters.http.local_ratelimit" -}}
{{- $_ := include "realmkeep.envoy.setRateLimits" (dict "filter" .typed_config "limits" $values.rateLimits) -}}
{{- end -}}
{{- end -}}

{{- with $values.trustedProxies -}}
{{- $_ := set $manager "xff_num_trusted_hops" (int .) -}}
{{- end -}}
{{- /* Callers that stay connected come to new pods of Envoy by this. Requests in work are finished. */ -}}
{{- $_ := set $manager "common_http_protocol_options" (dict "max_connection_duration" (printf "%ds" (int $values.maxConnectionSeconds))) -}}
{{- $_ := set $manager "http1_safe_max_connection_duration" true -}}

{{- if $values.tls.enabled -}}
{{- $_ := set $chain "transport_socket" (include "realmkeep.envoy.tls" . | fromYaml) -}}
{{- end -}}
{{- $_ := set $static "listeners" (append $static.listeners $status.listener) -}}
{{- $_ := set $static "clusters" (list $status.cluster) -}}
{{- $_ := set $bootstrap "overload_manager" (include "realmkeep.envoy.overload" $values | fromYaml) -}}
{{- toYaml $bootstrap -}}
{{- end -}}

{{/* What Envoy holds at most: past it requests are refused with a delay, where the kernel would end the process. */}}
{{- define "realmkeep.envoy.overload" -}}
refresh_interval: 0.25s
resource_monitors:
  - name: envoy.resource_monitors.fixed_heap
    typed_config:
      "@type": type.googleapis.com/envoy.extensions.resource_monitors.fixed_heap.v3.FixedHeapConfig
      max_heap_size_bytes: {{ mul .maxHeapMegabytes 1048576 }}
  - name: envoy.resource_monitors.global_downstream_max_connections
    typed_config:
      "@type": type.googleapis.com/envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig
      max_active_downstream_connections: {{ int .maxConnections }}
actions:
  - name: envoy.overload_actions.shrink_heap
    triggers:
      - { name: envoy.resource_monitors.fixed_heap, threshold: { value: 0.9 } }
  - name: envoy.overload_actions.stop_accepting_requests
    triggers:
      - { name: envoy.resource_monitors.fixed_heap, threshold: { value: 0.95 } }
{{- end -}}

{{/* Where callers' public keys come from. */}}
{{- define "realmkeep.envoy.setKeys" -}}
{{- if eq .callers.source "remote" -}}
{{- $_ := unset .provider "local_jwks" -}}
{{- $uri := required "global.auth.callers.remote.uri is missing" .callers.remote.uri -}}
{{- $http := dict "uri" $uri "cluster" "callers-keys" "timeout" "5s" -}}
{{- $_ := set .provider "remote_jwks" (dict "http_uri" $http "cache_duration" "300s" "async_fetch" dict) -}}
{{- else -}}
{{- $_ := set .provider "local_jwks" (dict "filename" "/etc/envoy-keys/jwks.json") -}}
{{- end -}}
{{- end -}}

{{/* The bucket of each role: requests per second, and what may come at once. */}}
{{- define "realmkeep.envoy.setRateLimits" -}}
{{- $limits := .limits -}}
{{- range .filter.descriptors -}}
{{- $limit := index $limits (first .entries).value -}}
{{- $_ := set . "token_bucket" (dict "max_tokens" (int $limit.burst) "tokens_per_fill" (int $limit.perSecond) "fill_interval" "1s") -}}
{{- end -}}
{{- $_ := set .filter "token_bucket" (dict "max_tokens" (int $limits.server.burst) "tokens_per_fill" (int $limits.server.perSecond) "fill_interval" "1s") -}}
{{- end -}}

{{/* TLS at the listener, with the certificate of a file of resources. */}}
{{- define "realmkeep.envoy.tls" -}}
name: envoy.transport_sockets.tls
typed_config:
  "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext
  common_tls_context:
    alpn_protocols: [h2, http/1.1]
    tls_params:
      tls_minimum_protocol_version: TLSv1_2
    tls_certificate_sds_secret_configs:
      - name: ingress
        sds_config:
          resource_api_version: V3
          path_config_source: { path: ./certificate.yaml }
{{- end -}}

{{/* The certificate, as a resource of its own: only as such Envoy reads it again when its Secret changes. */}}
{{- define "realmkeep.envoy.certificate" -}}
resources:
  - "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret
    name: ingress
    tls_certificate:
      certificate_chain: { filename: /etc/envoy-tls/tls.crt }
      private_key: { filename: /etc/envoy-tls/tls.key }
      watched_directory: { path: /etc/envoy-tls }
{{- end -}}
