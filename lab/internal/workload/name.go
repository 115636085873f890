package workload

import (
	"encoding/json"
	"hash/fnv"
	"math/rand/v2"
	"strconv"

	"github.com/hopline/hopline/lab/overlay"
)

// alphabet holds the characters of Kubernetes' random names (k8s.io/apimachinery/pkg/util/rand): no vowels and no characters that are
// easily misread, so that no name is a word.
const alphabet = "bcdfghjklmnpqrstvwxz2456789"

// templateHash distinguishes the pods of one template from those of another, as the label pod-template-hash does in Kubernetes.
func templateHash(t overlay.PodTemplate) string {
	data, err := json.Marshal(t) // maps are written in the order of their keys, so that equal templates give equal bytes
	if err != nil {
		panic("workload: a pod template that does not marshal: " + err.Error()) // strings and numbers always marshal
	}
	sum := fnv.New32a()
	_, _ = sum.Write(data)
	digits := []byte(strconv.FormatUint(uint64(sum.Sum32()), 10))
	for i, c := range digits {
		digits[i] = alphabet[int(c)%len(alphabet)]
	}
	return string(digits)
}

// podName returns a name as Kubernetes gives it to a Deployment's pods: front-amber-6b8f7c9d54-x7k2p.
func podName(deployment, hash string) string {
	suffix := make([]byte, 5)
	for i := range suffix {
		suffix[i] = alphabet[rand.IntN(len(alphabet))]
	}
	return deployment + "-" + hash + "-" + string(suffix)
}
