{{- define "gvList" -}}
# UserManagementStack, field by field

Made from the comments in `api/v1` by `make generate`. `kubectl explain ums.spec --recursive` shows the same in a cluster;
[the samples](../../config/samples) show it in use. Where the validation of a field is not a limit or a pattern but a
rule (what cannot be changed, which networks may overlap), the API server's refusal says what to change.
{{ range . }}{{ template "gvDetails" . }}{{ end }}
{{- end -}}
