package overlay

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/hopline/hopline/lab/internal/fieldpath"
)

// env decodes the environment of a container: first envFrom, then env. Of two equal names the later wins, as in Kubernetes. References to
// ConfigMaps and Secrets become literals.
func (c *containerDecoding) env() (env []EnvVar) {
	for i, from := range c.from.EnvFrom {
		path := fmt.Sprintf("%s.envFrom[%d]", c.path, i)
		if (from.ConfigMapRef == nil) == (from.SecretRef == nil) {
			c.at.add(path, "want one of configMapRef and secretRef")
			continue
		}
		field, kind, ref := "configMapRef", "ConfigMap", from.ConfigMapRef
		if ref == nil {
			field, kind, ref = "secretRef", "Secret", from.SecretRef
		}
		data := c.find(c.at, path+"."+field+".name", kind, c.namespace, ref.Name, ref.Optional)
		for _, key := range slices.Sorted(maps.Keys(data.Values)) {
			env = append(env, EnvVar{Name: from.Prefix + key, Value: literal(data.Values[key]), Secret: kind == "Secret"})
		}
	}
	for i, v := range c.from.Env {
		if e, ok := c.variable(fmt.Sprintf("%s.env[%d]", c.path, i), v); ok {
			env = append(env, e)
		}
	}
	return lastOfEach(env)
}

// variable decodes one variable. It is false for a reference that is optional and has no value.
func (c *containerDecoding) variable(path string, v envManifest) (e EnvVar, ok bool) {
	if !envName.MatchString(v.Name) {
		c.at.add(path+".name", "want printable characters without =, got %s", fieldpath.Quote(v.Name))
	}
	e = EnvVar{Name: v.Name, Value: v.Value}
	if v.ValueFrom == nil {
		return e, true
	}
	ref := v.ValueFrom
	path += ".valueFrom"
	switch {
	case v.Value != "":
		c.at.add(strings.TrimSuffix(path, ".valueFrom"), "want value or valueFrom, got both")
	case howMany(ref.FieldRef != nil, ref.ConfigMapKeyRef != nil, ref.SecretKeyRef != nil) != 1:
		c.at.add(path, "want one of fieldRef, configMapKeyRef and secretKeyRef")
	case ref.FieldRef != nil:
		e.Field = ref.FieldRef.FieldPath
		if v := ref.FieldRef.APIVersion; v != "" && v != "v1" {
			c.at.add(path+".fieldRef.apiVersion", "want v1, got %s", fieldpath.Quote(v))
		}
		c.checkField(path+".fieldRef.fieldPath", e.Field)
	case ref.ConfigMapKeyRef != nil:
		e.Value, ok = c.key(path+".configMapKeyRef", "ConfigMap", ref.ConfigMapKeyRef)
		return e, ok
	default:
		e.Secret = true
		e.Value, ok = c.key(path+".secretKeyRef", "Secret", ref.SecretKeyRef)
		return e, ok
	}
	return e, true
}

// key returns the value of a key, as a literal. It reports a key that is missing in existing data.
func (c *containerDecoding) key(path, kind string, ref *keyRefManifest) (value string, ok bool) {
	data := c.find(c.at, path+".name", kind, c.namespace, ref.Name, ref.Optional)
	content, ok := data.Values[ref.Key]
	if data.Name != "" && !ok && !ref.Optional && !c.doubts.mention(ref.Key, kind) {
		c.at.add(path+".key", "%s %s/%s has no key %s", kind, c.namespace, ref.Name, fieldpath.Quote(ref.Key))
	}
	return literal(content), ok
}

// find returns a ConfigMap or Secret of a namespace. It is empty if there is none, which is reported unless it is optional.
func (d *decoding) find(at problems, path, kind, namespace, name string, optional bool) Data {
	for _, data := range d.data {
		if data.Kind == kind && data.Namespace == namespace && data.Name == name {
			return data
		}
	}
	if !optional && !d.doubts.mention(name, kind) {
		at.add(path, "no %s %s/%s", kind, namespace, name)
	}
	return Data{}
}

// howMany returns how many of some facts are true.
func howMany(facts ...bool) (n int) {
	for _, fact := range facts {
		if fact {
			n++
		}
	}
	return n
}

// Downward API fields that have a key.
var keyed = regexp.MustCompile(`^metadata\.(labels|annotations)\['([^']+)'\]$`)

// checkField checks a downward API field. It refuses fields for which the lab has no correct value, such as addresses of pods.
func (c *containerDecoding) checkField(path, field string) {
	switch field {
	case "metadata.name", "metadata.namespace", "spec.serviceAccountName":
		return
	}
	m := keyed.FindStringSubmatch(field)
	if m == nil {
		c.at.add(path, "%s is not supported by the lab: want metadata.name, metadata.namespace, metadata.labels['…'], metadata.annotations['…'] or spec.serviceAccountName", fieldpath.Quote(field))
		return
	}
	of := map[string]map[string]string{"labels": c.pod.Labels, "annotations": c.pod.Annotations}[m[1]]
	if _, ok := of[m[2]]; !ok {
		c.at.add(path, "the template's metadata.%s has no %s", m[1], fieldpath.Quote(m[2]))
	}
}

// lastOfEach keeps, of several variables with the same name, the last one, at its position.
func lastOfEach(env []EnvVar) []EnvVar {
	last := map[string]int{}
	for i, e := range env {
		last[e.Name] = i
	}
	kept := env[:0]
	for i, e := range env {
		if last[e.Name] == i {
			kept = append(kept, e)
		}
	}
	return kept
}

// literal protects a value from expansion: Kubernetes expands $(NAME) only in value, never in values from a ConfigMap.
func literal(value []byte) string { return strings.ReplaceAll(string(value), "$(", "$$(") }

// Environ returns the environment of a process of the container as NAME=value, in the manifest's order. It calls field for the downward
// API's fields. As in Kubernetes, $(NAME) in a value is replaced by a variable before it or in extra, $$(NAME) becomes $(NAME), and an
// unknown name is left unchanged.
func (c Container) Environ(field func(path string) string, extra map[string]string) []string {
	known := maps.Clone(extra)
	if known == nil {
		known = map[string]string{}
	}
	environ := make([]string, 0, len(c.Env))
	for _, e := range c.Env {
		value := e.Value
		if e.Field != "" {
			value = field(e.Field)
		} else {
			value = Expand(value, known)
		}
		known[e.Name] = value
		environ = append(environ, e.Name+"="+value)
	}
	return environ
}

// Expand replaces $(NAME) by the variable's value, by the rules of Kubernetes' third_party/forked/golang/expansion: $$ becomes $, and an
// unknown name is left unchanged.
func Expand(s string, known map[string]string) string {
	var out strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '$' || i+1 == len(s) {
			out.WriteByte(s[i])
			continue
		}
		switch s[i+1] {
		case '$':
			out.WriteByte('$')
			i++
		case '(':
			end := strings.IndexByte(s[i:], ')')
			if end < 0 {
				out.WriteString("$(")
				i++
				continue
			}
			name := s[i+2 : i+end]
			if v, ok := known[name]; ok {
				out.WriteString(v)
			} else {
				out.WriteString("$(" + name + ")")
			}
			i += end
		default:
			out.WriteByte('$')
		}
	}
	return out.String()
}
