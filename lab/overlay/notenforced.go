package overlay

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// NotEnforcedLine lists in one line what the overlay contains that the lab accepts but does not enforce; "" if there is nothing.
func (o *Overlay) NotEnforcedLine() string {
	count := map[string]int{}
	for _, m := range o.NotEnforced {
		count[m.Kind]++
	}
	var parts []string
	for _, kind := range slices.Sorted(maps.Keys(count)) {
		parts = append(parts, fmt.Sprintf("%s (%d)", kind, count[kind]))
	}
	var fields []string
	for _, f := range o.NotEnforcedFields {
		_, name, _ := strings.Cut(f, " ")
		fields = append(fields, name)
	}
	slices.Sort(fields)
	parts = append(parts, slices.Compact(fields)...)
	if len(parts) == 0 {
		return ""
	}
	return "accepted but not enforced: " + strings.Join(parts, ", ")
}

// The manifests below are not enforced, but all their fields are listed, so that a typing error is found on the laptop and not in the
// cluster.

type networkPolicyManifest struct {
	objectManifest
	Spec struct {
		PodSelector selectorManifest `field:"podSelector"`
		PolicyTypes []string         `field:"policyTypes"`
		Ingress     []struct {
			From  []peerManifest     `field:"from"`
			Ports []peerPortManifest `field:"ports"`
		} `field:"ingress"`
		Egress []struct {
			To    []peerManifest     `field:"to"`
			Ports []peerPortManifest `field:"ports"`
		} `field:"egress"`
	} `field:"spec,required"`
}

type peerManifest struct {
	PodSelector       selectorManifest `field:"podSelector"`
	NamespaceSelector selectorManifest `field:"namespaceSelector"`
	IPBlock           struct {
		CIDR   string   `field:"cidr,required"`
		Except []string `field:"except"`
	} `field:"ipBlock"`
}

type peerPortManifest struct {
	Port     intOrString `field:"port"`
	EndPort  int         `field:"endPort"`
	Protocol string      `field:"protocol"`
}

type selectorManifest struct {
	MatchLabels      map[string]string `field:"matchLabels"`
	MatchExpressions []struct {
		Key      string   `field:"key,required"`
		Operator string   `field:"operator,required"`
		Values   []string `field:"values"`
	} `field:"matchExpressions"`
}

type disruptionBudgetManifest struct {
	objectManifest
	Spec struct {
		MinAvailable               intOrString      `field:"minAvailable"`
		MaxUnavailable             intOrString      `field:"maxUnavailable"`
		Selector                   selectorManifest `field:"selector,required"`
		UnhealthyPodEvictionPolicy string           `field:"unhealthyPodEvictionPolicy"`
	} `field:"spec,required"`
}

type podSecurityManifest struct {
	RunAsNonRoot        bool            `field:"runAsNonRoot"`
	RunAsUser           int             `field:"runAsUser"`
	RunAsGroup          int             `field:"runAsGroup"`
	FSGroup             int             `field:"fsGroup"`
	FSGroupChangePolicy string          `field:"fsGroupChangePolicy"`
	SupplementalGroups  []int           `field:"supplementalGroups"`
	SeccompProfile      seccompManifest `field:"seccompProfile"`
}

type containerSecurityManifest struct {
	AllowPrivilegeEscalation bool `field:"allowPrivilegeEscalation"`
	Privileged               bool `field:"privileged"`
	ReadOnlyRootFilesystem   bool `field:"readOnlyRootFilesystem"`
	RunAsNonRoot             bool `field:"runAsNonRoot"`
	RunAsUser                int  `field:"runAsUser"`
	RunAsGroup               int  `field:"runAsGroup"`
	Capabilities             struct {
		Add  []string `field:"add"`
		Drop []string `field:"drop"`
	} `field:"capabilities"`
	SeccompProfile seccompManifest `field:"seccompProfile"`
}

type seccompManifest struct {
	Type             string `field:"type,required"`
	LocalhostProfile string `field:"localhostProfile"`
}

type resourcesManifest struct {
	Requests map[string]intOrString `field:"requests"`
	Limits   map[string]intOrString `field:"limits"`
}

type spreadManifest struct {
	MaxSkew            int              `field:"maxSkew,required"`
	MinDomains         int              `field:"minDomains"`
	TopologyKey        string           `field:"topologyKey,required"`
	WhenUnsatisfiable  string           `field:"whenUnsatisfiable,required"`
	LabelSelector      selectorManifest `field:"labelSelector"`
	MatchLabelKeys     []string         `field:"matchLabelKeys"`
	NodeAffinityPolicy string           `field:"nodeAffinityPolicy"`
	NodeTaintsPolicy   string           `field:"nodeTaintsPolicy"`
}

type tolerationManifest struct {
	Key               string `field:"key"`
	Operator          string `field:"operator"`
	Value             string `field:"value"`
	Effect            string `field:"effect"`
	TolerationSeconds int    `field:"tolerationSeconds"`
}
