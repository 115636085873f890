package overlay

import (
	"encoding/json"
	"path/filepath"
)

// modernize replaces the deprecated fields of a kustomization file by those that kustomize itself would write today ("kustomize edit fix"),
// and removes the generator of Secrets, which do not affect routing and whose files are rarely in a repository. Kustomize reads the
// result instead of the file.
func (in *inspector) modernize(path string, value any) {
	k, ok := value.(map[string]any)
	if !ok {
		return
	}
	bases, tags := in.rename(k, "bases", "resources"), in.rename(k, "imageTags", "images")
	changed := bases || tags
	for _, old := range []string{"patchesStrategicMerge", "patchesJson6902"} {
		entries, ok := k[old].([]any)
		if !ok {
			continue
		}
		patches, _ := k["patches"].([]any)
		for _, e := range entries {
			patches = append(patches, in.asPatch(path, e))
		}
		k["patches"] = patches
		delete(k, old)
		changed = true
	}
	if labels, ok := k["commonLabels"].(map[string]any); ok {
		list, _ := k["labels"].([]any)
		k["labels"] = append(list, map[string]any{"pairs": labels, "includeSelectors": true})
		delete(k, "commonLabels")
		changed = true
	}
	if _, ok := k["secretGenerator"]; ok {
		delete(k, "secretGenerator")
		changed = true
	}
	if !changed {
		return
	}
	if encoded, err := json.Marshal(k); err == nil {
		in.disk.Amended[in.disk.Resolve(path)] = encoded
	}
}

// rename moves the elements of a list to another one.
func (in *inspector) rename(k map[string]any, old, current string) bool {
	entries, ok := k[old].([]any)
	if ok {
		list, _ := k[current].([]any)
		k[current] = append(list, entries...)
		delete(k, old)
	}
	return ok
}

// asPatch returns an entry of patchesStrategicMerge, which is a path or the patch itself, or of patchesJson6902 as one of patches.
func (in *inspector) asPatch(kustomization string, entry any) any {
	text, ok := entry.(string)
	switch {
	case !ok:
		return entry
	case in.disk.Exists(filepath.Join(filepath.Dir(kustomization), text)):
		return map[string]any{"path": text}
	}
	return map[string]any{"patch": text}
}
