package overlay

import (
	"cmp"
	"strconv"
	"strings"
	"time"

	"github.com/hopline/hopline/lab/internal/fieldpath"
)

type deploymentManifest struct {
	objectManifest
	Spec struct {
		Replicas *int `field:"replicas" does:"as many processes, 100 at most"`
		Selector struct {
			MatchLabels      map[string]string `field:"matchLabels,required"`
			MatchExpressions anything          `field:"matchExpressions,refused" why:"use matchLabels"`
		} `field:"selector,required"`
		Strategy struct {
			Type          string `field:"type" does:"RollingUpdate"`
			RollingUpdate struct {
				MaxSurge       intOrString `field:"maxSurge"`
				MaxUnavailable intOrString `field:"maxUnavailable"`
			} `field:"rollingUpdate"`
		} `field:"strategy"`
		Template struct {
			Metadata struct {
				Labels            map[string]string `field:"labels,required"`
				Annotations       map[string]string `field:"annotations" does:"what the downward API reads, and sidecar.istio.io/inject; others of istio.io are named at the start"`
				CreationTimestamp anything          `field:"creationTimestamp"`
			} `field:"metadata,required"`
			Spec podManifest `field:"spec,required"`
		} `field:"template,required"`

		MinReadySeconds         int  `field:"minReadySeconds,accepted"`
		ProgressDeadlineSeconds int  `field:"progressDeadlineSeconds,accepted"`
		RevisionHistoryLimit    int  `field:"revisionHistoryLimit,accepted"`
		Paused                  bool `field:"paused,refused" why:"what is saved goes live"`
	} `field:"spec,required"`
}

// podManifest lists the fields of a pod that the lab supports.
type podManifest struct {
	ServiceAccountName            string              `field:"serviceAccountName" does:"the principal that AuthorizationPolicies see"`
	TerminationGracePeriodSeconds *int                `field:"terminationGracePeriodSeconds"`
	Containers                    []containerManifest `field:"containers,required" does:"processes that run side by side; each is restarted separately"`
	InitContainers                []containerManifest `field:"initContainers" does:"processes that run to their end, one after another, before the others"`
	Volumes                       []volumeManifest    `field:"volumes" does:"directories below that of the pod, HOPLINE_POD_DIR; removed when the pod ends"`
	RestartPolicy                 string              `field:"restartPolicy" does:"Always"`

	AutomountServiceAccountToken bool                 `field:"automountServiceAccountToken,accepted"`
	EnableServiceLinks           bool                 `field:"enableServiceLinks,accepted"`
	SecurityContext              podSecurityManifest  `field:"securityContext,accepted"`
	TopologySpreadConstraints    []spreadManifest     `field:"topologySpreadConstraints,accepted"`
	Affinity                     anything             `field:"affinity,accepted"`
	NodeSelector                 map[string]string    `field:"nodeSelector,accepted"`
	Tolerations                  []tolerationManifest `field:"tolerations,accepted"`
	PriorityClassName            string               `field:"priorityClassName,accepted"`
	ImagePullSecrets             []nameOnly           `field:"imagePullSecrets,accepted"`

	EphemeralContainers   anything `field:"ephemeralContainers,refused" why:"they are added to running pods"`
	HostNetwork           anything `field:"hostNetwork,refused" why:"every process gets loopback ports of its own"`
	HostAliases           anything `field:"hostAliases,refused" why:"use a ServiceEntry"`
	DNSPolicy             anything `field:"dnsPolicy,refused" why:"the proxy resolves names"`
	DNSConfig             anything `field:"dnsConfig,refused" why:"the proxy resolves names"`
	Hostname              anything `field:"hostname,refused" why:"a process has its pod's name"`
	Subdomain             anything `field:"subdomain,refused" why:"a process has its pod's name"`
	ActiveDeadlineSeconds anything `field:"activeDeadlineSeconds,refused" why:"processes run until the lab stops them"`
	ShareProcessNamespace anything `field:"shareProcessNamespace,refused" why:"processes see all processes of this machine"`
}

// maxReplicas is the largest number of replicas: a typing error must not start more processes than a laptop can run.
const maxReplicas = 100

func addDeployment(d *decoding, m Meta, decoded any) {
	spec := decoded.(*deploymentManifest).Spec
	at := problems{report: d.report, object: m.String()}
	out := Deployment{
		Meta:           m,
		Replicas:       valueOr(spec.Replicas, 1),
		Selector:       spec.Selector.MatchLabels,
		MaxSurge:       cmp.Or(string(spec.Strategy.RollingUpdate.MaxSurge), "25%"),
		MaxUnavailable: cmp.Or(string(spec.Strategy.RollingUpdate.MaxUnavailable), "25%"),
		Pod: PodTemplate{
			Labels:         spec.Template.Metadata.Labels,
			Annotations:    spec.Template.Metadata.Annotations,
			ServiceAccount: cmp.Or(spec.Template.Spec.ServiceAccountName, "default"),
			Grace:          seconds(valueOr(spec.Template.Spec.TerminationGracePeriodSeconds, 30)),
		},
	}
	d.noteIstioKeys(out.Pod.Labels, "label")
	d.noteIstioKeys(out.Pod.Annotations, "annotation")
	if out.Replicas < 0 || out.Replicas > maxReplicas {
		at.add("spec.replicas", "want 0 to %d, for each is a process of this machine, got %d", maxReplicas, out.Replicas)
	}
	checkRollout(at, spec.Strategy.Type, out)
	checkLabels(at, "spec.template.metadata.labels", out.Pod.Labels)
	if len(out.Selector) == 0 {
		at.add("spec.selector.matchLabels", "want at least one label")
	}
	for k, v := range out.Selector {
		if got, ok := out.Pod.Labels[k]; !ok || got != v {
			at.add(fieldpath.Join("spec.selector.matchLabels", k), "%s does not select the template's own pods, which have %s", fieldpath.Quote(v), fieldpath.Quote(got))
		}
	}
	pod := &spec.Template.Spec
	if out.Pod.Grace < 0 {
		at.add("spec.template.spec.terminationGracePeriodSeconds", "want 0 or more, got %d", *pod.TerminationGracePeriodSeconds)
	}
	if pod.RestartPolicy != "" && pod.RestartPolicy != "Always" {
		at.add("spec.template.spec.restartPolicy", "want Always, got %s", fieldpath.Quote(pod.RestartPolicy))
	}
	out.Pod.Volumes = d.volumes(at, m.Namespace, pod.Volumes)
	decodeContainers(d, at, pod, &out)
	d.overlay.Deployments = append(d.overlay.Deployments, out)
}

// checkRollout checks the rolling update of a Deployment.
func checkRollout(at problems, strategy string, d Deployment) {
	if strategy != "" && strategy != "RollingUpdate" {
		at.add("spec.strategy.type", "want RollingUpdate, the only one that the lab supports, got %s", fieldpath.Quote(strategy))
	}
	surge, okSurge := checkShare(at, "spec.strategy.rollingUpdate.maxSurge", d.MaxSurge)
	unavailable, okUnavailable := checkShare(at, "spec.strategy.rollingUpdate.maxUnavailable", d.MaxUnavailable)
	if okSurge && okUnavailable && surge == 0 && unavailable == 0 {
		at.add("spec.strategy.rollingUpdate", "maxSurge and maxUnavailable are both 0, so that nothing could ever be replaced")
	}
}

// checkShare checks a number of pods or a percentage of them.
func checkShare(at problems, path, share string) (n int, ok bool) {
	digits, percent := strings.CutSuffix(share, "%")
	n, err := strconv.Atoi(digits)
	if err != nil || n < 0 || percent && n > 100 {
		at.add(path, "want a number or a percentage up to 100%%, got %s", fieldpath.Quote(share))
		return 0, false
	}
	return n, true
}

func seconds(n int) time.Duration { return time.Duration(n) * time.Second }

func valueOr(p *int, otherwise int) int {
	if p == nil {
		return otherwise
	}
	return *p
}
