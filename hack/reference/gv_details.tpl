{{- define "gvDetails" }}
## {{ .GroupVersionString }}
{{ range .SortedKinds }}{{ template "type" ($.TypeForKind .) }}{{ end }}
{{- range $type := .SortedTypes }}{{ if not $type.GVK }}{{ template "type" $type }}{{ end }}{{ end }}
{{- end -}}
