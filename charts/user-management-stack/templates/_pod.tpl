{{- define "ums.podSpec" -}}
serviceAccountName: {{ include "ums.serviceAccount" . }}
automountServiceAccountToken: true
enableServiceLinks: false
{{- /* Longer than --shutdown-timeout, so that a pass under way ends and the lease is given back. */}}
terminationGracePeriodSeconds: {{ add .Values.operator.shutdownSeconds 15 }}
securityContext:
  runAsNonRoot: true
  runAsUser: 65532
  runAsGroup: 65532
  seccompProfile:
    type: RuntimeDefault
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{ include "ums.placement" . }}
containers:
  - name: manager
    {{- include "ums.container" . | nindent 4 }}
{{- if and .Values.metrics.enabled .Values.metrics.tlsSecret }}
volumes:
  - name: metrics-certificate
    secret:
      secretName: {{ .Values.metrics.tlsSecret }}
{{- end }}
{{- end -}}

{{/* Pods on different nodes and in different zones, as far as the cluster has them. */}}
{{- define "ums.placement" -}}
affinity:
  {{- if .Values.affinity }}
  {{- toYaml .Values.affinity | nindent 2 }}
  {{- else }}
  podAntiAffinity:
    preferredDuringSchedulingIgnoredDuringExecution:
      - weight: 100
        podAffinityTerm:
          topologyKey: kubernetes.io/hostname
          labelSelector:
            matchLabels:
              {{- include "ums.selector" . | nindent 14 }}
  {{- end }}
topologySpreadConstraints:
  {{- if .Values.topologySpreadConstraints }}
  {{- toYaml .Values.topologySpreadConstraints | nindent 2 }}
  {{- else }}
  - maxSkew: 1
    topologyKey: topology.kubernetes.io/zone
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "ums.selector" . | nindent 8 }}
  {{- end }}
{{- end -}}

{{- define "ums.container" -}}
image: {{ include "ums.image" . }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
args:
  {{- include "ums.arguments" . | nindent 2 }}
env:
  {{- /* The memory limit in MiB, made into that many million bytes: Go's soft limit is then 95 % of the hard one. */}}
  - name: MEMORY_LIMIT_MIB
    valueFrom:
      resourceFieldRef:
        containerName: manager
        resource: limits.memory
        divisor: 1Mi
  - name: GOMEMLIMIT
    value: $(MEMORY_LIMIT_MIB)000000B
  {{- with .Values.operator.extraEnv }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
ports:
  {{- if .Values.metrics.enabled }}
  - name: metrics
    containerPort: {{ .Values.metrics.port }}
    protocol: TCP
  {{- end }}
  - name: probes
    containerPort: 8081
    protocol: TCP
startupProbe:
  httpGet:
    path: /healthz
    port: probes
  periodSeconds: 2
  failureThreshold: 30
livenessProbe:
  httpGet:
    path: /healthz
    port: probes
  periodSeconds: 20
  timeoutSeconds: 5
readinessProbe:
  httpGet:
    path: /readyz
    port: probes
  periodSeconds: 5
  timeoutSeconds: 3
resources:
  {{- toYaml .Values.resources | nindent 2 }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
{{- if and .Values.metrics.enabled .Values.metrics.tlsSecret }}
volumeMounts:
  - name: metrics-certificate
    mountPath: /tmp/k8s-metrics-server/serving-certs
    readOnly: true
{{- end }}
{{- end -}}

{{- define "ums.arguments" -}}
- --leader-elect
- --workers={{ .Values.operator.workers }}
- --shutdown-timeout={{ .Values.operator.shutdownSeconds }}s
- --health-probe-bind-address=:8081
- --metrics-bind-address={{ if .Values.metrics.enabled }}:{{ .Values.metrics.port }}{{ else }}0{{ end }}
- --zap-encoder={{ .Values.operator.logFormat }}
- --zap-log-level={{ .Values.operator.logLevel }}
{{- with .Values.watchNamespace }}
- --namespace={{ . }}
{{- end }}
{{- with .Values.operator.extraArgs }}
{{ toYaml . }}
{{- end }}
{{- end -}}
