{{- define "llmtrain.name" -}}
{{- $chart := .Values.nameOverride | default .Chart.Name }}
{{- $name := printf "%s-%s" .Release.Name $chart }}
{{- if contains $chart .Release.Name }}{{ $name = .Release.Name }}{{ end }}
{{- if regexMatch "^[0-9]" $name }}{{ $name = printf "%s-%s" $chart .Release.Name }}{{ end }}{{/* a Service */}}
{{- .Values.fullnameOverride | default $name | trunc 53 | trimSuffix "-" }}
{{- end }}

{{- define "llmtrain.account" -}}
{{ .Values.serviceAccount.name | default (include "llmtrain.name" .) }}
{{- end }}

{{- define "llmtrain.selector" -}}
app.kubernetes.io/name: llmtrain
app.kubernetes.io/instance: {{ .Release.Name | quote }}
app.kubernetes.io/component: operator
{{- end }}

{{- define "llmtrain.labels" -}}
{{ include "llmtrain.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service | quote }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | quote }}
{{- range $name, $value := .Values.commonLabels }}
{{ $name }}: {{ $value | quote }}
{{- end }}
{{- end }}

{{/* The operator's Pods; what selects them cannot be changed by a value. */}}
{{- define "llmtrain.podLabels" -}}
{{ merge (include "llmtrain.selector" . | fromYaml) .Values.podLabels | toYaml }}
{{- end }}

{{- define "llmtrain.image" -}}
{{- $repository := list .Values.image.repository .Values.global.imageRegistry | include "llmtrain.fromRegistry" }}
{{- $version := .Values.image.tag | default .Chart.AppVersion | printf ":%s" }}
{{- with .Values.image.digest }}{{ $version = printf "@%s" . }}{{ end }}
{{- printf "%s%s" $repository $version | quote }}
{{- end }}

{{/* An image's name, with another registry where one is given: (name, registry). */}}
{{- define "llmtrain.fromRegistry" -}}
{{- $name := first . }}
{{- with last . }}
{{- $parts := splitList "/" $name }}
{{- if or (contains "." (first $parts)) (contains ":" (first $parts)) }}{{ $parts = rest $parts }}{{ end }}
{{- $name = printf "%s/%s" . (join "/" $parts) }}
{{- end }}
{{- $name }}
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

{{/* DNS, wherever it is; the Pods of OpenShift's listen on 5353. */}}
{{- define "llmtrain.dnsPorts" -}}
- {port: 53, protocol: UDP}
- {port: 53, protocol: TCP}
- {port: 5353, protocol: UDP}
- {port: 5353, protocol: TCP}
{{- end }}

{{/* What a policy lets in for metrics; from anywhere where nobody says where Prometheus is. */}}
{{- define "llmtrain.scrapers" -}}
{{- with .Values.networkPolicy.metricsFrom }}from: {{ toJson . }}{{ end }}
{{- end }}

{{/* What the operator writes into the NetworkPolicy of each job, beside the job's own Pods. */}}
{{- define "llmtrain.jobNetwork" -}}
ingress:
- from:
  - namespaceSelector:
      matchLabels: {kubernetes.io/metadata.name: {{ .Release.Namespace | quote }}}
    podSelector:
      matchLabels: {{- include "llmtrain.selector" . | nindent 8 }}
  ports: {{- include "llmtrain.headPorts" . | nindent 2 }}
{{- with .Values.networkPolicy.dashboardFrom }}
- from: {{ toJson . }}
  ports:
  - port: 8265
{{- end }}
{{- if or .Values.metrics.enabled .Values.metrics.podMonitors }}
- ports:
  - port: 8790 # the driver's
  - port: 8080 # Ray's, as KubeRay sets it
  {{- with include "llmtrain.scrapers" . }}{{ . | nindent 2 }}{{ end }}
{{- end }}
{{- with .Values.networkPolicy.jobEgress }}
egress:
- ports: {{- include "llmtrain.dnsPorts" $ | nindent 2 }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* The validations of jobs, as YAML; one for each list in the value `allowed`. */}}
{{- define "llmtrain.allowed" -}}
{{- $rules := list
  (list "images" "image" "images that begin with"
    "!has(object.spec.image) || LIST.exists(prefix, object.spec.image.startsWith(prefix))")
  (list "claims" "workspace.persistentVolumeClaim" "claims"
    "!object.spec.?workspace.?persistentVolumeClaim.hasValue() || object.spec.workspace.persistentVolumeClaim.claimName in LIST")
  (list "claims" "volumes" "claims"
    "object.spec.?volumes.orValue([]).all(each, each.claimName in LIST)")
  (list "storageClasses" "workspace.storageClassName" "storage classes"
    "!object.spec.?workspace.?storageClassName.hasValue() || object.spec.workspace.storageClassName in LIST")
  (list "priorityClasses" "policy.priorityClassName" "priority classes"
    "!object.spec.?policy.?priorityClassName.hasValue() || object.spec.policy.priorityClassName in LIST")
  (list "tolerations" "compute.*.tolerations" "tolerations with the keys"
    "object.spec.?compute.?head.?tolerations.orValue([]).all(each, each.key in LIST) && object.spec.?compute.?trainers.?tolerations.orValue([]).all(each, each.key in LIST) && object.spec.?compute.?cpus.?tolerations.orValue([]).all(each, each.key in LIST)")
}}
{{- range $rules }}
{{- $allowed := get $.Values.allowed (index . 0) }}
{{- if kindIs "slice" $allowed }}
- expression: {{ index . 3 | replace "LIST" (toJson $allowed) | quote }}
  message: {{ printf "spec.%s: this cluster allows %s: %s; ask who runs it (the chart's value allowed.%s)" (index . 1) (index . 2) (join ", " $allowed | default "none") (index . 0) | quote }}
  reason: Forbidden
{{- end }}
{{- end }}
{{- end }}

{{/* Where the operator's Pods run, and by whose leave they get their image. */}}
{{- define "llmtrain.podPlacement" -}}
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
{{- range . }}
- name: {{ . | quote }}
{{- end }}
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . | quote }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.affinity }}
affinity: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.topologySpreadConstraints }}
topologySpreadConstraints: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "llmtrain.podSecurity" -}}
runAsNonRoot: true
{{- if not .Values.openshift }}
runAsUser: 1000
runAsGroup: 1000
{{- end }}
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
- apiGroups: [llmtrain.io]
  resources: [llmtrainingjobs/finalizers] # to own objects with blockOwnerDeletion (OpenShift)
  verbs: [update]
- apiGroups: [ray.io]
  resources: [rayclusters]
  verbs: [list, watch, create, delete]
- apiGroups: [kueue.x-k8s.io]
  resources: [workloads] # why a Ray cluster waits in its queue
  verbs: [list]
- apiGroups: [""]
  resources: [pods]
  verbs: [list, watch]
- apiGroups: [""]
  resources: [persistentvolumeclaims]
  verbs: [get, create]
- apiGroups: [""]
  resources: [events]
  verbs: [create]
- apiGroups: [networking.k8s.io]
  resources: [networkpolicies]
  verbs: [get, create]
- apiGroups: [""]
  resources: [secrets] # the token of a Ray cluster, by name
  verbs: [get]
{{- end }}
