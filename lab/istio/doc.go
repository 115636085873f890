// Package istio holds the vocabulary of Istio that other packages of the lab share: how it completes and compares host names, which
// namespaces an exportTo names, the conditions of retries, label selectors, the matches, destinations and mirrors of a rule, expressions that
// match a whole text, and the gateways of its own installation. It has no type for an object: those are istio.io/api's.
package istio
