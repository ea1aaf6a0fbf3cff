{{- define "shop.labels" -}}
app: {{ .Chart.Name }}
{{- end }}
