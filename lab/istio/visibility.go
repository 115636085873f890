package istio

import (
	"slices"
	"strings"
)

// ExportToAnnotation is the annotation of a Service that has the meaning of the field exportTo.
const ExportToAnnotation = "networking.istio.io/exportTo"

// ParseExportTo splits the value of ExportToAnnotation; nil for an empty value.
func ParseExportTo(value string) []string {
	if value == "" {
		return nil
	}
	parts := strings.Split(value, ",")
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	return parts
}

// IsPublic reports whether an exportTo names all namespaces: "*", or an empty list.
func IsPublic(exportTo []string) bool { return len(exportTo) == 0 || slices.Contains(exportTo, "*") }

// VisibleFrom reports whether sidecars and gateways of a namespace see an object of namespace owner with this exportTo: "*" and an empty
// list mean all namespaces, "." its own, "~" none.
// (https://istio.io/latest/docs/reference/config/networking/virtual-service/#VirtualService, field exportTo)
func VisibleFrom(exportTo []string, owner, namespace string) bool {
	return IsPublic(exportTo) || slices.Contains(exportTo, namespace) || namespace == owner && slices.Contains(exportTo, ".")
}
