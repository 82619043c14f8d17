{{- define "type" -}}
{{- if markdownShouldRenderType . }}
### {{ .Name }}

{{ if .IsAlias }}A {{ markdownRenderTypeLink .UnderlyingType }}. {{ end }}{{ .Doc }}
{{ range .Validation }}
- {{ markdownRenderFieldDoc . }}
{{- end }}
{{ if .References }}
Used in{{ range $i, $user := .SortedReferences }}{{ if $i }},{{ end }} {{ markdownRenderTypeLink $user }}{{ end }}.
{{ end }}
{{- if .Members }}
| field | what it is | default | limits |
| --- | --- | --- | --- |
{{- range .Members }}
| `{{ .Name }}` <br />{{ markdownRenderType .Type }} | {{ template "type_members" . }} | {{ markdownRenderDefault .Default }} | {{ range .Validation }}{{ if eq . "Required: {}" }}required<br />{{ else if ne . "Optional: {}" }}{{ markdownRenderFieldDoc . }}<br />{{ end }}{{ end }} |
{{- end }}
{{ end }}
{{- end -}}
{{- end -}}
