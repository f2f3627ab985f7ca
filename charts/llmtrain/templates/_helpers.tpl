{{- define "llmtrain.name" -}}
{{- if contains .Chart.Name .Release.Name }}{{ .Release.Name | trunc 53 | trimSuffix "-" }}{{ else }}{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 53 | trimSuffix "-" }}{{ end }}
{{- end }}

{{- define "llmtrain.selector" -}}
app.kubernetes.io/name: llmtrain
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: operator
{{- end }}

{{- define "llmtrain.labels" -}}
{{ include "llmtrain.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- define "llmtrain.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{- define "llmtrain.jobNamespaces" -}}
{{ if .Values.namespaces }}{matchNames: {{ toJson .Values.namespaces }}}{{ else }}{any: true}{{ end }}
{{- end }}

{{- define "llmtrain.monitoringLabels" -}}
{{ merge (dict) .Values.metrics.labels (include "llmtrain.labels" . | fromYaml) | toYaml }}
{{- end }}

{{/* Selects the Pods of jobs. */}}
{{- define "llmtrain.ofJobs" -}}
- {key: llmtrain.io/job, operator: Exists}
{{- end }}

{{/* Where the operator asks the head of a Ray cluster. */}}
{{- define "llmtrain.headPorts" -}}
- port: 8265 # Ray's Jobs API
- port: 8790 # the driver's progress
{{- end }}

{{- define "llmtrain.podSecurity" -}}
runAsNonRoot: true
runAsUser: 1000
runAsGroup: 1000
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "llmtrain.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{/* What the operator does with the objects of a namespace. */}}
{{- define "llmtrain.rules" -}}
- apiGroups: [llmtrain.io]
  resources: [llmtrainingjobs]
  verbs: [list, watch, delete]
- apiGroups: [llmtrain.io]
  resources: [llmtrainingjobs/status]
  verbs: [update]
- apiGroups: [ray.io]
  resources: [rayclusters]
  verbs: [list, watch, create, delete]
- apiGroups: [""]
  resources: [pods]
  verbs: [list, watch]
- apiGroups: [""]
  resources: [persistentvolumeclaims, events]
  verbs: [create]
- apiGroups: [""]
  resources: [secrets] # the token of a Ray cluster, by name
  verbs: [get]
{{- end }}
