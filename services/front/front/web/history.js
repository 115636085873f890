// The calls made so far, as many as are kept, and the shares counted over the last of them.

const kept = 500;

class History {
  calls = []; // newest first
  made = 0;

  add(call) {
    call.number = ++this.made;
    this.calls.unshift(call);
    this.calls.length = Math.min(this.calls.length, kept);
  }

  clear() {
    this.calls = [];
  }

  // shares counts for each service which versions responded, over the newest n calls, and the calls that got no response from it:
  // [{service, total, versions: [{version, count}], failed}]. Without the latter, the versions that still respond would seem to get all.
  shares(n) {
    const services = new Map();
    const of = (service) => {
      if (!services.has(service)) services.set(service, { versions: new Map(), failed: 0 });
      return services.get(service);
    };
    for (const call of this.calls.slice(0, n)) {
      for (const { service, version } of call.hops) {
        const { versions } = of(service);
        versions.set(version, (versions.get(version) ?? 0) + 1);
      }
      const silent = silentHop(call);
      if (silent) of(silent).failed++;
    }
    return [...services]
      .sort(([a], [b]) => byWay(a, b))
      .map(([service, { versions, failed }]) => ({
        service,
        total: [...versions.values()].reduce((sum, count) => sum + count, failed),
        versions: [...versions].map(([version, count]) => ({ version, count })).sort((a, b) => byVersion(a.version, b.version)),
        failed,
      }));
  }
}

// The services that a call goes through, as far as they are counted.
const ways = { hops: ["front", "middle", "core"], "slow-page": ["front", "middle", "core"], "fast-page": ["front"] };

// silentHop returns the service that did not respond to a failed call: the one after the last hop that responded. A hop that failed by
// itself has responded, and an injected failure names its hop.
function silentHop(call) {
  if (!call.failed || call.injected) return "";
  const last = call.hops.at(-1);
  if (!last) return ways[call.what][0];
  const place = ways[call.what].indexOf(last.service);
  return place < 0 ? "" : (ways[call.what][place + 1] ?? "");
}
