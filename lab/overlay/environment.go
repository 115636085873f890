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
		data, ok, secret := map[string]string(nil), false, from.SecretRef != nil
		if secret {
			data, ok = c.secret(path+".secretRef.name", from.SecretRef.Name, from.SecretRef.Optional)
		} else {
			data, ok = c.configMap(path+".configMapRef.name", from.ConfigMapRef.Name, from.ConfigMapRef.Optional)
		}
		if !ok {
			continue
		}
		for _, key := range slices.Sorted(maps.Keys(data)) {
			env = append(env, EnvVar{Name: from.Prefix + key, Value: literal(data[key]), Secret: secret})
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
	sources := 0
	for _, there := range []bool{ref.FieldRef != nil, ref.ConfigMapKeyRef != nil, ref.SecretKeyRef != nil} {
		if there {
			sources++
		}
	}
	path += ".valueFrom"
	switch {
	case v.Value != "":
		c.at.add(strings.TrimSuffix(path, ".valueFrom"), "want value or valueFrom, got both")
	case sources != 1:
		c.at.add(path, "want one of fieldRef, configMapKeyRef and secretKeyRef")
	case ref.FieldRef != nil:
		e.Field = ref.FieldRef.FieldPath
		if v := ref.FieldRef.APIVersion; v != "" && v != "v1" {
			c.at.add(path+".fieldRef.apiVersion", "want v1, got %s", fieldpath.Quote(v))
		}
		c.checkField(path+".fieldRef.fieldPath", e.Field)
	case ref.ConfigMapKeyRef != nil:
		data, there := c.configMap(path+".configMapKeyRef.name", ref.ConfigMapKeyRef.Name, ref.ConfigMapKeyRef.Optional)
		e.Value, ok = c.key(path+".configMapKeyRef.key", "ConfigMap", ref.ConfigMapKeyRef, data, there)
		return e, ok
	default:
		data, there := c.secret(path+".secretKeyRef.name", ref.SecretKeyRef.Name, ref.SecretKeyRef.Optional)
		e.Secret = true
		e.Value, ok = c.key(path+".secretKeyRef.key", "Secret", ref.SecretKeyRef, data, there)
		return e, ok
	}
	return e, true
}

// key returns the value of a key, as a literal. It reports a key that is missing in existing data.
func (c *containerDecoding) key(path, kind string, ref *keyRefManifest, data map[string]string, there bool) (value string, ok bool) {
	value, ok = data[ref.Key]
	if there && !ok && !ref.Optional && !c.doubts.mention(ref.Key, kind) {
		c.at.add(path, "%s %s/%s has no key %s", kind, c.namespace, ref.Name, fieldpath.Quote(ref.Key))
	}
	return literal(value), ok
}

// secret returns the data of a Secret of the pod's namespace.
func (c *containerDecoding) secret(path, name string, optional bool) (map[string]string, bool) {
	for _, s := range c.secrets {
		if s.Namespace == c.namespace && s.Name == name {
			data := map[string]string{}
			for key, content := range s.Data {
				data[key] = string(content)
			}
			return data, true
		}
	}
	if !optional && !c.doubts.mention(name, "Secret") {
		c.at.add(path, "no Secret %s/%s", c.namespace, name)
	}
	return nil, false
}

// configMap returns the data of a ConfigMap of the pod's namespace.
func (c *containerDecoding) configMap(path, name string, optional bool) (map[string]string, bool) {
	for _, m := range c.configMaps {
		if m.Namespace == c.namespace && m.Name == name {
			return m.Data, true
		}
	}
	if !optional && !c.doubts.mention(name, "ConfigMap") {
		c.at.add(path, "no ConfigMap %s/%s", c.namespace, name)
	}
	return nil, false
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
func literal(value string) string { return strings.ReplaceAll(value, "$(", "$$(") }

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
