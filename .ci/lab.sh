# lab.sh: for the scripts that start a lab; they source it.

# shellcheck disable=SC2034
ports=(--ingress-port 0 --console-port 0 --zipkin-port 0 --otlp-port 0) # any free ones

# ready LOG PROCESS SECONDS: waits until the lab has printed its addresses. If it has not by then, or the process has ended, it prints why.
ready() {
	local left=$(($3 * 10))
	until grep -qs '^  OTLP' "$1"; do
		left=$((left - 1))
		if [ $left -le 0 ] || ! kill -0 "$2" 2>/dev/null; then
			echo "${0##*/}: the lab does not start; it printed" >&2
			cat "$1" >&2
			return 1
		fi
		sleep 0.1
	done
}

# address LABEL LOG: prints an address of the lab, with a slash at the end: Page, Console, Zipkin.
address() { sed -n "s|^  $1 *\\(http://[^ ]*/\\).*|\\1|p" "$2" | tail -n 1; }
