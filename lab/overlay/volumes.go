package overlay

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hopline/hopline/lab/internal/fieldpath"
)

// Volume is a directory that the containers of a pod share.
type Volume struct {
	Name  string
	Files []VolumeFile // sorted by path; none for an emptyDir
}

// VolumeFile is a file of a volume.
type VolumeFile struct {
	Path    string // relative, with slashes, below the volume
	Mode    int    // permissions; those of a Secret are the user's only
	Content []byte
}

// Mount is a volume, or a part of it, at a path of a container.
type Mount struct {
	Volume  string
	Path    string // absolute and clean, with slashes
	SubPath string // relative and clean; "" for the whole volume
}

// volumeManifest lists the fields of a volume that the lab supports.
type volumeManifest struct {
	Name      string `field:"name,required"`
	ConfigMap *struct {
		Name        string       `field:"name,required"`
		Items       []volumeItem `field:"items"`
		DefaultMode *int         `field:"defaultMode" does:"default 0644"`
		Optional    bool         `field:"optional"`
	} `field:"configMap"`
	Secret *struct {
		SecretName  string       `field:"secretName,required"`
		Items       []volumeItem `field:"items"`
		DefaultMode *int         `field:"defaultMode" does:"only the bits of the user; default 0600"`
		Optional    bool         `field:"optional"`
	} `field:"secret"`
	EmptyDir *struct {
		Medium    string      `field:"medium,accepted"`
		SizeLimit intOrString `field:"sizeLimit,accepted"`
	} `field:"emptyDir"`

	Projected             anything `field:"projected,refused" why:"use a volume for each source"`
	DownwardAPI           anything `field:"downwardAPI,refused" why:"use env with a fieldRef"`
	HostPath              anything `field:"hostPath,refused" why:"a laptop is not a node of a cluster; use emptyDir"`
	PersistentVolumeClaim anything `field:"persistentVolumeClaim,refused" why:"the lab keeps no data after a pod's end; use emptyDir"`
	Ephemeral             anything `field:"ephemeral,refused" why:"the lab keeps no data after a pod's end; use emptyDir"`
	CSI                   anything `field:"csi,refused" why:"the lab has no volume drivers"`
	NFS                   anything `field:"nfs,refused" why:"the lab mounts no file systems"`
}

// volumeItem is a key of a ConfigMap or Secret that becomes a file.
type volumeItem struct {
	Key  string `field:"key,required"`
	Path string `field:"path,required"`
	Mode *int   `field:"mode"`
}

// mountManifest lists the fields of a volume mount that the lab supports.
type mountManifest struct {
	Name      string `field:"name,required"`
	MountPath string `field:"mountPath,required" does:"arguments and variables that begin with it name the volume's directory of the pod"`
	SubPath   string `field:"subPath"`
	ReadOnly  bool   `field:"readOnly,accepted"`

	SubPathExpr       anything `field:"subPathExpr,refused" why:"use subPath"`
	MountPropagation  anything `field:"mountPropagation,refused" why:"the lab mounts no file systems"`
	RecursiveReadOnly anything `field:"recursiveReadOnly,refused" why:"the lab mounts no file systems"`
}

// maxPodFiles bounds the size of all files of a pod's volumes in bytes: a ConfigMap and a Secret have 1 MiB at most.
const maxPodFiles = 16 << 20

// volumes decodes the volumes of a pod.
func (d *decoding) volumes(at problems, namespace string, manifests []volumeManifest) (list []Volume) {
	total := 0
	for i, from := range manifests {
		v := volumeDecoding{decoding: d, at: at, path: fmt.Sprintf("spec.template.spec.volumes[%d]", i), namespace: namespace}
		if !isDNSLabel(from.Name) {
			at.add(v.path+".name", "want lower-case letters, digits and -, got %s", fieldpath.Quote(from.Name))
			continue
		}
		if slices.ContainsFunc(list, func(other Volume) bool { return other.Name == from.Name }) {
			at.add(v.path+".name", "%s appears twice", fieldpath.Quote(from.Name))
			continue
		}
		made := Volume{Name: from.Name, Files: v.files(from)}
		for _, f := range made.Files {
			total += len(f.Content)
		}
		list = append(list, made)
	}
	if total > maxPodFiles {
		at.add("spec.template.spec.volumes", "want files of at most %d bytes in all, got %d", maxPodFiles, total)
	}
	return list
}

// volumeDecoding decodes one volume.
type volumeDecoding struct {
	*decoding
	at        problems
	path      string
	namespace string
}

// files returns the files of a volume.
func (v *volumeDecoding) files(from volumeManifest) []VolumeFile {
	switch {
	case howMany(from.ConfigMap != nil, from.Secret != nil, from.EmptyDir != nil) != 1:
		v.at.add(v.path, "want one of configMap, secret and emptyDir")
	case from.ConfigMap != nil:
		data := v.find(v.at, v.path+".configMap.name", "ConfigMap", v.namespace, from.ConfigMap.Name, from.ConfigMap.Optional)
		p := projection{data: data, items: from.ConfigMap.Items, optional: from.ConfigMap.Optional, mode: valueOr(from.ConfigMap.DefaultMode, 0o644), mask: 0o777}
		return v.project(v.path+".configMap", p)
	case from.Secret != nil:
		data := v.find(v.at, v.path+".secret.secretName", "Secret", v.namespace, from.Secret.SecretName, from.Secret.Optional)
		p := projection{data: data, items: from.Secret.Items, optional: from.Secret.Optional, mode: valueOr(from.Secret.DefaultMode, 0o600), mask: 0o700}
		return v.project(v.path+".secret", p)
	}
	return nil
}

// projection describes how the data of a ConfigMap or Secret become files.
type projection struct {
	data       Data         // empty if there is none
	items      []volumeItem // all keys if there are none
	optional   bool
	mode, mask int
}

// project returns the files of data. It reports paths that leave the volume, and invalid modes.
func (v *volumeDecoding) project(at string, p projection) (files []VolumeFile) {
	checkMode := func(path string, mode int) int {
		if mode < 0 || mode > 0o777 {
			v.at.add(path, "want permissions from 0 to 0777, got %#o", mode)
		}
		return mode & p.mask
	}
	mode := checkMode(at+".defaultMode", p.mode)
	data := map[string][]byte{}
	maps.Copy(data, p.data.Binary)
	maps.Copy(data, p.data.Values)
	if p.items == nil {
		for _, key := range slices.Sorted(maps.Keys(data)) {
			if !isLocal(key) || strings.Contains(key, "/") {
				v.at.add(at, "the key %s cannot be the name of a file: list items with paths", fieldpath.Quote(key))
				continue
			}
			files = append(files, VolumeFile{Path: key, Mode: mode, Content: data[key]})
		}
		return files
	}
	for i, item := range p.items {
		own := fmt.Sprintf("%s.items[%d]", at, i)
		content, ok := data[item.Key]
		switch {
		case !isLocal(item.Path):
			v.at.add(own+".path", "want a relative path below the volume, got %s", fieldpath.Quote(item.Path))
		case slices.ContainsFunc(files, func(f VolumeFile) bool { return f.Path == path.Clean(item.Path) }):
			v.at.add(own+".path", "%s appears twice", fieldpath.Quote(item.Path))
		case !ok && !p.optional && p.data.Name != "":
			v.at.add(own+".key", "there is no key %s", fieldpath.Quote(item.Key))
		case ok:
			files = append(files, VolumeFile{Path: path.Clean(item.Path), Mode: checkMode(own+".mode", valueOr(item.Mode, mode)), Content: content})
		}
	}
	slices.SortFunc(files, func(a, b VolumeFile) int { return cmp.Compare(a.Path, b.Path) })
	return files
}

// isLocal reports whether a path with slashes stays below the directory that it is relative to, on every system: a backslash separates on
// Windows, and a colon follows a drive.
func isLocal(name string) bool {
	return filepath.IsLocal(filepath.FromSlash(name)) && path.Clean(name) != "." && !strings.ContainsAny(name, "\\:\x00") &&
		!slices.Contains(strings.Split(name, "/"), "..")
}

// mounts decodes the volume mounts of a container.
func (c *containerDecoding) mounts() (list []Mount) {
	for i, from := range c.from.VolumeMounts {
		at := fmt.Sprintf("%s.volumeMounts[%d]", c.path, i)
		v := slices.IndexFunc(c.pod.Volumes, func(v Volume) bool { return v.Name == from.Name })
		if v < 0 {
			c.at.add(at+".name", "the pod has no volume %s", fieldpath.Quote(from.Name))
			continue
		}
		clean := path.Clean(from.MountPath)
		switch {
		case !path.IsAbs(from.MountPath) || clean == "/" || slices.Contains(strings.Split(from.MountPath, "/"), ".."):
			c.at.add(at+".mountPath", "want an absolute path other than /, without .., got %s", fieldpath.Quote(from.MountPath))
			continue
		case slices.ContainsFunc(list, func(m Mount) bool { return m.Path == clean }):
			c.at.add(at+".mountPath", "%s appears twice", fieldpath.Quote(from.MountPath))
			continue
		}
		m := Mount{Volume: from.Name, Path: clean}
		if from.SubPath != "" {
			if !isLocal(from.SubPath) {
				c.at.add(at+".subPath", "want a relative path below the volume, got %s", fieldpath.Quote(from.SubPath))
				continue
			}
			m.SubPath = path.Clean(from.SubPath)
			c.checkSubPath(at+".subPath", &c.pod.Volumes[v], m.SubPath)
		}
		list = append(list, m)
	}
	return list
}

// checkSubPath reports a subPath that a volume with files does not have. A subPath of an emptyDir is created.
func (c *containerDecoding) checkSubPath(at string, v *Volume, sub string) {
	if len(v.Files) > 0 && !slices.ContainsFunc(v.Files, func(f VolumeFile) bool { return f.Path == sub || strings.HasPrefix(f.Path, sub+"/") }) {
		c.at.add(at, "the volume %s has no %s", v.Name, fieldpath.Quote(sub))
	}
}

// secretManifest lists the fields of a Secret that the lab supports.
type secretManifest struct {
	objectManifest
	Data       map[string]string `field:"data" does:"in base64; environment and files of containers"`
	StringData map[string]string `field:"stringData"`
	Type       string            `field:"type" does:"any"`
	Immutable  bool              `field:"immutable,accepted"`
}

func addSecret(d *decoding, m Meta, decoded any) {
	from := decoded.(*secretManifest)
	at := problems{report: d.report, object: m.String()}
	s := Data{Meta: m, Values: decodeBase64(at, "data", from.Data)}
	maps.Copy(s.Values, bytesOf(from.StringData)) // which wins, as in Kubernetes
	d.overlay.Secrets = append(d.overlay.Secrets, s)
}

func bytesOf(texts map[string]string) map[string][]byte {
	data := make(map[string][]byte, len(texts))
	for key, text := range texts {
		data[key] = []byte(text)
	}
	return data
}

// decodeBase64 decodes the values of a ConfigMap's binaryData or of a Secret. A value is not repeated in a message: it may be secret.
func decodeBase64(at problems, field string, from map[string]string) map[string][]byte {
	data := map[string][]byte{}
	for key, text := range from {
		content, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			at.add(fieldpath.Join(field, key), "want base64: %v", err)
		}
		data[key] = content
	}
	return data
}
