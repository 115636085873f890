package overlay

// checkReferences reports what leads nowhere.
func checkReferences(o *Overlay, report *Report) {
}
