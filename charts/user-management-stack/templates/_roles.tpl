{{/*
The operator's rights, as `make generate` wrote them from the code into files/role.yaml: a ClusterRole, and a Role for the
operator's own namespace.
*/}}
{{- define "ums.rulesOfKind" -}}
{{- range splitList "\n---\n" (.root.Files.Get "files/role.yaml") -}}
{{- $role := fromYaml . -}}
{{- if eq $role.kind $.kind -}}
{{- toYaml $role.rules -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/*
The part of the ClusterRole that is about objects of the whole cluster (wholeCluster: true), or of namespaces. Only the
latter can become a Role.
*/}}
{{- define "ums.clusterRules" -}}
{{- $wholeCluster := list "namespaces" "customresourcedefinitions" "tokenreviews" "subjectaccessreviews" -}}
{{- $rules := list -}}
{{- range fromYamlArray (include "ums.rulesOfKind" (dict "root" .root "kind" "ClusterRole")) -}}
{{- if eq $.wholeCluster (has (first .resources) $wholeCluster) -}}
{{- $rules = append $rules . -}}
{{- end -}}
{{- end -}}
{{- toYaml $rules -}}
{{- end -}}

{{/* The subject of every binding. */}}
{{- define "ums.subject" -}}
- kind: ServiceAccount
  name: {{ include "ums.serviceAccount" . }}
  namespace: {{ .Release.Namespace }}
{{- end -}}
